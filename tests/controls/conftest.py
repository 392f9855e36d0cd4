"""The house that the tests of commands share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controls.stand_ins import FakeHouse
from fake_clock import FakeClock


@pytest.fixture
async def house(clock: FakeClock, tmp_path: Path) -> AsyncIterator[FakeHouse]:
    house = FakeHouse(clock, tmp_path)
    house.start()
    await clock.advance(1)
    yield house
    await house.kill()
