"""How long it takes from the start of the process to the first state in Core.

Beside it the start of an interpreter that imports the same libraries, turn by turn. Once on a
machine on which the add-on was never started, and once on one that knows its inverters. Of many
inverters, how long it takes until Core has a reading of the last one too.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterable

import aiohttp

from benchmarks.cloud import Cloud, cloud
from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.process import LIKE_THE_IMAGE
from benchmarks.stage import stage

_LIBRARIES = "aiohttp, msgspec, requests, slugify, tenacity"
_ROUNDS = 9
# By the number of inverters: how often.
_FULL_MANY = {100: 3, 1000: 1}
_QUICK_MANY = {4: 1}
_TRIPS = 20
_SECONDS = 1.5
# On a slow machine.
_PATIENCE_SECONDS = 60.0
_MANY_PATIENCE_SECONDS = 600.0


def measure(*, quick: bool) -> Outcome:
    """Start it some times."""
    figures = asyncio.run(_one(1 if quick else _ROUNDS))
    for inverters, rounds in (_QUICK_MANY if quick else _FULL_MANY).items():
        figures.append(asyncio.run(_many(inverters, rounds)))
    return Outcome(figures)


async def _one(rounds: int) -> list[Figure]:
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
    return [
        Figure("first start to the first state", _median(first), "s", beside, most=most),
        Figure("later start to the first state", _median(later), "s", beside, most=most),
    ]


async def _many(inverters: int, rounds: int) -> Figure:
    seconds: list[float] = []
    async with cloud(inverters) as ours:
        for _ in range(rounds):
            async with stage(ours.url) as scene:
                began = time.time()
                await scene.service.start()
                arrived = await scene.read(inverters, seconds=_MANY_PATIENCE_SECONDS)
                seconds.append(arrived - began)
    name = f"first start of {inverters} inverters to the last reading"
    return Figure(name, _median(seconds), "s")


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


async def _import_seconds() -> float:
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", f"import {_LIBRARIES}"), env=os.environ | LIKE_THE_IMAGE
    )
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
