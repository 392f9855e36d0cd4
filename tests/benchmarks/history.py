"""How long it takes to write a past to a real Core, beside a bare loop that sends the same rows.

`python -m benchmarks.history --hours 8760 --rounds 3`, with HASS_EXECUTABLE set, and tests in
PYTHONPATH. Each way has a Core of its own, new each time, behind a stand-in of the Supervisor.
Afterwards every row is compared with what it should be.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from benchmarks.contestants import Result, Socket, Task, connect, write_all
from benchmarks.year import LIVE_HOURS, Past, inverter, rows
from redback.core import Series
from redback.history.gaps import HOUR
from standin.real_core import temporary_core
from standin.supervisor import TOKEN, Supervisor

_SAME = 1e-6
_WAYS = ("bare", "ours")


class Report(msgspec.Struct, frozen=True):
    """What came of it, round by round."""

    hours: int
    rows: int
    bare: list[Result]
    ours: list[Result]

    @property
    def ratio(self) -> float:
        """How many times longer ours took than the bare loop, in the middle round."""
        return statistics.median(
            our.seconds / bare.seconds for our, bare in zip(self.ours, self.bare, strict=True)
        )

    @property
    def grown_mb(self) -> float:
        """The most that ours grew."""
        return max(one.grown_mb for one in self.ours)


async def measure(hours: int, rounds: int) -> Report:
    """Write so many hours in both ways, so many times."""
    past = Past(datetime.now(UTC), hours)
    found: dict[str, list[Result]] = {way: [] for way in _WAYS}
    for number in range(rounds):
        # Neither is always the first: the machine may get slower, or faster.
        for way in _WAYS[:: -1 if number % 2 else 1]:
            found[way].append(await _run(way, past))
            sys.stderr.write(f"{number + 1}: {way} {found[way][-1].seconds:.1f} s\n")
    return Report(hours, hours * len(inverter().entities.series), found["bare"], found["ours"])


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
    await write_all(socket, [(series, rows(series, shown)) for series in known.entities.series])


async def _contest(way: str, task: Task) -> Result:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.contestants",
        way,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate(msgspec.json.encode(task))
    assert process.returncode == 0, way
    return msgspec.json.decode(told, type=Result)


async def _compare(socket: Socket, past: Past, *, are_joined: bool) -> None:
    """See that Core has every row; `are_joined`: and that those of its own go on from them."""
    known = inverter()
    until = past.begun + LIVE_HOURS * HOUR if are_joined else past.begun
    wanted = {start: one for start, one in past.summaries(known) if start < until}
    for series in known.entities.series:
        found = await _stored(socket, series, past.since, until)
        expected = rows(series, wanted)
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


def _table(report: Report) -> str:
    lines = [f"{report.hours} hours, {report.rows} rows, {len(report.bare)} rounds (medians)"]
    for name, results in (("bare", report.bare), ("ours", report.ours)):
        seconds = statistics.median(one.seconds for one in results)
        worked = statistics.median(one.processor_seconds for one in results)
        lines.append(
            f"{name}  {seconds:7.1f} s  {report.rows / seconds:8.0f} rows/s"
            f"  {worked:6.1f} s of processor  {max(one.grown_mb for one in results):6.1f} MB"
        )
    lines.append(f"ratio {report.ratio:.2f}")
    return "\n".join(lines)


def main() -> None:
    """Measure, and tell it as a table and as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--hours", type=int, default=8760, help="how long the past is")
    parser.add_argument("--rounds", type=int, default=1, help="how often both ways are measured")
    arguments = parser.parse_args()
    report = asyncio.run(measure(arguments.hours, arguments.rounds))
    told = {"ratio": report.ratio, "grown_mb": report.grown_mb, **msgspec.to_builtins(report)}
    sys.stdout.write(f"{_table(report)}\n{msgspec.json.encode(told).decode()}\n")


if __name__ == "__main__":
    main()
