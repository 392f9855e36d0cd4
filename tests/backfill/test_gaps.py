"""That every hour with a missing minute is found, together with those it must be filled with."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from redback.backfill.coverage import Coverage, Hour, Span, Stage
from redback.backfill.gaps import Finder, Gap, find, search
from redback.ledger import HOUR

SERIAL = "RB26030100000011"
DAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def coverage(tmp_path: Path) -> Iterator[Coverage]:
    coverage = Coverage(tmp_path / "history.db")
    yield coverage
    coverage.close()


def at(text: str) -> datetime:
    """Return a moment of the day, as hours and minutes; 24 is the day after."""
    hours, minutes = text.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


def publish(coverage: Coverage, since: str, until: str, second: int = 37) -> None:
    """Note one reading a minute, from this minute on and up to that one."""
    stamp = at(since) + timedelta(seconds=second)
    while stamp < at(until):
        coverage.note(SERIAL, stamp)
        stamp += MINUTE


def gaps(coverage: Coverage, since: str, now: str) -> list[list[int]]:
    return [[_hour(hour) for hour in gap.hours] for gap in found(coverage, since, now)]


def found(coverage: Coverage, since: str, now: str) -> list[Gap]:
    return find(coverage, SERIAL, at(since), at(now))


def _hour(hour: Hour) -> int:
    return int((hour.start - DAY) / timedelta(hours=1))


def test_before_the_first_reading_there_is_nothing_to_be_joined_to(coverage: Coverage) -> None:
    assert gaps(coverage, "0:00", "12:00") == []


def test_where_every_minute_was_published_nothing_is_missing(coverage: Coverage) -> None:
    publish(coverage, "0:00", "12:00")
    assert gaps(coverage, "0:00", "12:00") == []


@pytest.mark.parametrize("second", [0, 1, 30, 58, 59])
def test_it_does_not_matter_at_which_second_of_the_minute_readings_are(
    coverage: Coverage, second: int
) -> None:
    publish(coverage, "0:00", "3:30", second)
    assert gaps(coverage, "0:00", "4:10") == [[3]]


def test_an_hour_that_has_not_ended_is_not_missing(coverage: Coverage) -> None:
    publish(coverage, "0:00", "1:30")
    assert gaps(coverage, "0:00", "1:59") == []


def test_one_missing_minute_is_enough(coverage: Coverage) -> None:
    publish(coverage, "0:00", "1:30")
    publish(coverage, "1:31", "4:00")
    assert gaps(coverage, "0:00", "4:00") == [[1]]


def test_an_outage_over_some_hours_is_one_gap(coverage: Coverage) -> None:
    publish(coverage, "0:00", "1:30")
    publish(coverage, "4:10", "6:00")
    assert gaps(coverage, "0:00", "6:00") == [[1, 2, 3, 4]]


def test_after_an_hour_that_ends_well_a_new_gap_begins(coverage: Coverage) -> None:
    publish(coverage, "0:00", "1:30")
    publish(coverage, "1:40", "2:15")
    publish(coverage, "2:30", "4:00")
    assert gaps(coverage, "0:00", "4:00") == [[2], [1]]


def test_the_past_is_cut_into_days_and_comes_after_the_newer_ones(coverage: Coverage) -> None:
    publish(coverage, "24:20", "26:00")
    assert gaps(coverage, "-26:00", "26:00") == [
        [24],
        list(range(24)),
        list(range(-24, 0)),
        [-26, -25],
    ]
    assert [gap.past for gap in found(coverage, "-26:00", "26:00")] == [False, True, True, True]


def test_what_lies_more_than_a_week_back_is_cut_into_months(coverage: Coverage) -> None:
    publish(coverage, "0:00", "1:00")
    past = found(coverage, f"{-24 * 40}:00", "1:00")
    assert [len(gap.hours) for gap in past] == [24] * 7 + [23 * 24, 10 * 24]


@pytest.mark.parametrize(("asked", "parts"), [(True, [80, 720, 700]), (False, [1500])])
def test_a_long_time_that_is_asked_for_is_filled_in_months(
    coverage: Coverage, parts: list[int], *, asked: bool
) -> None:
    publish(coverage, "0:00", "20:00")
    publish(coverage, "1520:00", "1521:00")
    hours = [Hour(at(f"{hour}:00"), Stage.WANTED, asked=asked) for hour in range(20, 1520)]
    coverage.put(SERIAL, hours)
    assert [len(part) for part in gaps(coverage, "0:00", "1521:00")] == parts


def test_what_is_settled_is_not_missing_until_it_is_due_again(coverage: Coverage) -> None:
    publish(coverage, "3:00", "4:00")
    coverage.put(SERIAL, [Hour(at(f"{hour}:00"), Stage.SETTLED) for hour in (0, 1)])
    coverage.put(SERIAL, [Hour(at("2:00"), Stage.SETTLED, due=at("5:00"))])
    assert gaps(coverage, "0:00", "4:30") == []
    assert gaps(coverage, "0:00", "5:00")[-1] == [2]


def test_what_is_asked_for_again_is_missing_although_it_was_published(coverage: Coverage) -> None:
    publish(coverage, "0:00", "4:00")
    coverage.put(SERIAL, [Hour(at("1:00"), Stage.WANTED, due=at("4:00"), asked=True)])
    assert gaps(coverage, "0:00", "4:00") == [[1]]


def test_what_was_fetched_and_not_yet_written_is_missing(coverage: Coverage) -> None:
    publish(coverage, "0:00", "1:10")
    publish(coverage, "3:00", "4:00")
    coverage.put(SERIAL, [Hour(at("2:00"), Stage.FETCHED, due=at("9:00"))])
    assert gaps(coverage, "0:00", "4:00") == [[1, 2]]


def test_a_gap_that_goes_on_is_distinguished_from_one_that_is_over(coverage: Coverage) -> None:
    publish(coverage, "0:00", "3:30")
    publish(coverage, "5:20", "7:00")
    assert [gap.goes_on for gap in found(coverage, "0:00", "5:10")] == [True]
    assert [gap.goes_on for gap in found(coverage, "0:00", "6:10")] == [False]


def test_the_past_waits_for_nothing(coverage: Coverage) -> None:
    publish(coverage, "5:20", "5:30")
    (gap,) = found(coverage, "3:00", "5:30")
    assert (gap.past, gap.goes_on) == (True, False)


def test_ten_years_are_found_as_one_whole_would_be(coverage: Coverage) -> None:
    publish(coverage, "0:00", "1:00")
    publish(coverage, "3:00", "4:30")
    hours = 3650 * 24
    away = [-800, -400, -399]
    coverage.put(SERIAL, [Hour(DAY + n * HOUR, Stage.SETTLED) for n in away])
    past = gaps(coverage, f"-{hours}:00", "6:00")
    assert [4, 5] in past
    assert past[0] == [4, 5]
    assert past[1] == [1, 2]
    everything = sorted(hour for gap in past for hour in gap)
    assert everything == sorted({*range(-hours, 6)} - {0, 3, *away})
    assert [gap[-1] for gap in past] == sorted((gap[-1] for gap in past), reverse=True)


def test_no_bit_of_the_search_looks_at_more_than_a_month(coverage: Coverage) -> None:
    publish(coverage, "0:00", "1:00")
    bits = list(search(coverage, SERIAL, DAY - timedelta(days=3650), DAY + timedelta(days=3650)))
    assert len(bits) > 2 * 3650 / 30
    assert max(len(gap.hours) for bit in bits[-100:] for gap in bit) == 720


def test_a_gap_over_many_months_since_the_first_reading_is_one(coverage: Coverage) -> None:
    publish(coverage, "0:00", "0:30")
    publish(coverage, "2400:20", "2402:00")
    assert gaps(coverage, "0:00", "2402:00") == [[*range(2401)]]


@pytest.mark.parametrize("due", [None, "3:00", "9:00"])
def test_where_all_hours_are_settled_only_those_that_are_due_are_missing(
    coverage: Coverage, due: str | None
) -> None:
    publish(coverage, "4:00", "4:30")
    hours = [Hour(at(f"{n}:00"), Stage.SETTLED, why="It is so.") for n in range(4)]
    if due is not None:
        hours[2] = replace(hours[2], due=at(due))
    coverage.put(SERIAL, hours)
    assert gaps(coverage, "0:00", "4:30") == ([[2]] if due == "3:00" else [])


class Looked(Coverage):
    """A coverage that records how far back somebody has looked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.looked_back_to: datetime | None = None

    def spans(self, serial: str, since: datetime, until: datetime) -> list[Span]:
        self.looked_back_to = min(since, self.looked_back_to or since)
        return super().spans(serial, since, until)


class Unreadable:
    """A connection to a file in which it cannot be read what became of hours."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, query: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        if "FROM hour" in query:
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(query, values)


class TestAgain:
    """Who looks once a minute for years looks at the new hours alone."""

    @pytest.fixture
    def coverage(self, tmp_path: Path) -> Iterator[Looked]:
        coverage = Looked(tmp_path / "history.db")
        yield coverage
        coverage.close()

    @pytest.fixture
    def finder(self, coverage: Looked) -> Finder:
        """One that has found nothing missing until eight o'clock."""
        publish(coverage, "0:00", "8:00")
        finder = Finder(coverage)
        assert self.missing(finder, "8:00") == []
        coverage.looked_back_to = None
        return finder

    def missing(self, finder: Finder, now: str, since: str = "0:00") -> list[int]:
        found = finder.search(SERIAL, at(since), at(now))
        return [_hour(hour) for gaps in found for gap in gaps for hour in gap.hours]

    def test_what_was_whole_is_not_looked_at_again(self, finder: Finder, coverage: Looked) -> None:
        assert self.missing(finder, "8:30") == []
        assert coverage.looked_back_to is None
        publish(coverage, "8:00", "9:00")
        assert self.missing(finder, "9:00") == []
        assert coverage.looked_back_to == at("8:00")

    def test_a_new_gap_is_found_until_it_is_filled(self, finder: Finder, coverage: Looked) -> None:
        publish(coverage, "9:00", "10:00")
        assert self.missing(finder, "10:00") == [8]
        assert self.missing(finder, "10:01") == [8]
        coverage.put(SERIAL, [Hour(at("8:00"), Stage.SETTLED)])
        assert self.missing(finder, "10:02") == []

    def test_an_old_hour_that_is_asked_for_is_found(self, finder: Finder, coverage: Looked) -> None:
        coverage.put(SERIAL, [Hour(at("3:00"), Stage.WANTED, asked=True)])
        assert self.missing(finder, "8:01") == [3]

    def test_an_old_hour_that_another_program_asks_for_is_found(
        self, finder: Finder, tmp_path: Path
    ) -> None:
        other = Coverage(tmp_path / "history.db")
        other.put(SERIAL, [Hour(at("3:00"), Stage.WANTED, asked=True)])
        other.close()
        assert self.missing(finder, "8:01") == [3]

    def test_an_old_hour_is_found_when_it_is_due(self, finder: Finder, coverage: Looked) -> None:
        coverage.put(SERIAL, [Hour(at("3:00"), Stage.SETTLED, due=at("9:00"))])
        publish(coverage, "8:00", "10:00")
        assert self.missing(finder, "8:59") == []
        assert self.missing(finder, "9:00") == [3]

    def test_a_past_that_begins_earlier_is_looked_at(self, finder: Finder) -> None:
        assert self.missing(finder, "8:01", since="-2:00") == [-2, -1]

    def test_a_past_that_nobody_wants_is_not_looked_at(self, coverage: Looked) -> None:
        publish(coverage, "8:02", "9:00")
        finder = Finder(coverage)
        assert self.missing(finder, "7:52", since="8:02") == []
        assert self.missing(finder, "8:00", since="8:02") == []

    def test_a_file_that_could_not_be_read_for_a_moment_hides_no_gap(
        self, finder: Finder, coverage: Looked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        coverage.put(SERIAL, [Hour(at("3:00"), Stage.WANTED, asked=True)])
        database = coverage._database  # noqa: SLF001 - no disk fails on command
        with monkeypatch.context() as patch:
            patch.setattr(database, "_connection", Unreadable(database._connection))  # noqa: SLF001
            assert self.missing(finder, "8:01") == []
        assert self.missing(finder, "8:02") == [3]

    def test_one_without_a_reading_yet_has_a_past_later(self, coverage: Looked) -> None:
        finder = Finder(coverage)
        assert self.missing(finder, "8:30", since="6:00") == []
        publish(coverage, "8:00", "9:00")
        assert self.missing(finder, "9:00", since="6:00") == [6, 7]
