"""How long it takes until Core has all states that have changed.

Beside it bare posts of the same states, as many at once, through the same stand-in of the
Supervisor, turn by turn; the program returns how many seconds each turn took.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.bare import post_all
from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import background, be_program, run
from redback.clock import SystemClock
from redback.core import HomeAssistant, open_session
from redback.options import Options
from redback.problems import Problems
from redback.publishing.delivery import Delivery
from redback.publishing.device import Device
from redback.publishing.ways import publisher as make_publisher
from redback.sensors.entities import Shown
from standin.core import Core
from standin.real_core import RealCore, temporary_core
from standin.supervisor import TOKEN, Supervisor

# How often, by the number of states.
_ROUNDS = {40: 21, 400: 7, 4000: 3}
_QUICK_ROUNDS = {40: 3}
_MOST_RATIO = 1.15
# For all rounds of one size, on a slow machine.
_LONGEST_SECONDS = 600.0
# Its attributes are those of the bare posts.
_KEY = "grid_power"
_States = list[tuple[str, str]]


class Task(msgspec.Struct, frozen=True):
    """What to push through which Supervisor: how many states each time, and how often."""

    url: str
    states: int
    rounds: int


def measure(length: Length) -> Sequence[Figure]:
    """Push them to a real Core, or in a quick run to a stand-in."""
    return asyncio.run(_measure(is_quick=length is Length.QUICK))


async def _measure(*, is_quick: bool) -> list[Figure]:
    figures = []
    somewhere: AbstractAsyncContextManager[Core | RealCore]
    somewhere = Core() if is_quick else temporary_core()
    async with somewhere as core, Supervisor(core.address) as supervisor:
        for states, rounds in (_QUICK_ROUNDS if is_quick else _ROUNDS).items():
            task = Task(supervisor.url, states, rounds)
            written = await run("benchmarks.publishing", task, seconds=_LONGEST_SECONDS)
            ways = msgspec.json.decode(written, type=list[list[float]])
            ours, posts = (1000 * statistics.median(way) for way in ways)
            name = f"until {states} changed states are in Core"
            figures.append(Figure(name, ours, "ms", Beside("posts", posts), most_ratio=_MOST_RATIO))
    return figures


class _Delivery(Delivery):
    """Sets an event when everything has arrived, and keeps nothing."""

    def __init__(self) -> None:
        self.is_done = asyncio.Event()

    def arrived(self, *_: object) -> None:
        self.is_done.set()


async def _push(task: Task) -> list[list[float]]:
    clock, delivery = SystemClock(), _Delivery()
    problems = Problems(clock)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        open_session(TOKEN) as session,
        aiohttp.ClientSession(headers=headers) as plain,
        AsyncExitStack() as stack,
    ):
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        core = HomeAssistant(session, task.url, TOKEN, clock, problems, prefix="redback")
        publisher = make_publisher(
            Options("id", "secret"), Path(folder), core, clock, problems, delivery
        )

        async def ours(states: _States) -> None:
            delivery.is_done.clear()
            before = core.rest.states
            for number, (_, value) in enumerate(states):
                publisher.offer(Device(str(number), f"Pushed {number}"), [Shown(_KEY, value)])
            await delivery.is_done.wait()
            assert core.rest.states == before + task.states

        async def posts(states: _States) -> None:
            await post_all(plain, task.url, states)

        turns: list[tuple[Callable[[_States], Awaitable[None]], list[float]]]
        turns = [(ours, []), (posts, [])]
        async with (
            background("the connection", core.run()),
            background("the publisher", publisher.run()),
        ):
            for number in range(task.rounds + 1):
                # Each way is now first and now last: the machine may get slower, or faster.
                for way, seconds in turns[:: (-1) ** number]:
                    value = f"{way.__name__} {number}"
                    states = [(f"sensor.pushed_{one}_{_KEY}", value) for one in range(task.states)]
                    began = time.monotonic()
                    await way(states)
                    seconds.append(time.monotonic() - began)
        # The first round makes the states, and connects.
        return [seconds[1:] for _, seconds in turns]


if __name__ == "__main__":
    be_program(_push, Task)
