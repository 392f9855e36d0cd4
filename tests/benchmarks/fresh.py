"""Watches when readings come to Core; to be run under a faster clock.

`python -m benchmarks.fresh TASK`, with a `Task` as JSON, writes a `Seen` as JSON. Everything that
the machine does takes longer by so many times as the clock is faster.
"""

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import msgspec

import fast_clock
from benchmarks.fixed import poll
from benchmarks.meanwhile import meanwhile
from benchmarks.stage import Stage, stage
from simulator import Simulator, build_world
from simulator.world import Inverter, days_ago
from standin.core import Core

_MINUTE = 60.0
_PERIOD = 60
_TIME = "_last_reading"
# All states of a reading come in less, on a slow machine under a fast clock too.
_TOGETHER = 15.0
_PATIENCE_SECONDS = 60.0


class Task(msgspec.Struct, frozen=True):
    """What is to be watched.

    Attributes:
        houses: how many, each with a service and an inverter that has a rhythm of its own.
        warm_up: minutes in which the rhythm is learnt, which are not looked at.
        minutes: that are looked at.
    """

    houses: int
    warm_up: float
    minutes: float


class Seen(msgspec.Struct, frozen=True):
    """What was seen, house by house and reading by reading.

    Attributes:
        ages: seconds from the moment at which the cloud shows a reading to that at which Core has
            all its states, or those of a later one.
        fixed_ages: the same until a poller at a fixed second has the reading, and no state.
        requests: of the service, a minute and inverter.
        fixed_requests: the same of the other one.
    """

    ages: Sequence[float]
    fixed_ages: Sequence[float]
    requests: float
    fixed_requests: float


def watch(task: Task, speed: int) -> Seen:
    """Watch it under a clock that is so many times faster."""
    text = msgspec.json.encode(task).decode()
    seconds = _PATIENCE_SECONDS + 3 * _MINUTE * (task.warm_up + task.minutes) / speed
    return msgspec.convert(
        fast_clock.run("benchmarks.fresh", text, seconds=seconds, speed=speed), Seen
    )


class _House:
    """One inverter, asked for in both ways at clouds that show the same at the same moments."""

    def __init__(self, number: int) -> None:
        worlds = [build_world(seed=str(number), commissioned=days_ago(3)) for _ in range(2)]
        self.ours, self.theirs = (Simulator(world) for world in worlds)
        self.core = Core()
        self._fixed: dict[int, float] = {}

    @property
    def inverter(self) -> Inverter:
        """It is the same in both clouds."""
        return self.ours.world.inverters[0]

    async def open(self, stack: AsyncExitStack) -> None:
        """Begin to ask."""
        for one in (self.ours, self.theirs, self.core):
            await stack.enter_async_context(one)
        scene: Stage = await stack.enter_async_context(
            stage(self.ours.url, core=self.core.address, has_front=False)
        )
        await scene.service.start()
        # The inverters of all houses have the same serial number, but not the same phase.
        seed = self.theirs.world.seed
        polling = poll(self.theirs.url, [self.inverter.serial], seed=seed, heard=self._heard)
        await stack.enter_async_context(meanwhile("the other poller", polling))

    def clear(self) -> None:
        """Forget what was asked for so far."""
        self.ours.journal.clear()
        self.theirs.journal.clear()

    def ages(self, since: float, until: float) -> list[float]:
        """Tell how old each reading was that the cloud began to show in this time."""
        return list(self._ages(self._shown(), since, until))

    def fixed_ages(self, since: float, until: float) -> list[float]:
        """Tell the same of the other poller."""
        return list(self._ages(self._fixed, since, until))

    def _ages(self, arrived: dict[int, float], since: float, until: float) -> Iterator[float]:
        second = self.inverter.second
        for minute in range(int(since) // _PERIOD, int(until) // _PERIOD + 1):
            stamp = minute * _PERIOD + second
            visible = self.inverter.visible_at(stamp)
            if since <= visible < until:
                yield min(at for told, at in arrived.items() if told >= stamp) - visible

    def _shown(self) -> dict[int, float]:
        """Tell when Core had all states of each reading, by the reading's time."""
        pushes = [(push, push.at.timestamp()) for push in self.core.states.history]
        shown: dict[int, float] = defaultdict(float)
        for push, at in pushes:
            if push.entity_id.endswith(_TIME) and push.state[0].isdigit():
                stamp = int(datetime.fromisoformat(push.state).timestamp())
                shown[stamp] = max(one for _, one in pushes if at <= one < at + _TOGETHER)
        return shown

    def _heard(self, _: str, reading: Mapping[str, Any]) -> None:
        told = datetime.fromisoformat(reading["TimestampUtc"])
        self._fixed.setdefault(int(told.timestamp()), time.time())


async def _watch(task: Task) -> Seen:
    houses = [_House(number) for number in range(task.houses)]
    async with AsyncExitStack() as stack:
        for house in houses:
            await house.open(stack)
        await asyncio.sleep(task.warm_up * _MINUTE)
        for house in houses:
            house.clear()
        since = time.time()
        await asyncio.sleep(task.minutes * _MINUTE)
        until = time.time()
        ours, theirs = (
            sum(one.journal.count() for one in clouds) * _MINUTE / (until - since) / len(houses)
            for clouds in ([one.ours for one in houses], [one.theirs for one in houses])
        )
        # The last readings have their time to come too.
        await asyncio.sleep(2 * _MINUTE)
        return Seen(
            [age for house in houses for age in house.ages(since, until)],
            [age for house in houses for age in house.fixed_ages(since, until)],
            ours,
            theirs,
        )


def main() -> None:
    """Watch, and tell."""
    seen = asyncio.run(_watch(msgspec.json.decode(sys.argv[1], type=Task)))
    sys.stdout.buffer.write(msgspec.json.encode(seen))


if __name__ == "__main__":
    main()
