"""That details are requested rarely, and soon for a new inverter."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
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
from redback.notifications import Notifications, Shown
from redback.options import Site
from redback.polling.account import Shared
from redback.polling.accounts import Accounts
from redback.problems import Kind, Problems
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
    """An account whose findings are kept here; it begins when time first passes.

    `refused` counts how often it was shown that the token is refused.
    """

    def __init__(self, clock: FakeClock, stack: AsyncExitStack) -> None:
        self.cloud = Cloud(clock, "RB1")
        self.registry = Registry()
        self.refused = 0
        self.problems = Problems(clock)
        self._clock = clock
        self._stack = stack
        self._has_begun = False
        self.use()

    def use(self, *serials: str) -> None:
        """Have an account of which only these inverters are in use, if any are named."""
        shared = Shared(
            self._clock,
            self.problems,
            cast("Notifications", self),
            cast("registry.Registry", self.registry),
            stand_ins.Unsaved(),
        )
        accounts = Accounts(shared, sites=[Site(serial) for serial in serials])
        self.account = accounts.add(cast("RedbackClient", self.cloud), runner=at_once)

    async def advance(self, seconds: float) -> None:
        if not self._has_begun:
            self._has_begun = True
            await self._stack.enter_async_context(running(self.account))
        await self._clock.advance(seconds)

    def show(self, _: Shown, __: str) -> None:
        self.refused += 1

    def withdraw(self, *_: object) -> None:
        pass

    def missing_sites(self, *_: object, **__: object) -> None:
        pass


@pytest.fixture
async def house(clock: FakeClock) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        yield House(clock, stack)


async def test_at_the_start_everything_is_known_within_seconds(house: House) -> None:
    await house.advance(2)
    assert house.registry.described == house.registry.configured == {"RB1"}


async def test_a_day_takes_a_request_each_half_hour_and_no_more(house: House) -> None:
    await house.advance(86400)
    assert house.registry.described
    for what, most in (("inverters", 25), ("static RB1", 49), ("configurations RB1", 49)):
        assert most - 4 <= house.cloud.asked.count(what) <= most


async def test_with_a_hundred_inverters_a_request_is_made_every_other_minute(house: House) -> None:
    house.cloud.serials = [f"RB{number:03}" for number in range(100)]
    await house.advance(300)
    assert len(house.registry.described) == len(house.registry.configured) == 100
    for _ in range(10):
        house.cloud.asked.clear()
        await house.advance(3600)
        statics = [what for what in house.cloud.asked if what.startswith("static")]
        assert 28 <= len(statics) <= 32
        assert len(house.cloud.asked) <= 35


async def test_what_is_not_in_use_is_looked_at_once_a_day_and_is_never_configured(
    house: House,
) -> None:
    house.cloud.serials = ["RB1", "RB2"]
    house.use("RB1")
    await house.advance(86400)
    assert house.cloud.asked.count("static RB2") == 1
    assert house.account.details.others == {"RB2": static()}
    assert house.registry.described == house.registry.configured == {"RB1"}


async def test_that_something_unused_cannot_be_read_is_no_fault(house: House) -> None:
    house.cloud.serials = ["RB1", "RB2"]
    house.cloud.undescribed = {"RB2": AWAY}
    house.use("RB1")
    await house.advance(600)
    assert house.problems.now == {}
    assert house.account.details.others == {}
    house.cloud.undescribed.clear()
    await house.advance(3600)
    assert house.account.details.others.keys() == {"RB2"}


async def test_what_comes_into_use_is_described_at_once(house: House) -> None:
    house.cloud.serials = ["RB1", "RB2"]
    house.use("RB1")
    await house.advance(600)
    house.account.details.watch(["RB1", "RB2"])
    await house.advance(65)
    assert house.registry.described == house.registry.configured == {"RB1", "RB2"}
    assert house.account.details.others == {}


async def test_an_inverter_that_is_new_is_described_within_minutes_of_being_found(
    house: House,
) -> None:
    await house.advance(10)
    house.cloud.serials.append("RB2")
    await house.advance(3600 + 120)
    assert house.registry.described == {"RB1", "RB2"}


async def test_a_cloud_that_is_away_at_the_start_is_asked_again_each_half_minute(
    house: House,
) -> None:
    house.cloud.failing = AWAY
    await house.advance(600)
    assert 20 <= house.cloud.asked.count("inverters") <= 21
    house.cloud.failing = None
    await house.advance(32)
    assert house.registry.described


async def test_without_a_battery_no_configuration_is_asked_for(house: House) -> None:
    house.cloud.battery_count = 0
    await house.advance(86400)
    assert house.registry.described
    assert not [what for what in house.cloud.asked if what.startswith("configurations")]


async def test_a_battery_that_the_first_reading_shows_has_its_configuration_at_once(
    house: House,
) -> None:
    house.cloud.battery_count = 0
    house.registry.dynamic_of["RB1"] = None
    await house.advance(60)
    assert not house.registry.configured
    house.registry.dynamic_of["RB1"] = dynamic()
    await house.advance(60)
    assert house.registry.configured == {"RB1"}


async def test_a_battery_that_is_not_counted_but_has_values_has_a_configuration(
    house: House,
) -> None:
    house.cloud.battery_count = 0
    house.registry.dynamic_of["RB1"] = dynamic("single_phase")
    await house.advance(3600)
    assert not house.registry.configured
    house.registry.dynamic_of["RB1"] = dynamic()
    await house.advance(3600)
    assert house.registry.configured == {"RB1"}


async def test_once_there_is_a_battery_its_configuration_is_asked_for(house: House) -> None:
    house.cloud.battery_count = 0
    await house.advance(3600)
    assert not house.registry.configured
    house.cloud.battery_count = 4
    await house.advance(3600)
    assert house.registry.configured == {"RB1"}


async def test_a_configuration_that_could_not_be_had_is_asked_for_again_soon(house: House) -> None:
    house.cloud.configuration = AWAY
    await house.advance(60)
    assert not house.registry.configured
    house.cloud.configuration = configuration()
    await house.advance(310)
    assert house.registry.configured


async def test_what_could_not_be_read_is_no_problem_once_it_can_be(house: House) -> None:
    house.cloud.configuration = AWAY
    house.cloud.undescribed = {"RB1": AWAY}
    await house.advance(60)
    assert set(house.problems.now) == {(Kind.DETAILS, "RB1"), (Kind.CONFIGURATION, None)}
    house.cloud.configuration = configuration()
    house.cloud.undescribed.clear()
    await house.advance(310)
    assert not house.problems.now


async def test_what_is_no_longer_in_use_has_no_problem(house: House) -> None:
    house.cloud.configuration = AWAY
    house.cloud.undescribed = {"RB1": AWAY}
    await house.advance(60)
    house.problems.watch({}, instead_of=["RB1"])
    house.account.details.watch([])
    await house.advance(65)
    assert not house.problems.now


async def test_where_there_is_nothing_to_configure_any_more_that_is_no_problem(
    house: House,
) -> None:
    house.cloud.configuration = AWAY
    await house.advance(60)
    assert set(house.problems.now) == {(Kind.CONFIGURATION, None)}
    house.cloud.battery_count = 0
    await house.advance(3600)
    assert not house.problems.now


async def test_a_token_that_is_refused_from_the_start_is_reported_and_tried_every_five_minutes(
    house: House,
) -> None:
    house.cloud.failing = TOKEN_REFUSED
    await house.advance(3600)
    assert house.refused
    assert 10 <= len(house.cloud.asked) <= 13


async def test_once_there_is_an_inverter_its_readings_show_whether_the_token_is_refused(
    house: House,
) -> None:
    await house.advance(10)
    house.cloud.failing = TOKEN_REFUSED
    await house.advance(7200)
    assert not house.refused


async def test_an_account_without_inverters_is_asked_again_soon(house: House) -> None:
    house.cloud.serials = []
    await house.advance(300)
    house.cloud.serials = ["RB1"]
    await house.advance(35)
    assert house.registry.described
