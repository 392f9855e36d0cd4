"""That every inverter is read once a minute, whatever happens to the others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast

import pytest

from examples import dynamic
from fake_clock import FakeClock
from polling import stand_ins
from polling.stand_ins import AWAY, DENIED, TOKEN_REFUSED
from redback.cloud import (
    CloudError,
    Dynamic,
    NotFoundError,
    RedbackClient,
    ThrottledError,
)
from redback.inverters.registry import Registry
from redback.notifications import AccountNotifications, Notification
from redback.polling.poller import Poller
from redback.polling.throttle import Throttle
from redback.problems import AccountProblems, Kind, Problems
from running import running

GONE = NotFoundError("not found", method="GET", url="http://cloud/")
BUSY = ThrottledError("slow down", method="POST", url="http://cloud/")
THROTTLED = ThrottledError("slow down", method="POST", url="http://cloud/", retry_after=300)


class Cloud:
    """An account whose readings become visible eight seconds after their minute."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self.failing: dict[str, CloudError] = {}
        self.batch_size = 100
        # What happens while a question is under way.
        self.before: Callable[[], None] = lambda: None

    def batches(self, serials: Iterable[str]) -> list[tuple[str, ...]]:
        waiting = list(serials)
        size = self.batch_size
        return [tuple(waiting[n : n + size]) for n in range(0, len(waiting), size)]

    def dynamic(self, batch: tuple[str, ...], _: float) -> dict[str, Dynamic | CloudError]:
        self.asked.append(self.clock.monotonic())
        self.before()
        if batch[0] in self.failing and self.batch_size == 1:
            raise self.failing[batch[0]]
        visible = self.clock.now() - timedelta(seconds=8)
        minute = visible.replace(second=0, microsecond=0)
        reading = dynamic(TimestampUtc=minute.isoformat())
        return {serial: self.failing.get(serial, reading) for serial in batch}

    def something(self, trouble: CloudError) -> None:
        """Answer another question, which meets the same trouble."""
        self.asked.append(self.clock.monotonic())
        if self.failing:
            raise trouble


class Delivered:
    """The readings that the registry gets."""

    def __init__(self) -> None:
        self.timestamps: dict[str, list[datetime]] = {}

    def dynamic(self, readings: Mapping[str, Dynamic]) -> None:
        for serial, reading in readings.items():
            self.timestamps.setdefault(serial, []).append(reading.timestamp)


class Notified:
    """What people were notified of, time after time."""

    def __init__(self) -> None:
        self.denials: list[tuple[str, ...]] = []
        self.refused: list[bool] = []

    def show(self, _: Notification) -> None:
        self.refused.append(True)

    def withdraw(self, _: Notification) -> None:
        self.refused.append(False)

    def denied(self, serials: Collection[str]) -> None:
        self.denials.append(tuple(serials))


@pytest.fixture
def cloud(clock: FakeClock) -> Cloud:
    return Cloud(clock)


@pytest.fixture
def delivered() -> Delivered:
    return Delivered()


@pytest.fixture
def notified() -> Notified:
    return Notified()


@pytest.fixture
def problems(clock: FakeClock) -> Problems:
    return Problems(clock)


@pytest.fixture
def throttle(clock: FakeClock) -> Throttle:
    return stand_ins.throttle(clock)


@pytest.fixture
async def poller(
    clock: FakeClock,
    cloud: Cloud,
    throttle: Throttle,
    delivered: Delivered,
    notified: Notified,
    problems: Problems,
) -> AsyncIterator[Poller]:
    poller = Poller(
        cast("RedbackClient", cloud),
        throttle,
        clock,
        AccountProblems(problems, ""),
        cast("Registry", delivered),
        cast("AccountNotifications", notified),
    )
    async with running(poller):
        yield poller


async def test_nothing_is_asked_before_there_is_an_inverter(
    poller: Poller, cloud: Cloud, clock: FakeClock
) -> None:
    await clock.advance(300)
    assert not cloud.asked
    poller.watch(["RB1"])
    await clock.advance(0)
    assert len(cloud.asked) == 1


async def test_every_minute_is_delivered_and_none_is_left_out(
    poller: Poller, delivered: Delivered, clock: FakeClock
) -> None:
    poller.watch(["RB1"])
    await clock.advance(3600)
    minutes = list(dict.fromkeys(delivered.timestamps["RB1"]))
    assert len(minutes) >= 60
    assert {later - earlier for earlier, later in pairwise(minutes)} == {timedelta(minutes=1)}


async def test_an_hour_takes_little_more_than_sixty_requests(
    poller: Poller, cloud: Cloud, clock: FakeClock
) -> None:
    poller.watch(["RB1"])
    await clock.advance(3600)
    assert 60 <= len(cloud.asked) <= 72


async def test_one_inverter_that_fails_costs_the_others_nothing(
    poller: Poller, cloud: Cloud, delivered: Delivered, clock: FakeClock, problems: Problems
) -> None:
    cloud.failing["RB1"] = GONE
    poller.watch(["RB1", "RB2"])
    await clock.advance(120)
    assert "RB1" not in delivered.timestamps
    assert len(set(delivered.timestamps["RB2"])) >= 2
    assert "Inverter RB1 cannot be read" in problems.now[Kind.INVERTER, "RB1"].sentence


async def test_an_inverter_that_may_not_be_read_is_reported_once_and_taken_back(
    poller: Poller, cloud: Cloud, notified: Notified, clock: FakeClock
) -> None:
    cloud.failing["RB1"] = DENIED
    poller.watch(["RB1", "RB2"])
    await clock.advance(300)
    assert notified.denials == [("RB1",)]
    cloud.failing.clear()
    await clock.advance(60)
    assert notified.denials == [("RB1",), ()]


async def test_a_notification_does_not_flap_when_the_cloud_is_away_in_between(
    poller: Poller, cloud: Cloud, notified: Notified, clock: FakeClock
) -> None:
    poller.watch(["RB1"])
    for error in (DENIED, AWAY, DENIED, AWAY):
        cloud.failing["RB1"] = error
        await clock.advance(120)
    assert notified.denials == [("RB1",)]
    notified.refused.clear()
    for refused in (TOKEN_REFUSED, AWAY, TOKEN_REFUSED, AWAY, TOKEN_REFUSED):
        cloud.failing["RB1"] = refused
        await clock.advance(600)
    assert all(notified.refused)


async def test_one_that_is_no_longer_asked_for_is_no_longer_denied(
    poller: Poller, cloud: Cloud, notified: Notified, clock: FakeClock
) -> None:
    cloud.failing["RB1"] = DENIED
    poller.watch(["RB1", "RB2"])
    await clock.advance(60)
    poller.watch(["RB2"])
    assert notified.denials == [("RB1",), ()]


async def test_one_that_does_not_exist_any_more_is_no_longer_denied(
    poller: Poller, cloud: Cloud, notified: Notified, clock: FakeClock
) -> None:
    cloud.failing["RB1"] = DENIED
    poller.watch(["RB1", "RB2"])
    await clock.advance(60)
    cloud.failing["RB1"] = GONE
    await clock.advance(60)
    assert notified.denials == [("RB1",), ()]


async def test_a_token_that_stays_refused_is_reported_and_tried_every_five_minutes(
    poller: Poller, cloud: Cloud, notified: Notified, clock: FakeClock
) -> None:
    cloud.batch_size = 1
    cloud.failing["RB1"] = TOKEN_REFUSED
    poller.watch(["RB1"])
    await clock.advance(3600)
    assert notified.refused[-1]
    assert 12 <= len(cloud.asked) <= 15
    cloud.failing.clear()
    await clock.advance(360)
    assert not notified.refused[-1]


async def test_a_token_that_is_refused_once_is_a_hiccup_of_a_minute(
    poller: Poller, cloud: Cloud, delivered: Delivered, notified: Notified, clock: FakeClock
) -> None:
    poller.watch(["RB1"])
    await clock.advance(300)
    cloud.failing["RB1"] = TOKEN_REFUSED
    await clock.advance(60)
    cloud.failing.clear()
    await clock.advance(120)
    assert not any(notified.refused)
    assert clock.now() - delivered.timestamps["RB1"][-1] < timedelta(seconds=90)


async def test_a_cloud_that_throttles_one_of_many_is_left_alone_by_all(
    poller: Poller, cloud: Cloud, clock: FakeClock
) -> None:
    cloud.failing["RB1"] = THROTTLED
    poller.watch(["RB1", "RB2"])
    await clock.advance(600)
    assert len(cloud.asked) <= 3


async def test_one_batch_that_fails_costs_the_others_nothing(
    poller: Poller, cloud: Cloud, delivered: Delivered, clock: FakeClock
) -> None:
    cloud.batch_size = 1
    cloud.failing["RB1"] = AWAY
    poller.watch(["RB1", "RB2"])
    await clock.advance(120)
    assert list(delivered.timestamps) == ["RB2"]


async def test_a_cloud_that_was_away_is_back_within_a_minute(
    poller: Poller, cloud: Cloud, delivered: Delivered, clock: FakeClock, problems: Problems
) -> None:
    cloud.batch_size = 1
    cloud.failing["RB1"] = AWAY
    poller.watch(["RB1"])
    await clock.advance(600)
    assert problems.now
    cloud.failing.clear()
    await clock.advance(60)
    assert delivered.timestamps["RB1"]
    assert not problems.now


async def test_where_there_is_nothing_to_read_any_more_nothing_keeps_it_away(
    poller: Poller, cloud: Cloud, clock: FakeClock, problems: Problems
) -> None:
    cloud.failing["RB1"] = AWAY
    poller.watch(["RB1"])
    await clock.advance(120)
    assert set(problems.now) == {(Kind.READINGS, None)}
    poller.watch([])
    assert not problems.now
    await clock.advance(120)
    assert not problems.now


async def test_an_answer_about_one_that_is_no_longer_read_says_nothing(
    poller: Poller, cloud: Cloud, clock: FakeClock, problems: Problems
) -> None:
    cloud.failing["RB1"] = AWAY
    cloud.before = lambda: poller.watch([])
    poller.watch(["RB1"])
    await clock.advance(120)
    assert cloud.asked
    assert not problems.now


@pytest.mark.parametrize("hours", [-30, 30])
async def test_a_clock_that_is_set_brings_neither_a_burst_nor_a_pause(
    poller: Poller, cloud: Cloud, clock: FakeClock, hours: int
) -> None:
    poller.watch(["RB1"])
    await clock.advance(600)
    cloud.asked.clear()
    clock.set_wall(clock.now() + timedelta(hours=hours))
    await clock.advance(600)
    assert 8 <= len(cloud.asked) <= 18
    assert max(later - earlier for earlier, later in pairwise(cloud.asked)) <= 75


@pytest.mark.parametrize("trouble", [AWAY, BUSY])
@pytest.mark.parametrize("lasts", range(60, 240, 12))
async def test_a_minute_after_the_end_of_any_trouble_there_are_readings(
    poller: Poller,
    throttle: Throttle,
    cloud: Cloud,
    delivered: Delivered,
    clock: FakeClock,
    *,
    trouble: CloudError,
    lasts: int,
) -> None:
    async def ask_for_something_else() -> None:
        while True:
            with suppress(CloudError):
                await throttle.ask(lambda: cloud.something(trouble))
            await clock.sleep(37)

    poller.watch(["RB1"])
    other = asyncio.create_task(ask_for_something_else())
    await clock.advance(600)
    cloud.failing["RB1"] = trouble
    await clock.advance(lasts)
    # It ends just after one of them was refused: neither waits longer than the last one refused.
    asked = len(cloud.asked)
    while len(cloud.asked) == asked:
        await clock.advance(0.5)
    cloud.failing.clear()
    before = len(delivered.timestamps["RB1"])
    await clock.advance(50)
    assert len(delivered.timestamps["RB1"]) > before
    other.cancel()


@pytest.mark.parametrize("trouble", [AWAY, BUSY])
async def test_in_trouble_it_asks_little_more_than_once_a_minute(
    poller: Poller, cloud: Cloud, clock: FakeClock, trouble: CloudError
) -> None:
    poller.watch(["RB1"])
    await clock.advance(600)
    cloud.failing["RB1"] = trouble
    before = len(cloud.asked)
    await clock.advance(3600)
    assert 60 <= len(cloud.asked) - before <= 3600 / 50 + 1
