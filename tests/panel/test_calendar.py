"""That each hour of the calendar says what is known of it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from redback.backfill import NO_READINGS, Coverage, Hour, Stage
from redback.panel.calendar import Cell, Code, calendar

SERIAL = "RB26030100000011"
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = MIDNIGHT + 6 * HOUR + timedelta(minutes=30)


@pytest.fixture
def coverage(tmp_path: Path, place: Callable[[str], None]) -> Iterator[Coverage]:
    place("Etc/UTC")
    made = Coverage(tmp_path / "history.db")
    yield made
    made.close()


def codes(coverage: Coverage, since: datetime | None = MIDNIGHT - 48 * HOUR) -> str:
    """Return the first letters of today's hours."""
    (day, *_) = calendar(coverage, SERIAL, "House", since, 2, NOW).days
    assert day.date == "2026-03-02"
    return "".join(cell.code.value[0] for cell in day.hours)


def live(coverage: Coverage, since: datetime, until: datetime, every: int = 1) -> None:
    moment = since
    while moment <= until:
        coverage.note(SERIAL, moment)
        moment += timedelta(minutes=every)


def test_hours_that_were_shown_live_are_covered(coverage: Coverage) -> None:
    live(coverage, MIDNIGHT + timedelta(seconds=40), NOW - timedelta(seconds=70))
    assert codes(coverage) == "ccccccc" + 17 * "f"


@pytest.mark.parametrize("now", [NOW, NOW - timedelta(minutes=29)])
def test_the_hours_of_an_inverter_that_reports_less_often_are_covered(
    coverage: Coverage, now: datetime
) -> None:
    live(coverage, MIDNIGHT - HOUR, now - timedelta(minutes=4), every=5)
    (day,) = calendar(coverage, SERIAL, "House", MIDNIGHT, 1, now).days
    assert {cell.code for cell in day.hours[:7]} == {Code.COVERED}


def test_an_hour_in_which_minutes_are_missing_waits(coverage: Coverage) -> None:
    live(coverage, MIDNIGHT, MIDNIGHT + 2 * HOUR + timedelta(minutes=10))
    live(coverage, MIDNIGHT + 3 * HOUR, NOW)
    assert codes(coverage) == "ccwcccc" + 17 * "f"


def test_of_the_present_hour_it_is_said_why_nothing_is_fetched_yet(coverage: Coverage) -> None:
    live(coverage, MIDNIGHT, MIDNIGHT + 5 * HOUR + timedelta(minutes=50))
    live(coverage, NOW - timedelta(minutes=10), NOW)
    (day,) = calendar(coverage, SERIAL, "House", MIDNIGHT, 1, NOW).days
    before, present = day.hours[5:7]
    assert before == Cell(MIDNIGHT + 5 * HOUR, Code.WAITING)
    assert present == Cell(MIDNIGHT + 6 * HOUR, Code.WAITING, "the hour is not over yet")


def test_what_became_of_an_hour_is_shown(coverage: Coverage) -> None:
    coverage.note(SERIAL, NOW)
    coverage.put(
        SERIAL,
        [
            Hour(MIDNIGHT, Stage.SETTLED),
            Hour(MIDNIGHT + HOUR, Stage.SETTLED, why=NO_READINGS),
            Hour(MIDNIGHT + 2 * HOUR, Stage.SETTLED, why="the sums do not meet"),
            Hour(MIDNIGHT + 3 * HOUR, Stage.WANTED),
        ],
    )
    assert codes(coverage)[:4] == "cefw"


def test_what_is_fetched_is_distinct_from_what_is_missing_and_each_says_why(
    coverage: Coverage,
) -> None:
    coverage.note(SERIAL, NOW)
    due = NOW + HOUR
    coverage.put(
        SERIAL,
        [
            Hour(MIDNIGHT, Stage.FETCHED),
            Hour(MIDNIGHT + HOUR, Stage.WANTED, due=due, why="it is broken"),
            Hour(MIDNIGHT + 2 * HOUR, Stage.SETTLED, why="the sums do not meet"),
            Hour(MIDNIGHT + 3 * HOUR, Stage.SETTLED, due=due, why=NO_READINGS),
        ],
    )
    assert codes(coverage)[:4] == "fwfe"
    (day, *_) = calendar(coverage, SERIAL, "House", MIDNIGHT, 1, NOW).days
    assert [cell.code for cell in day.hours[:3]] == ["fetched", "waiting", "failed"]
    assert [(cell.why, cell.due) for cell in day.hours[:4]] == [
        (None, None),
        ("it is broken", due),
        ("the sums do not meet", None),
        (None, due),
    ]
    assert coverage.failed(SERIAL, MIDNIGHT) == 1
    assert coverage.failed(SERIAL, MIDNIGHT + 3 * HOUR) == 0


def test_every_day_of_the_history_can_be_seen(coverage: Coverage) -> None:
    since = MIDNIGHT - 400 * 24 * HOUR
    seen: list[str] = []
    last = None
    while True:
        page = calendar(coverage, SERIAL, "House", since, 62, NOW, last=last)
        seen += [day.date for day in page.days]
        if not page.has_earlier:
            break
        last = page.days[-1].hours[0].start - HOUR
    assert len(set(seen)) == len(seen) > 400
    assert "2025-01-26" in seen
    assert not calendar(coverage, SERIAL, "House", None, 1, NOW).has_earlier


def test_no_day_after_today_is_shown(coverage: Coverage) -> None:
    page = calendar(coverage, SERIAL, "House", None, 2, NOW, last=NOW + 48 * HOUR)
    assert page.days[0].date == "2026-03-02"


def test_what_lies_before_the_history_is_not_missing(coverage: Coverage) -> None:
    assert codes(coverage, MIDNIGHT + 3 * HOUR)[:7] == "bbbwwww"
    assert codes(coverage, None)[:7] == "bbbbbbb"


def test_days_come_newest_first(coverage: Coverage) -> None:
    days = calendar(coverage, SERIAL, "House", None, 14, NOW).days
    assert [day.date for day in days][:2] == ["2026-03-02", "2026-03-01"]
    assert {len(day.hours) for day in days} == {24}


@pytest.mark.parametrize(
    ("zone", "local", "hours", "first"),
    [
        ("Australia/Adelaide", "2026-03-02T12:00", 24, "00:30"),
        ("Australia/Adelaide", "2026-04-05T12:00", 25, "00:30"),
        ("Australia/Adelaide", "2026-10-04T12:00", 23, "00:30"),
        ("Australia/Lord_Howe", "2026-04-05T12:00", 25, "00:00"),
        ("Australia/Lord_Howe", "2026-10-04T12:00", 23, "00:30"),
        ("Pacific/Chatham", "2026-04-05T12:00", 25, "00:45"),
        ("Pacific/Chatham", "2026-09-27T12:00", 23, "00:45"),
    ],
)
def test_each_hour_is_of_the_day_on_which_it_begins(
    coverage: Coverage,
    place: Callable[[str], None],
    zone: str,
    local: str,
    hours: int,
    first: str,
) -> None:
    place(zone)
    now = datetime.fromisoformat(local).astimezone(UTC)
    today, yesterday = calendar(coverage, SERIAL, "House", None, 2, now).days
    assert len(today.hours) == hours
    assert f"{today.hours[0].start.astimezone():%Y-%m-%d %H:%M}" == f"{local[:10]} {first}"
    assert yesterday.hours[-1].start + HOUR == today.hours[0].start


def test_a_complete_hour_says_nothing_more_though_it_is_fetched_again(coverage: Coverage) -> None:
    coverage.note(SERIAL, NOW)
    coverage.put(SERIAL, [Hour(MIDNIGHT, Stage.SETTLED, due=NOW + HOUR)])
    (day, *_) = calendar(coverage, SERIAL, "House", MIDNIGHT, 1, NOW).days
    assert day.hours[0] == Cell(MIDNIGHT, Code.COVERED)
