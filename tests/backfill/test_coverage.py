"""That what was published and filled is known, whatever happens to the process and its disk."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from redback.backfill.coverage import Coverage, Hour, Span, Stage, UnwritableError
from redback.inverters.hourly import Measured
from sqlite_file import opened

SERIAL = "RB26030100000011"
START = datetime(2026, 3, 2, 1, 0, 37, tzinfo=UTC)
HOUR = datetime(2026, 3, 2, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SUMMARY = {"solar_generation": Measured(1.5, 0.5, 2.5)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def coverage(path: Path) -> Iterator[Coverage]:
    coverage = Coverage(path)
    yield coverage
    coverage.close()


def spans(coverage: Coverage) -> list[Span]:
    return coverage.spans(SERIAL, START - timedelta(days=2), START + timedelta(days=2))


def test_readings_a_minute_apart_are_one_span(coverage: Coverage) -> None:
    for minute in range(60):
        coverage.note(SERIAL, START + minute * MINUTE)
    assert spans(coverage) == [Span(START, START + 59 * MINUTE)]


@pytest.mark.parametrize(("seconds", "count"), [(90, 1), (91, 2)])
def test_a_reading_that_is_left_out_begins_a_new_span(
    coverage: Coverage, seconds: int, count: int
) -> None:
    coverage.note(SERIAL, START)
    coverage.note(SERIAL, START + timedelta(seconds=seconds))
    assert len(spans(coverage)) == count


def test_an_inverter_that_reports_every_five_minutes_leaves_nothing_out(coverage: Coverage) -> None:
    for minute in range(0, 240, 5):
        coverage.note(SERIAL, START + minute * MINUTE)
    assert len(spans(coverage)) <= 5
    assert spans(coverage)[-1].until == START + 235 * MINUTE
    coverage.note(SERIAL, START + 245 * MINUTE)
    assert spans(coverage)[-1].since == START + 245 * MINUTE


def test_readings_in_any_order_lose_nothing(coverage: Coverage) -> None:
    for minute in (5, 6, 0, 1, 1, 6):
        coverage.note(SERIAL, START + minute * MINUTE)
    assert spans(coverage) == [
        Span(START, START + MINUTE),
        Span(START + 5 * MINUTE, START + 6 * MINUTE),
    ]


def test_each_inverter_has_its_own(coverage: Coverage) -> None:
    coverage.note(SERIAL, START)
    assert coverage.spans("RB26030100000012", START, START) == []
    assert coverage.begun("RB26030100000012") is None
    assert coverage.begun(SERIAL) == START


def test_everything_is_there_after_a_kill(path: Path) -> None:
    killed = Coverage(path)  # never closed
    killed.note(SERIAL, START)
    killed.put(SERIAL, [Hour(HOUR, Stage.FETCHED, tries=2, due=START, why="?", summary=SUMMARY)])
    again = Coverage(path)
    assert again.begun(SERIAL) == START
    assert again.hours(SERIAL, HOUR, HOUR + timedelta(hours=1)) == {
        HOUR: Hour(HOUR, Stage.FETCHED, tries=2, due=START, why="?")
    }
    assert again.summary(SERIAL, HOUR) == SUMMARY
    killed.close()
    again.close()


def test_the_end_of_a_span_is_written_each_hour_and_known_at_once(
    path: Path,
) -> None:
    killed = Coverage(path)
    for minute in range(130):
        killed.note(SERIAL, START + minute * MINUTE)
        assert spans(killed) == [Span(START, START + minute * MINUTE)]
        assert killed.latest(SERIAL) == START + minute * MINUTE
    # Also of a time that the file does not reach.
    last = START + 129 * MINUTE
    assert killed.spans(SERIAL, last, last) == [Span(START, last)]
    assert killed.spans(SERIAL, last + MINUTE, last + MINUTE) == []
    again = Coverage(path)
    assert spans(again) == [Span(START, START + 120 * MINUTE)]
    killed.close()
    assert spans(again) == [Span(START, last)]
    again.close()


@pytest.mark.parametrize("minute", [3, 8])
def test_an_hour_that_is_filled_meets_readings_that_are_not_yet_written(
    coverage: Coverage, minute: int
) -> None:
    end = HOUR + timedelta(hours=1)
    for number in range(minute + 1):
        coverage.note(SERIAL, end + number * MINUTE)
    coverage.put(SERIAL, [Hour(HOUR, Stage.SETTLED)])
    assert spans(coverage) == [Span(HOUR, end + minute * MINUTE)]
    coverage.note(SERIAL, end + (minute + 1) * MINUTE)
    assert spans(coverage) == [Span(HOUR, end + (minute + 1) * MINUTE)]


def test_a_span_whose_end_could_not_be_written_is_written_later(
    coverage: Coverage, path: Path
) -> None:
    for minute in range(14):
        coverage.note(SERIAL, START + minute * MINUTE)
    with opened(path) as other:
        other.execute("ALTER TABLE span RENAME TO lost")
    coverage.note(SERIAL, START + 15 * MINUTE)
    assert coverage.is_failing
    with opened(path) as other:
        other.execute("ALTER TABLE lost RENAME TO span")
    coverage.note(SERIAL, START + 17 * MINUTE)
    assert spans(coverage) == [
        Span(START, START + 13 * MINUTE),
        Span(START + 17 * MINUTE, START + 17 * MINUTE),
    ]


def test_a_reading_between_two_spans_joins_them(coverage: Coverage) -> None:
    for minute in (0, 2, 1):
        coverage.note(SERIAL, START + minute * MINUTE)
    assert spans(coverage) == [Span(START, START + 2 * MINUTE)]


def test_an_hour_that_is_done_is_covered_like_any_other(coverage: Coverage) -> None:
    coverage.note(SERIAL, HOUR + timedelta(minutes=20))
    coverage.put(SERIAL, [Hour(HOUR, Stage.FETCHED, summary=SUMMARY)])
    coverage.put(SERIAL, [Hour(HOUR, Stage.SETTLED)])
    assert spans(coverage) == [Span(HOUR, HOUR + timedelta(hours=1))]
    assert coverage.hours(SERIAL, HOUR, HOUR + timedelta(hours=1)) == {}
    assert coverage.summary(SERIAL, HOUR) is None


@pytest.mark.parametrize(
    "hour", [Hour(HOUR, Stage.SETTLED, due=START), Hour(HOUR, Stage.SETTLED, why="It is so.")]
)
def test_one_that_is_not_done_stays(coverage: Coverage, hour: Hour) -> None:
    coverage.note(SERIAL, START)
    coverage.put(SERIAL, [hour])
    assert coverage.hours(SERIAL, HOUR, HOUR + timedelta(hours=1)) == {HOUR: hour}
    assert spans(coverage) == [Span(START, START)]


def test_a_year_with_an_outage_each_day_takes_nothing_once_it_is_filled(
    coverage: Coverage, path: Path
) -> None:
    before = _size(path)
    for day in range(365):
        begin = START + timedelta(days=day)
        for hour in range(24):
            # As far as the number of rows goes, the ends of an hour are all its minutes.
            coverage.note(SERIAL, begin + timedelta(hours=hour, minutes=7 * (hour == 5)))
            start = (begin + timedelta(hours=hour)).replace(minute=0, second=0)
            coverage.put(SERIAL, [Hour(start, Stage.FETCHED, summary=SUMMARY)])
            coverage.put(SERIAL, [Hour(start, Stage.SETTLED)])
    everything = coverage.spans(SERIAL, START, START + timedelta(days=400))
    assert len(everything) == 1
    assert _size(path) - before <= 2 * 4096


def test_a_damaged_file_is_set_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    coverage = Coverage(path)
    coverage.note(SERIAL, START)
    assert spans(coverage) == [Span(START, START)]
    assert path.with_suffix(".damaged").exists()
    assert "is damaged" in caplog.text
    coverage.close()


def test_a_folder_that_cannot_be_written_costs_nothing_until_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    coverage = Coverage(tmp_path / "missing" / "history.db")
    coverage.note(SERIAL, START)
    assert spans(coverage) == [Span(START, START)]
    assert caplog.text.count("cannot be used") == 1
    assert "can be written again" not in caplog.text
    assert coverage.is_failing
    coverage.close()


def test_a_file_that_fails_is_logged_once_and_when_it_works_again(
    coverage: Coverage, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with opened(path) as other:
        other.execute("ALTER TABLE span RENAME TO lost")
    coverage.note(SERIAL, START)
    coverage.note(SERIAL, START + MINUTE)
    assert spans(coverage) == []
    assert caplog.text.count("cannot be used") == 1
    with opened(path) as other:
        other.execute("ALTER TABLE lost RENAME TO span")
    coverage.note(SERIAL, START)
    assert spans(coverage) == [Span(START, START)]
    assert "can be written again" in caplog.text


def test_what_cannot_be_noted_of_hours_is_an_error(coverage: Coverage, path: Path) -> None:
    coverage.note(SERIAL, START)
    with opened(path) as other:
        other.execute("ALTER TABLE hour RENAME TO lost")
    with pytest.raises(UnwritableError):
        coverage.put(SERIAL, [Hour(HOUR, Stage.SETTLED)])
    with opened(path) as other:
        other.execute("ALTER TABLE lost RENAME TO hour")
    coverage.put(SERIAL, [Hour(HOUR, Stage.SETTLED)])


def _size(path: Path) -> int:
    with opened(path) as other:
        pages, size = (
            other.execute(f"PRAGMA {word}").fetchone()[0] for word in ("page_count", "page_size")
        )
    return int(pages) * int(size)
