"""That what was published and filled is known, whatever happens to the process and its disk."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from redback.history.coverage import Coverage, Hour, Span, Stage
from redback.history.summary import Counted, Measured, Summary

SERIAL = "RB26030100000011"
START = datetime(2026, 3, 2, 1, 0, 37, tzinfo=UTC)
HOUR = datetime(2026, 3, 2, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SUMMARY = Summary(
    measured={"sensor.redback_grid_power": Measured(1.5, 0.5, 2.5)},
    counted={"sensor.redback_grid_import_total": Counted(100.0, 101.0, 1.0)},
)


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


def test_what_lies_long_back_is_forgotten(coverage: Coverage) -> None:
    coverage.note(SERIAL, START - timedelta(days=1))
    coverage.note(SERIAL, START)
    coverage.put(SERIAL, [Hour(HOUR - timedelta(days=1), Stage.SETTLED)])
    coverage.prune(HOUR)
    assert spans(coverage) == [Span(START, START)]
    assert coverage.hours(SERIAL, HOUR - timedelta(days=2), HOUR) == {}
    assert coverage.begun(SERIAL) == START - timedelta(days=1)


def test_a_healthy_year_takes_a_few_kilobytes(coverage: Coverage, path: Path) -> None:
    for minute in range(1440):
        coverage.note(SERIAL, START + minute * MINUTE)
    hours = [Hour(HOUR - timedelta(hours=hour), Stage.SETTLED) for hour in range(24)]
    before = _size(path)
    coverage.put(SERIAL, hours)
    assert len(spans(coverage)) == 1
    assert _size(path) - before < 24 * 64


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
    coverage = Coverage(tmp_path / "missing" / "history.db")
    coverage.note(SERIAL, START)
    assert spans(coverage) == [Span(START, START)]
    assert caplog.text.count("cannot be used") == 1
    coverage.close()


def test_a_file_that_fails_is_told_once_and_when_it_works_again(
    coverage: Coverage, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with sqlite3.connect(path) as other:
        other.execute("ALTER TABLE span RENAME TO lost")
    coverage.note(SERIAL, START)
    coverage.note(SERIAL, START + MINUTE)
    assert spans(coverage) == []
    assert caplog.text.count("cannot be used") == 1
    with sqlite3.connect(path) as other:
        other.execute("ALTER TABLE lost RENAME TO span")
    coverage.note(SERIAL, START)
    assert spans(coverage) == [Span(START, START)]
    assert "can be written again" in caplog.text


def _size(path: Path) -> int:
    with sqlite3.connect(path) as other:
        pages, size = (
            other.execute(f"PRAGMA {word}").fetchone()[0] for word in ("page_count", "page_size")
        )
    return int(pages) * int(size)
