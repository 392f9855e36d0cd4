"""How old a reading is when Core has it, counted from when the cloud shows it.

The inverters record at seconds of their own, and what they record is shown 4 to 12 seconds later,
and up to two more by chance. Beside it a poller that asks at a fixed second of the minute, as both
existing integrations do (dossier 8), and for the static data every 15 minutes, as one of them does.
Its readings count as soon as it has them.

The program runs under a faster clock: whatever the machine does takes that many times longer.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from itertools import chain, count
from random import Random

import aiohttp
import msgspec

from benchmarks.figures import Beside, Figure, Length, percentile
from benchmarks.runner import Runner, Task, background, be_program, run_faster, runner
from simulator_tests.customer import Customer

_MINUTE = 60
_TIME = "_last_reading"
# All states of a reading come within this time, on a slow machine under a fast clock too.
_TOGETHER = 15.0
_READING = "/Api/v2.21/EnergyData/Dynamic/BySerialNumber"
_STATIC = "/Api/v2/EnergyData/Static/BySerialNumber"
# Minutes.
_STATIC_EVERY, _TOKEN_LASTS = 15, 59
_FIXED = "asking at a fixed second"


class Seen(msgspec.Struct, frozen=True):
    """The age of each reading, in seconds, and the requests a minute and inverter.

    The age is from when the cloud shows it until Core has all its states, or those of a later one.
    """

    ages: Sequence[float]
    requests: float


# Each inverter is in a house of its own, with a service, and has a rhythm of its own.
_QUICK, _USUAL = Task(2, 1, 2, 30), Task(6, 12, 20, 6)


def measure(length: Length) -> Sequence[Figure]:
    """Measure some houses side by side."""
    task = _QUICK if length is Length.QUICK else _USUAL
    both = run_faster("benchmarks.freshness", task, tuple[Seen, Seen])

    ours, fixed = both
    medians = [statistics.median(one.ages) for one in both]
    most = [percentile(one.ages, 95) for one in both]
    beside = [Beside(_FIXED, value) for value in (medians[1], most[1], fixed.requests)]
    name = f"age of {len(ours.ages)} readings, median"
    return [
        Figure(name, medians[0], "s", beside[0], most=2.5, most_ratio=0.1),
        Figure("age that 95% are below", most[0], "s", beside[1], most=6.0),
        Figure("requests a minute then", ours.requests, "requests", beside[2], most=1.2),
    ]


class _House:
    """One inverter, asked for in both ways."""

    def __init__(self, running: Runner, seed: str) -> None:
        self.running = running
        self.asked = 0
        self._phase = phase(seed)
        self._inverter = running.simulator.world.inverters[0]
        self._fixed: dict[int, float] = {}

    async def poll(self) -> None:
        """Ask for ever, once a minute at the same second."""
        serial, timeout = self._inverter.serial, aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(self.running.simulator.url, timeout=timeout) as session:
            customer = Customer(session)
            due = time.monotonic() + self._phase
            for number in count():
                await asyncio.sleep(max(due - time.monotonic(), 0))
                due += _MINUTE
                if number % _TOKEN_LASTS == 0:
                    self.asked += 1
                    await customer.sign_in()
                if number % _STATIC_EVERY == 0:
                    self.asked += 1
                    await customer.get(f"{_STATIC}/{serial}")
                self.asked += 1
                answer = await customer.get(f"{_READING}/{serial}")
                self._fixed.setdefault(_stamp(answer.data["TimestampUtc"]), time.time())

    def ages(self, since: float, until: float) -> tuple[list[float], list[float]]:
        """Return how old each reading was that the cloud began to show then, in both ways."""
        pushes = [(push, push.at.timestamp()) for push in self.running.core.states.history]
        shown: dict[int, float] = defaultdict(float)
        for push, at in pushes:
            if push.entity_id.endswith(_TIME) and push.state[0].isdigit():
                last = max(one for _, one in pushes if at <= one < at + _TOGETHER)
                shown[_stamp(push.state)] = last
        ours, fixed = (list(self._ages(way, since, until)) for way in (shown, self._fixed))
        return ours, fixed

    def _ages(self, arrived: Mapping[int, float], since: float, until: float) -> Iterator[float]:
        for minute in range(int(since) // _MINUTE, int(until) // _MINUTE + 1):
            stamp = minute * _MINUTE + self._inverter.second
            visible = self._inverter.visible_at(stamp)
            if since <= visible < until:
                yield min(at for one, at in arrived.items() if one >= stamp) - visible


def phase(seed: str) -> float:
    """Choose the second of the minute at which the fixed poller of a house asks."""
    return Random(f"phase {seed}").uniform(0, _MINUTE)


def _stamp(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp())


async def _watch(task: Task) -> list[Seen]:
    async with AsyncExitStack() as stack:
        houses = []
        for seed in map(str, range(task.inverters)):
            running = await stack.enter_async_context(runner(seed=seed, has_proxy=False))
            houses.append(house := _House(running, seed))
            await running.service.start()
            await stack.enter_async_context(background("the other poller", house.poll()))
        await asyncio.sleep(task.warm_up * _MINUTE)
        for house in houses:
            house.running.simulator.journal.clear()
            house.asked = 0
        since = time.time()
        await asyncio.sleep(task.minutes * _MINUTE)
        until = time.time()
        fixed = sum(house.asked for house in houses)
        ours = sum(house.running.simulator.journal.count() for house in houses) - fixed
        # The last readings are still on their way.
        await asyncio.sleep(2 * _MINUTE)
        ages = zip(*(house.ages(since, until) for house in houses), strict=True)
        minutes = (until - since) / _MINUTE * task.inverters
        both = zip(ages, (ours, fixed), strict=True)
        return [Seen(list(chain(*way)), requests / minutes) for way, requests in both]


if __name__ == "__main__":
    be_program(_watch, Task)
