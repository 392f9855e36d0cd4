"""Commands in front of the simulated cloud: what it has, and what the inverter does."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from controls.simulated import SimulatedHouse, simulated
from controls.stand_ins import CHARGE
from examples import SERIAL
from fake_clock import FakeClock
from simulator import Fault, Kind, Simulator
from simulator.world import Overlap

NIGHT = CHARGE | {"minutes": 15}
FULL = 0.99

FAULTS = {
    "502 after it was made": Fault(kind=Kind.STATUS, status=502, how="after"),
    "502 before": Fault(kind=Kind.STATUS, status=502, how="before"),
    "cut before": Fault(kind=Kind.DROP, how="before"),
    "cut within the answer": Fault(kind=Kind.DROP, how="middle"),
    "slow": Fault(kind=Kind.SLOW, seconds=2, how="after"),
    "400": Fault(kind=Kind.STATUS, status=400, how="before"),
}
# Where no second one is taken, a refusal after these may mean that the first try was done.
UNCLEAR = ("502 after it was made", "502 before", "cut before")


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


@pytest.mark.parametrize("overlap", ["last wins", "first wins", "refused"])
@pytest.mark.parametrize("name", FAULTS)
async def test_whatever_goes_wrong_with_a_write_one_is_left_and_it_is_what_was_answered(
    house: SimulatedHouse, name: str, overlap: Overlap
) -> None:
    fault = FAULTS[name]
    is_unclear = overlap == "refused" and name in UNCLEAR
    mode = "ChargeBattery" if is_unclear else "DischargeBattery"
    house.simulator.world.overlap = overlap
    house.simulator.world.listed_after = 4.0
    await house.send(CHARGE, 60)
    house.results()
    house.simulator.faults.add(replace(fault, path="/Create/", times=1))
    sent_at = house.clock.now()
    await house.send(CHARGE | {"action": "discharge", "id": "peak"}, 1)
    await house.clock.advance(44)
    (answer,) = (one for one in house.answers if one.id == "peak")
    assert answer.at is not None
    assert (answer.at - sent_at).total_seconds() < 45
    assert answer.result == ("failed" if is_unclear else "started")
    await house.clock.advance(60)
    assert house.modes == [mode]
    await house.clock.advance(120)
    assert house.reported().mode == mode
    assert house.modes == [mode]


@pytest.mark.parametrize("how", ["before", "after"])
async def test_a_limit_of_the_export_is_lifted_although_the_answer_fails(
    house: SimulatedHouse, how: Literal["before", "after"]
) -> None:
    site = house.registry.described.site_id or ""
    house.simulator.faults.add(
        Fault(kind=Kind.STATUS, status=502, how=how, path="/OperatingEnvelope/", times=1)
    )
    await house.send({"action": "limit_export", "power": 0, "minutes": 60}, 60)
    assert house.results() == ["started"]
    (envelope,) = house.simulator.envelopes.active(site, house.clock.now().timestamp())
    assert envelope.asked.max_export_power_w == 0
    house.simulator.faults.add(
        Fault(kind=Kind.STATUS, status=502, how=how, path="/OperatingEnvelope/", times=1)
    )
    await house.send({"action": "lift_limit"}, 60)
    assert house.results() == ["ended", "ended"]
    assert house.simulator.envelopes.active(site, house.clock.now().timestamp()) == []


async def test_faults_that_nobody_asked_about_write_nothing(house: SimulatedHouse) -> None:
    for fault in FAULTS.values():
        house.simulator.faults.add(replace(fault, path="/Api/", times=3))
        await house.clock.advance(1200)
        await house.kill()
        house.start()
    await house.clock.advance(3600)
    assert house.written == []
    assert house.answers == []


async def test_where_somebody_elses_schedule_wins_that_is_reported_until_it_is_over(
    house: SimulatedHouse,
) -> None:
    house.simulator.world.overlap = "first wins"
    now = house.clock.now().timestamp()
    house.simulator.schedules.add(SERIAL, "Conserve", 0, start=now, minutes=20, now=now)
    await house.send(CHARGE, 8 * 60)
    assert house.results() == ["started", "failed"]
    (told,) = house.problems.now.values()
    assert told.sentence == (
        f"{SERIAL} does not follow the command: it reports Conserve instead of ChargeBattery."
    )
    assert [(one.action, one.whose) for one in house.controls.timeline(SERIAL)] == [
        ("conserve", "other"),
        ("charge", "own"),
    ]
    await house.clock.advance(15 * 60)
    assert not house.problems.now
    assert house.results() == []
    assert len(house.written) == 1
