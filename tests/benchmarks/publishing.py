"""How long it takes until Core has all states that have changed.

Beside it bare posts of the same states, as many at once, through the same stand-in of the
Supervisor, turn by turn.

`python -m benchmarks.publishing` reads a `Task` and writes a `Result`, both as JSON: the pushing is
in a process of its own, so that the Supervisor's work is not in the same one.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import msgspec

from benchmarks import bare
from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import background, run
from redback.clock import SystemClock
from redback.core import HomeAssistant, open_session
from redback.problems import Problems
from redback.publishing.delivery import Delivery
from redback.publishing.publisher import Device
from redback.publishing.states import StatePublisher
from redback.sensors.entities import Shown
from standin.core import Core
from standin.real_core import temporary_core
from standin.supervisor import TOKEN, Supervisor

# How often, by the number of states.
_ROUNDS = {40: 21, 400: 7, 4000: 3}
_QUICK_ROUNDS = {40: 3}
_MOST_RATIO = 1.15
# For all rounds of one size, on a slow machine.
_PATIENCE_SECONDS = 600.0
# It has as many attributes as the bare posts.
_KEY = "grid_power"
_States = list[tuple[str, str]]
_Way = Callable[[_States], Awaitable[None]]


class Task(msgspec.Struct, frozen=True):
    """What to push through which Supervisor: how many states each time, and how often."""

    url: str
    token: str
    states: int
    rounds: int


class Result(msgspec.Struct, frozen=True):
    """How many seconds each round took, of the publisher and of the bare posts."""

    ours: Sequence[float]
    bare: Sequence[float]


def measure(length: Length) -> Sequence[Figure]:
    """Push them to a real Core, or in a quick run to a stand-in."""
    return asyncio.run(_measure(is_quick=length is Length.QUICK))


async def _measure(*, is_quick: bool) -> list[Figure]:
    figures = []
    async with AsyncExitStack() as stack:
        if is_quick:
            address = (await stack.enter_async_context(Core())).address
        else:
            address = (await stack.enter_async_context(temporary_core())).address
        supervisor = await stack.enter_async_context(Supervisor(address))
        for states, rounds in (_QUICK_ROUNDS if is_quick else _ROUNDS).items():
            task = Task(supervisor.url, TOKEN, states, rounds)
            told = await run("benchmarks.publishing", given=task, seconds=_PATIENCE_SECONDS)
            result = msgspec.json.decode(told, type=Result)
            figures.append(
                Figure(
                    f"until {states} changed states are in Core",
                    1000 * statistics.median(result.ours),
                    "ms",
                    Beside("posts", 1000 * statistics.median(result.bare)),
                    most_ratio=_MOST_RATIO,
                )
            )
    return figures


class _Delivery(Delivery):
    """Sets an event when everything has arrived, and keeps nothing."""

    def __init__(self) -> None:
        self.is_done = asyncio.Event()

    def arrived(self) -> None:
        self.is_done.set()


async def _push(task: Task) -> Result:
    clock = SystemClock()
    problems = Problems(clock)
    delivery = _Delivery()
    async with open_session(task.token) as session, bare.open_session(task.token) as plain:
        core = HomeAssistant(session, task.url, task.token, clock, problems, prefix="redback")
        publisher = StatePublisher(core, clock, problems, delivery)

        async def ours(states: _States) -> None:
            delivery.is_done.clear()
            before = core.rest.states
            for number, (_, value) in enumerate(states):
                publisher.offer(Device(str(number), f"Pushed {number}"), [Shown(_KEY, value)])
            await delivery.is_done.wait()
            assert core.rest.states == before + task.states

        async def posts(states: _States) -> None:
            await bare.post(plain, task.url, states)

        turns: list[tuple[_Way, list[float]]] = [(ours, []), (posts, [])]
        async with background("the publisher", publisher.run()):
            for number in range(task.rounds + 1):
                # Each way is now first and now last: the machine may get slower, or faster.
                for way, found in turns[:: (-1) ** number]:
                    states = [
                        (f"sensor.pushed_{one}_{_KEY}", f"{way.__name__} {number}")
                        for one in range(task.states)
                    ]
                    began = time.monotonic()
                    await way(states)
                    found.append(time.monotonic() - began)
        # The first round makes the states, and connects.
        return Result(*(found[1:] for _, found in turns))


def main() -> None:
    """Push, and write how long it took."""
    result = asyncio.run(_push(msgspec.json.decode(sys.stdin.buffer.read(), type=Task)))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
