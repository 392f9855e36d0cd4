"""That the minutes before the first reading are asked for until they are there, or not needed."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import cast

import pytest

from examples import SERIAL, dynamic
from fake_clock import FakeClock
from polling.stand_ins import AWAY, throttle
from redback.cloud import CloudError, Dynamic, RedbackClient
from redback.inverters.registry import Registry
from redback.polling.warm_up import WarmUp
from running import running

DENIED = "RB00000000000000"


class Known:
    """What is known of the inverter."""

    def __init__(self) -> None:
        self.is_known = False
        self.warmed_up: list[tuple[str, Sequence[Dynamic]]] = []

    def believed(self, _: str) -> bool:
        return self.is_known

    def warm_up(self, serial: str, readings: Sequence[Dynamic]) -> None:
        self.warmed_up.append((serial, readings))


class World:
    """A cloud, and what is known of its inverter."""

    def __init__(self, clock: FakeClock) -> None:
        self.registry = Known()
        self.asked = 0
        self.answer: CloudError | tuple[Dynamic, ...] = (dynamic(),)
        self.warm_up = WarmUp(
            cast("RedbackClient", self),
            throttle(clock),
            clock,
            cast("Registry", self.registry),
        )

    def history(self, serial: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        assert since < until
        self.asked += 1
        if serial == DENIED:
            raise AWAY
        if isinstance(self.answer, CloudError):
            raise self.answer
        return self.answer


@pytest.fixture
async def world(clock: FakeClock) -> AsyncIterator[World]:
    world = World(clock)
    async with running(world.warm_up):
        yield world


async def test_a_new_inverter_is_asked_for_once(world: World, clock: FakeClock) -> None:
    for _ in range(2):
        world.warm_up.watch([SERIAL])
        await clock.advance(600)
    assert world.registry.warmed_up == [(SERIAL, (dynamic(),))]


async def test_one_that_is_known_is_not_asked_for(world: World, clock: FakeClock) -> None:
    world.registry.is_known = True
    world.warm_up.watch([SERIAL])
    await clock.advance(600)
    assert world.asked == 0


@pytest.mark.parametrize("failure", [AWAY, ()])
async def test_where_it_fails_it_is_tried_again_a_minute_later(
    world: World, clock: FakeClock, failure: CloudError | tuple[Dynamic, ...]
) -> None:
    works, world.answer = world.answer, failure
    world.warm_up.watch([SERIAL])
    await clock.advance(59)
    assert world.asked == 1
    world.answer = works
    await clock.advance(2)
    assert world.registry.warmed_up[-1] == (SERIAL, (dynamic(),))
    await clock.advance(600)
    assert world.asked == 2


async def test_once_readings_have_served_as_well_it_is_not_tried_again(
    world: World, clock: FakeClock
) -> None:
    world.answer = AWAY
    world.warm_up.watch([SERIAL])
    await clock.advance(30)
    world.registry.is_known = True
    await clock.advance(600)
    assert world.asked == 1


async def test_it_is_given_up_in_the_end(world: World, clock: FakeClock) -> None:
    world.answer = AWAY
    world.warm_up.watch([SERIAL])
    await clock.advance(24 * 3600)
    assert world.asked == 10


async def test_one_that_fails_holds_up_no_other(world: World, clock: FakeClock) -> None:
    world.warm_up.watch([DENIED, SERIAL])
    await clock.advance(2)
    assert world.registry.warmed_up == [(SERIAL, (dynamic(),))]
