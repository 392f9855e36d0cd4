"""A stand-in Core, the stand-in Supervisor in front of it, and who holds its token."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from redback.core import open_session
from standin.core import Core
from standin.supervisor import TOKEN, Supervisor


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with Core() as core:
        yield core


@pytest.fixture
async def supervisor(core: Core) -> AsyncIterator[Supervisor]:
    async with Supervisor(core.address) as supervisor:
        yield supervisor


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(TOKEN) as session:
        yield session
