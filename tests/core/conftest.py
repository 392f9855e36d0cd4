"""A Core that answers only when a test says so."""

from collections.abc import AsyncIterator

import pytest

from core.connections import SilentCore


@pytest.fixture
async def silent() -> AsyncIterator[SilentCore]:
    async with SilentCore() as core:
        yield core
