"""The lifetime counters of an inverter: all that differs between them, one row each."""

from collections.abc import Callable
from dataclasses import dataclass

from ..core import Kind, Role
from .labels import label
from .reading import Reading


@dataclass(frozen=True, slots=True)
class CounterRow:
    """One counter.

    Attributes:
        field: of `Dynamic`; kWh.
        day: its name in the sums of a day.
        is_sized: whether the inverter's size limits it. Grid import and house load can bypass the
            inverter.
        source: its place in the Energy dashboard; None = it has none.
        flow: the power that it counts, kW.
    """

    key: str
    field: str
    day: str
    is_sized: bool
    source: tuple[Kind, Role] | None
    flow: Callable[[Reading], float | None]
    battery: bool = False

    @property
    def name(self) -> str:
        """The name that people read."""
        return label(self.key)

    def value(self, reading: Reading) -> float | None:
        """Return what the counter shows, kWh."""
        value: float | None = getattr(reading.dynamic, self.field)
        return value


SOLAR = CounterRow(
    "solar_generation_total",
    "pv_all_time_energy_kwh",
    "solar",
    is_sized=True,
    source=("solar", "stat_energy_from"),
    flow=lambda reading: reading.dynamic.pv_power_kw,
)
LOAD = CounterRow(
    "site_load_total",
    "load_all_time_energy_kwh",
    "load",
    is_sized=False,
    source=None,
    flow=lambda reading: reading.load_kw,
)
IMPORT = CounterRow(
    "grid_import_total",
    "import_all_time_energy_kwh",
    "import",
    is_sized=False,
    source=("grid", "stat_energy_from"),
    flow=lambda reading: reading.grid_import_kw,
)
EXPORT = CounterRow(
    "grid_export_total",
    "export_all_time_energy_kwh",
    "export",
    is_sized=True,
    source=("grid", "stat_energy_to"),
    flow=lambda reading: reading.grid_export_kw,
)
CHARGE = CounterRow(
    "battery_charge_total",
    "battery_charge_all_time_energy_kwh",
    "charge",
    is_sized=True,
    source=("battery", "stat_energy_to"),
    battery=True,
    flow=lambda reading: reading.battery_charge_kw,
)
DISCHARGE = CounterRow(
    "battery_discharge_total",
    "battery_discharge_all_time_energy_kwh",
    "discharge",
    is_sized=True,
    source=("battery", "stat_energy_from"),
    battery=True,
    flow=lambda reading: reading.battery_discharge_kw,
)
COUNTERS = (SOLAR, LOAD, IMPORT, EXPORT, CHARGE, DISCHARGE)
