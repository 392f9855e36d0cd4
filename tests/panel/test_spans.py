"""That days, weeks, months and years are the house's, on the days of a clock change too."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from redback.panel.spans import Length, Than, all_days, compared, cut, hours, span

ZONES = ["Australia/Adelaide", "Australia/Sydney", "Australia/Lord_Howe", "Australia/Brisbane"]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Clocks were set back on the first of these days, and forward on the second.
CHANGES = [date(2026, 4, 5), date(2026, 10, 4)]


def of_days(zone: str, first: date, after: date) -> list[datetime]:
    """Return the hours of UTC that begin on these days, by Python's own zones."""
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - DAY
    count = ((after - first).days + 2) * 24
    every = (begin + number * HOUR for number in range(count))
    return [hour for hour in every if first <= hour.astimezone(ZoneInfo(zone)).date() < after]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("length", [Length.DAY, Length.WEEK, Length.MONTH, Length.YEAR])
def test_a_span_has_the_hours_that_begin_on_its_days(
    place: Callable[[str], None], zone: str, change: date, length: Length
) -> None:
    place(zone)
    one = span(length, change)
    wanted = of_days(zone, one.first, one.after)
    assert [*hours(one.start, one.end)] == wanted
    parts = [*one.parts()]
    edges = [*(part.start for part in parts), one.end]
    assert [hour for edge in pairwise(edges) for hour in hours(*edge)] == wanted
    count = {Length.DAY: len(wanted), Length.WEEK: 7, Length.YEAR: 12}
    assert len(parts) == count.get(length, (one.after - one.first).days)


@pytest.mark.parametrize(
    ("zone", "counts"),
    [
        ("Australia/Adelaide", [25, 23]),
        ("Australia/Sydney", [25, 23]),
        ("Australia/Lord_Howe", [25, 23]),
        ("Australia/Brisbane", [24, 24]),
    ],
)
def test_days_have_as_many_hours_as_clocks_make(
    place: Callable[[str], None], zone: str, counts: list[int]
) -> None:
    place(zone)
    days = [span(Length.DAY, change) for change in CHANGES]
    assert [len([*hours(day.start, day.end)]) for day in days] == counts


def test_weeks_begin_on_mondays_and_all_is_by_years_from_its_first_day() -> None:
    week = span(Length.WEEK, date(2026, 11, 29))
    assert (week.first, week.after) == (date(2026, 11, 23), date(2026, 11, 30))
    december = span(Length.MONTH, date(2026, 12, 31))
    assert (december.first, december.after) == (date(2026, 12, 1), date(2027, 1, 1))
    every = all_days(date(2024, 3, 5), date(2026, 11, 29))
    days = [date(2024, 3, 5), date(2025, 1, 1), date(2026, 1, 1)]
    assert [part.day for part in every.parts()] == days
    assert every.after == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("length", "day", "than", "first"),
    [
        (Length.DAY, date(2026, 3, 1), Than.BEFORE, date(2026, 2, 28)),
        (Length.DAY, date(2024, 2, 29), Than.YEAR, date(2023, 2, 28)),
        (Length.WEEK, date(2026, 11, 29), Than.BEFORE, date(2026, 11, 16)),
        (Length.WEEK, date(2026, 11, 29), Than.YEAR, date(2025, 11, 24)),
        (Length.MONTH, date(2026, 1, 31), Than.BEFORE, date(2025, 12, 1)),
        (Length.MONTH, date(2026, 1, 31), Than.YEAR, date(2025, 1, 1)),
        (Length.YEAR, date(2026, 1, 31), Than.BEFORE, date(2025, 1, 1)),
        (Length.YEAR, date(2026, 1, 31), Than.YEAR, date(2025, 1, 1)),
    ],
)
def test_a_span_is_compared_with_the_one_before_or_the_same_of_last_year(
    length: Length, day: date, than: Than, first: date
) -> None:
    other = compared(span(length, day), than)
    assert other is not None
    assert other == span(length, first)
    assert other.first == first


def test_all_of_the_time_is_compared_with_nothing() -> None:
    assert compared(all_days(date(2024, 3, 5), date(2026, 1, 1)), Than.BEFORE) is None


@pytest.mark.parametrize("zone", ["Australia/Adelaide", "Australia/Sydney", "Australia/Lord_Howe"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_cut_is_a_full_hour_at_most_one_from_the_same_time_by_the_clock(
    place: Callable[[str], None], zone: str, change: date
) -> None:
    place(zone)
    for day in (change, change + DAY):
        one, other = span(Length.DAY, day), span(Length.DAY, day - DAY)
        for hour in hours(one.start, one.end):
            end = cut(one, other, hour)
            assert end.minute == 0 or end == other.start
            assert other.start <= end <= other.end
            local, theirs = hour.astimezone(), end.astimezone()
            apart = (local - local.replace(hour=0, minute=0)) - (
                theirs.replace(tzinfo=None) - datetime.combine(other.first, datetime.min.time())
            )
            assert abs(apart) <= HOUR, (local, theirs)


@pytest.mark.parametrize(
    ("length", "than", "now", "end"),
    [
        # Adelaide is half an hour off: its hours begin at half past.
        (Length.DAY, Than.BEFORE, "2026-11-29T14:10", "2026-11-28T13:30"),
        (Length.DAY, Than.BEFORE, "2026-10-04T14:10", "2026-10-03T13:30"),
        (Length.DAY, Than.BEFORE, "2026-10-05T02:40", "2026-10-04T03:30"),
        (Length.WEEK, Than.BEFORE, "2026-11-29T14:40", "2026-11-22T14:30"),
        (Length.MONTH, Than.BEFORE, "2026-03-31T14:40", "2026-03-01T00:00"),
        (Length.MONTH, Than.YEAR, "2026-03-05T00:10", "2025-03-04T23:30"),
        (Length.YEAR, Than.BEFORE, "2024-02-29T12:30", "2023-02-28T12:30"),
        (Length.YEAR, Than.BEFORE, "2024-12-31T12:30", "2023-12-31T12:30"),
        # Nothing of the day has passed yet.
        (Length.DAY, Than.BEFORE, "2026-11-29T00:10", "2026-11-28T00:00"),
    ],
)
def test_what_is_not_over_is_compared_until_the_same_time(
    place: Callable[[str], None], length: Length, than: Than, now: str, end: str
) -> None:
    place("Australia/Adelaide")
    moment = datetime.fromisoformat(now).astimezone(UTC)
    one = span(length, datetime.fromisoformat(now).date())
    other = compared(one, than)
    assert other is not None
    assert f"{cut(one, other, moment).astimezone():%Y-%m-%dT%H:%M}" == end


def test_what_is_over_is_compared_with_a_whole_span() -> None:
    one = span(Length.MONTH, date(2026, 2, 3))
    other = span(Length.MONTH, date(2026, 1, 3))
    assert cut(one, other, one.end) == other.end
