"""The sensor table: every entity that an inverter can have, one row each.

The names are those of the custom integration `redback` wherever the sensor is the same, so that
its users keep their history (dossier 6.1). To add a sensor, add a row.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import chain
from typing import TypeVar

from ..cloud import Battery, Cabinet, Configuration, Limits, Module, Phase, PvString, Static
from . import counters
from .reading import Reading, minus, times

Value = float | int | str | date | datetime | None

_Element = TypeVar("_Element")

# Broken data must not make entities without end: no inverter has more of anything than this.
_MOST = 32


@dataclass(frozen=True, slots=True)
class Quantity:
    """What kind of value a sensor has, in Home Assistant's words.

    Attributes:
        unit: of the value.
        device_class: what is measured.
        state_class: which statistics are made of it.
        digits: what the meter really resolves, in decimals; None = not a number.
        options: all the values of an enum.
    """

    unit: str | None = None
    device_class: str | None = None
    state_class: str | None = None
    digits: int | None = None
    options: tuple[str, ...] | None = None

    @property
    def is_counter(self) -> bool:
        """Whether it counts up for the inverter's whole life."""
        return self.state_class == "total_increasing"


def _measurement(unit: str | None, device_class: str | None, digits: int) -> Quantity:
    return Quantity(unit, device_class, "measurement", digits)


ENERGY = Quantity("kWh", "energy", "total_increasing", 3)
STORAGE = _measurement("kWh", "energy_storage", 3)
POWER = _measurement("kW", "power", 3)
WATTS = _measurement("W", "power", 0)
APPARENT_POWER = _measurement("VA", "apparent_power", 0)
POWER_FACTOR = _measurement(None, "power_factor", 3)
VOLTAGE = _measurement("V", "voltage", 1)
CURRENT = _measurement("A", "current", 2)
FREQUENCY = _measurement("Hz", "frequency", 2)
TEMPERATURE = _measurement("°C", "temperature", 1)
CHARGE = _measurement("%", "battery", 1)
# A reserve of 10 % is no battery that is nearly empty, so it must not have that device class.
SHARE = _measurement("%", None, 1)
COUNT = _measurement(None, None, 0)
TEXT = Quantity()
DATE = Quantity(device_class="date")
MOMENT = Quantity(device_class="timestamp")
STATUS = Quantity(device_class="enum", options=("OK", "OFFLINE", "FAULT"))
FAN = Quantity(device_class="enum", options=("Off", "On", "Error"))
MODE = Quantity(
    device_class="enum",
    options=(
        "NoMode",
        "Auto",
        "ChargeBattery",
        "DischargeBattery",
        "ImportPower",
        "ExportPower",
        "Conserve",
        "Offgrid",
        "Hibernate",
        "BuyPower",
        "SellPower",
        "ForceChargeBattery",
        "ForceDischargeBattery",
        "Stop",
    ),
)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One row.

    Attributes:
        name: with the inverter's name before it, it makes the entity's name and id.
        quantity: what kind of value it is.
        value: gets the value from a reading; None = not known now.
        fact: whether the value holds beyond its minute, also when the inverter is offline.
        battery: whether it takes a battery to have this.
        detailed: whether it is there only with the option Detailed sensors.
        flow: of a counter that the API does not tell everywhere: the power that it counts, kW.
    """

    name: str
    quantity: Quantity
    value: Callable[[Reading], Value]
    fact: bool = False
    battery: bool = False
    detailed: bool = False
    flow: Callable[[Reading], float | None] | None = None

    @property
    def lapses(self) -> bool:
        """Whether it becomes unavailable with its reading; a counter's last value stands."""
        return not self.fact and not self.quantity.is_counter


def sensors(reading: Reading, *, detailed: bool) -> Iterator[Sensor]:
    """Give the rows that the inverter may have: whether it does, its values tell."""
    has_battery = reading.has_battery
    for sensor in chain(
        _FIXED,
        *(_of_phase(identity) for identity in reading.dynamic.phases),
        *(_of_string(index) for index in range(min(len(_strings(reading)), _MOST))),
        *(_of_module(index) for index in range(min(len(_modules(reading)), _MOST))),
        *(_of_cabinet(index) for index in range(min(len(_cabinets(reading)), _MOST))),
    ):
        if (has_battery or not sensor.battery) and (detailed or not sensor.detailed):
            yield sensor


def _percent(share: float | None) -> float | None:
    return times(share, 100.0)


def _of_battery(value: Callable[[Battery], Value]) -> Callable[[Reading], Value]:
    def get(reading: Reading) -> Value:
        battery = reading.dynamic.battery
        return None if battery is None else value(battery)

    return get


def _of_static(value: Callable[[Static], Value]) -> Callable[[Reading], Value]:
    def get(reading: Reading) -> Value:
        static = reading.details.static
        return None if static is None else value(static)

    return get


def _of_configuration(value: Callable[[Configuration], Value]) -> Callable[[Reading], Value]:
    def get(reading: Reading) -> Value:
        configuration = reading.details.configuration
        return None if configuration is None else value(configuration)

    return get


def _detail(value: Callable[[Limits], float | None]) -> Callable[[Reading], Value]:
    return lambda reading: reading.details.limit(value)


def _detail_row(
    name: str, quantity: Quantity, value: Callable[[Reading], Value], *, battery: bool = False
) -> Sensor:
    return Sensor(name, quantity, value, fact=True, battery=battery, detailed=True)


def _counter(row: counters.CounterRow) -> Sensor:
    return Sensor(row.name, ENERGY, row.value, battery=row.battery, flow=row.flow)


_FIXED = (
    Sensor("Status", STATUS, lambda r: r.status, fact=True),
    Sensor("Last Reading", MOMENT, lambda r: r.dynamic.timestamp, fact=True),
    # Solar
    Sensor("Solar Generation", POWER, lambda r: r.dynamic.pv_power_kw),
    _counter(counters.SOLAR),
    Sensor("PV Utilisation", SHARE, lambda r: _percent(r.pv_utilisation)),
    # House
    Sensor("Site Load", POWER, lambda r: r.load_kw),
    _counter(counters.LOAD),
    # Grid
    Sensor("Grid Power", POWER, lambda r: r.grid_kw),
    Sensor("Grid Import", POWER, lambda r: r.grid_import_kw),
    Sensor("Grid Export", POWER, lambda r: r.grid_export_kw),
    _counter(counters.IMPORT),
    _counter(counters.EXPORT),
    Sensor("Grid Voltage", VOLTAGE, lambda r: r.grid_voltage_v),
    Sensor("Grid Frequency", FREQUENCY, lambda r: r.dynamic.frequency_hz),
    # Inverter
    Sensor("Inverter Temperature", TEMPERATURE, lambda r: r.dynamic.inverter_temperature_c),
    Sensor("Inverter Mode", MODE, lambda r: r.mode),
    Sensor("Inverter Mode Power", WATTS, lambda r: r.mode_power_w),
    # Battery
    Sensor("Battery SoC", CHARGE, lambda r: _percent(r.dynamic.battery_soc_0_to_1), battery=True),
    Sensor("Battery Power", POWER, lambda r: r.dynamic.battery_power_kw, battery=True),
    Sensor("Battery Discharge", POWER, lambda r: r.battery_discharge_kw, battery=True),
    Sensor("Battery Charge", POWER, lambda r: r.battery_charge_kw, battery=True),
    _counter(counters.DISCHARGE),
    _counter(counters.CHARGE),
    Sensor("Battery Stored", STORAGE, lambda r: r.battery_stored_kwh, battery=True),
    Sensor("Battery Usable", STORAGE, lambda r: r.battery_usable_kwh, battery=True),
    Sensor("Battery Voltage", VOLTAGE, _of_battery(lambda b: b.voltage_v), battery=True),
    Sensor("Battery Current", CURRENT, _of_battery(lambda b: b.current_a), battery=True),
    Sensor("Battery Capacity", STORAGE, lambda r: r.battery_capacity_kwh, fact=True, battery=True),
    Sensor(
        "Usable Battery Capacity",
        STORAGE,
        _detail(lambda d: d.usable_battery_capacity_kwh),
        fact=True,
        battery=True,
    ),
    Sensor(
        "Min SoC",
        SHARE,
        _of_configuration(lambda c: _percent(c.min_soc_0_to_1)),
        fact=True,
        battery=True,
    ),
    Sensor(
        "Min Off-grid SoC",
        SHARE,
        _of_configuration(lambda c: _percent(c.min_offgrid_soc_0_to_1)),
        fact=True,
        battery=True,
    ),
    # Details
    _detail_row("Model", TEXT, _of_static(lambda s: s.model)),
    _detail_row("System Type", TEXT, _of_static(lambda s: s.system_type)),
    _detail_row("Software Version", TEXT, _of_static(lambda s: s.software_version)),
    _detail_row("Firmware Version", TEXT, _of_static(lambda s: s.firmware_version)),
    _detail_row("Commissioning Date", DATE, _of_static(lambda s: s.commissioning_date)),
    _detail_row("PV Size", POWER, _of_static(lambda s: s.panel_size_kw)),
    _detail_row("Battery Count", COUNT, _of_static(lambda s: s.battery_count), battery=True),
    _detail_row("Approved Capacity", WATTS, _of_static(lambda s: s.approved_capacity_w)),
    _detail_row(
        "Generation Hard Limit", APPARENT_POWER, _detail(lambda d: d.generation_hard_limit_va)
    ),
    _detail_row(
        "Generation Soft Limit", APPARENT_POWER, _detail(lambda d: d.generation_soft_limit_va)
    ),
    _detail_row("Export Hard Limit", POWER, _detail(lambda d: d.export_hard_limit_kw)),
    _detail_row("Export Soft Limit", POWER, _detail(lambda d: d.export_soft_limit_kw)),
    _detail_row("Site Export Limit", POWER, _detail(lambda d: d.site_export_limit_kw)),
    _detail_row("Max Export Power", POWER, _detail(lambda d: d.inverter_max_export_power_kw)),
    _detail_row("Max Import Power", POWER, _detail(lambda d: d.inverter_max_import_power_kw)),
    _detail_row(
        "Battery Max Charge Power",
        POWER,
        _detail(lambda d: d.battery_max_charge_power_kw),
        battery=True,
    ),
    _detail_row(
        "Battery Max Discharge Power",
        POWER,
        _detail(lambda d: d.battery_max_discharge_power_kw),
        battery=True,
    ),
)


@cache
def _of_phase(identity: str) -> tuple[Sensor, ...]:
    """Make the rows of one phase, A, B or C."""

    def row(
        name: str, quantity: Quantity, value: Callable[[Phase], Value], *, detailed: bool = False
    ) -> Sensor:
        def get(reading: Reading) -> Value:
            phase = reading.dynamic.phases.get(identity)
            return None if phase is None else value(phase)

        return Sensor(f"{name} {identity}", quantity, get, detailed=detailed)

    return (
        row("Grid Voltage", VOLTAGE, lambda p: p.voltage_v),
        row("Grid Current", CURRENT, lambda p: p.current_a),
        row("Grid Power", POWER, lambda p: minus(p.imported_kw, p.exported_kw), detailed=True),
        row("Grid Import", POWER, lambda p: p.imported_kw, detailed=True),
        row("Grid Export", POWER, lambda p: p.exported_kw, detailed=True),
        row("Power Factor", POWER_FACTOR, lambda p: p.power_factor, detailed=True),
    )


def _nth(
    index: int,
    elements: Callable[[Reading], Sequence[_Element]],
    value: Callable[[_Element], Value],
) -> Callable[[Reading], Value]:
    """Get a value of one of several like elements; a later reading may have fewer of them."""

    def get(reading: Reading) -> Value:
        found = elements(reading)
        return value(found[index]) if index < len(found) else None

    return get


@cache
def _of_string(index: int) -> tuple[Sensor, ...]:
    """Make the rows of one string; they are counted from 0, as in the integration before."""

    def row(name: str, quantity: Quantity, value: Callable[[PvString], Value]) -> Sensor:
        return Sensor(f"PV {index} {name}", quantity, _nth(index, _strings, value))

    return (
        row("Voltage", VOLTAGE, lambda s: s.voltage_v),
        row("Current", CURRENT, lambda s: s.current_a),
        row("Power", POWER, lambda s: s.power_kw),
    )


@cache
def _of_module(index: int) -> tuple[Sensor, ...]:
    """Make the rows of one battery module; people count them from 1."""
    module = f"Battery Module {index + 1}"

    def row(name: str, quantity: Quantity, value: Callable[[Module], Value]) -> Sensor:
        get = _nth(index, _modules, value)
        return Sensor(f"{module} {name}", quantity, get, battery=True, detailed=True)

    return (
        row("SoC", CHARGE, lambda m: _percent(m.soc_0_to_1)),
        row("Power", POWER, lambda m: m.power_kw),
        row("Voltage", VOLTAGE, lambda m: m.voltage_v),
        row("Current", CURRENT, lambda m: m.current_a),
        _detail_row(f"{module} Model", TEXT, _nth(index, _models, lambda m: m), battery=True),
    )


@cache
def _of_cabinet(index: int) -> tuple[Sensor, ...]:
    """Make the rows of one battery cabinet; people count them from 1."""

    def row(name: str, quantity: Quantity, value: Callable[[Cabinet], Value]) -> Sensor:
        get = _nth(index, _cabinets, value)
        name = f"Battery Cabinet {index + 1} {name}"
        return Sensor(name, quantity, get, battery=True, detailed=True)

    return (
        row("Temperature", TEMPERATURE, lambda c: c.temperature_c),
        row("Fan", FAN, lambda c: c.fan_state),
    )


def _strings(reading: Reading) -> Sequence[PvString]:
    return reading.dynamic.pvs


def _modules(reading: Reading) -> Sequence[Module]:
    battery = reading.dynamic.battery
    return () if battery is None else battery.modules


def _cabinets(reading: Reading) -> Sequence[Cabinet]:
    battery = reading.dynamic.battery
    return () if battery is None else battery.cabinets


def _models(reading: Reading) -> Sequence[str | None]:
    static = reading.details.static
    return () if static is None else static.battery_models
