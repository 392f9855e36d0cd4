"""How long it takes to write a past to a real Core, beside a bare loop that sends the same rows.

The past is an invented one of a three-phase inverter with a battery, with all its sensors, and is
already fetched. Each way has a new Core of its own, behind a stand-in of the Supervisor, and is
over when Core has every row.

`python -m benchmarks.history` writes it in one of the ways: reads a `Task` and writes a `Result`,
both as JSON.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import msgspec

from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import background, run
from examples import SERIAL, configuration, dynamic, static
from redback.backfill import Backfill, Coverage, Fetcher, Importer
from redback.backfill.coverage import FILE, Hour, Stage
from redback.backfill.hourly import Counted, Measured, Summary
from redback.clock import SystemClock
from redback.core import Series, Statistics, WebSocket
from redback.core.metadata import metadata
from redback.core.statistics import ROWS_TO_PUT
from redback.inverters.details import Details
from redback.inverters.inverter import Inverter
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.problems import Problems
from redback.publishing.entity_ids import series as series_of
from redback.sensors.entities import Entities
from standin.real_core import temporary_core
from standin.supervisor import TOKEN, Supervisor

# A month takes longer for each row than a year, since its first week is written day by day.
_HOURS = {Length.QUICK: 720, Length.USUAL: 720, Length.LONG: 8760}
_ROUNDS = {Length.QUICK: 1, Length.USUAL: 2, Length.LONG: 1}
_MOST_RATIO_OF_A_YEAR = 1.3
_MOST_GROWTH_MB = 30.0
_HOUR = timedelta(hours=1)
# Since the first reading; Core has made rows of them by itself.
_LIVE_HOURS = 3
_BARE = "bare loop"
_POLL_SECONDS = 0.1
_LONG_AGO_SECONDS = 3600.0
# For a year, on a slow machine.
_PATIENCE_SECONDS = 1200.0
_Rows = Mapping[str, Sequence[dict[str, Any]]]


class Task(msgspec.Struct, frozen=True):
    """What to write through which Supervisor.

    Attributes:
        url: of the Supervisor.
        begun: the hour of the first reading.
        hours: how many to write before it.
        folder: with what the add-on has fetched.
        rows: what the bare loop writes, by entity; without them the add-on writes.
    """

    url: str
    begun: datetime
    hours: int
    folder: str
    rows: _Rows | None


class Result(msgspec.Struct, frozen=True):
    """What it took, in the process that wrote; `grown_mb` is its growth at the highest point."""

    seconds: float
    processor_seconds: float
    grown_mb: float


def measure(length: Length) -> Sequence[Figure]:
    """Write a month in both ways, or in a long run a year."""
    hours = _HOURS[length]
    rounds = [asyncio.run(_measure(hours)) for _ in range(_ROUNDS[length])]
    (seconds, worked, grown), (bare_seconds, bare_worked, bare_grown) = (
        map(statistics.median, zip(*map(msgspec.structs.astuple, way), strict=True))
        for way in zip(*rounds, strict=True)
    )
    rows = hours * len(_all_series())
    return [
        Figure(
            f"until Core has {hours:,} hours, {rows:,} rows",
            seconds,
            "s",
            Beside(_BARE, bare_seconds),
            most_ratio=_MOST_RATIO_OF_A_YEAR if length is Length.LONG else None,
        ),
        Figure("rows a second", rows / seconds, "", Beside(_BARE, rows / bare_seconds)),
        Figure("processor", worked, "s", Beside(_BARE, bare_worked)),
        Figure("growth", grown, "MB", Beside(_BARE, bare_grown), most=_MOST_GROWTH_MB),
    ]


async def _measure(hours: int) -> tuple[Result, Result]:
    """Let the add-on write, and then the bare loop the same rows; sees that they are right."""
    begun = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - _LIVE_HOURS * _HOUR
    ours, rows = await _write(hours, begun, None)
    for series in _all_series().values():
        found = rows[series.entity_id]
        assert len(found) == hours + (_LIVE_HOURS if series.is_counter else 0), series
        # The sums of the live hours go on from those of the past.
        assert not series.is_counter or len({row["sum"] - row["state"] for row in found}) == 1
    bare, _ = await _write(hours, begun, rows)
    return ours, bare


async def _write(hours: int, begun: datetime, rows: _Rows | None) -> tuple[Result, _Rows]:
    """Write to a new Core; returns what that has then too."""
    async with (
        temporary_core() as core,
        Supervisor(core.address) as supervisor,
        aiohttp.ClientSession() as session,
    ):
        with tempfile.TemporaryDirectory() as folder:
            if rows is None:
                _fetch(Path(folder), begun, hours)
                socket = await _connect(session, f"{core.url}/api/websocket", core.token)
                await _write_live(socket, begun)
            task = Task(supervisor.url, begun, hours, folder, rows)
            told = await run("benchmarks.history", given=task, seconds=_PATIENCE_SECONDS)
        # Core hangs up on those who say nothing for minutes.
        socket = await _connect(session, f"{core.url}/api/websocket", core.token)
        since, until = begun - hours * _HOUR, begun + _LIVE_HOURS * _HOUR
        stored = {
            series.entity_id: await socket.stored(series, since, until)
            for series in _all_series().values()
        }
        return msgspec.json.decode(told, type=Result), stored


def _fetch(folder: Path, begun: datetime, hours: int) -> None:
    """Write the file in which everything is fetched and nothing is written to Core."""
    coverage = Coverage(folder / FILE)
    for number in range(60 * _LIVE_HOURS):
        coverage.note(SERIAL, begun + timedelta(minutes=number, seconds=8))
    summaries = _summaries(begun, -hours, 0)
    coverage.put(SERIAL, (Hour(at, Stage.FETCHED, tries=1, summary=one) for at, one in summaries))
    coverage.close()


async def _write_live(socket: "_Socket", begun: datetime) -> None:
    """Write what Core would have made of the counters that it was shown."""
    live = list(_summaries(begun, 0, _LIVE_HOURS))
    for key, series in _all_series().items():
        if series.is_counter:
            counted = [(at, one.counted[key]) for at, one in live]
            first = counted[0][1].first
            rows = [
                {"start": at, "state": one.last, "sum": one.last - first} for at, one in counted
            ]
            await socket.write(series, rows)


def _summaries(begun: datetime, first: int, end: int) -> Iterator[tuple[datetime, Summary]]:
    """Invent hours, counted from that of the first reading."""
    known = _inverter()
    counters = [key for key, one in _all_series().items() if one.is_counter]
    usual = dict(known.entities.numbers(known.reading(dynamic())))
    for number in range(first, end):
        measured = {
            key: Measured(value + number % 24 / 7, value, value + 4)
            for key, value in ((one, usual[one] or 0.0) for one in usual.keys() - counters)
        }
        last = 100_000.0 + number
        counted = dict.fromkeys(counters, Counted(last - 0.5, last, 0.5))
        yield begun + number * _HOUR, Summary(measured, counted)


class _Socket:
    """A WebSocket to Core, and nothing more: one question, one answer."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, version: str) -> None:
        self._socket = socket
        self._version = version
        self._ids = count(1)

    async def write(self, series: Series, rows: Sequence[dict[str, Any]]) -> None:
        """Send the rows of a statistic, as many at once as the add-on does."""
        for first in range(0, len(rows), ROWS_TO_PUT):
            await self._ask(
                type="recorder/import_statistics",
                metadata=metadata(series, None, self._version),
                stats=rows[first : first + ROWS_TO_PUT],
            )

    async def stored(
        self, series: Series, since: datetime, until: datetime
    ) -> Sequence[dict[str, Any]]:
        """Return the rows of a statistic as they can be written again."""
        answer = await self._ask(
            type="recorder/statistics_during_period",
            statistic_ids=[series.entity_id],
            start_time=since,
            end_time=until,
            period="hour",
            types=["state", "sum"] if series.is_counter else ["mean", "min", "max"],
        )
        return [
            {
                **{name: value for name, value in row.items() if name != "end"},
                "start": datetime.fromtimestamp(row["start"] / 1000, UTC),
            }
            for row in answer.get(series.entity_id, [])
        ]

    async def _ask(self, **command: object) -> Any:  # noqa: ANN401 - each has its own
        frame = msgspec.json.encode({**command, "id": next(self._ids)})
        await self._socket.send_str(frame.decode())
        answer = msgspec.json.decode(await self._socket.receive_str())
        assert answer["success"], answer
        return answer["result"]


async def _connect(session: aiohttp.ClientSession, url: str, token: str) -> _Socket:
    socket = await session.ws_connect(url, max_msg_size=0)
    await socket.receive_json()
    await socket.send_json({"type": "auth", "access_token": token})
    return _Socket(socket, (await socket.receive_json())["ha_version"])


class _Meter:
    """Measures from when it is made."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the highest point so far is forgotten
        self._before = self._now()

    def read(self) -> Result:
        return Result(*(now - then for now, then in zip(self._now(), self._before, strict=True)))

    @staticmethod
    def _now() -> tuple[float, float, float]:
        lines = Path("/proc/self/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        return time.monotonic(), time.process_time(), int(status["VmHWM"].split()[0]) / 1024


async def _bare(session: aiohttp.ClientSession, task: Task, rows: _Rows) -> Result:
    """Send the rows, and wait until Core, which works in their order, has the last one."""
    socket = await _connect(session, f"{task.url}/core/websocket", TOKEN)
    every = list(_all_series().values())
    meter = _Meter()
    for series in every:
        await socket.write(series, rows[series.entity_id])
    last = datetime.fromisoformat(rows[every[-1].entity_id][-1]["start"])
    while not await socket.stored(every[-1], last, last + _HOUR):
        await asyncio.sleep(_POLL_SECONDS)
    return meter.read()


class _LaterClock(SystemClock):
    """Core connected long ago."""

    def monotonic(self) -> float:
        return super().monotonic() + _LONG_AGO_SECONDS


async def _ours(session: aiohttp.ClientSession, task: Task) -> Result:
    """Let the backfill do it, with everything that it does but fetch."""

    async def shown(*_: object) -> dict[str, float]:
        return {}  # what Core stored is what the inverter showed

    clock, known = _LaterClock(), _inverter()
    coverage = Coverage(Path(task.folder) / FILE)
    link = WebSocket(
        session,
        task.url,
        TOKEN,
        SystemClock(),
        connected=lambda: None,
        disconnected=lambda error: print(error, file=sys.stderr),  # noqa: T201 - for who runs it
    )
    registry = SimpleNamespace(
        names={SERIAL: GivenName("Redback", "Redback")}, known=lambda _: known
    )
    backfill = Backfill(
        coverage,
        cast("Fetcher", SimpleNamespace(shown=shown)),
        Importer(Statistics(link), clock),
        link,
        clock,
        Problems(clock),
        registry=cast("Registry", registry),
        days=task.hours // 24,
    )
    async with background("the WebSocket", link.run()):
        while link.up_since is None:
            await asyncio.sleep(0.01)
        meter = _Meter()
        async with background("the backfill", backfill.run()):
            while backfill.progress.done < task.hours:
                await asyncio.sleep(0.01)
            result = meter.read()
    assert not backfill.progress.objections, backfill.progress.objections
    coverage.close()
    return result


def _inverter() -> Inverter:
    """Make the inverter; all its entities exist."""
    entities = Entities(detailed=True)
    known = Inverter(SERIAL, "Redback", entities, Details(static(), configuration()))
    entities.show(known.reading(dynamic()))
    return known


def _all_series() -> Mapping[str, Series]:
    return series_of(_inverter())


async def _run(task: Task) -> Result:
    async with asyncio.timeout(_PATIENCE_SECONDS), aiohttp.ClientSession() as session:
        if task.rows is None:
            return await _ours(session, task)
        return await _bare(session, task, task.rows)


def main() -> None:
    """Write it in one of the ways."""
    result = asyncio.run(_run(msgspec.json.decode(sys.stdin.buffer.read(), type=Task)))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
