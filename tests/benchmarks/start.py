"""How long it takes from the start of the process to the first state in Core.

Beside it the start of an interpreter that imports the same libraries, turn by turn. Once on a
machine on which the add-on was never started, and once on one that knows its inverters. With many
inverters, how long it takes until Core has a reading of the last one too.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import runner

_LIBRARIES = "aiohttp, msgspec, requests, slugify, tenacity"
_ROUNDS = {Length.QUICK: 1}
_USUAL_ROUNDS = 5
_MANY = {Length.QUICK: (4,)}
_USUAL_MANY = (100, 1000)
_MOST_SECONDS = 1.5
# On a slow machine.
_PATIENCE_SECONDS = 600.0


def measure(length: Length) -> Sequence[Figure]:
    """Start it some times."""
    return asyncio.run(_measure(_ROUNDS.get(length, _USUAL_ROUNDS), _MANY.get(length, _USUAL_MANY)))


async def _measure(rounds: int, fleets: Sequence[int]) -> list[Figure]:
    imports: list[float] = []
    starts: dict[str, list[float]] = {"first": [], "later": []}
    for _ in range(rounds):
        imports.append(await _import_seconds())
        async with runner() as running:
            for found in starts.values():
                running.proxy.forget()
                began = time.time()
                await running.service.start()
                await running.has_readings(_PATIENCE_SECONDS)
                found.append(running.proxy.times[0] - began)
                await running.service.stop()
    beside = Beside("imports", statistics.median(imports))
    figures = [
        Figure(
            f"{which} start to the first state",
            statistics.median(found),
            "s",
            beside,
            most=_MOST_SECONDS,
        )
        for which, found in starts.items()
    ]
    for inverters in fleets:
        async with runner(inverters) as running:
            began = time.time()
            await running.service.start()
            await running.has_readings(_PATIENCE_SECONDS)
            seconds = max(running.proxy.readings.values()) - began
        name = f"first start of {inverters} inverters to the last reading"
        figures.append(Figure(name, seconds, "s"))
    return figures


async def _import_seconds() -> float:
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", f"import {_LIBRARIES}")
    await process.wait()
    return time.monotonic() - began
