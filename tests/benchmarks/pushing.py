"""The two ways of bringing states to Core, turn by turn, in a process of their own.

`python -m benchmarks.pushing TASK`, with a `Task` as JSON, writes a `Result` as JSON.
"""

import asyncio
import sys
import time
from collections.abc import Sequence

import msgspec

from benchmarks.bare import ATTRIBUTES, open_session, post
from redback.clock import SystemClock
from redback.core import CoreClient, State
from redback.faults import Faults
from redback.publisher import Publisher


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


async def _push(task: Task) -> Result:
    ours, bare = [], []
    clock = SystemClock()
    async with open_session(task.token) as session:
        core, arrived = CoreClient(session, task.url), asyncio.Event()
        publisher = Publisher(core, clock, Faults(clock), away=lambda _: arrived.set())
        running = asyncio.create_task(publisher.run())
        await post(session, task.url, _values(task, "first"))  # which makes them, and connects
        for number in range(task.rounds):
            ours.append(await _ours(publisher, arrived, _values(task, f"ours {number}")))
            began = time.monotonic()
            await post(session, task.url, _values(task, f"bare {number}"))
            bare.append(time.monotonic() - began)
            assert core.states == task.states * (number + 1)
        running.cancel()
    return Result(ours, bare)


def _values(task: Task, value: str) -> list[tuple[str, str]]:
    return [(f"sensor.pushed_{number}", value) for number in range(task.states)]


async def _ours(
    publisher: Publisher, arrived: asyncio.Event, values: list[tuple[str, str]]
) -> float:
    states = [State(entity_id, value, ATTRIBUTES) for entity_id, value in values]
    arrived.clear()
    began = time.monotonic()
    publisher.offer(states)
    await arrived.wait()
    return time.monotonic() - began


def main() -> None:
    """Push, and tell."""
    result = asyncio.run(_push(msgspec.json.decode(sys.argv[1], type=Task)))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
