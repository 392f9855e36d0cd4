"""The timeline: what runs and comes, by whomever, from the cloud's lists and the book."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from examples import SERIAL, static
from redback.cloud import DailySchedule, Envelope, Schedule, Schedules
from redback.controls.book import Own
from redback.controls.timeline import Entry, timeline
from redback.sensors.details import Details

# A Monday, 12:02 in Brisbane.
NOW = datetime(2026, 3, 2, 2, 2, tzinfo=UTC)
SITE = static().site_id or ""


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def own(start: float, end: float, key: str = "mine", **more: Any) -> Own:  # noqa: ANN401 - handed on
    fields = {"action": "charge", "power": 3000, "by": "mqtt", "is_made": True, **more}
    fields.setdefault("created", at(min(start, 0)))
    return Own(serial=SERIAL, start=at(start), end=at(end), key=key, **fields)


def schedule(start: float, minutes: float, key: str = "theirs", **more: Any) -> Schedule:  # noqa: ANN401
    fields = {"mode": "ExportPower", "power_w": 5000, **more}
    duration = timedelta(minutes=minutes)
    return Schedule(schedule_id=key, start=at(start), duration=duration, **fields)


def envelope(event_id: str | None = "e", **more: Any) -> Envelope:  # noqa: ANN401 - handed on
    fields = {"max_export_w": 0, "of_network": False, "status": "Scheduled", **more}
    return Envelope(event_id=event_id, start=at(10), end=at(70), **fields)


def daily(days: str | None, hour: float = 2, **more: Any) -> DailySchedule:  # noqa: ANN401
    fields = {"zone": "Australia/Brisbane", "mode": "ChargeBattery", "power_w": 2000, **more}
    start, duration = timedelta(hours=hour), timedelta(minutes=90)
    return DailySchedule(start=start, duration=duration, days=days, **fields)


def shown(
    *listed: Schedule | Envelope | DailySchedule, ours: tuple[Own, ...] = ()
) -> tuple[Entry, ...]:
    """Return the timeline of what the cloud lists, and what the book has."""
    schedules = Schedules(
        once=tuple(one for one in listed if isinstance(one, Schedule)),
        daily=tuple(one for one in listed if isinstance(one, DailySchedule)),
    )
    envelopes = tuple(one for one in listed if isinstance(one, Envelope))
    details = Details(static(), schedules=schedules, envelopes=envelopes)
    return timeline(SERIAL, details, ours, NOW, UTC)


def test_before_anything_is_read_what_is_ours_is_shown() -> None:
    (entry,) = timeline(SERIAL, Details(), (own(-5, 55),), NOW)
    assert (entry.key, entry.whose, entry.action, entry.by) == ("mine", "own", "charge", "mqtt")
    assert entry.runs_at(NOW)
    assert not entry.is_listed


def test_what_is_ours_and_listed_is_there_once_and_everything_is_sorted_by_its_start() -> None:
    entries = shown(
        schedule(60, 5),
        schedule(-5, 60, "mine", mode="ChargeBattery", power_w=3000),
        envelope(),
        ours=(own(-5, 55),),
    )
    assert [(one.key, one.whose) for one in entries] == [
        ("mine", "own"),
        ("e", "other"),
        ("theirs", "other"),
    ]
    assert entries[0].is_listed
    assert [one.runs_at(NOW) for one in entries] == [True, False, False]
    assert all(one.can_delete for one in entries)


def test_what_is_over_or_without_effect_is_not_shown() -> None:
    over = schedule(-60, 30)
    assert shown(over, envelope(status="Cancelled"), ours=(own(-60, -1),)) == ()


def test_modes_that_nobody_knows_are_kept_as_text() -> None:
    first, second = shown(schedule(0, 5, "a", mode="Dance"), schedule(1, 5, "b", mode=None))
    assert (first.action, second.action) == ("Dance", "")


def test_what_is_replaced_runs_until_its_successor_begins() -> None:
    old = own(-60, 120, "old")
    late, soon = own(30, 90, "late"), own(-1, 90, "soon")
    assert [(one.key, one.end) for one in shown(ours=(old, late))] == [
        ("old", at(30)),
        ("late", at(90)),
    ]
    assert [one.key for one in shown(schedule(-60, 180, "old"), ours=(old, soon))] == ["soon"]


def test_what_had_not_begun_when_it_was_replaced_is_not_shown() -> None:
    old, new = own(30, 120, "old", created=at(-1)), own(60, 90, "new")
    assert [one.key for one in shown(ours=(old, new))] == ["new"]


def test_what_was_cancelled_before_it_was_seen_is_not_shown() -> None:
    unseen = own(-1, 59, "", is_made=False, cancelled=at(-0.5))
    assert shown(ours=(unseen,)) == ()


def test_an_envelope_has_its_limits_by_the_names_of_a_command() -> None:
    export, both = shown(envelope("a"), envelope("b", max_import_w=5))
    assert (export.action, export.power, export.limits) == ("limit_export", 0, {"max_export": 0})
    assert (both.action, both.power) == ("limit", None)
    assert both.limits == {"max_import": 5, "max_export": 0}
    assert both.is_limit


def test_only_what_is_surely_not_the_networks_can_be_deleted() -> None:
    cases = [
        (envelope(), True),
        (envelope(of_network=True), False),
        (envelope(of_network=None), False),
        (envelope(None), False),
    ]
    for one, can_delete in cases:
        (entry,) = shown(one)
        assert entry.can_delete is can_delete
        assert (entry.whose == "network") is (one.of_network is True)
    # All with its event id would go with it.
    assert not any(one.can_delete for one in shown(envelope(), envelope(of_network=True)))


def test_a_daily_schedule_is_shown_on_its_days_in_its_own_zone() -> None:
    first, second = shown(daily("Weekdays"))
    assert first.start == datetime(2026, 3, 2, 16, tzinfo=UTC)  # Tuesday, 2:00 in Brisbane
    assert first.end - first.start == timedelta(minutes=90)
    assert second.start == datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert first.daily is not None
    assert (first.daily.start, first.daily.days) == (timedelta(hours=2), "Weekdays")
    assert (first.action, first.can_delete, first.is_daily) == ("charge", False, True)


def test_a_daily_schedule_that_began_yesterday_still_runs() -> None:
    entries = shown(daily("Sunday", 23.5, zone="Etc/UTC"))
    assert entries == ()  # over at 1:00
    late = structs.replace(daily("Sunday", 23.5, zone="Etc/UTC"), duration=timedelta(hours=3))
    (entry,) = shown(late)
    assert entry.runs_at(NOW)


def test_without_a_zone_that_is_known_a_daily_schedule_is_in_that_of_the_house() -> None:
    for zone in (None, "Mars/Olympus", "../../etc"):
        first, *_ = shown(daily("Everyday", 3, zone=zone))
        assert first.start == datetime(2026, 3, 2, 3, tzinfo=UTC)


def test_days_that_are_several_are_understood_and_others_are_shown_but_run_never_for_sure() -> None:
    both = shown(daily("Monday, tuesday", 2.05, zone="Etc/UTC"))
    assert [one.start.day for one in both] == [2, 3]
    strange = shown(daily("Fortnightly", 2.05, zone="Etc/UTC"))
    assert [one.start.day for one in strange] == [2, 3]
    assert not any(one.runs_at(NOW) for one in strange)
    assert shown(daily("Never", 2, zone="Etc/UTC")) == ()
