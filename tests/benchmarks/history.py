"""How long it takes to write a past to a real Core, beside a bare loop that sends the same rows.

Each way has a Core of its own, new each time, behind a stand-in of the Supervisor. Afterwards every
row is compared with what it should be.
"""

import asyncio
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from benchmarks.contestants import PATIENCE_SECONDS, Result, Socket, Task, connect, write_all
from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.process import run
from benchmarks.year import LIVE_HOURS, Past, inverter, rows
from redback.backfill.gaps import HOUR
from redback.core import Series
from redback.publishing.entity_ids import series as series_of
from standin.real_core import temporary_core
from standin.supervisor import TOKEN, Supervisor

# A year. A month takes longer for each row, since its first week is written day by day.
_FULL_HOURS, _FULL_ROUNDS = 8760, 3
_QUICK_HOURS = 720
_MOST_RATIO = 1.3
_MOST_GROWTH_MB = 30.0
_SAME = 1e-6
# A program that waits in vain has so much time more to tell where it did.
_START_SECONDS = 60.0
_WAYS = ("bare", "ours")


def measure(*, quick: bool) -> Outcome:
    """Write a year in both ways, or in a small run a month."""
    hours, rounds = (_QUICK_HOURS, 1) if quick else (_FULL_HOURS, _FULL_ROUNDS)
    found = asyncio.run(_measure(hours, rounds))
    ours, bare = (found[way] for way in ("ours", "bare"))
    seconds, bare_seconds = (statistics.median(one.seconds for one in way) for way in (ours, bare))
    worked, bare_worked = (
        statistics.median(one.processor_seconds for one in way) for way in (ours, bare)
    )
    rows = hours * len(series_of(inverter()))
    loop = "bare loop"
    return Outcome(
        [
            Figure(
                f"until Core has {hours:,} hours, {rows:,} rows",
                seconds,
                "s",
                Beside(loop, bare_seconds),
                most_ratio=None if quick else _MOST_RATIO,
            ),
            Figure("rows a second", rows / seconds, "", Beside(loop, rows / bare_seconds)),
            Figure("processor meanwhile", worked, "s", Beside(loop, bare_worked)),
            Figure(
                "growth meanwhile",
                max(one.grown_mb for one in ours),
                "MB",
                Beside(loop, max(one.grown_mb for one in bare)),
                most=_MOST_GROWTH_MB,
            ),
        ]
    )


async def _measure(hours: int, rounds: int) -> dict[str, list[Result]]:
    """Write so many hours in both ways, so many times; gives what came of it by the way."""
    past = Past(datetime.now(UTC), hours)
    found: dict[str, list[Result]] = {way: [] for way in _WAYS}
    for number in range(rounds):
        # Neither is always the first: the machine may get slower, or faster.
        for way in _WAYS[:: -1 if number % 2 else 1]:
            found[way].append(await _run(way, past))
    return found


async def _run(way: str, past: Past) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        past.write(Path(folder))
        async with temporary_core() as core, Supervisor(core.address) as supervisor:
            task = Task(supervisor.url, TOKEN, folder, past.now, past.hours)
            async with aiohttp.ClientSession() as session:
                socket = await connect(session, f"{core.url}/api/websocket", core.token)
                await _live(socket, past)
                result = await _contest(way, task)
                # Core hangs up on those who say nothing for minutes.
                socket = await connect(session, f"{core.url}/api/websocket", core.token)
                await _compare(socket, past, are_joined=way == "ours")
            return result


async def _live(socket: Socket, past: Past) -> None:
    """Write what Core would have made of the readings that it was shown."""
    known = inverter()
    shown = {start: one for start, one in past.summaries(known) if start >= past.begun}
    async with asyncio.timeout(PATIENCE_SECONDS):
        await write_all(
            socket, [(one, rows(key, one, shown)) for key, one in series_of(known).items()]
        )


async def _contest(way: str, task: Task) -> Result:
    told = await run(
        "benchmarks.contestants",
        way,
        given=msgspec.json.encode(task),
        seconds=PATIENCE_SECONDS + _START_SECONDS,
    )
    return msgspec.json.decode(told, type=Result)


async def _compare(socket: Socket, past: Past, *, are_joined: bool) -> None:
    """See that Core has every row; `are_joined`: and that those of its own go on from them."""
    known = inverter()
    until = past.begun + LIVE_HOURS * HOUR if are_joined else past.begun
    wanted = {start: one for start, one in past.summaries(known) if start < until}
    for key, series in series_of(known).items():
        found = await _stored(socket, series, past.since, until)
        expected = rows(key, series, wanted)
        assert len(found) == len(expected), f"{series.entity_id}: {len(found)} rows"
        for told, row in zip(found, expected, strict=True):
            for name in ("state", "sum") if series.is_counter else ("mean", "min", "max"):
                assert abs(told[name] - getattr(row, name)) < _SAME, (series.entity_id, told, row)


async def _stored(
    socket: Socket, series: Series, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    answer = await socket.ask(
        {
            "type": "recorder/statistics_during_period",
            "statistic_ids": [series.entity_id],
            "start_time": since.isoformat(),
            "end_time": until.isoformat(),
            "period": "hour",
        }
    )
    found: list[dict[str, Any]] = answer.get(series.entity_id, [])
    return found
