"""What all tests of the simulator share: a world whose time stands still, and a customer."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime

import aiohttp
import pytest
import pytest_asyncio
import time_machine

from simulator import Simulator, World, build_world
from simulator_tests.customer import Customer

# Noon in Brisbane, at a second at which no record becomes visible.
NOW = datetime(2026, 3, 2, 2, 0, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The time of day, which stands still until a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def world(clock: time_machine.Traveller) -> World:  # noqa: ARG001 -- the clock must stand before
    """An ST (RB26030100000011), and a site with an SH and an SI (...21, ...22)."""
    return build_world(["st", "two-inverters"], commissioned=date(2026, 2, 20))


@pytest_asyncio.fixture
async def simulator(world: World) -> AsyncIterator[Simulator]:
    """The cloud of that world."""
    async with Simulator(world) as running:
        yield running


@pytest_asyncio.fixture
async def stranger(simulator: Simulator) -> AsyncIterator[Customer]:
    """Somebody without a token."""
    async with aiohttp.ClientSession(simulator.url) as session:
        yield Customer(session)


@pytest_asyncio.fixture
async def customer(stranger: Customer) -> Customer:
    """Somebody with a token."""
    await stranger.sign_in()
    return stranger
