"""How long it takes from the start of the process to the first state in Core.

Beside it the start of an interpreter that imports the same libraries, turn by turn. Once on a
machine on which the add-on was never started, and once on one that knows its inverters. With many
inverters, how long it takes until Core has a reading of the last one too.
"""

import asyncio
import math
import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import IMPORTS, runner

_MOST_SECONDS = 1.5
# On a slow machine.
_LONGEST_SECONDS = 600.0


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
            name = f"first start of {inverters} inverters to the last reading"
            figures.append(Figure(name, max(running.proxy.read_at) - since, "s"))
    return figures
