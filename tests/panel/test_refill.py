"""That days are made to agree for all inverters of which there is a history, or for none."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from aiohttp import web

from examples import SERIAL
from fake_clock import FakeClock
from panel.scenes import House
from redback.backfill import Coverage
from redback.panel.actions import ActionError, _fill

OTHER = "RB26030100000022"


@pytest.fixture
def house(clock: FakeClock) -> House:
    made = House(clock)
    made.add(SERIAL, "House")
    made.add(OTHER, "Shed")
    return made


@pytest.fixture
def coverage(tmp_path: Path) -> Iterator[Coverage]:
    made = Coverage(tmp_path / "history.db")
    yield made
    made.close()


async def _filled(house: House, coverage: Coverage, serial: str | None = None) -> str:
    async def read() -> bytes:
        day = house.clock.now() - timedelta(days=1)
        until = day + timedelta(hours=2)
        return msgspec.json.encode({"since": _hour(day), "until": _hour(until), "serial": serial})

    house.coverage = coverage
    return await _fill(house.context, cast("web.Request", SimpleNamespace(read=read)))


def _hour(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%dT%H}"


def _wanted(house: House, coverage: Coverage, serial: str) -> int:
    now = house.clock.now()
    return len(coverage.hours(serial, now - timedelta(days=2), now))


async def test_an_inverter_without_a_reading_is_left_out_and_that_is_said(
    house: House, coverage: Coverage
) -> None:
    coverage.note(SERIAL, house.clock.now())
    assert await _filled(house, coverage) == (
        "2 hours will be filled again within minutes. There is no history of Shed yet."
    )
    assert (_wanted(house, coverage, SERIAL), _wanted(house, coverage, OTHER)) == (2, 0)


async def test_without_any_reading_nothing_is_asked_for(house: House, coverage: Coverage) -> None:
    for serial, names in ((OTHER, "Shed"), (None, "House and Shed")):
        with pytest.raises(ActionError, match=f"^There is no history of {names} yet: it begins"):
            await _filled(house, coverage, serial)
