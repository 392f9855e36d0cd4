"""The cloud has one record a minute of each inverter, and shows it a little after it was made."""

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Simulator, build_world
from simulator.payloads import dynamic_v221
from simulator.records import Records
from simulator.world import World
from simulator_tests.conftest import NOW

ST_SERIAL = "RB26030100000011"


@given(
    seed=st.text(max_size=5),
    preset=st.sampled_from(["st", "sh", "si", "hybrid"]),
    second=st.integers(0, 2 * 86_400),
)
@settings(max_examples=80, deadline=None)
def test_printed_figures_of_a_record_agree_to_the_last_digit(
    seed: str, preset: str, second: int
) -> None:
    world = build_world([preset], seed=seed, commissioned=date(2026, 2, 20))
    inverter = world.inverters[0]
    record = Records(inverter, world.faults, 0).truth(1771509600 + 60 + second)
    assert record is not None
    shown = dynamic_v221(record, world.account.sites[0])
    pv, battery = kilowatts(shown, "PvPower"), kilowatts(shown, "BatteryPower")
    imported = total(shown["Phases"], "ActiveImportedPowerInstantaneouskW")
    exported = total(shown["Phases"], "ActiveExportedPowerInstantaneouskW")
    assert pv + battery + imported - exported == Decimal(record.moment.load_w) / 1000
    assert total(shown["PVs"], "PowerkW") == pv
    for string in shown["PVs"]:
        assert string["VoltageV"] * string["CurrentA"] == pytest.approx(
            string["PowerkW"] * 1000, abs=0.5
        )
    if (pack := shown["Battery"]) is not None:
        assert total(pack["Modules"], "VoltageV") == number(pack["VoltageV"])
        assert total(pack["Modules"], "PowerNegativeIsChargingkW") == battery
        soc = shown["BatterySoCInstantaneous0to1"]
        assert all(module["SoC0To1"] == pytest.approx(soc, abs=0.01) for module in pack["Modules"])


def kilowatts(shown: dict[str, Any], start: str) -> Decimal:
    return next(number(value or 0) for name, value in shown.items() if name.startswith(start))


def total(parts: list[dict[str, float]], name: str) -> Decimal:
    return sum((number(part[name]) for part in parts), Decimal(0))


def number(value: float) -> Decimal:
    return Decimal(str(value))


def test_an_inverter_without_battery_sends_nulls_for_it() -> None:
    world = build_world(["si"], commissioned=date(2026, 2, 20))
    record = Records(world.inverters[0], world.faults, 0).truth(NOW.timestamp())
    assert record is not None
    shown = dynamic_v221(record, world.account.sites[0])
    names = [name for name, value in shown.items() if value is None]
    assert names == [
        "BatterySoCInstantaneous0to1",
        "BatteryPowerNegativeIsChargingkW",
        "BatteryChargeAllTimeEnergykWh",
        "BatteryDischargeAllTimeEnergykWh",
        "Battery",
    ]


def test_a_record_is_seen_only_after_its_latency(
    simulator: Simulator, clock: time_machine.Traveller
) -> None:
    inverter = simulator.world.inverter(ST_SERIAL)
    assert inverter is not None
    stamp = int(NOW.timestamp()) // 60 * 60 + 60 + inverter.second
    seen = inverter.visible_at(stamp)
    assert 4 <= seen - stamp <= 14
    for moment, expected in ((seen - 0.01, stamp - 60), (seen, stamp)):
        clock.move_to(moment)
        latest = Records(inverter, simulator.faults, moment).latest()
        assert latest is not None
        assert latest.stamp == expected


def test_a_latency_given_is_kept_to_the_second() -> None:
    world = World(commissioned=date(2026, 2, 20), latency=90)
    inverter = world.add_account(["st"]).sites[0].inverters[0]
    assert inverter.visible_at(1_000_000) == 1_000_090


def test_history_has_one_record_a_minute_at_the_inverters_own_second(
    simulator: Simulator,
) -> None:
    seconds = set()
    for inverter in simulator.world.inverters:
        records = Records(inverter, simulator.faults, NOW.timestamp())
        start = NOW.timestamp() - 7200
        stamps = [record.stamp for record in records.between(start, start + 3600)]
        assert len(stamps) in {60, 61}
        assert {stamp % 60 for stamp in stamps} == {inverter.second}
        assert [later - earlier for earlier, later in itertools.pairwise(stamps)] == [60] * (
            len(stamps) - 1
        )
        seconds.add(inverter.second)
    assert len(seconds) == 3


def test_a_restart_with_the_same_arguments_gives_the_same_records(simulator: Simulator) -> None:
    again = build_world(["st", "two-inverters"], commissioned=date(2026, 2, 20))
    for before, after in zip(simulator.world.inverters, again.inverters, strict=True):
        one = Records(before, simulator.faults, NOW.timestamp()).latest()
        other = Records(after, again.faults, NOW.timestamp()).latest()
        assert one is not None
        assert other is not None
        assert (one.stamp, one.moment, before.serial) == (other.stamp, other.moment, after.serial)


def test_a_fleet_is_large_and_its_sites_are_all_different() -> None:
    world = build_world(["fleet"], inverters=1000, commissioned=date(2026, 3, 1))
    assert len({inverter.serial for inverter in world.inverters}) == 1000
    assert len({site.site_id for site in world.account.sites}) == 1000
    assert len({inverter.family for inverter in world.inverters}) == 4
    assert len({inverter.plant for inverter in world.inverters}) == 16
