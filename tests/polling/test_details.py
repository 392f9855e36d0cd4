"""That what changes seldom is asked for seldom, and soon for an inverter that is new."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import cast

import msgspec
import pytest

from examples import configuration, static
from fake_clock import FakeClock, at_once
from redback.cloud import (
    CloudError,
    Configuration,
    CredentialsError,
    ListedInverter,
    RedbackClient,
    Static,
    TransientError,
)
from redback.polling.details import DetailsPoller
from redback.polling.throttle import Throttle
from redback.problems import Problems

REFUSED = CredentialsError("refused", method="GET", url="http://cloud/", token_refused=True)
AWAY = TransientError("no answer", method="GET", url="http://cloud/")


class Cloud:
    def __init__(self) -> None:
        self.serials = ["RB1"]
        self.asked: list[str] = []
        self.away = False
        self.refuses = False
        self.silent: set[str] = set()
        self.battery_count = 4
        self.configuration: Configuration | CloudError = configuration()

    def inverters(self) -> tuple[ListedInverter, ...]:
        self._ask("inverters")
        return tuple(ListedInverter(serial, "S1") for serial in self.serials)

    def static(self, serial: str) -> Static:
        self._ask(f"static {serial}")
        if serial in self.silent:
            raise AWAY
        return msgspec.structs.replace(static(), battery_count=self.battery_count)

    def configurations(self, serials: Iterable[str]) -> dict[str, Configuration | CloudError]:
        self._ask(f"configurations {' '.join(serials)}")
        return dict.fromkeys(serials, self.configuration)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.away:
            raise AWAY
        if self.refuses:
            raise REFUSED


class House:
    """A poller of details whose findings are put to use as the service does it."""

    def __init__(self, cloud: Cloud, clock: FakeClock) -> None:
        self.described: set[str] = set()
        self.configured: set[str] = set()
        self.refused: list[CredentialsError] = []
        self.unused: set[str] = set()
        self.problems = Problems(clock)
        self.details_poller = DetailsPoller(
            cast("RedbackClient", cloud),
            Throttle(clock, lambda _: None, at_once),
            clock,
            self.problems,
            found=self._watch,
            described=lambda serial, _: self.described.add(serial),
            configured=lambda serial, _: self.configured.add(serial),
            refused=self.refused.append,
        )

    def _watch(self, found: Iterable[ListedInverter]) -> None:
        serials = [inverter.serial for inverter in found]
        used = [serial for serial in serials if serial not in self.unused]
        self.details_poller.watch(used, self.unused.intersection(serials))


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@asynccontextmanager
async def surveyed(cloud: Cloud, clock: FakeClock) -> AsyncIterator[House]:
    house = House(cloud, clock)
    task = asyncio.create_task(house.details_poller.run())
    yield house
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_at_the_start_everything_is_known_within_seconds(
    cloud: Cloud, clock: FakeClock
) -> None:
    async with surveyed(cloud, clock) as house:
        await clock.advance(2)
        assert house.described == house.configured == {"RB1"}


async def test_a_day_takes_a_request_each_half_hour_and_no_more(
    cloud: Cloud, clock: FakeClock
) -> None:
    async with surveyed(cloud, clock) as house:
        await clock.advance(86400)
        assert house.described
        for what, most in (("inverters", 25), ("static RB1", 49), ("configurations RB1", 49)):
            assert most - 4 <= cloud.asked.count(what) <= most


async def test_with_a_hundred_inverters_a_request_is_made_every_other_minute(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.serials = [f"RB{number:03}" for number in range(100)]
    async with surveyed(cloud, clock) as house:
        await clock.advance(300)
        assert len(house.described) == len(house.configured) == 100
        for _ in range(10):
            cloud.asked.clear()
            await clock.advance(3600)
            statics = [what for what in cloud.asked if what.startswith("static")]
            assert 28 <= len(statics) <= 32
            assert len(cloud.asked) <= 35


async def test_what_is_not_in_use_is_looked_at_once_a_day_and_is_never_configured(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.serials = ["RB1", "RB2"]
    async with surveyed(cloud, clock) as house:
        house.unused = {"RB2"}
        await clock.advance(86400)
        assert cloud.asked.count("static RB2") == 1
        assert house.details_poller.others == {"RB2": static()}
        assert house.described == house.configured == {"RB1"}


async def test_that_something_unused_cannot_be_read_is_no_fault(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.serials = ["RB1", "RB2"]
    cloud.silent = {"RB2"}
    async with surveyed(cloud, clock) as house:
        house.unused = {"RB2"}
        await clock.advance(600)
        assert house.problems.now == {}
        assert house.details_poller.others == {}
        cloud.silent.clear()
        await clock.advance(3600)
        assert house.details_poller.others.keys() == {"RB2"}


async def test_what_comes_into_use_is_described_at_once(cloud: Cloud, clock: FakeClock) -> None:
    cloud.serials = ["RB1", "RB2"]
    async with surveyed(cloud, clock) as house:
        house.unused = {"RB2"}
        await clock.advance(600)
        house.details_poller.watch(["RB1", "RB2"])
        await clock.advance(65)
        assert house.described == house.configured == {"RB1", "RB2"}
        assert house.details_poller.others == {}


async def test_an_inverter_that_is_new_is_described_within_minutes_of_being_found(
    cloud: Cloud, clock: FakeClock
) -> None:
    async with surveyed(cloud, clock) as house:
        await clock.advance(10)
        cloud.serials.append("RB2")
        await clock.advance(3600 + 120)
        assert house.described == {"RB1", "RB2"}


async def test_a_cloud_that_is_away_at_the_start_is_asked_again_each_half_minute(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.away = True
    async with surveyed(cloud, clock) as house:
        await clock.advance(600)
        assert 20 <= cloud.asked.count("inverters") <= 21
        cloud.away = False
        await clock.advance(32)
        assert house.described


async def test_without_a_battery_no_configuration_is_asked_for(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.battery_count = 0
    async with surveyed(cloud, clock) as house:
        await clock.advance(86400)
        assert house.described
        assert not [what for what in cloud.asked if what.startswith("configurations")]


async def test_once_there_is_a_battery_its_configuration_is_asked_for(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.battery_count = 0
    async with surveyed(cloud, clock) as house:
        await clock.advance(3600)
        assert not house.configured
        cloud.battery_count = 4
        await clock.advance(3600)
        assert house.configured == {"RB1"}


async def test_a_configuration_that_could_not_be_had_is_asked_for_again_soon(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.configuration = AWAY
    async with surveyed(cloud, clock) as house:
        await clock.advance(60)
        assert not house.configured
        cloud.configuration = configuration()
        await clock.advance(310)
        assert house.configured


async def test_a_token_that_is_refused_from_the_start_is_told_and_tried_every_five_minutes(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.refuses = True
    async with surveyed(cloud, clock) as house:
        await clock.advance(3600)
        assert house.refused
        assert 10 <= len(cloud.asked) <= 13


async def test_once_there_is_an_inverter_its_readings_tell_whether_the_token_is_refused(
    cloud: Cloud, clock: FakeClock
) -> None:
    async with surveyed(cloud, clock) as house:
        await clock.advance(10)
        cloud.refuses = True
        await clock.advance(7200)
        assert not house.refused


async def test_an_account_without_inverters_is_asked_again_soon(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.serials = []
    async with surveyed(cloud, clock) as house:
        await clock.advance(300)
        cloud.serials = ["RB1"]
        await clock.advance(35)
        assert house.described
