"""That accounts beside each other leave each other's inverters and notifications alone."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from fake_clock import FakeClock, at_once
from polling.stand_ins import AWAY, DENIED, TOKEN_REFUSED, Cloud, Unsaved, first_id, ledger
from redback.cloud import (
    Cause,
    CloudError,
    CredentialsError,
    NotFoundError,
    RedbackClient,
    TransientError,
)
from redback.core import Notices
from redback.inverters.naming import DEFAULT_BASE, GivenName
from redback.inverters.registry import Registry
from redback.inverters.stores import counters_file, sensors_file
from redback.notifications import Notifications
from redback.options import Site
from redback.polling.account import Account, Shared
from redback.polling.accounts import Accounts
from redback.problems import Kind, Problems
from redback.publishing.device import Device
from redback.publishing.publisher import text
from redback.saved_state import Saved
from redback.sensors import entities
from running import running

REFUSED = CredentialsError("refused", method="POST", url="http://cloud/token", token_refused=False)
GONE = NotFoundError("not found", method="GET", url="http://cloud/")


class Shown:
    """The notifications that Home Assistant shows, by the part of their ids after the prefix."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.withdrawn: set[str] = set()

    def show(self, key: str, _: str, message: str) -> bool:
        self.messages[key] = message
        return True

    def tell(self, key: str, title: str, message: str) -> None:
        self.show(key, title, message)

    def withdraw(self, key: str) -> None:
        self.withdrawn.add(key)
        self.messages.pop(key, None)


class World:
    """Two accounts, each with an inverter, and what they share."""

    def __init__(self, clock: FakeClock, folder: Path) -> None:
        self.clock = clock
        self.shown = Shown()
        self.states: dict[str, str] = {}
        self.problems = Problems(clock)
        self.notifications = Notifications(cast("Notices", self.shown))
        self.registry = Registry(
            clock,
            self.problems,
            counters_file(folder),
            ledger(),
            sensors_file(folder),
            self,
            seen=lambda *_: None,
            detailed=False,
        )
        self.clouds = Cloud(clock, "RB1"), Cloud(clock, "RB2")
        self.saved_state = Unsaved(
            Saved(
                names={
                    "RB1": GivenName(DEFAULT_BASE, "House"),
                    "RB2": GivenName(DEFAULT_BASE, "Shed"),
                }
            )
        )
        self.accounts = self.all_accounts()
        for cloud, key in zip(self.clouds, ("", "2"), strict=True):
            self.account(cloud, key)

    def all_accounts(self, *sites: Site) -> Accounts:
        shared = Shared(
            self.clock, self.problems, self.notifications, self.registry, self.saved_state
        )
        return Accounts(shared, sites=sites)

    def account(self, cloud: Cloud, key: str) -> Account:
        return self.accounts.add(cast("RedbackClient", cloud), key, runner=at_once)

    def offer(self, device: Device, shown: Iterable[entities.Shown]) -> None:
        self.states |= {first_id(device.name, one.key): text(one) for one in shown}

    def sent(self, device: Device, moment: datetime) -> None:
        pass

    def describe(self, *_: object) -> None:
        pass

    @property
    def statuses(self) -> Mapping[str, str]:
        return {name: self.states[f"sensor.{name}_status"] for name in ("house", "shed")}


@pytest.fixture
async def world(clock: FakeClock, tmp_path: Path) -> AsyncIterator[World]:
    world = World(clock, tmp_path)
    async with running(world.accounts):
        await clock.advance(120)
        yield world


async def test_both_are_read_into_one_registry(world: World) -> None:
    assert world.statuses == {"house": "OK", "shed": "OK"}
    assert {one.name for one in world.registry.names.values()} == {"House", "Shed"}
    assert [one.name for one in world.registry.inverters()] == ["House", "Shed"]
    assert not world.problems.now
    assert not world.shown.messages


@pytest.mark.parametrize(("number", "other", "key"), [(0, "shed", ""), (1, "house", "_2")])
async def test_a_good_answer_of_one_does_not_take_away_the_notification_of_the_other(
    world: World, clock: FakeClock, number: int, other: str, key: str
) -> None:
    world.clouds[number].failing = REFUSED
    for _ in range(10):
        await clock.advance(60)
        assert world.shown.messages.keys() == {f"credentials{key}"}
        assert [name for name, shown in world.statuses.items() if shown == "OK"] == [other]
    world.clouds[number].failing = None
    await clock.advance(20 * 60)
    assert not world.shown.messages
    assert world.statuses == {"house": "OK", "shed": "OK"}


@pytest.mark.parametrize(
    ("error", "key"), [(TOKEN_REFUSED, "token"), (DENIED, "denied")], ids=["token", "denied"]
)
async def test_readings_of_one_do_not_take_away_that_the_other_has_none(
    world: World, clock: FakeClock, error: CloudError, key: str
) -> None:
    world.clouds[1].unreadable = error
    await clock.advance(10 * 60)
    assert world.shown.messages.keys() == {f"{key}_2"}
    world.clouds[0].unreadable = error
    await clock.advance(10 * 60)
    assert world.shown.messages.keys() == {key, f"{key}_2"}
    world.clouds[1].unreadable = None
    await clock.advance(10 * 60)
    assert world.shown.messages.keys() == {key}


async def test_that_one_may_not_be_read_is_reported_once_whatever_comes_in_between(
    world: World, clock: FakeClock
) -> None:
    cloud = world.clouds[1]
    cloud.unreadable = DENIED
    await clock.advance(60)
    assert "`RB2`" in world.shown.messages["denied_2"]
    world.shown.withdrawn.clear()
    for error in (DENIED, AWAY, DENIED, AWAY):
        cloud.unreadable = error
        await clock.advance(120)
        assert "denied_2" in world.shown.messages
    assert "denied_2" not in world.shown.withdrawn
    cloud.unreadable = GONE
    await clock.advance(120)
    assert not world.shown.messages


async def test_each_has_problems_of_its_own(world: World, clock: FakeClock) -> None:
    world.clouds[1].failing = AWAY
    await clock.advance(300)
    assert set(world.problems.now) == {(Kind.READINGS, "2")}
    count = world.problems.now[Kind.READINGS, "2"].count
    await clock.advance(300)
    assert world.problems.now[Kind.READINGS, "2"].count > count
    world.clouds[0].failing = AWAY
    world.clouds[1].failing = None
    await clock.advance(300)
    assert set(world.problems.now) == {(Kind.READINGS, None)}


async def test_an_account_without_inverters_is_reported_beside_one_that_has_some(
    world: World, clock: FakeClock
) -> None:
    nothing = world.account(Cloud(clock), "3")
    async with running(nothing):
        await clock.advance(60)
        assert world.shown.messages.keys() == {"no_inverter_3"}


async def test_what_the_first_account_of_an_earlier_run_was_denied_is_taken_away(
    world: World,
) -> None:
    assert {"options", "denied", "credentials", "token"} <= world.shown.withdrawn


async def test_an_account_that_has_become_another_leaves_the_other_one_alone(
    world: World, clock: FakeClock
) -> None:
    cloud = Cloud(clock, "RB3")
    async with running(world.account(cloud, "3")):
        await clock.advance(60)
        assert world.registry.names.keys() == {"RB1", "RB2", "RB3"}
        cloud.serials = ["RB4"]
        await clock.advance(3600)
        assert world.registry.names.keys() == {"RB1", "RB2", "RB4"}


async def test_a_way_to_the_cloud_that_is_blocked_from_the_first_start_on_is_notified_of(
    world: World, clock: FakeClock
) -> None:
    cloud = Cloud(clock, "RB3")
    cloud.failing = TransientError("no name", method="GET", url="http://cloud/", cause=Cause.DNS)
    async with running(world.account(cloud, "3")):
        await clock.advance(9 * 60)
        assert not world.shown.messages
        await clock.advance(2 * 60)
        assert "check the DNS servers" in world.shown.messages["network_3"]
        cloud.failing = TransientError(
            "too old", method="GET", url="http://cloud/", cause=Cause.CLOCK
        )
        await clock.advance(60)
        assert "(NTP, UDP port 123)" in world.shown.messages["clock_3"]
        assert "network_3" not in world.shown.messages
        cloud.failing = None
        await clock.advance(60)
        assert not world.shown.messages


async def test_somebody_who_does_not_want_to_wait_is_asked_for_at_once(
    world: World, clock: FakeClock
) -> None:
    world.clouds[0].failing = REFUSED
    await clock.advance(120)
    assert "credentials" in world.shown.messages
    world.clouds[0].failing = None
    await clock.advance(60)
    assert "credentials" in world.shown.messages
    lists = world.clouds[0].asked.count("inverters")
    world.accounts.retry()
    await clock.advance(1)
    assert not world.shown.messages
    assert world.statuses["house"] == "OK"
    assert world.clouds[0].asked.count("inverters") == lists + 1
