"""The sensor table: every sensor that an inverter can have, one row each.

A sensor's key is its identity everywhere, on disk too; its name and its entity id follow from it.
Keys are those of the custom integration `redback` wherever the sensor is the same, so that its
users keep their history (dossier 6.1). To add a sensor, add a row.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import chain
from typing import TypeVar

from ..cloud import Cabinet, Configuration, Limits, Module, Phase, PvString, Static
from . import counters
from .labels import label
from .reading import Reading, minus, times

Value = float | int | str | date | datetime | None

_Element = TypeVar("_Element")

# No inverter has more of anything than this, so broken data cannot create endless entities.
_MOST = 32


@dataclass(frozen=True, slots=True)
class Quantity:
    """The kind of value that a sensor has, in Home Assistant's words; numbers alone have digits."""

    unit: str | None = None
    device_class: str | None = None
    state_class: str | None = None
    digits: int | None = None
    options: tuple[str, ...] | None = None

    @property
    def is_counter(self) -> bool:
        """Whether it is a lifetime counter."""
        return self.state_class == "total_increasing"

    @property
    def is_of_today(self) -> bool:
        """Whether it is what was counted since midnight."""
        return self.state_class == "total"


def _measurement(unit: str | None, device_class: str | None, digits: int) -> Quantity:
    return Quantity(unit, device_class, "measurement", digits)


ENERGY = Quantity("kWh", "energy", "total_increasing", 3)
ENERGY_TODAY = Quantity("kWh", "energy", "total", 3)
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
# Not the device class battery: a reserve of 10% is not a battery that is nearly empty.
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
        key: its identity, which never changes.
        value: gets the value from a reading; None = not known now.
        fact: whether the value stays true after its minute, even while the inverter is offline.
        battery: whether only inverters with a battery have it.
        detailed: whether it needs the option Detailed sensors.
        may_be_unknown: whether the inverter has it for a reading, although there is no value yet.
    """

    key: str
    quantity: Quantity
    value: Callable[[Reading], Value]
    fact: bool = False
    battery: bool = False
    detailed: bool = False
    may_be_unknown: Callable[[Reading], bool] = lambda _: False

    @property
    def name(self) -> str:
        """The name that people read, after the inverter's name."""
        return label(self.key)

    @property
    def lapses(self) -> bool:
        """Whether it becomes unavailable when its reading is too old; energies keep their value."""
        quantity = self.quantity
        return not (self.fact or quantity.is_counter or quantity.is_of_today)


def sensors(reading: Reading, *, detailed: bool) -> Iterator[Sensor]:
    """Yield the sensors that the inverter may have; those that get a value will exist."""
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


@cache
def find(key: str) -> Sensor | None:
    """Return the sensor with this key; None where there is none."""
    rows: tuple[Sensor, ...] = _FIXED
    if match := _NUMBERED.match(key):
        make, first = _PARTS[match["part"]]
        index = int(match["number"]) - first
        rows = make(index) if 0 <= index < _MOST else ()
    elif key[-2:] in _PHASE_ENDS:
        rows = _of_phase(key[-1].upper())
    return next((sensor for sensor in rows if sensor.key == key), None)


def _percent(share: float | None) -> float | None:
    return times(share, 100.0)


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
    key: str, quantity: Quantity, value: Callable[[Reading], Value], *, battery: bool = False
) -> Sensor:
    return Sensor(key, quantity, value, fact=True, battery=battery, detailed=True)


def _control_row(key: str, quantity: Quantity, value: Callable[[Reading], Value]) -> Sensor:
    """Return a row of what is scheduled: there is one as soon as the schedules have been read."""
    return Sensor(
        key, quantity, value, fact=True, may_be_unknown=lambda r: r.details.schedules is not None
    )


def _counter(row: counters.CounterRow) -> Sensor:
    return Sensor(row.key, ENERGY, row.value, battery=row.battery)


def _today(row: counters.CounterRow) -> Sensor:
    """Return what a counter counts in a day: unknown until its hours since midnight are there."""
    return Sensor(
        f"{row.key.removesuffix('_total')}_today",
        ENERGY_TODAY,
        lambda r: None if r.today is None else r.today.kwh.get(row.key),
        battery=row.battery,
        detailed=True,
        may_be_unknown=lambda r: row.value(r) is not None,
    )


_FIXED = (
    Sensor("status", STATUS, lambda r: r.status, fact=True),
    Sensor("last_reading", MOMENT, lambda r: r.dynamic.timestamp, fact=True),
    # Solar
    Sensor("solar_generation", POWER, lambda r: r.dynamic.pv_power_kw),
    _counter(counters.SOLAR),
    Sensor("pv_utilisation", SHARE, lambda r: _percent(r.pv_utilisation)),
    # House
    Sensor("site_load", POWER, lambda r: r.load_kw),
    _counter(counters.LOAD),
    # Grid
    Sensor("grid_power", POWER, lambda r: r.grid_kw),
    Sensor("grid_import", POWER, lambda r: r.grid_import_kw),
    Sensor("grid_export", POWER, lambda r: r.grid_export_kw),
    _counter(counters.IMPORT),
    _counter(counters.EXPORT),
    Sensor("grid_voltage", VOLTAGE, lambda r: r.grid_voltage_v),
    Sensor("grid_frequency", FREQUENCY, lambda r: r.dynamic.frequency_hz),
    # Inverter
    Sensor("inverter_temperature", TEMPERATURE, lambda r: r.dynamic.inverter_temperature_c),
    Sensor("inverter_mode", MODE, lambda r: r.mode),
    Sensor("inverter_mode_power", WATTS, lambda r: r.mode_power_w),
    # Control: by whomever; unknown while nothing is scheduled
    _control_row("control_ends", MOMENT, lambda r: r.details.control_ends(r.at)),
    _control_row("next_schedule", MOMENT, lambda r: r.details.next_schedule(r.at)),
    Sensor(
        "export_limit_active",
        WATTS,
        lambda r: r.details.export_limit_w(r.at),
        fact=True,
        may_be_unknown=lambda r: r.details.envelopes is not None,
    ),
    # Battery
    Sensor("battery_soc", CHARGE, lambda r: _percent(r.dynamic.battery_soc_0_to_1), battery=True),
    Sensor("battery_power", POWER, lambda r: r.dynamic.battery_power_kw, battery=True),
    Sensor("battery_discharge", POWER, lambda r: r.battery_discharge_kw, battery=True),
    Sensor("battery_charge", POWER, lambda r: r.battery_charge_kw, battery=True),
    _counter(counters.DISCHARGE),
    _counter(counters.CHARGE),
    Sensor("battery_stored", STORAGE, lambda r: r.battery_stored_kwh, battery=True),
    Sensor("battery_usable", STORAGE, lambda r: r.battery_usable_kwh, battery=True),
    Sensor("battery_voltage", VOLTAGE, lambda r: r.dynamic.battery.voltage_v, battery=True),
    Sensor("battery_current", CURRENT, lambda r: r.dynamic.battery.current_a, battery=True),
    Sensor("battery_capacity", STORAGE, lambda r: r.battery_capacity_kwh, fact=True, battery=True),
    Sensor(
        "usable_battery_capacity",
        STORAGE,
        _detail(lambda d: d.usable_battery_capacity_kwh),
        fact=True,
        battery=True,
    ),
    Sensor(
        "min_soc",
        SHARE,
        _of_configuration(lambda c: _percent(c.min_soc_0_to_1)),
        fact=True,
        battery=True,
    ),
    Sensor(
        "min_off_grid_soc",
        SHARE,
        _of_configuration(lambda c: _percent(c.min_offgrid_soc_0_to_1)),
        fact=True,
        battery=True,
    ),
    # Details
    *map(_today, counters.COUNTERS),
    _detail_row("model", TEXT, _of_static(lambda s: s.model)),
    _detail_row("system_type", TEXT, _of_static(lambda s: s.system_type)),
    _detail_row("software_version", TEXT, _of_static(lambda s: s.software_version)),
    _detail_row("firmware_version", TEXT, _of_static(lambda s: s.firmware_version)),
    _detail_row("commissioning_date", DATE, _of_static(lambda s: s.commissioning_date)),
    _detail_row("pv_size", POWER, _of_static(lambda s: s.panel_size_kw)),
    _detail_row("battery_count", COUNT, _of_static(lambda s: s.battery_count), battery=True),
    _detail_row("approved_capacity", WATTS, _of_static(lambda s: s.approved_capacity_w)),
    _detail_row(
        "generation_hard_limit", APPARENT_POWER, _detail(lambda d: d.generation_hard_limit_va)
    ),
    _detail_row(
        "generation_soft_limit", APPARENT_POWER, _detail(lambda d: d.generation_soft_limit_va)
    ),
    _detail_row("export_hard_limit", POWER, _detail(lambda d: d.export_hard_limit_kw)),
    _detail_row("export_soft_limit", POWER, _detail(lambda d: d.export_soft_limit_kw)),
    _detail_row("site_export_limit", POWER, _detail(lambda d: d.site_export_limit_kw)),
    _detail_row("max_export_power", POWER, _detail(lambda d: d.inverter_max_export_power_kw)),
    _detail_row("max_import_power", POWER, _detail(lambda d: d.inverter_max_import_power_kw)),
    _detail_row(
        "battery_max_charge_power",
        POWER,
        _detail(lambda d: d.battery_max_charge_power_kw),
        battery=True,
    ),
    _detail_row(
        "battery_max_discharge_power",
        POWER,
        _detail(lambda d: d.battery_max_discharge_power_kw),
        battery=True,
    ),
)


@cache
def _of_phase(identity: str) -> tuple[Sensor, ...]:
    """Return the sensors of one phase, A, B or C."""

    def row(
        key: str, quantity: Quantity, value: Callable[[Phase], Value], *, detailed: bool = False
    ) -> Sensor:
        def get(reading: Reading) -> Value:
            phase = reading.dynamic.phases.get(identity)
            return None if phase is None else value(phase)

        return Sensor(f"{key}_{identity.lower()}", quantity, get, detailed=detailed)

    return (
        row("grid_voltage", VOLTAGE, lambda p: p.voltage_v),
        row("grid_current", CURRENT, lambda p: p.current_a),
        row("grid_power", POWER, lambda p: minus(p.imported_kw, p.exported_kw), detailed=True),
        row("grid_import", POWER, lambda p: p.imported_kw, detailed=True),
        row("grid_export", POWER, lambda p: p.exported_kw, detailed=True),
        row("power_factor", POWER_FACTOR, lambda p: p.power_factor, detailed=True),
    )


def _nth(
    index: int,
    elements: Callable[[Reading], Sequence[_Element]],
    value: Callable[[_Element], Value],
) -> Callable[[Reading], Value]:
    """Return a getter for one of several elements; a later reading may have fewer of them."""

    def get(reading: Reading) -> Value:
        found = elements(reading)
        return value(found[index]) if index < len(found) else None

    return get


@cache
def _of_string(index: int) -> tuple[Sensor, ...]:
    """Return the sensors of one string; they count from 0, as in the custom integration."""

    def row(key: str, quantity: Quantity, value: Callable[[PvString], Value]) -> Sensor:
        return Sensor(f"pv_{index}_{key}", quantity, _nth(index, _strings, value))

    return (
        row("voltage", VOLTAGE, lambda s: s.voltage_v),
        row("current", CURRENT, lambda s: s.current_a),
        row("power", POWER, lambda s: s.power_kw),
    )


@cache
def _of_module(index: int) -> tuple[Sensor, ...]:
    """Return the sensors of one battery module; people count them from 1."""
    module = f"battery_module_{index + 1}"

    def row(key: str, quantity: Quantity, value: Callable[[Module], Value]) -> Sensor:
        get = _nth(index, _modules, value)
        return Sensor(f"{module}_{key}", quantity, get, battery=True, detailed=True)

    return (
        row("soc", CHARGE, lambda m: _percent(m.soc_0_to_1)),
        row("power", POWER, lambda m: m.power_kw),
        row("voltage", VOLTAGE, lambda m: m.voltage_v),
        row("current", CURRENT, lambda m: m.current_a),
        _detail_row(f"{module}_model", TEXT, _nth(index, _models, lambda m: m), battery=True),
    )


@cache
def _of_cabinet(index: int) -> tuple[Sensor, ...]:
    """Return the sensors of one battery cabinet; people count them from 1."""
    cabinet = f"battery_cabinet_{index + 1}"

    def row(key: str, quantity: Quantity, value: Callable[[Cabinet], Value]) -> Sensor:
        get = _nth(index, _cabinets, value)
        return Sensor(f"{cabinet}_{key}", quantity, get, battery=True, detailed=True)

    return (
        row("temperature", TEMPERATURE, lambda c: c.temperature_c),
        row("fan", FAN, lambda c: c.fan_state),
    )


def _strings(reading: Reading) -> Sequence[PvString]:
    return reading.dynamic.pvs


def _modules(reading: Reading) -> Sequence[Module]:
    return reading.dynamic.battery.modules


def _cabinets(reading: Reading) -> Sequence[Cabinet]:
    return reading.dynamic.battery.cabinets


def _models(reading: Reading) -> Sequence[str | None]:
    static = reading.details.static
    return () if static is None else static.battery_models


# The key's beginning: what makes its sensors, and the number of the first.
_PARTS: Mapping[str, tuple[Callable[[int], tuple[Sensor, ...]], int]] = {
    "pv": (_of_string, 0),
    "battery_module": (_of_module, 1),
    "battery_cabinet": (_of_cabinet, 1),
}
_NUMBERED = re.compile(rf"(?P<part>{'|'.join(_PARTS)})_(?P<number>\d+)_")
_PHASE_ENDS = frozenset({"_a", "_b", "_c"})
