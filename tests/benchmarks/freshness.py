"""How old a reading is when Core has it, counted from when the cloud shows it.

The inverters record at seconds of their own, and what they record is shown 4 to 12 seconds later,
and up to two more by chance. Beside it a poller that asks at a fixed second of the minute, as both
existing integrations do (dossier 8), and for the static data every 15 minutes, as one of them does.
Its readings count as soon as it has them.

`python -m benchmarks.freshness TASK`, under a faster clock, writes a `Seen`; both as JSON.
Everything that the machine does takes longer there by as many times as the clock is faster.
"""

import asyncio
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from http import HTTPStatus
from itertools import count
from random import Random

import aiohttp
import msgspec

import fast_clock
from benchmarks.figures import Beside, Figure, Length, percentile
from benchmarks.runner import background, runner
from simulator import Simulator, build_world
from simulator.world import Inverter, days_ago
from simulator_tests.customer import Customer
from standin.core import Core

_MINUTE = 60
_TIME = "_last_reading"
# All states of a reading come within this time, on a slow machine under a fast clock too.
_TOGETHER = 15.0
_PATIENCE_SECONDS = 60.0
_READING = "/Api/v2.21/EnergyData/Dynamic/BySerialNumber"
_STATIC = "/Api/v2/EnergyData/Static/BySerialNumber"
_STATIC_EVERY = 15
_FIXED = "asking at a fixed second"


class Task(msgspec.Struct, frozen=True):
    """What to measure.

    Attributes:
        houses: how many, each with a service and an inverter that has a rhythm of its own.
        warm_up: minutes in which the rhythm is learnt, which do not count.
        minutes: that count.
        speed: how many times faster the clock is.
    """

    houses: int
    warm_up: float
    minutes: float
    speed: int


class Seen(msgspec.Struct, frozen=True):
    """What was measured.

    Attributes:
        ages: seconds from the moment at which the cloud shows a reading to that at which Core has
            all its states, or those of a later one.
        fixed_ages: the same until a poller at a fixed second has the reading, and no state.
        requests: of the service, a minute and inverter.
        fixed_requests: of that poller.
    """

    ages: Sequence[float]
    fixed_ages: Sequence[float]
    requests: float
    fixed_requests: float


_TASKS = {Length.QUICK: Task(2, 1, 2, 30), Length.USUAL: Task(6, 12, 20, 6)}


def measure(length: Length) -> Sequence[Figure]:
    """Measure some houses side by side."""
    seen = watch(_TASKS.get(length, _TASKS[Length.USUAL]))
    return [
        Figure(
            f"age of {len(seen.ages)} readings, median",
            statistics.median(seen.ages),
            "s",
            Beside(_FIXED, statistics.median(seen.fixed_ages)),
            most=2.5,
            most_ratio=0.1,
        ),
        Figure(
            "age that 95% are below",
            percentile(seen.ages, 95),
            "s",
            Beside(_FIXED, percentile(seen.fixed_ages, 95)),
            most=6.0,
        ),
        Figure(
            "requests a minute in this time",
            seen.requests,
            "requests",
            Beside(_FIXED, seen.fixed_requests),
            most=1.2,
        ),
    ]


def watch(task: Task) -> Seen:
    """Measure it under a clock that is faster."""
    seconds = _PATIENCE_SECONDS + 3 * _MINUTE * (task.warm_up + task.minutes) / task.speed
    text = msgspec.json.encode(task).decode()
    told = fast_clock.run("benchmarks.freshness", text, seconds=seconds, speed=task.speed)
    return msgspec.convert(told, Seen)


class _House:
    """One inverter, asked for in both ways at clouds that show the same at the same moments."""

    def __init__(self, stack: AsyncExitStack, seed: str) -> None:
        self._stack = stack
        self._seed = seed
        self._fixed: dict[int, float] = {}
        self.ours: Simulator
        self.theirs: Simulator
        self._core: Core

    @property
    def inverter(self) -> Inverter:
        """It is the same in both clouds."""
        return self.ours.world.inverters[0]

    async def open(self) -> None:
        """Begin to ask."""
        enter = self._stack.enter_async_context
        running = await enter(runner(seed=self._seed, has_proxy=False))
        self.ours, self._core = running.simulator, running.core
        world = build_world(["fleet"], inverters=1, seed=self._seed, commissioned=days_ago(3))
        self.theirs = await enter(Simulator(world))
        await running.service.start()
        polling = _poll(self.theirs.url, self.inverter.serial, phase(self._seed), self._heard)
        await enter(background("the other poller", polling))

    def ages(self, since: float, until: float) -> list[float]:
        """Return how old each reading was that the cloud began to show in this time."""
        return list(self._ages(self._shown(), since, until))

    def fixed_ages(self, since: float, until: float) -> list[float]:
        """Return the same of the other poller."""
        return list(self._ages(self._fixed, since, until))

    def _ages(self, arrived: Mapping[int, float], since: float, until: float) -> Iterator[float]:
        for minute in range(int(since) // _MINUTE, int(until) // _MINUTE + 1):
            stamp = minute * _MINUTE + self.inverter.second
            visible = self.inverter.visible_at(stamp)
            if since <= visible < until:
                yield min(at for told, at in arrived.items() if told >= stamp) - visible

    def _shown(self) -> dict[int, float]:
        """Return when Core had all states of each reading, by the reading's time."""
        pushes = [(push, push.at.timestamp()) for push in self._core.states.history]
        shown: dict[int, float] = defaultdict(float)
        for push, at in pushes:
            if push.entity_id.endswith(_TIME) and push.state[0].isdigit():
                stamp = int(datetime.fromisoformat(push.state).timestamp())
                shown[stamp] = max(one for _, one in pushes if at <= one < at + _TOGETHER)
        return shown

    def _heard(self, timestamp: str) -> None:
        self._fixed.setdefault(int(datetime.fromisoformat(timestamp).timestamp()), time.time())


def phase(seed: str) -> float:
    """Choose the second of the minute at which the fixed poller of a house asks."""
    return Random(f"phase {seed}").uniform(0, _MINUTE)


async def _poll(url: str, serial: str, wait: float, heard: Callable[[str], None]) -> None:
    """Ask for ever, once a minute; `heard` gets the timestamp of each reading."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(url, timeout=timeout) as session:
        customer = Customer(session)
        await customer.sign_in()
        due = time.monotonic() + wait
        for number in count():
            await asyncio.sleep(max(due - time.monotonic(), 0))
            due += _MINUTE
            answer = await customer.get(f"{_READING}/{serial}")
            if answer.status == HTTPStatus.OK:
                heard(answer.data["TimestampUtc"])
            else:  # the token has expired
                await customer.sign_in()
            if number % _STATIC_EVERY == 0:
                await customer.get(f"{_STATIC}/{serial}")


async def _watch(task: Task) -> Seen:
    async with AsyncExitStack() as stack:
        houses = [_House(stack, str(number)) for number in range(task.houses)]
        for house in houses:
            await house.open()
        await asyncio.sleep(task.warm_up * _MINUTE)
        clouds = [[house.ours for house in houses], [house.theirs for house in houses]]
        for one in (*clouds[0], *clouds[1]):
            one.journal.clear()
        since = time.time()
        await asyncio.sleep(task.minutes * _MINUTE)
        until = time.time()
        minutes = (until - since) / _MINUTE * len(houses)
        ours, theirs = (sum(one.journal.count() for one in both) / minutes for both in clouds)
        # The last readings are still on their way.
        await asyncio.sleep(2 * _MINUTE)
        return Seen(
            [age for house in houses for age in house.ages(since, until)],
            [age for house in houses for age in house.fixed_ages(since, until)],
            ours,
            theirs,
        )


def main() -> None:
    """Measure, and write it."""
    seen = asyncio.run(_watch(msgspec.json.decode(sys.argv[1], type=Task)))
    sys.stdout.buffer.write(msgspec.json.encode(seen))


if __name__ == "__main__":
    main()
