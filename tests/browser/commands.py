"""Schedules, envelopes and answers to commands, as the program keeps them; all are invented."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from redback.cloud import DailySchedule, Envelope, Schedule, Schedules
from redback.controls import Answer, Entry
from redback.controls.book import Own
from redback.controls.timeline import timeline
from redback.sensors.details import Details

# In the house's own zone, from midnight to midnight.
DAYS = [
    {"date": "2026-11-24", "start": "2026-11-23T14:00:00Z", "end": "2026-11-24T14:00:00Z"},
    {"date": "2026-11-25", "start": "2026-11-24T14:00:00Z", "end": "2026-11-25T14:00:00Z"},
]
_MIDNIGHT = datetime(2026, 11, 23, 14, tzinfo=UTC)


def at(hour: float) -> datetime:
    """Return a time of this day in the house."""
    return _MIDNIGHT + timedelta(hours=hour)


def own(action: str, power: int | None, start: float, end: float, by: str) -> Own:
    """Make a schedule of the add-on's own."""
    return Own(
        serial="",
        action=action,
        power=power,
        start=at(start),
        end=at(end),
        created=at(start),
        key=f"{action}-{start}",
        by=by,
        is_made=True,
        is_answered=True,
    )


_OWN = (own("charge", 3000, 14, 16.5, "panel"), own("discharge", 4000, 17.5, 20, "automation"))
_SCHEDULES = Schedules(
    daily=(
        DailySchedule(
            start=timedelta(hours=1),
            duration=timedelta(hours=2),
            days="Weekdays",
            zone="Australia/Brisbane",
            mode="ChargeBattery",
            power_w=2000,
        ),
    ),
    once=(
        Schedule(
            schedule_id="peak-saver",
            start=at(30),
            duration=timedelta(hours=2),
            mode="Conserve",
            notes="Peak saver",
        ),
    ),
)
_ENVELOPES = (
    Envelope(event_id="theirs", start=at(34), end=at(38), max_export_w=1500, of_network=True),
)
RECORD = (
    Answer(
        inverter="House",
        action="charge",
        result="refused",
        reason="Refused: 12,000 W is more than the battery's 5,000 W.",
        by="automation",
        at=at(13.5),
    ),
    Answer(
        inverter="House",
        action="charge",
        power=3000,
        start=at(14),
        until=at(16.5),
        result="started",
        by="panel",
        at=at(14),
    ),
    Answer(
        inverter="House",
        action="discharge",
        power=4000,
        start=at(17.5),
        until=at(20),
        result="scheduled",
        by="automation",
        at=at(14.25),
    ),
)


class ControlsOfExample:
    """What the panel asks of the controls of one inverter."""

    def __init__(self, serial: str, now: datetime) -> None:
        self._serial = serial
        self._now = now
        self.record: Sequence[Answer] = RECORD

    def timeline(self, serial: str) -> Sequence[Entry]:
        """Return what runs and comes; nothing of another inverter."""
        if serial != self._serial:
            return ()
        details = Details(schedules=_SCHEDULES, envelopes=_ENVELOPES)
        ours = [msgspec.structs.replace(one, serial=serial) for one in _OWN]
        return timeline(serial, details, ours, self._now)

    def listen(self, _: object) -> None:
        """Hear nothing."""
