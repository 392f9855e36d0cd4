"""How long it takes to write a past to a real Core, beside bare imports of the same rows.

The past is an invented one of a three-phase inverter with a battery, with all its sensors, and is
already fetched. The program lets the add-on write it through a stand-in of the Supervisor, or puts
the same rows into commands of the same size and nothing else. It is over when Core has every row.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp
import msgspec

from backfill.fake_statistics import FakeOwnership
from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import background, be_program, run
from examples import SERIAL, configuration, dynamic, static
from redback.backfill import (
    Adjustments,
    Backfill,
    Coverage,
    Fetcher,
    Importer,
)
from redback.backfill.coverage import FILE, Hour, Stage
from redback.clock import SystemClock
from redback.core import Row, Series, Statistics, WebSocket
from redback.inverters.hourly import Measured
from redback.inverters.inverter import Inverter
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.ledger import FILE as LEDGER_FILE
from redback.ledger import HourEnd, Ledger
from redback.problems import AccountProblems, Problems
from redback.publishing.entity_ids import series as series_of
from redback.publishing.ownership import Ownership
from redback.sensors.details import Details
from redback.sensors.entities import Entities
from standin.real_core import temporary_core
from standin.supervisor import TOKEN, Supervisor

# A month takes longer for each row than a year, since its first week is written day by day.
_MONTH_HOURS, _YEAR_HOURS = 720, 8760
_ROUNDS = {Length.QUICK: 1, Length.USUAL: 3, Length.LONG: 1}
_MOST_RATIO_OF_A_YEAR = 1.05
_MOST_PROCESSOR_SECONDS = 4.0
_MOST_GROWTH_MB = 15.0
_HOUR = timedelta(hours=1)
# Since the first reading; Core has made rows of them by itself.
_LIVE_HOURS = 3
# What each counter shows after the first of them, kWh; one more after each hour.
_COUNTED = 100_000.0
# For a year, on a slow machine.
_LONGEST_SECONDS = 1200.0
# Seconds, seconds of the processor, and the highest point of the process's memory, MB.
_Used = tuple[float, float, float]


class Task(msgspec.Struct, frozen=True):
    """The Supervisor, the folder with what is fetched, the first reading's hour, and the hours."""

    url: str
    folder: str
    begun: datetime
    hours: int


def measure(length: Length) -> Sequence[Figure]:
    """Write a month in both ways, or in a long run a year."""
    hours = _YEAR_HOURS if length is Length.LONG else _MONTH_HOURS
    rounds = [asyncio.run(_measure(hours)) for _ in range(_ROUNDS[length])]
    (seconds, worked, grown), bare = (
        [statistics.median(values) for values in zip(*way, strict=True)]
        for way in zip(*rounds, strict=True)
    )
    beside = [Beside("bare imports", value) for value in bare]
    name = f"until Core has {hours:,} hours, {hours * len(series_of(_inverter())):,} rows"
    most_ratio = _MOST_RATIO_OF_A_YEAR if hours == _YEAR_HOURS else None
    return [
        Figure(name, seconds, "s", beside[0], most_ratio=most_ratio),
        Figure("processor", worked, "s", beside[1], most=_MOST_PROCESSOR_SECONDS),
        Figure("growth", grown, "MB", beside[2], most=bare[2] + _MOST_GROWTH_MB),
    ]


async def _measure(hours: int) -> list[_Used]:
    """Let the add-on write, and then something bare the same rows, each to a new Core."""
    begun = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - _LIVE_HOURS * _HOUR
    used = []
    with tempfile.TemporaryDirectory() as folder:
        _fetch(Path(folder), begun, hours)
        for _ in range(2):
            async with temporary_core() as core, Supervisor(core.address) as supervisor:
                task = Task(supervisor.url, folder, begun, hours)
                written = await run("benchmarks.history", task, seconds=_LONGEST_SECONDS)
                used.append(msgspec.json.decode(written, type=_Used))
    return used


async def _write(task: Task) -> _Used:
    """Let the add-on write, and keep the rows; where there are rows already, write these."""
    every = {series.entity_id: series for series in series_of(_inverter()).values()}
    live = _live(task)
    rows = Path(task.folder) / "rows.json"
    async with aiohttp.ClientSession() as session:
        websocket = WebSocket(
            session,
            task.url,
            TOKEN,
            SystemClock(),
            connected=lambda: None,
            disconnected=lambda error: print(error, file=sys.stderr),  # noqa: T201 - for who runs it
        )
        async with background("the WebSocket", websocket.run()):
            while websocket.up_since is None:
                await asyncio.sleep(0.01)
            core = Statistics(websocket)
            if rows.exists():
                found = msgspec.json.decode(rows.read_bytes(), type=dict[str, list[Row]])
                before = _used(begins=True)
                await _put(core, {every[entity_id]: found[entity_id] for entity_id in every})
                return _since(before)
            await _put(core, live)
            used = await _ours(websocket, core, task)
            since, until = task.begun - task.hours * _HOUR, task.begun + _LIVE_HOURS * _HOUR
            stored = await core.rows(every, since, until)
            rows.write_bytes(msgspec.json.encode(stored))
    for entity_id, series in every.items():
        assert len(stored[entity_id]) == task.hours + len(live.get(series, ())), entity_id
        # The sums of the live hours go on from those of the past.
        assert len({(row.sum or 0) - (row.state or 0) for row in stored[entity_id]}) == 1
    return used


async def _put(core: Statistics, rows: Mapping[Series, Sequence[Row]]) -> None:
    """Write rows, and wait for the last one: Core works in their order."""
    await core.put(rows)
    series, (*_, row) = list(rows.items())[-1]
    name, until = series.entity_id, row.start + _HOUR
    while not (await core.rows([name], row.start, until))[name]:
        await asyncio.sleep(0.1)


async def _ours(websocket: WebSocket, core: Statistics, task: Task) -> _Used:
    """Let the backfill do it, with everything that it does but fetch."""
    clock, inverter, folder = _LaterClock(), _inverter(), Path(task.folder)
    coverage, ledger = Coverage(folder / FILE), Ledger(folder / LEDGER_FILE)
    adjustments = Adjustments(folder / "adjustments.db")
    names = {SERIAL: GivenName("Redback", "Redback")}
    backfill = Backfill(
        coverage,
        cast("Fetcher", SimpleNamespace(reads=lambda _: True)),
        Importer(core, ledger, adjustments, clock, cast("Ownership", FakeOwnership())),
        websocket,
        clock,
        AccountProblems(Problems(clock), ""),
        registry=cast(
            "Registry",
            SimpleNamespace(names=names, inverter=lambda _: inverter, known=lambda _: inverter),
        ),
        days=task.hours // 24,
    )
    before = _used(begins=True)
    async with background("the backfill", backfill.run()):
        while backfill.progress.done < task.hours:
            await asyncio.sleep(0.1)  # as for the bare rows: to look costs the processor too
        result = _since(before)
    assert not backfill.progress.rejections, backfill.progress.rejections
    for file in (coverage, ledger, adjustments):
        file.close()
    return result


class _LaterClock(SystemClock):
    """Core connected long ago."""

    def monotonic(self) -> float:
        return super().monotonic() + 3600


def _used(*, begins: bool = False) -> _Used:
    if begins:
        Path("/proc/self/clear_refs").write_text("5")  # the highest point so far is forgotten
    lines = Path("/proc/self/status").read_text().splitlines()
    highest = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return time.monotonic(), time.process_time(), highest / 1024


def _since(before: _Used) -> _Used:
    after = _used()
    return after[0] - before[0], after[1] - before[1], after[2] - before[2]


def _inverter() -> Inverter:
    """Make the inverter; all its entities exist."""
    entities = Entities(detailed=True)
    inverter = Inverter(SERIAL, "Redback", entities, Details(static(), configuration()))
    entities.show(inverter.reading(dynamic()))
    return inverter


def _fetch(folder: Path, begun: datetime, hours: int) -> None:
    """Write the file in which everything is fetched and nothing is written to Core."""
    coverage = Coverage(folder / FILE)
    for number in range(60 * _LIVE_HOURS):
        coverage.note(SERIAL, begun + timedelta(minutes=number, seconds=8))
    inverter = _inverter()
    counters = [key for key, series in series_of(inverter).items() if series.is_counter]
    usual = dict(inverter.entities.numbers(inverter.reading(dynamic())))
    found = []
    for number in range(-hours, 0):
        measured = {
            key: Measured(value + number % 24 / 7, value, value + 4)
            for key, value in ((one, usual[one] or 0.0) for one in usual.keys() - counters)
        }
        found.append(Hour(begun + number * _HOUR, Stage.FETCHED, tries=1, summary=measured))
    coverage.put(SERIAL, found)
    coverage.close()
    ledger = Ledger(folder / LEDGER_FILE)
    ends = [
        HourEnd(begun + number * _HOUR, float(_COUNTED + number))
        for number in range(-hours, _LIVE_HOURS)
    ]
    ledger.put(SERIAL, dict.fromkeys(counters, ends))
    ledger.close()


def _live(task: Task) -> dict[Series, list[Row]]:
    """Return what Core would have made of the counters that it was shown."""
    rows = [
        Row(task.begun + number * _HOUR, state=_COUNTED + number, sum=number + 0.5)
        for number in range(_LIVE_HOURS)
    ]
    return {series: rows for series in series_of(_inverter()).values() if series.is_counter}


if __name__ == "__main__":
    be_program(_write, Task)
