"""How long it takes until Core has all states that have changed.

Beside it bare posts of the same states, as many at once, through the same stand-in of the
Supervisor; turn by turn, so that both meet the machine in the same mood.
"""

import asyncio
import statistics
from contextlib import AsyncExitStack

import msgspec

from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.process import run
from benchmarks.pushing import Result, Task
from standin.core import Core
from standin.real_core import temporary_core
from standin.supervisor import TOKEN, Supervisor

# By the number of states: how often.
_FULL = {40: 31, 400: 11, 4000: 5}
_QUICK = {40: 3}
_MOST_RATIO = 1.15
# For all rounds of one size, on a slow machine; each of them has its own too.
_PATIENCE_SECONDS = 900.0


def measure(*, quick: bool) -> Outcome:
    """Push them to a real Core, or in a small run to a stand-in."""
    return asyncio.run(_measure(quick=quick))


async def _measure(*, quick: bool) -> Outcome:
    async with AsyncExitStack() as stack:
        if quick:
            address = (await stack.enter_async_context(Core())).address
        else:
            address = (await stack.enter_async_context(temporary_core())).address
        supervisor = await stack.enter_async_context(Supervisor(address))
        sizes = _QUICK if quick else _FULL
        return Outcome(
            [
                _figure(states, await _contest(Task(supervisor.url, TOKEN, states, rounds)))
                for states, rounds in sizes.items()
            ]
        )


async def _contest(task: Task) -> Result:
    text = msgspec.json.encode(task).decode()
    told = await run("benchmarks.pushing", text, seconds=_PATIENCE_SECONDS)
    return msgspec.json.decode(told, type=Result)


def _figure(states: int, result: Result) -> Figure:
    return Figure(
        f"until {states} changed states are in Core",
        1000 * statistics.median(result.ours),
        "ms",
        Beside("posts", 1000 * statistics.median(result.bare)),
        most_ratio=_MOST_RATIO,
    )
