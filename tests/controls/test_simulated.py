"""Commands in front of the simulated cloud: what it has, and what the inverter does."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controls.simulated import SimulatedHouse, simulated
from controls.stand_ins import CHARGE
from examples import SERIAL
from fake_clock import FakeClock
from simulator import Fault, Kind, Simulator
from simulator.envelopes import CreateEnvelope
from simulator.world import LimitOverlap, Overlap

LIMIT = {"action": "limit_export", "power": 1000, "minutes": 60}
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


async def answered(house: SimulatedHouse, command: dict[str, object]) -> str:
    """Send a command; return its result, which has to be there in time."""
    house.answers.clear()
    sent_at = house.clock.now()
    await house.send(command | {"id": "this"}, 45)
    (answer,) = (one for one in house.answers if one.id == "this")
    assert answer.at is not None
    assert (answer.at - sent_at).total_seconds() < 45
    return answer.result


@pytest.mark.parametrize("overlap", ["lowest wins", "last wins", "first wins", "refused"])
@pytest.mark.parametrize("name", FAULTS)
async def test_whatever_goes_wrong_with_a_limit_one_is_left_and_it_is_what_was_answered(
    house: SimulatedHouse, name: str, overlap: LimitOverlap
) -> None:
    # That a limit is refused is in the answer's body, which may be cut.
    is_unclear = overlap == "refused" and name in (*UNCLEAR, "cut within the answer")
    house.simulator.world.limit_overlap = overlap
    house.simulator.world.listed_after = 4.0
    await house.send(LIMIT, 60)
    house.simulator.faults.add(
        replace(FAULTS[name], path="/OperatingEnvelope/", method="POST", times=1)
    )
    result = await answered(house, LIMIT | {"power": 500})
    assert result == ("failed" if is_unclear else "started")
    await house.clock.advance(180)
    assert house.limits == [1000 if is_unclear else 500]


@pytest.mark.parametrize(("command", "end"), [(CHARGE, "auto"), (LIMIT, "lift_limit")])
@pytest.mark.parametrize("name", FAULTS)
async def test_whatever_goes_wrong_with_a_deletion_what_is_left_is_what_was_answered(
    house: SimulatedHouse, name: str, command: dict[str, object], end: str
) -> None:
    house.simulator.world.listed_after = 4.0
    await house.send(command, 60)
    house.simulator.faults.add(replace(FAULTS[name], path="/By/", method="DELETE", times=1))
    result = await answered(house, {"action": end})
    assert result == ("failed" if name == "400" else "ended")
    assert len(house.schedules) + len(house.limits) == (name == "400")
    assert await answered(house, {"action": end}) == "ended"
    assert (house.schedules, house.limits) == ([], [])


@pytest.mark.parametrize("command", [CHARGE, LIMIT])
@pytest.mark.parametrize("name", FAULTS)
async def test_whatever_goes_wrong_when_the_old_one_is_deleted_the_new_one_alone_is_left(
    house: SimulatedHouse, name: str, command: dict[str, object]
) -> None:
    await house.send(command, 60)
    house.simulator.faults.add(replace(FAULTS[name], path="/By/", method="DELETE", times=1))
    assert await answered(house, command | {"power": 700}) == "started"
    await house.clock.advance(60)
    watts = [one.mode.argument_in_watts for one in house.schedules]
    assert watts + house.limits == [700]


async def test_a_limit_behind_that_of_somebody_else_is_told_not_to_be_followed(
    house: SimulatedHouse,
) -> None:
    house.simulator.world.limit_overlap = "first wins"
    site, now = house.registry.described.site_id or "", house.clock.now()
    end = now + timedelta(minutes=20)
    asked = CreateEnvelope(
        site_id=site, event_id="x", start_at_utc=now, end_at_utc=end, max_export_power_w=5000
    )
    account = house.simulator.world.account
    house.simulator.envelopes.add_of_network(account, asked, now.timestamp())
    await house.send(LIMIT, 8 * 60)
    assert house.results() == ["started", "failed"]
    (told,) = house.problems.now.values()
    assert told.sentence == (
        f"The export limit of {SERIAL} is not followed: 5,000 W flow to the grid instead of at"
        " most 1,000 W."
    )
    await house.clock.advance(16 * 60)
    assert not house.problems.now
    assert round(1000 * (house.reported().grid_export_kw or 0)) == 1000


async def meet_every_fault(house: SimulatedHouse) -> None:
    """Let each fault meet whatever is asked, and start anew after it."""
    for fault in FAULTS.values():
        house.simulator.faults.add(replace(fault, path="/Api/", times=3))
        await house.clock.advance(1200)
        await house.kill()
        house.start()
    await house.clock.advance(3600)


async def test_faults_that_nobody_asked_about_write_nothing(house: SimulatedHouse) -> None:
    await meet_every_fault(house)
    assert house.written == []
    assert house.answers == []


async def test_faults_that_nobody_asked_about_write_nothing_while_something_runs(
    house: SimulatedHouse,
) -> None:
    await house.send(CHARGE | {"minutes": 600}, 60)
    await house.send(LIMIT | {"minutes": 600}, 60)
    assert house.results() == ["started", "started"]
    wanted, running = house.written, [*house.schedules, *house.limits]
    await meet_every_fault(house)
    assert (house.written, house.answers) == (wanted, [])
    assert [*house.schedules, *house.limits] == running
    assert [(one.action, one.whose) for one in house.controls.timeline(SERIAL)] == [
        ("charge", "own"),
        ("limit_export", "own"),
    ]


async def test_what_the_cloud_has_lost_is_not_made_anew(house: SimulatedHouse) -> None:
    await house.send(CHARGE | {"minutes": 600}, 60)
    await house.send(LIMIT | {"minutes": 600}, 60)
    wanted = house.written
    now = house.clock.now().timestamp()
    house.simulator.schedules.lose(now)
    house.simulator.envelopes.lose(now)
    for _ in range(3):
        await house.clock.advance(1200)
        await house.kill()
        house.start()
    assert house.written == wanted
    assert (house.schedules, house.limits) == ([], [])
    assert house.results() == ["started", "started", "ended", "ended"]


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
