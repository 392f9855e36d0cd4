"""A stand-in Core, the stand-in Supervisor in front of it, and clients of both."""

from collections.abc import AsyncIterator

import pytest

from fake_clock import FakeClock
from standin.client import Client
from standin.core import Core
from standin.supervisor import Supervisor


@pytest.fixture
async def core(clock: FakeClock) -> AsyncIterator[Core]:
    """A stand-in Core that runs, and goes by the fake clock."""
    async with Core(clock=clock.now) as core:
        yield core


@pytest.fixture
async def client(core: Core) -> AsyncIterator[Client]:
    """Someone who talks to Core itself."""
    async with Client.of_core(core.url, core.token) as client:
        yield client


@pytest.fixture
async def addon(supervisor: Supervisor) -> AsyncIterator[Client]:
    """An add-on, which talks to Core through the Supervisor."""
    async with Client.of_supervisor(supervisor.url, supervisor.token) as addon:
        yield addon
