"""The two ways of writing a past to Core, each run in a process of its own.

`python -m benchmarks.contestants bare|ours` takes a `Task` as JSON and tells a `Result` as JSON.
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec

from benchmarks.year import Past, inverter, rows
from examples import SERIAL
from redback.backfill import Backfill, Coverage, Fetcher, Importer
from redback.backfill.coverage import FILE
from redback.backfill.gaps import HOUR
from redback.clock import SystemClock
from redback.core import Row, Series, Statistics, WebSocket
from redback.core.metadata import metadata
from redback.core.statistics import ROWS_TO_PUT
from redback.inverters.inverter import Inverter
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.problems import Problems
from redback.publishing.entity_ids import series as series_of

_POLL_SECONDS = 0.1
_LONG_AGO_SECONDS = 3600.0
# For a year, on a slow machine.
PATIENCE_SECONDS = 1200.0


class Task(msgspec.Struct, frozen=True):
    """What is to be written, from where and to where."""

    url: str
    token: str
    folder: str
    now: datetime
    hours: int

    @property
    def past(self) -> Past:
        """The past that is in the folder."""
        return Past(self.now, self.hours)


class Result(msgspec.Struct, frozen=True):
    """What it took; megabytes are of 1024 x 1024 bytes, and the growth is up to the highest point.

    Attributes:
        seconds: from the first command until Core has everything.
        processor_seconds: of them, those in which this process did something.
        grown_mb: by how much the process grew.
    """

    seconds: float
    processor_seconds: float
    grown_mb: float


class Meter:
    """Time and memory from its making on."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the highest point so far is forgotten
        self._before = _megabytes("VmRSS")
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._worked = _worked()

    def read(self) -> Result:
        return Result(
            self._clock.monotonic() - self._began,
            _worked() - self._worked,
            _megabytes("VmHWM") - self._before,
        )


class _LaterClock(SystemClock):
    """Core came long ago, and no time passes in which another hour could end."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return super().monotonic() + _LONG_AGO_SECONDS


class _Alone:
    """A registry of one inverter."""

    names: Mapping[str, GivenName] = {SERIAL: GivenName("Redback", "Redback")}

    def __init__(self, inverter: Inverter) -> None:
        self._inverter = inverter

    def known(self, _: str) -> Inverter:
        return self._inverter


class _NoFetcher:
    """Everything is fetched, and what Core stored is what the inverter showed."""

    async def shown(self, *_: object) -> dict[str, float]:
        return {}


class Socket:
    """A WebSocket to Core, and nothing more: one question, one answer."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, version: str) -> None:
        self.version = version
        self._socket = socket
        self._ids = count(1)

    async def ask(self, command: dict[str, object]) -> Any:  # noqa: ANN401 - each has its own
        frame = msgspec.json.encode({**command, "id": next(self._ids)})
        await self._socket.send_str(frame.decode())
        answer = msgspec.json.decode(await self._socket.receive_str())
        assert answer["success"], answer
        return answer["result"]


async def connect(session: aiohttp.ClientSession, url: str, token: str) -> Socket:
    """Log in."""
    socket = await session.ws_connect(url, max_msg_size=0)
    await socket.receive_json()
    await socket.send_json({"type": "auth", "access_token": token})
    return Socket(socket, (await socket.receive_json())["ha_version"])


def imports(series: Series, written: Sequence[Row], version: str) -> Iterator[dict[str, object]]:
    """Give the commands that write rows, as many in each as `Statistics.put` would."""
    for first in range(0, len(written), ROWS_TO_PUT):
        yield {
            "type": "recorder/import_statistics",
            "metadata": metadata(series, None, version),
            "stats": [
                {"start": row.start.isoformat(), **_numbers(row, series)}
                for row in written[first : first + ROWS_TO_PUT]
            ],
        }


async def has(socket: Socket, series: Series, row: Row) -> bool:
    """Tell whether Core has a row, whatever is in it."""
    found = await socket.ask(
        {
            "type": "recorder/statistics_during_period",
            "statistic_ids": [series.entity_id],
            "start_time": row.start.isoformat(),
            "end_time": (row.start + HOUR).isoformat(),
            "period": "hour",
        }
    )
    return bool(found)


async def write_all(socket: Socket, everything: Sequence[tuple[Series, list[Row]]]) -> None:
    """Send all rows, and wait until Core, which works in their order, has the last one."""
    for series, written in everything:
        for command in imports(series, written, socket.version):
            await socket.ask(command)
    series, written = everything[-1]
    while not await has(socket, series, written[-1]):
        await asyncio.sleep(_POLL_SECONDS)


async def bare(task: Task) -> Result:
    """Send the rows, all of them made before."""
    known, past = inverter(), task.past
    fetched = {start: one for start, one in past.summaries(known) if start < past.begun}
    everything = [(one, rows(key, one, fetched)) for key, one in series_of(known).items()]
    async with aiohttp.ClientSession() as session:
        socket = await connect(session, task.url + "/core/websocket", task.token)
        meter = Meter()
        await write_all(socket, everything)
        return meter.read()


async def ours(task: Task) -> Result:
    """Let the history do it, with everything that it does but fetch."""
    known, clock = inverter(), _LaterClock(task.now)
    coverage = Coverage(Path(task.folder) / FILE)
    async with aiohttp.ClientSession() as session:
        link = WebSocket(
            session,
            task.url,
            task.token,
            SystemClock(),
            connected=lambda: None,
            disconnected=lambda error: print(error, file=sys.stderr),  # noqa: T201 - to whom runs it
        )
        history = Backfill(
            coverage,
            cast("Fetcher", _NoFetcher()),
            Importer(Statistics(link), clock),
            link,
            clock,
            Problems(clock),
            registry=cast("Registry", _Alone(known)),
            days=task.hours // 24,
        )
        tasks = [asyncio.create_task(link.run())]
        while link.up_since is None:
            await asyncio.sleep(0.01)
        meter = Meter()
        tasks.append(asyncio.create_task(history.run()))
        while history.progress.done < task.hours:
            assert not tasks[-1].done()
            await asyncio.sleep(0.01)
        result = meter.read()
        assert not history.progress.objections, history.progress.objections
        for one in reversed(tasks):
            one.cancel()
            with suppress(asyncio.CancelledError):
                await one
    coverage.close()
    return result


def _numbers(row: Row, series: Series) -> dict[str, object]:
    if series.is_counter:
        return {"state": row.state, "sum": row.sum}
    return {"mean": row.mean, "min": row.min, "max": row.max}


def _megabytes(line: str) -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    (kilobytes,) = (one.split()[1] for one in status if one.startswith(f"{line}:"))
    return int(kilobytes) / 1024


def _worked() -> float:
    return time.process_time()


def main() -> None:
    """Run one of the two."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    run = {"bare": bare, "ours": ours}[sys.argv[1]]
    result = asyncio.run(asyncio.wait_for(run(task), PATIENCE_SECONDS))
    sys.stdout.write(msgspec.json.encode(result).decode())


if __name__ == "__main__":
    main()
