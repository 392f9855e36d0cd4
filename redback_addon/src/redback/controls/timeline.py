"""Everything current and planned, by whomever: the cloud's lists, and what is not listed yet."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from ..cloud import DailySchedule, Envelope, Schedule
from ..sensors.details import Details
from .book import Own, goes_from
from .command import LIMITS, MODES

Whose = Literal["own", "other", "network"]
# How far ahead daily schedules are shown.
AHEAD = timedelta(days=2)
_DAY = timedelta(days=1)
_ACTIONS = {mode: action for action, mode in MODES.items()}
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS: Mapping[str, frozenset[int]] = {
    "never": frozenset(),
    "everyday": frozenset(range(7)),
    "weekdays": frozenset(range(5)),
    "weekends": frozenset({5, 6}),
    **{name.casefold(): frozenset({number}) for number, name in enumerate(_NAMES)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """When a daily schedule repeats.

    Attributes:
        start: local time since midnight.
        duration: from its start to its end.
        days: as the cloud says it, such as `Weekdays`.
        zone: of the local times; None = that of this house.
        is_understood: whether the days are; what is not is shown on each of them.
    """

    start: timedelta
    duration: timedelta
    days: str | None
    zone: str | None
    is_understood: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One schedule or operating envelope, or one day of a daily schedule.

    Attributes:
        key: the schedule's id or the envelope's event id; empty where there is none (yet).
        is_limit: whether it is an envelope.
        whose: "own" is the add-on's, "network" the energy network's.
        action: as in a command, or the cloud's own word for a mode that is none of those.
        power: W; None where there is none.
        limits: of an envelope, W or VA, by the names of a command's fields.
        start: UTC.
        end: UTC.
        by: the door of an own one: automation, panel or mqtt.
        notes: of somebody else's schedule, what they wrote.
        daily: of a daily schedule, when it repeats.
        is_listed: whether the cloud's list has it.
        can_delete: whether `Controls.delete` may delete it.
    """

    serial: str
    key: str
    is_limit: bool
    whose: Whose
    action: str
    power: float | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    start: datetime
    end: datetime
    by: str | None = None
    notes: str | None = None
    daily: Daily | None = None
    is_listed: bool = True
    can_delete: bool = False

    @property
    def is_daily(self) -> bool:
        """Whether this is one day of a daily schedule."""
        return self.daily is not None

    def runs_at(self, moment: datetime) -> bool:
        """Whether it is active then, as far as is known."""
        is_sure = self.daily is None or self.daily.is_understood
        return is_sure and self.start <= moment < self.end


def timeline(
    serial: str, details: Details, own: Iterable[Own], now: datetime, home: tzinfo | None = None
) -> tuple[Entry, ...]:
    """Return what runs and comes, sorted by its start; `home` is the zone of this house.

    `own` is everything in the book; what has been replaced ends where its successor begins.
    """
    schedules = () if details.schedules is None else details.schedules.once
    daily = () if details.schedules is None else details.schedules.daily
    envelopes = details.envelopes or ()
    effective = {one.event_id for one in envelopes if one.has_effect}
    listed = effective | {one.schedule_id for one in schedules}
    mine = (one for one in own if one.place in {serial, details.site_id})
    ours = [one for one in mine if not one.is_missing or one.key in listed]
    keys = {one.key for one in ours if one.key}
    found = [
        *(_own(serial, one, goes_from(one, ours), is_listed=one.key in listed) for one in ours),
        *(_schedule(serial, one) for one in schedules if one.schedule_id not in keys),
        *(
            _envelope(serial, one, envelopes)
            for one in envelopes
            if one.event_id not in keys and one.has_effect
        ),
        *(entry for one in daily for entry in _days(serial, one, now, home)),
    ]
    coming = (one for one in found if one.end > now and one.end > one.start)
    return tuple(sorted(coming, key=lambda one: (one.start, one.end, one.key)))


def _own(serial: str, one: Own, goes: datetime | None, *, is_listed: bool) -> Entry:
    return Entry(
        serial=serial,
        key=one.key,
        is_limit=bool(one.site_id),
        whose="own",
        action=one.action,
        power=one.power,
        limits=one.limits,
        start=one.start,
        end=min(one.end, goes or one.end),
        by=one.by,
        is_listed=is_listed,
        can_delete=one.is_made and bool(one.key),
    )


def _schedule(serial: str, one: Schedule) -> Entry:
    mode = one.mode or ""
    return Entry(
        serial=serial,
        key=one.schedule_id,
        is_limit=False,
        whose="other",
        action=_ACTIONS.get(mode, mode),
        power=one.power_w,
        start=one.start,
        end=one.end,
        notes=one.notes,
        can_delete=True,
    )


def _envelope(serial: str, one: Envelope, others: Iterable[Envelope]) -> Entry:
    """Return an envelope; all with its event id would be deleted with it."""
    found = ((name, getattr(one, field)) for name, field in LIMITS.items())
    limits = {name: value for name, value in found if value is not None}
    is_export = set(limits) == {"max_export"}
    same = [other for other in others if other.event_id == one.event_id]
    return Entry(
        serial=serial,
        key=one.event_id or "",
        is_limit=True,
        whose="network" if one.of_network else "other",
        action="limit_export" if is_export else "limit",
        power=limits["max_export"] if is_export else None,
        limits=limits,
        start=one.start,
        end=one.end,
        can_delete=bool(one.event_id) and all(other.of_network is False for other in same),
    )


def _days(serial: str, one: DailySchedule, now: datetime, home: tzinfo | None) -> Iterator[Entry]:
    """Yield the days of a daily schedule from one that may still run on."""
    zone = _zone(one.zone) or home
    days, duration = _understood(one.days), min(one.duration, _DAY)
    daily = Daily(
        start=one.start,
        duration=duration,
        days=one.days,
        zone=one.zone,
        is_understood=days is not None,
    )
    mode = one.mode or ""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for number in range(-1, AHEAD // _DAY + 1):
        day = midnight + number * _DAY
        local = day + one.start
        start = (local.astimezone() if zone is None else local.replace(tzinfo=zone)).astimezone(
            now.tzinfo
        )
        if (days is None or day.weekday() in days) and start < now + AHEAD:
            yield Entry(
                serial=serial,
                key="",
                is_limit=False,
                whose="other",
                action=_ACTIONS.get(mode, mode),
                power=one.power_w,
                start=start,
                end=start + duration,
                daily=daily,
            )


def _understood(days: str | None) -> frozenset[int] | None:
    """Return the numbers of the days that a text names; None if it is not known what it says."""
    found = [_DAYS.get(name.strip().casefold()) for name in (days or "").split(",")]
    known = [one for one in found if one is not None]
    return frozenset().union(*known) if len(known) == len(found) else None


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, OSError, ValueError):  # unknown names, and what is no name
        return None
