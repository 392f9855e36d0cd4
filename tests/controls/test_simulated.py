"""Commands in front of the simulated cloud: what it has, and what the inverter does."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from controls.simulated import SimulatedHouse, simulated
from controls.stand_ins import CHARGE
from fake_clock import FakeClock
from simulator import Simulator

NIGHT = CHARGE | {"minutes": 15}
FULL = 0.99


@pytest.fixture
def simulator(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setattr("time.time", lambda: clock.now().timestamp())
    with simulated() as simulator:
        yield simulator


@pytest.fixture
async def house(
    clock: FakeClock, tmp_path: Path, simulator: Simulator
) -> AsyncIterator[SimulatedHouse]:
    house = SimulatedHouse(clock, tmp_path, simulator)
    house.start()
    await clock.advance(1)
    yield house
    await house.kill()


@pytest.mark.timeout(400)
async def test_the_same_command_every_five_minutes_for_a_day_is_one_schedule_that_is_followed(
    house: SimulatedHouse,
) -> None:
    await house.send(CHARGE | {"action": "discharge", "power": 5000, "minutes": 180}, 3 * 3600 + 60)
    assert (house.reported().dynamic.battery_soc_0_to_1 or 1) < 0.6
    house.results()
    powers: list[float] = []
    for step in range(288):
        await house.send(NIGHT)
        assert 1 <= len(house.schedules) <= 2
        for _ in range(5):
            await house.clock.advance(59.8)
            (left,) = house.schedules  # the old one is gone
            assert left.end > house.clock.now().timestamp() + 9 * 60
            reading = house.reported()
            if step > 0:
                assert reading.mode == "ChargeBattery"
            if step > 0 and (reading.dynamic.battery_soc_0_to_1 or 0) < FULL:
                powers.append(reading.battery_charge_kw or 0)
    assert len(powers) > 60
    assert set(powers) == {3.0}
    assert (house.reported().dynamic.battery_soc_0_to_1 or 0) >= FULL
    assert set(house.results()) == {"started", "ended"}
    await house.clock.advance(20 * 60)
    assert house.schedules == []
    assert house.reported().mode == "Auto"
