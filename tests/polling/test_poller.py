"""That every inverter is read once a minute, whatever happens to the others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast

import pytest

from examples import dynamic
from fake_clock import FakeClock
from polling import stand_ins
from polling.stand_ins import AWAY, TOKEN_REFUSED
from redback.cloud import (
    Cause,
    CloudError,
    Dynamic,
    NotFoundError,
    RedbackClient,
    ThrottledError,
    TransientError,
)
from redback.inverters.registry import Registry
from redback.notifications import AccountNotifications, Notification
from redback.polling.poller import Poller
from redback.problems import AccountProblems, Kind, Problem, Problems
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
        self.clock_ahead: timedelta | None = None
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


class World:
    """A cloud that is polled, the readings that come of it, and what people are notified of."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.cloud = Cloud(clock)
        self.throttle = stand_ins.throttle(clock)
        self.problems = Problems(clock)
        self.timestamps: dict[str, list[datetime]] = {}
        self.refused: list[bool] = []
        self.told: list[Problem | None] = []
        self.poller = Poller(
            cast("RedbackClient", self.cloud),
            self.throttle,
            clock,
            AccountProblems(self.problems, ""),
            cast("Registry", self),
            cast("AccountNotifications", self),
            stand_ins.Unheeded(),
        )

    def dynamic(self, readings: Mapping[str, Dynamic]) -> None:
        for serial, reading in readings.items():
            self.timestamps.setdefault(serial, []).append(reading.timestamp)

    def show(self, _: Notification) -> None:
        self.refused.append(True)

    def withdraw(self, _: Notification) -> None:
        self.refused.append(False)

    def connection(self, problem: Problem | None) -> None:
        self.told.append(problem)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)


@pytest.fixture
async def world(clock: FakeClock) -> AsyncIterator[World]:
    world = World(clock)
    async with running(world.poller):
        yield world


async def test_nothing_is_asked_before_there_is_an_inverter(world: World) -> None:
    await world.advance(300)
    assert not world.cloud.asked
    world.poller.watch(["RB1"])
    await world.advance(0)
    assert len(world.cloud.asked) == 1


async def test_every_minute_is_delivered_and_none_is_left_out(world: World) -> None:
    world.poller.watch(["RB1"])
    await world.advance(3600)
    minutes = list(dict.fromkeys(world.timestamps["RB1"]))
    assert len(minutes) >= 60
    assert {later - earlier for earlier, later in pairwise(minutes)} == {timedelta(minutes=1)}


async def test_an_hour_takes_little_more_than_sixty_requests(world: World) -> None:
    world.poller.watch(["RB1"])
    await world.advance(3600)
    assert 60 <= len(world.cloud.asked) <= 72


async def test_one_inverter_that_fails_costs_the_others_nothing(world: World) -> None:
    world.cloud.failing["RB1"] = GONE
    world.poller.watch(["RB1", "RB2"])
    await world.advance(120)
    assert "RB1" not in world.timestamps
    assert len(set(world.timestamps["RB2"])) >= 2
    assert "Inverter RB1 cannot be read" in world.problems.now[Kind.INVERTER, "RB1"].sentence


async def test_a_notification_does_not_flap_when_the_cloud_is_away_in_between(world: World) -> None:
    world.poller.watch(["RB1"])
    for refused in (TOKEN_REFUSED, AWAY, TOKEN_REFUSED, AWAY, TOKEN_REFUSED):
        world.cloud.failing["RB1"] = refused
        await world.advance(600)
    assert all(world.refused)


async def test_a_token_that_stays_refused_is_reported_and_tried_every_five_minutes(
    world: World,
) -> None:
    world.cloud.batch_size = 1
    world.cloud.failing["RB1"] = TOKEN_REFUSED
    world.poller.watch(["RB1"])
    await world.advance(3600)
    assert world.refused[-1]
    assert 12 <= len(world.cloud.asked) <= 15
    world.cloud.failing.clear()
    await world.advance(360)
    assert not world.refused[-1]


async def test_a_token_that_is_refused_once_is_a_hiccup_of_a_minute(world: World) -> None:
    world.poller.watch(["RB1"])
    await world.advance(300)
    world.cloud.failing["RB1"] = TOKEN_REFUSED
    await world.advance(60)
    world.cloud.failing.clear()
    await world.advance(120)
    assert not any(world.refused)
    assert world.clock.now() - world.timestamps["RB1"][-1] < timedelta(seconds=90)


async def test_a_cloud_that_throttles_one_of_many_is_left_alone_by_all(world: World) -> None:
    world.cloud.failing["RB1"] = THROTTLED
    world.poller.watch(["RB1", "RB2"])
    await world.advance(600)
    assert len(world.cloud.asked) <= 3


async def test_one_batch_that_fails_costs_the_others_nothing(world: World) -> None:
    world.cloud.batch_size = 1
    world.cloud.failing["RB1"] = AWAY
    world.poller.watch(["RB1", "RB2"])
    await world.advance(120)
    assert list(world.timestamps) == ["RB2"]


async def test_a_cloud_that_was_away_is_back_within_a_minute(world: World) -> None:
    world.cloud.batch_size = 1
    world.cloud.failing["RB1"] = AWAY
    world.poller.watch(["RB1"])
    await world.advance(600)
    assert world.problems.now
    world.cloud.failing.clear()
    await world.advance(60)
    assert world.timestamps["RB1"]
    assert not world.problems.now


async def test_where_there_is_nothing_to_read_any_more_nothing_keeps_it_away(world: World) -> None:
    world.cloud.failing["RB1"] = AWAY
    world.poller.watch(["RB1"])
    await world.advance(120)
    assert set(world.problems.now) == {(Kind.READINGS, None)}
    world.poller.watch([])
    assert not world.problems.now
    await world.advance(120)
    assert not world.problems.now


async def test_an_answer_about_one_that_is_no_longer_read_says_nothing(world: World) -> None:
    world.cloud.failing["RB1"] = AWAY
    world.cloud.before = lambda: world.poller.watch([])
    world.poller.watch(["RB1"])
    await world.advance(120)
    assert world.cloud.asked
    assert not world.problems.now


@pytest.mark.parametrize("hours", [-30, 30])
async def test_a_clock_that_is_set_brings_neither_a_burst_nor_a_pause(
    world: World, hours: int
) -> None:
    world.poller.watch(["RB1"])
    await world.advance(600)
    world.cloud.asked.clear()
    world.clock.set_wall(world.clock.now() + timedelta(hours=hours))
    await world.advance(600)
    assert 8 <= len(world.cloud.asked) <= 18
    assert max(later - earlier for earlier, later in pairwise(world.cloud.asked)) <= 75


@pytest.mark.parametrize("trouble", [AWAY, BUSY])
@pytest.mark.parametrize("lasts", range(60, 240, 12))
async def test_a_minute_after_the_end_of_any_trouble_there_are_readings(
    world: World, *, trouble: CloudError, lasts: int
) -> None:
    async def ask_for_something_else() -> None:
        while True:
            with suppress(CloudError):
                await world.throttle.ask(lambda: world.cloud.something(trouble))
            await world.clock.sleep(37)

    world.poller.watch(["RB1"])
    other = asyncio.create_task(ask_for_something_else())
    await world.advance(600)
    world.cloud.failing["RB1"] = trouble
    await world.advance(lasts)
    # It ends just after one of them was refused: neither waits longer than the last one refused.
    asked = len(world.cloud.asked)
    while len(world.cloud.asked) == asked:
        await world.advance(0.5)
    world.cloud.failing.clear()
    before = len(world.timestamps["RB1"])
    await world.advance(50)
    assert len(world.timestamps["RB1"]) > before
    other.cancel()


@pytest.mark.parametrize("trouble", [AWAY, BUSY])
async def test_in_trouble_it_asks_little_more_than_once_a_minute(
    world: World, trouble: CloudError
) -> None:
    world.poller.watch(["RB1"])
    await world.advance(600)
    world.cloud.failing["RB1"] = trouble
    before = len(world.cloud.asked)
    await world.advance(3600)
    assert 60 <= len(world.cloud.asked) - before <= 3600 / 50 + 1


@pytest.mark.parametrize(
    ("ahead", "detail"),
    [
        (timedelta(minutes=-6), "it is 6 min slow"),
        (timedelta(hours=3, minutes=5), "it is 3 h 5 min fast"),
        (timedelta(days=-400), "it is 9,600 h 0 min slow"),
    ],
    ids=str,
)
async def test_a_clock_that_is_far_off_is_named_at_once_and_people_after_ten_minutes(
    world: World, ahead: timedelta, detail: str
) -> None:
    world.cloud.clock_ahead = ahead
    world.poller.watch(["RB1"])
    await world.advance(61)
    problem = world.problems.now[Kind.CLOCK, None]
    assert problem.detail == detail
    await world.advance(8 * 60)
    assert set(world.told) == {None}
    await world.advance(3 * 60)
    assert world.told[-1] is not None
    assert world.told[-1].kind is Kind.CLOCK
    world.cloud.clock_ahead = timedelta(seconds=2)
    await world.advance(120)
    assert world.told[-1] is None
    assert not world.problems.now


async def test_a_firewall_is_reported_as_one_and_not_as_a_cloud_that_is_away(world: World) -> None:
    world.cloud.failing["RB1"] = AWAY
    world.poller.watch(["RB1"])
    await world.advance(30 * 60)
    assert set(world.told) == {None}
    world.cloud.failing["RB1"] = TransientError(
        "a web page came", method="GET", url="http://cloud/", cause=Cause.BLOCKED
    )
    await world.advance(120)
    assert world.told[-1] is not None
    assert world.told[-1].cause is Cause.BLOCKED
    world.cloud.failing.clear()
    await world.advance(120)
    assert world.told[-1] is None
