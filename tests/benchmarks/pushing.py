"""The two ways of bringing states to Core, turn by turn, in a process of their own.

`python -m benchmarks.pushing TASK`, with a `Task` as JSON, writes a `Result` as JSON.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

import msgspec

from benchmarks import bare
from benchmarks.meanwhile import meanwhile
from redback.clock import SystemClock
from redback.core import HomeAssistant, open_session
from redback.problems import Problems
from redback.publishing.delivery import Delivery
from redback.publishing.publisher import Device
from redback.publishing.states import StatePublisher
from redback.sensors.entities import Shown

# Real seconds for one round, on a slow machine.
_PATIENCE_SECONDS = 120.0
# It has as many attributes as the bare posts.
_KEY = "grid_power"


class Task(msgspec.Struct, frozen=True):
    """What is to be pushed, and where to.

    Attributes:
        url: of the Supervisor.
        token: its token.
        states: how many have changed each time.
        rounds: how often, in each of the two ways.
    """

    url: str
    token: str
    states: int
    rounds: int


class Result(msgspec.Struct, frozen=True):
    """How many seconds each round took, of the publisher and of the bare posts."""

    ours: Sequence[float]
    bare: Sequence[float]


_States = list[tuple[str, str]]
_Way = Callable[[_States], Awaitable[None]]
_Seconds = list[list[float]]


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

        async with meanwhile("the publisher", publisher.run()):
            return Result(*await _turns(task, ours, posts))


async def _turns(task: Task, *ways: _Way) -> _Seconds:
    """Let each way have its turns, now first and now last; gives how long each of them took."""
    turn = count()

    async def take(way: _Way) -> float:
        states = _states(task, f"turn {next(turn)}")
        began = time.monotonic()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await way(states)
        return time.monotonic() - began

    for way in ways:
        await take(way)  # which makes the states, and connects
    seconds: _Seconds = [[] for _ in ways]
    contest = list(zip(ways, seconds, strict=True))
    for number in range(task.rounds):
        for way, found in contest[:: (-1) ** number]:
            found.append(await take(way))
    return seconds


def _states(task: Task, value: str) -> _States:
    return [(f"sensor.pushed_{number}_{_KEY}", value) for number in range(task.states)]


def main() -> None:
    """Push, and tell."""
    result = asyncio.run(_push(msgspec.json.decode(sys.argv[1], type=Task)))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
