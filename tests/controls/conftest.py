"""The house that the tests of commands share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controls.stand_ins import FakeHouse, begun
from fake_clock import FakeClock


@pytest.fixture
async def house(clock: FakeClock, tmp_path: Path) -> AsyncIterator[FakeHouse]:
    async with begun(FakeHouse(clock, tmp_path)) as house:
        yield house
