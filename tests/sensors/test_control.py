"""What the cloud's schedules and envelopes say of a moment."""

from datetime import UTC, datetime, timedelta

from redback.cloud import Envelope, Schedule, Schedules
from redback.sensors.details import Details

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
