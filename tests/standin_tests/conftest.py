"""A stand-in Core, the stand-in Supervisor in front of it, and clients of both."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from standin.client import Client
from standin.core import Core
from standin.supervisor import Supervisor


class Clock:
    """A clock that stands still until it is set to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time, aware UTC."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Go on by so many seconds."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """The time that the stand-in Core goes by."""
    return Clock()


@pytest.fixture
async def core(clock: Clock) -> AsyncIterator[Core]:
    """A stand-in Core that runs."""
    async with Core(clock=clock) as core:
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
