"""That what changes seldom is asked for seldom, and soon for an inverter that is new."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from examples import configuration, dynamic, static
from fake_clock import FakeClock, at_once
from polling import stand_ins
from polling.stand_ins import AWAY, TOKEN_REFUSED
from redback.cloud import (
    CloudError,
    Dynamic,
    RedbackClient,
)
from redback.inverters import registry
from redback.notifications import AccountNotifications, Notification
from redback.options import Site
from redback.polling.account import Account
from redback.problems import AccountProblems, Kind, Problems
from redback.sensors.details import Details
from redback.sensors.reading import Reading
from running import running


class Cloud(stand_ins.Cloud):
    def dynamic(self, _: Iterable[str], __: float) -> dict[str, Dynamic | CloudError]:
        return {}  # readings are another matter


class Registry:
    """What is known of the inverters."""

    def __init__(self) -> None:
        self._details: dict[str, Details] = {}
        # Without a battery, unless a test says otherwise; None: not read yet.
        self.dynamic_of: dict[str, Dynamic | None] = {}

    @property
    def described(self) -> set[str]:
        return {serial for serial, one in self._details.items() if one.static is not None}

    @property
    def configured(self) -> set[str]:
        return {serial for serial, one in self._details.items() if one.configuration is not None}

    def details(self, serial: str) -> Details:
        return self._details.get(serial, Details())

    def describe(self, serial: str, details: Details) -> None:
        self._details[serial] = details

    def reading(self, serial: str) -> Reading | None:
        if (found := self.dynamic_of.get(serial, dynamic("single_phase"))) is None:
            return None
        return Reading(serial, found.timestamp, found, self.details(serial))

    def use(self, names: Iterable[str], instead_of: Iterable[str]) -> None:
        pass

    def dynamic(self, readings: object) -> None:
        pass

    def believed(self, _: str) -> bool:
        return True


class House:
    """An account whose findings are kept here.

    Attributes:
        refused: how often it was shown that the token is refused.
    """

    def __init__(self, cloud: Cloud, clock: FakeClock, used: Iterable[str]) -> None:
        self.registry = Registry()
        self.refused = 0
        self.problems = Problems(clock)
        self.account = Account(
            cast("RedbackClient", cloud),
            clock,
            AccountProblems(self.problems, ""),
            cast("AccountNotifications", self),
            cast("registry.Registry", self.registry),
            stand_ins.Unsaved(),
            sites=[Site(serial) for serial in used],
            runner=at_once,
        )

    def show(self, _: Notification) -> None:
        self.refused += 1

    def withdraw(self, _: Notification) -> None:
        pass

    def inverters(self, *_: object, others: bool) -> None:
        pass


@pytest.fixture
def cloud(clock: FakeClock) -> Cloud:
    return Cloud(clock, "RB1")


@asynccontextmanager
async def surveyed(
    cloud: Cloud, clock: FakeClock, used: Iterable[str] = ()
) -> AsyncIterator[House]:
    house = House(cloud, clock, used)
    async with running(house.account):
        yield house


async def test_at_the_start_everything_is_known_within_seconds(
    cloud: Cloud, clock: FakeClock
) -> None:
    async with surveyed(cloud, clock) as house:
        await clock.advance(2)
        assert house.registry.described == house.registry.configured == {"RB1"}


async def test_a_day_takes_a_request_each_half_hour_and_no_more(
    cloud: Cloud, clock: FakeClock
) -> None:
    async with surveyed(cloud, clock) as house:
        await clock.advance(86400)
        assert house.registry.described
        for what, most in (("inverters", 25), ("static RB1", 49), ("configurations RB1", 49)):
            assert most - 4 <= cloud.asked.count(what) <= most


async def test_with_a_hundred_inverters_a_request_is_made_every_other_minute(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.serials = [f"RB{number:03}" for number in range(100)]
    async with surveyed(cloud, clock) as house:
        await clock.advance(300)
        assert len(house.registry.described) == len(house.registry.configured) == 100
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
    async with surveyed(cloud, clock, used=["RB1"]) as house:
        await clock.advance(86400)
        assert cloud.asked.count("static RB2") == 1
        assert house.account.details.others == {"RB2": static()}
        assert house.registry.described == house.registry.configured == {"RB1"}


async def test_that_something_unused_cannot_be_read_is_no_fault(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.serials = ["RB1", "RB2"]
    cloud.undescribed = {"RB2": AWAY}
    async with surveyed(cloud, clock, used=["RB1"]) as house:
        await clock.advance(600)
        assert house.problems.now == {}
        assert house.account.details.others == {}
        cloud.undescribed.clear()
        await clock.advance(3600)
        assert house.account.details.others.keys() == {"RB2"}


async def test_what_comes_into_use_is_described_at_once(cloud: Cloud, clock: FakeClock) -> None:
    cloud.serials = ["RB1", "RB2"]
    async with surveyed(cloud, clock, used=["RB1"]) as house:
        await clock.advance(600)
        house.account.details.watch(["RB1", "RB2"])
        await clock.advance(65)
        assert house.registry.described == house.registry.configured == {"RB1", "RB2"}
        assert house.account.details.others == {}


async def test_an_inverter_that_is_new_is_described_within_minutes_of_being_found(
    cloud: Cloud, clock: FakeClock
) -> None:
    async with surveyed(cloud, clock) as house:
        await clock.advance(10)
        cloud.serials.append("RB2")
        await clock.advance(3600 + 120)
        assert house.registry.described == {"RB1", "RB2"}


async def test_a_cloud_that_is_away_at_the_start_is_asked_again_each_half_minute(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.failing = AWAY
    async with surveyed(cloud, clock) as house:
        await clock.advance(600)
        assert 20 <= cloud.asked.count("inverters") <= 21
        cloud.failing = None
        await clock.advance(32)
        assert house.registry.described


async def test_without_a_battery_no_configuration_is_asked_for(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.battery_count = 0
    async with surveyed(cloud, clock) as house:
        await clock.advance(86400)
        assert house.registry.described
        assert not [what for what in cloud.asked if what.startswith("configurations")]


async def test_before_the_first_reading_nobody_knows_that_there_is_no_battery(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.battery_count = 0
    async with surveyed(cloud, clock) as house:
        house.registry.dynamic_of["RB1"] = None
        await clock.advance(60)
        assert house.registry.configured == {"RB1"}


async def test_a_battery_that_is_not_counted_but_has_values_has_a_configuration(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.battery_count = 0
    async with surveyed(cloud, clock) as house:
        await clock.advance(3600)
        assert not house.registry.configured
        house.registry.dynamic_of["RB1"] = dynamic()
        await clock.advance(3600)
        assert house.registry.configured == {"RB1"}


async def test_once_there_is_a_battery_its_configuration_is_asked_for(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.battery_count = 0
    async with surveyed(cloud, clock) as house:
        await clock.advance(3600)
        assert not house.registry.configured
        cloud.battery_count = 4
        await clock.advance(3600)
        assert house.registry.configured == {"RB1"}


async def test_a_configuration_that_could_not_be_had_is_asked_for_again_soon(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.configuration = AWAY
    async with surveyed(cloud, clock) as house:
        await clock.advance(60)
        assert not house.registry.configured
        cloud.configuration = configuration()
        await clock.advance(310)
        assert house.registry.configured


async def test_what_could_not_be_read_is_no_problem_once_it_can_be(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.configuration = AWAY
    cloud.undescribed = {"RB1": AWAY}
    async with surveyed(cloud, clock) as house:
        await clock.advance(60)
        assert set(house.problems.now) == {(Kind.DETAILS, "RB1"), (Kind.CONFIGURATION, None)}
        cloud.configuration = configuration()
        cloud.undescribed.clear()
        await clock.advance(310)
        assert not house.problems.now


async def test_what_is_no_longer_in_use_has_no_problem(cloud: Cloud, clock: FakeClock) -> None:
    cloud.configuration = AWAY
    cloud.undescribed = {"RB1": AWAY}
    async with surveyed(cloud, clock) as house:
        await clock.advance(60)
        house.problems.watch({}, instead_of=["RB1"])
        house.account.details.watch([])
        await clock.advance(65)
        assert not house.problems.now


async def test_where_there_is_nothing_to_configure_any_more_that_is_no_problem(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.configuration = AWAY
    async with surveyed(cloud, clock) as house:
        await clock.advance(60)
        assert set(house.problems.now) == {(Kind.CONFIGURATION, None)}
        cloud.battery_count = 0
        await clock.advance(3600)
        assert not house.problems.now


async def test_a_token_that_is_refused_from_the_start_is_reported_and_tried_every_five_minutes(
    cloud: Cloud, clock: FakeClock
) -> None:
    cloud.failing = TOKEN_REFUSED
    async with surveyed(cloud, clock) as house:
        await clock.advance(3600)
        assert house.refused
        assert 10 <= len(cloud.asked) <= 13


async def test_once_there_is_an_inverter_its_readings_show_whether_the_token_is_refused(
    cloud: Cloud, clock: FakeClock
) -> None:
    async with surveyed(cloud, clock) as house:
        await clock.advance(10)
        cloud.failing = TOKEN_REFUSED
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
        assert house.registry.described
