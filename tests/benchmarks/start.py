"""How long it takes from the start of the process to the first state in Core.

Beside it the start of an interpreter that imports the same libraries, turn by turn. Once on a
machine on which the add-on was never started, and once on one that knows its inverters. With many
inverters, how long it takes until Core has a reading of the last one too, beside bare posts of as
many states.
"""

import asyncio
import math
import statistics
import sys
import time
from collections.abc import Iterable, Sequence

import aiohttp
import msgspec

from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import IMPORTS, be_program, run, runner
from redback.publishing.states import AT_ONCE

_MOST_SECONDS = 1.5
# Beyond the bare posts: to find the inverters, and to ask for what each of them is.
_MOST_MORE_SECONDS = 5.0
# On a slow machine.
_LONGEST_SECONDS = 600.0
_BODY = {
    "state": "1.234",
    "attributes": {
        "friendly_name": "Bare power",
        "unit_of_measurement": "kW",
        "device_class": "power",
        "state_class": "measurement",
    },
}


class Task(msgspec.Struct, frozen=True):
    """How many states to post, and where to."""

    url: str
    states: int


def measure(length: Length) -> Sequence[Figure]:
    """Start it some times, and with many inverters once."""
    rounds, fleets = (1, (4,)) if length is Length.QUICK else (5, (100, 1000))
    return asyncio.run(_measure(rounds, fleets))


async def _measure(rounds: int, fleets: Sequence[int]) -> list[Figure]:
    imports: list[float] = []
    starts: dict[str, list[float]] = {"first": [], "later": []}
    for _ in range(rounds):
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", IMPORTS)
        await process.wait()
        imports.append(time.monotonic() - began)
        async with runner() as running:
            for found in starts.values():
                running.proxy.forget()
                since = time.time()
                await running.service.start()
                await running.has_readings(_LONGEST_SECONDS)
                found.append((running.proxy.first or math.inf) - since)
                await running.service.stop()
    beside = Beside("imports", statistics.median(imports))
    figures = []
    for which, found in starts.items():
        name, median = f"{which} start to the first state", statistics.median(found)
        figures.append(Figure(name, median, "s", beside, most=_MOST_SECONDS))
    for inverters in fleets:
        async with runner(inverters) as running:
            since = time.time()
            await running.service.start()
            await running.has_readings(_LONGEST_SECONDS)
            seconds = max(running.proxy.read_at) - since
            task = Task(running.proxy.url, running.proxy.pushes)
            await running.service.stop()
            written = await run("benchmarks.start", task, seconds=_LONGEST_SECONDS)
            posts = msgspec.json.decode(written, type=float)
            name = f"first start of {inverters} inverters to the last reading"
            beside = Beside(f"bare posts of {task.states:,} states", posts)
            figures.append(Figure(name, seconds, "s", beside, most=posts + _MOST_MORE_SECONDS))
    return figures


async def _post(task: Task) -> float:
    """Post so many states, as many at once as the service; return the seconds."""
    async with aiohttp.ClientSession() as session:

        async def post(numbers: Iterable[int]) -> None:
            for number in numbers:
                address = f"{task.url}/core/api/states/sensor.bare_{number}"
                async with session.post(address, json=_BODY, raise_for_status=True) as answer:
                    await answer.read()

        began = time.monotonic()
        waiting = iter(range(task.states))
        await asyncio.gather(*(post(waiting) for _ in range(AT_ONCE)))
        return time.monotonic() - began


if __name__ == "__main__":
    be_program(_post, Task)
