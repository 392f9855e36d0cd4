"""That hours which Core has lost are found, however many, and nothing else is taken for it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from backfill.fake_statistics import FakeOwnership, FakeStatistics
from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from redback.backfill import Adjustments, Audit, Backfills, Coverage, Hour, Importer, Stage
from redback.core import Row, Statistics, WebSocket
from redback.inverters.inverter import Inverter
from redback.ledger import HourEnd, Ledger
from redback.publishing.entity_ids import series as series_of
from redback.publishing.ownership import Ownership
from redback.sensors.details import Details
from redback.sensors.entities import Entities
from sqlite_file import opened

HOUR = timedelta(hours=1)
DAYS = 75


class Connection:
    """A WebSocket that connected long ago."""

    up_since: float | None = 0.0


@pytest.fixture
def until(clock: FakeClock) -> datetime:
    """The hour that goes on."""
    return clock.now().replace(minute=0, second=0)


@pytest.fixture
def coverage(tmp_path: Path, until: datetime) -> Iterator[Coverage]:
    """Know of hours that Core was shown until now."""
    made = Coverage(tmp_path / "history.db")
    made.note(SERIAL, until - HOUR * 24 * DAYS)
    hours = [until - number * HOUR for number in range(-6, 24 * DAYS + 1)]
    made.put(SERIAL, [Hour(start, Stage.SETTLED) for start in hours])
    yield made
    made.close()


@pytest.fixture
def inverter(clock: FakeClock) -> Inverter:
    made = Inverter(SERIAL, "House", Entities(detailed=False), Details(static(), configuration()))
    made.entities.show(made.reading(dynamic(TimestampUtc=f"{clock.now():%Y-%m-%dT%H:%M:%SZ}")))
    return made


@pytest.fixture
def statistics(inverter: Inverter, until: datetime, ledger: Ledger) -> FakeStatistics:
    """Have a row for every hour, of every counter, as the ledger knows them."""
    made = FakeStatistics()
    starts = [until + number * HOUR for number in range(-24 * DAYS, 7)]
    states = {start: 1000.0 + number for number, start in enumerate(starts)}
    for key, one in series_of(inverter).items():
        if one.is_counter:
            made.stored[one.entity_id] = {
                start: Row(start, state=state, sum=state) for start, state in states.items()
            }
            ledger.put(SERIAL, {key: [HourEnd(*each) for each in states.items()]})
    return made


@pytest.fixture
def websocket() -> Connection:
    return Connection()


class _Watching:
    """A backfill of one inverter."""

    def __init__(self, inverter: Inverter, since: datetime) -> None:
        self._found = [(inverter, since)]

    def watched(self) -> list[tuple[Inverter, datetime]]:
        return self._found


@pytest.fixture
def importer(
    statistics: FakeStatistics, ledger: Ledger, clock: FakeClock, tmp_path: Path
) -> Iterator[Importer]:
    adjustments = Adjustments(tmp_path / "adjustments.db")
    yield Importer(
        cast("Statistics", statistics),
        ledger,
        adjustments,
        clock,
        cast("Ownership", FakeOwnership()),
    )
    adjustments.close()


@pytest.fixture(autouse=True)
async def audit(
    importer: Importer,
    coverage: Coverage,
    websocket: Connection,
    clock: FakeClock,
    inverter: Inverter,
    until: datetime,
) -> AsyncIterator[None]:
    audit = Audit(
        importer,
        coverage,
        cast("WebSocket", websocket),
        clock,
        cast("Backfills", _Watching(inverter, until - 24 * DAYS * HOUR)),
    )
    task = asyncio.create_task(audit.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def lose(statistics: FakeStatistics, since: datetime, until: datetime) -> None:
    for rows in statistics.stored.values():
        for start in [start for start in rows if since <= start < until]:
            del rows[start]


def wanted(coverage: Coverage, until: datetime) -> list[datetime]:
    return list(coverage.hours(SERIAL, until - 24 * DAYS * HOUR, until + 24 * HOUR))


async def test_where_all_is_there_nothing_is_wanted(
    coverage: Coverage, clock: FakeClock, until: datetime
) -> None:
    await clock.advance(3 * 3600)
    assert wanted(coverage, until) == []


async def test_everything_is_wanted_of_a_core_that_has_begun_anew(
    statistics: FakeStatistics, coverage: Coverage, clock: FakeClock, until: datetime
) -> None:
    lose(statistics, until - 24 * DAYS * HOUR, until - 3 * HOUR)
    await clock.advance(3 * 3600)
    assert len(wanted(coverage, until)) == 24 * DAYS - 3


async def test_it_compares_every_hour_and_soon_after_a_new_connection(
    statistics: FakeStatistics,
    coverage: Coverage,
    websocket: Connection,
    clock: FakeClock,
    until: datetime,
) -> None:
    await clock.advance(20 * 60)
    lose(statistics, until - 9 * HOUR, until - 8 * HOUR)
    await clock.advance(30 * 60)
    assert wanted(coverage, until) == []
    await clock.advance(40 * 60)
    assert wanted(coverage, until) == [until - 9 * HOUR]
    lose(statistics, until - 200 * HOUR, until - 199 * HOUR)
    await clock.advance(2 * 3600)
    assert wanted(coverage, until) == [until - 9 * HOUR]
    websocket.up_since = clock.monotonic()
    await clock.advance(14 * 60)
    assert wanted(coverage, until) == [until - 9 * HOUR]
    await clock.advance(3 * 60)
    assert wanted(coverage, until) == [until - 200 * HOUR, until - 9 * HOUR]


async def test_one_counter_alone_does_not_let_measurements_be_fetched(
    statistics: FakeStatistics, coverage: Coverage, clock: FakeClock, until: datetime
) -> None:
    rows = next(iter(statistics.stored.values()))
    lost = rows.pop(until - 9 * HOUR)
    await clock.advance(3600)
    assert wanted(coverage, until) == []
    assert rows[until - 9 * HOUR] == lost  # as the ledger has it


async def test_what_was_found_once_is_not_wanted_for_ever(
    statistics: FakeStatistics, coverage: Coverage, clock: FakeClock, until: datetime
) -> None:
    lost = until - 9 * HOUR
    lose(statistics, lost, lost + HOUR)
    await clock.advance(3 * 3600)
    coverage.put(SERIAL, [Hour(lost, Stage.SETTLED)])  # as the backfill does, which gets no row
    await clock.advance(25 * 3600)
    assert wanted(coverage, until) == []


async def test_what_a_full_disk_keeps_from_being_wanted_is_wanted_once_there_is_space(
    statistics: FakeStatistics,
    coverage: Coverage,
    clock: FakeClock,
    until: datetime,
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "history.db") as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON hour BEGIN SELECT RAISE(FAIL, ''); END")
    lose(statistics, until - 9 * HOUR, until - 8 * HOUR)
    await clock.advance(3600)
    assert wanted(coverage, until) == []
    with opened(tmp_path / "history.db") as other:
        other.execute("DROP TRIGGER full")
    lose(statistics, until - 9 * HOUR, until - 8 * HOUR)
    await clock.advance(2 * 3600)
    assert wanted(coverage, until) == [until - 9 * HOUR]
