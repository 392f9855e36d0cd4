"""What the cloud's schedules and envelopes say of a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from examples import SERIAL, dynamic
from redback.cloud import Envelope, Schedule, Schedules
from redback.sensors.details import Details
from redback.sensors.entities import Entities, Shown
from redback.sensors.reading import Reading

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


def schedule(start_min: float, minutes: float) -> Schedule:
    start = NOW + timedelta(minutes=start_min)
    return Schedule(schedule_id="x", start=start, duration=timedelta(minutes=minutes))


def envelope(start_min: float, watts: int | None, status: str | None = None) -> Envelope:
    start = NOW + timedelta(minutes=start_min)
    return Envelope(start=start, end=start + timedelta(hours=1), max_export_w=watts, status=status)


def test_without_schedules_nothing_is_known() -> None:
    details = Details()
    assert details.control_ends(NOW) is None
    assert details.next_schedule(NOW) is None
    assert details.export_limit_w(NOW) is None


def test_what_runs_ends_and_the_next_begins() -> None:
    details = Details(
        schedules=Schedules(
            once=(schedule(-60, 60), schedule(-30, 60), schedule(90, 5), schedule(60, 5))
        )
    )
    assert details.control_ends(NOW) == NOW + timedelta(minutes=30)
    assert details.next_schedule(NOW) == NOW + timedelta(minutes=60)
    assert details.control_ends(NOW + timedelta(minutes=30)) is None


def test_of_several_limits_the_lowest_counts_while_it_is_in_force() -> None:
    details = Details(
        envelopes=(
            envelope(-30, 3000),
            envelope(-30, 500),
            envelope(-30, None),
            envelope(-30, 0, "Cancelled"),
            envelope(30, 0),
        )
    )
    assert details.export_limit_w(NOW) == 500
    assert details.export_limit_w(NOW + timedelta(minutes=45)) == 0


CONTROL = ("control_ends", "next_schedule", "export_limit_active")


def of_control(entities: Entities, details: Details) -> list[Shown]:
    shown = entities.show(Reading(SERIAL, NOW, dynamic(), details))
    return [one for one in shown if one.key in CONTROL]


@pytest.mark.parametrize("former", [(), CONTROL])
def test_with_nothing_scheduled_all_are_unknown_as_soon_as_the_lists_are_read(
    former: tuple[str, ...],
) -> None:
    entities = Entities(detailed=False, former=former)
    assert of_control(entities, Details()) == []
    read = Details(schedules=Schedules(), envelopes=())
    assert of_control(entities, read) == [Shown(key) for key in CONTROL]


def test_without_schedules_an_inverter_has_its_limit_alone() -> None:
    (limit,) = of_control(Entities(detailed=False), Details(envelopes=()))
    assert limit == Shown("export_limit_active")
