"""What each entity shows, as people see it in Home Assistant."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from examples import SERIAL, configuration, dynamic, static
from redback.cloud import Dynamic
from redback.core import State
from redback.publishing.states import state
from redback.sensors.details import Details
from redback.sensors.entities import Entities
from redback.sensors.reading import Reading

AT = datetime(2026, 3, 2, 1, 2, 8, tzinfo=UTC)

# The entities of the custom integration `redback` (dossier 6.1), for a three-phase system with
# two strings and a battery: its users keep their history by these very ids.
OF_THE_CUSTOM_INTEGRATION = [
    "status",
    "grid_current_a",
    "grid_current_b",
    "grid_current_c",
    "grid_voltage_a",
    "grid_voltage_b",
    "grid_voltage_c",
    "grid_voltage",
    "inverter_temperature",
    "grid_frequency",
    "solar_generation_total",
    "site_load_total",
    "grid_export_total",
    "grid_import_total",
    "grid_export",
    "grid_import",
    "solar_generation",
    "site_load",
    "pv_0_voltage",
    "pv_0_current",
    "pv_0_power",
    "pv_1_voltage",
    "pv_1_current",
    "pv_1_power",
    "battery_soc",
    "battery_discharge",
    "battery_charge",
    "battery_discharge_total",
    "battery_charge_total",
    "battery_capacity",
    "usable_battery_capacity",
    "battery_voltage",
    "battery_current",
]


def shown(states: Iterable[State]) -> dict[str, str]:
    return {one.entity_id.removeprefix("sensor.redback_"): one.value for one in states}


def states(reading: Reading, *, detailed: bool = False) -> list[State]:
    return of(Entities(detailed=detailed), reading)


def of(entities: Entities, reading: Reading) -> list[State]:
    return [state("Redback", one) for one in entities.show(reading)]


@pytest.fixture
def reading() -> Reading:
    return full(dynamic())


def full(data: Dynamic, at: datetime = AT) -> Reading:
    return Reading(SERIAL, at, data, Details(static(), configuration()))


def plain(data: Dynamic, at: datetime = AT) -> Reading:
    return Reading(SERIAL, at, data)


def test_there_is_every_entity_of_the_custom_integration(reading: Reading) -> None:
    assert shown(states(reading)).keys() >= set(OF_THE_CUSTOM_INTEGRATION)


def test_the_values_are_those_of_the_reading(reading: Reading) -> None:
    assert shown(states(reading)) == {
        "status": "OK",
        "last_reading": "2026-03-02T01:02:03+00:00",
        "solar_generation": "3.0",
        "solar_generation_total": "20000.4",
        "pv_utilisation": "30.3",
        "site_load": "1.4",
        "site_load_total": "12000.9",
        "grid_power": "-0.6",
        "grid_import": "0.0",
        "grid_export": "0.6",
        "grid_import_total": "1500.75",
        "grid_export_total": "9000.125",
        "grid_voltage": "414.5",
        "grid_voltage_a": "239.1",
        "grid_voltage_b": "240.2",
        "grid_voltage_c": "238.7",
        "grid_current_a": "0.9",
        "grid_current_b": "0.9",
        "grid_current_c": "0.9",
        "grid_frequency": "49.98",
        "inverter_temperature": "41.2",
        "inverter_mode": "Auto",
        "inverter_mode_power": "0",
        "pv_0_voltage": "375.0",
        "pv_0_current": "4.0",
        "pv_0_power": "1.5",
        "pv_1_voltage": "375.0",
        "pv_1_current": "4.0",
        "pv_1_power": "1.5",
        "battery_soc": "55.0",
        "battery_power": "-1.0",
        "battery_discharge": "0.0",
        "battery_charge": "1.0",
        "battery_discharge_total": "3600.2",
        "battery_charge_total": "4000.3",
        "battery_stored": "7.81",
        "battery_usable": "4.97",
        "battery_voltage": "200.0",
        "battery_current": "-5.0",
        "battery_capacity": "14.2",
        "usable_battery_capacity": "12.78",
        "min_soc": "20.0",
        "min_off_grid_soc": "10.0",
    }


@pytest.mark.parametrize(
    ("entity", "attributes"),
    [
        ("grid_import_total", ("kWh", "energy", "total_increasing")),
        ("battery_charge_total", ("kWh", "energy", "total_increasing")),
        ("battery_capacity", ("kWh", "energy_storage", "measurement")),
        ("battery_stored", ("kWh", "energy_storage", "measurement")),
        ("battery_soc", ("%", "battery", "measurement")),
        ("min_soc", ("%", None, "measurement")),
        ("site_load", ("kW", "power", "measurement")),
        ("inverter_mode_power", ("W", "power", "measurement")),
        ("grid_voltage_a", ("V", "voltage", "measurement")),
        ("grid_current_a", ("A", "current", "measurement")),
        ("grid_frequency", ("Hz", "frequency", "measurement")),
        ("inverter_temperature", ("°C", "temperature", "measurement")),
        ("pv_utilisation", ("%", None, "measurement")),
        ("last_reading", (None, "timestamp", None)),
        ("status", (None, "enum", None)),
    ],
)
def test_the_classes_are_those_that_statistics_need(
    reading: Reading, entity: str, attributes: tuple[str | None, ...]
) -> None:
    (found,) = (s for s in states(reading) if s.entity_id == f"sensor.redback_{entity}")
    names = ("unit_of_measurement", "device_class", "state_class")
    assert tuple(found.attributes.get(name) for name in names) == attributes


def test_attributes_never_change() -> None:
    entities = Entities(detailed=True)
    first = of(entities, full(dynamic()))
    nothing = dynamic(Status="Fault", Phases=None, Battery=None, PVs=None, Inverters=None)
    later = of(entities, Reading(SERIAL, AT + timedelta(hours=1), nothing))
    assert [state.attributes for state in first] == [state.attributes for state in later]


def test_a_single_phase_system_without_battery_has_neither_phase_b_nor_battery() -> None:
    without = msgspec.structs.replace(static(), battery_count=0)
    names = shown(states(Reading(SERIAL, AT, dynamic("single_phase"), Details(without))))
    assert "grid_voltage_a" in names
    assert not [name for name in names if re.search("_[bc]$|battery|soc", name)]
    assert names["site_load"] == "0.8"


def test_a_phase_that_is_listed_without_a_value_is_none() -> None:
    phases: Any = [{"Id": "A", "VoltageInstantaneousV": 240.0}, {"Id": "B"}, {"Id": "C"}]
    names = shown(states(plain(dynamic(Phases=phases))))
    assert "grid_voltage_a" in names
    assert "grid_voltage_b" not in names
    assert names["grid_voltage"] == "240.0"


def test_a_string_that_appears_later_becomes_entities_then() -> None:
    entities = Entities(detailed=False)
    assert "pv_0_power" not in shown(of(entities, plain(dynamic(PVs=None))))
    assert shown(of(entities, plain(dynamic())))["pv_0_power"] == "1.5"
    assert shown(of(entities, plain(dynamic(PVs=[]))))["pv_0_power"] == "unknown"


def test_a_null_is_unknown_and_never_zero() -> None:
    entities = Entities(detailed=False)
    of(entities, full(dynamic()))
    names = ("PvPowerInstantaneouskW", "ImportAllTimeEnergykWh", "BatterySoCInstantaneous0to1")
    nothing: dict[str, Any] = dict.fromkeys((*names, "Phases", "Battery"))
    nulls = dynamic(**nothing)
    values = shown(of(entities, full(nulls)))
    for name in (
        "solar_generation",
        "site_load",
        "grid_import_total",
        "grid_power",
        "grid_voltage",
        "battery_soc",
        "battery_stored",
        "battery_usable",
        "battery_voltage",
        "pv_utilisation",
    ):
        assert values[name] == "unknown", name


def test_one_phase_without_a_value_makes_the_total_unknown_rather_than_wrong() -> None:
    phases: list[dict[str, Any]] = [
        {
            "Id": name,
            "VoltageInstantaneousV": 240,
            "ActiveImportedPowerInstantaneouskW": power,
            "ActiveExportedPowerInstantaneouskW": 0,
        }
        for name, power in (("A", 1.0), ("B", 2.0), ("C", None))
    ]
    entities = Entities(detailed=False)
    of(entities, plain(dynamic()))
    values = shown(of(entities, plain(dynamic(Phases=phases))))
    assert values["grid_import"] == "unknown"
    assert values["grid_export"] == "0.0"


def test_a_battery_shows_itself_before_the_static_data_are_there() -> None:
    assert shown(states(plain(dynamic())))["battery_soc"] == "55.0"


def test_the_load_is_not_known_before_it_is_known_whether_there_is_a_battery() -> None:
    entities = Entities(detailed=False)
    assert "site_load" not in shown(of(entities, plain(dynamic("single_phase"))))
    assert shown(of(entities, plain(dynamic(BatterySoCInstantaneous0to1=0))))["site_load"] == "1.4"


def described(data: Dynamic, **details: object) -> dict[str, str]:
    """Return what is shown of a reading where the static data have these values."""
    changed = msgspec.structs.replace(static(), **details)
    return shown(states(Reading(SERIAL, AT, data, Details(changed, configuration()))))


SWITCHED_OFF: dict[str, Any] = {
    "BatterySoCInstantaneous0to1": None,
    "BatteryPowerNegativeIsChargingkW": None,
    "Battery": {"VoltageV": 0.0, "Modules": None, "Cabinets": None},
}
WITHOUT_PANELS: dict[str, Any] = {
    "PvPowerInstantaneouskW": None,
    "PvAllTimeEnergykWh": None,
    "PVs": [],
}


def test_a_battery_that_the_static_data_do_not_count_is_shown_like_any_other() -> None:
    assert described(dynamic(), battery_count=0) == shown(states(full(dynamic())))


@pytest.mark.parametrize("battery", [None, {"Modules": [{"VoltageV": 0, "SoC0To1": 0}]}])
def test_static_data_without_a_battery_count_for_more_than_values_of_zero(
    battery: dict[str, Any] | None,
) -> None:
    zeros = dynamic(
        BatterySoCInstantaneous0to1=0, BatteryPowerNegativeIsChargingkW=0, Battery=battery
    )
    assert not [name for name in described(zeros, battery_count=0) if "battery" in name]


def test_a_battery_that_is_switched_off_gives_the_house_no_power() -> None:
    values = described(dynamic(**SWITCHED_OFF))
    assert values["site_load"] == "2.4"
    assert values["battery_capacity"] == "14.2"
    assert "battery_soc" not in values


def test_while_a_battery_has_any_value_but_no_power_the_load_is_not_known() -> None:
    assert "site_load" not in described(dynamic(BatteryPowerNegativeIsChargingkW=None))
    assert "site_load" not in described(
        dynamic(BatteryPowerNegativeIsChargingkW=None), battery_count=0
    )
    only_modules = dynamic(**SWITCHED_OFF | {"Battery": {"Modules": [{"VoltageV": 0}]}})
    assert "site_load" not in described(only_modules)


@pytest.mark.parametrize(("size", "counter"), [(0, None), (None, None), (None, 0)])
def test_a_site_without_panels_has_a_load(size: float | None, counter: float | None) -> None:
    data = dynamic(**WITHOUT_PANELS | {"PvAllTimeEnergykWh": counter})
    values = described(data, panel_size_kw=size)
    assert values["site_load"] == "-1.6"
    assert "solar_generation" not in values


@pytest.mark.parametrize(
    "changes",
    [{"PvAllTimeEnergykWh": 1.5}, {"PVs": [{"VoltageV": 375.0}]}],
)
def test_while_panels_have_any_value_but_no_power_the_load_is_not_known(
    changes: dict[str, Any],
) -> None:
    data = dynamic(**WITHOUT_PANELS | changes)
    assert "site_load" not in described(data, panel_size_kw=None)


def test_panels_of_a_known_size_without_any_value_leave_the_load_unknown() -> None:
    assert "site_load" not in described(dynamic(**WITHOUT_PANELS))


def test_a_mode_that_nobody_knew_is_shown_as_it_is() -> None:
    entry = {"SerialNumber": SERIAL, "PowerMode": {"InverterMode": "Dance", "PowerW": 5}}
    assert shown(states(plain(dynamic(Inverters=[entry]))))["inverter_mode"] == "Dance"


def test_the_mode_is_that_of_this_inverter_and_not_of_its_neighbour() -> None:
    def entry(serial: str, mode: str) -> dict[str, Any]:
        return {"SerialNumber": serial, "PowerMode": {"InverterMode": mode, "PowerW": 5}}

    both = [entry("RB00000000000000", "Stop"), entry(SERIAL, "Auto")]
    assert shown(states(plain(dynamic(Inverters=both))))["inverter_mode"] == "Auto"


class TestFreshness:
    """What is shown of a reading that is old, or of an inverter that is offline."""

    LAPSES = AT.replace(second=3) + timedelta(minutes=10)

    def test_up_to_ten_minutes_a_reading_is_shown(self) -> None:
        just_before = self.LAPSES - timedelta(microseconds=1)
        values = shown(states(plain(dynamic(), just_before)))
        assert (values["status"], values["solar_generation"]) == ("OK", "3.0")

    def test_after_ten_minutes_measurements_are_unavailable_and_status_says_why(self) -> None:
        values = shown(states(plain(dynamic(), self.LAPSES)))
        assert values["status"] == "OFFLINE"
        assert values["solar_generation"] == values["inverter_mode"] == "unavailable"

    def test_counters_and_facts_stand(self) -> None:
        old = full(dynamic(), self.LAPSES)
        values = shown(states(old))
        assert values["grid_import_total"] == "1500.75"
        assert values["battery_capacity"] == "14.2"
        assert values["last_reading"] == "2026-03-02T01:02:03+00:00"

    def test_an_offline_inverter_has_no_measurements_however_young_its_reading(self) -> None:
        values = shown(states(plain(dynamic(Status="Offline"))))
        assert (values["status"], values["solar_generation"]) == ("OFFLINE", "unavailable")

    def test_a_fault_is_shown_and_the_measurements_go_on(self) -> None:
        values = shown(states(plain(dynamic(Status="Fault"))))
        assert (values["status"], values["solar_generation"]) == ("FAULT", "3.0")


class TestDetails:
    """What the option Detailed sensors adds; test_snapshots.py has all of it."""

    def test_without_the_option_there_is_none_of_it(self, reading: Reading) -> None:
        names = shown(states(reading))
        assert not [
            name for name in names if re.search("module|cabinet|limit|version|factor", name)
        ]

    def test_limits_that_the_inverter_does_not_have_are_not_there(self, reading: Reading) -> None:
        assert "export_hard_limit" not in shown(states(reading, detailed=True))


def test_nothing_shows_where_somebody_lives(reading: Reading) -> None:
    shown = " ".join(
        f"{s.entity_id} {s.value} {s.attributes}" for s in states(reading, detailed=True)
    )
    payload = (Path(__file__).parents[1] / "payloads/static.json").read_text()
    for private in ("Example St", "Exampleton", "4999", "153.0", "-27.5"):
        assert private in payload
        assert private not in shown


@pytest.mark.parametrize("value", [1e300, -0.0, 0, 12345678.9012])
def test_any_number_makes_a_state_that_is_a_number(value: float) -> None:
    states_ = shown(states(plain(dynamic(ImportAllTimeEnergykWh=value))))
    assert float(states_["grid_import_total"]) == pytest.approx(value)
    assert not states_["grid_import_total"].startswith("-")


def test_a_text_is_cut_where_home_assistant_would_refuse_it() -> None:
    entry = {"SerialNumber": SERIAL, "PowerMode": {"InverterMode": "x" * 300, "PowerW": 5}}
    assert len(shown(states(plain(dynamic(Inverters=[entry]))))["inverter_mode"]) == 255
