"""How long it takes from the start of the process to the first state in Core.

Beside it the start of an interpreter that imports the same libraries, turn by turn. Once on a
machine on which the add-on was never started, and once on one that knows its inverters.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterable

import aiohttp

from benchmarks.cloud import Cloud, cloud
from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.stage import stage

_LIBRARIES = "aiohttp, msgspec, requests, slugify, tenacity"
_ROUNDS = 9
_TRIPS = 20
_SECONDS = 1.5
# On a slow machine.
_PATIENCE_SECONDS = 60.0


def measure(*, quick: bool) -> Outcome:
    """Start it some times."""
    return asyncio.run(_measure(1 if quick else _ROUNDS))


async def _measure(rounds: int) -> Outcome:
    imports: list[float] = []
    first: list[float] = []
    later: list[float] = []
    async with cloud(1) as ours:
        for _ in range(rounds):
            imports.append(await _import_seconds())
            async with stage(ours.url) as scene:
                for found in (first, later):
                    scene.front.forget()
                    began = time.time()
                    await scene.service.start()
                    await scene.pushed(seconds=_PATIENCE_SECONDS)
                    found.append(scene.front.times[0] - began)
                    await scene.service.stop()
        most = _SECONDS + 2 * await _trip_seconds(ours)
    beside = Beside("imports", statistics.median(imports))
    return Outcome(
        [
            Figure("first start to the first state", _median(first), "s", beside, most=most),
            Figure("later start to the first state", _median(later), "s", beside, most=most),
        ]
    )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


async def _import_seconds() -> float:
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", f"import {_LIBRARIES}")
    await process.wait()
    return time.monotonic() - began


async def _trip_seconds(ours: Cloud) -> float:
    """Tell how long a question to the cloud takes that needs no answer of its own."""
    found = []
    async with aiohttp.ClientSession() as session:
        for _ in range(_TRIPS):
            began = time.monotonic()
            async with session.get(ours.url) as answer:
                await answer.read()
            found.append(time.monotonic() - began)
    return statistics.median(found)
