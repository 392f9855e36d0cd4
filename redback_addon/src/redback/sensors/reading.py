"""A Reading: one inverter at one minute, and the values calculated from it.

The formulas are those of dossier 4.4. If an input is missing, the result is None, never zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import structs

from ..cloud import Dynamic, InverterPower, Phase
from .details import NO_DETAILS, Details

# Older telemetry counts as offline for the vendor too (dossier 4.7, compliance report).
STALE_AFTER = timedelta(minutes=10)
NO_READING = "no reading for ten minutes"
OFFLINE = "OFFLINE"
FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Today:
    """What the counters have counted since midnight (UTC); kWh by sensor key, as far as known."""

    since: datetime
    kwh: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """One inverter at one minute, evaluated for a moment (UTC); today is None if nobody asks."""

    serial: str
    at: datetime
    dynamic: Dynamic
    details: Details = NO_DETAILS
    today: Today | None = None

    @property
    def lapses_at(self) -> datetime:
        """The moment at which this reading expires."""
        return self.dynamic.timestamp + STALE_AFTER

    @property
    def is_live(self) -> bool:
        """Whether the inverter is online and the reading recent enough to be shown."""
        return not self.why_offline

    @property
    def why_offline(self) -> str:
        """Why it is not, in a few words; empty if it is."""
        if self._reported_status == OFFLINE:
            return "Redback's cloud says so"
        return "" if self.at < self.lapses_at else NO_READING

    @property
    def status(self) -> str | None:
        """OK, OFFLINE or FAULT; or whatever else the cloud says, in capitals."""
        return self._reported_status if self.is_live else OFFLINE

    @property
    def _reported_status(self) -> str | None:
        status = self.dynamic.status
        return None if status is None else status.upper()

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that the inverter has; those listed without any value are left out."""
        return tuple(phase for phase in self.dynamic.phases.values() if phase.measures)

    @property
    def has_battery(self) -> bool:
        """Whether there is a battery: static data may count none although it has values."""
        static = self.details.static
        return bool(static is not None and static.battery_count) or any(self._battery_values)

    @property
    def _battery_values(self) -> Sequence[float]:
        """The battery's values; none if there is no battery, or if it is switched off."""
        dynamic = self.dynamic
        of_modules = (
            value for module in dynamic.battery.modules for value in structs.astuple(module)
        )
        values = (dynamic.battery_soc_0_to_1, dynamic.battery_power_kw, *of_modules)
        return [value for value in values if value is not None]

    @property
    def _solar_values(self) -> Sequence[float]:
        """The panels' values; none if there are no panels."""
        dynamic = self.dynamic
        of_strings = (value for string in dynamic.pvs for value in structs.astuple(string))
        values = (dynamic.pv_power_kw, dynamic.pv_all_time_energy_kwh, *of_strings)
        return [value for value in values if value is not None]

    @property
    def grid_export_kw(self) -> float | None:
        """Power to the grid over all phases, kW."""
        return _total(phase.exported_kw for phase in self.phases)

    @property
    def grid_import_kw(self) -> float | None:
        """Power from the grid over all phases, kW."""
        return _total(phase.imported_kw for phase in self.phases)

    @property
    def grid_kw(self) -> float | None:
        """Net power from the grid, kW; negative = export."""
        return minus(self.grid_import_kw, self.grid_export_kw)

    @property
    def grid_voltage_v(self) -> float | None:
        """Mean voltage of the phases times the root of their number, V: between three phases."""
        volts = [phase.voltage_v for phase in self.phases if phase.voltage_v is not None]
        return sum(volts) / len(volts) * len(volts) ** 0.5 if volts else None

    @property
    def load_kw(self) -> float | None:
        """Power that the house uses, kW.

        A battery without any value gives no power: there is none, or it is switched off. Nor do
        panels that have neither a size nor any value but zero. Before the static data are there, a
        value may just be missing.
        """
        solar, battery = self.dynamic.pv_power_kw, self.dynamic.battery_power_kw
        if (static := self.details.static) is not None:
            if not self._battery_values:
                battery = 0.0
            if not any(self._solar_values) and not static.panel_size_kw:
                solar = 0.0
        return _total((solar, battery, self.grid_kw))

    @property
    def battery_charge_kw(self) -> float | None:
        """Power into the battery, kW."""
        power = self.dynamic.battery_power_kw
        return None if power is None else max(-power, 0.0)

    @property
    def battery_discharge_kw(self) -> float | None:
        """Power out of the battery, kW."""
        power = self.dynamic.battery_power_kw
        return None if power is None else max(power, 0.0)

    @property
    def battery_capacity_kwh(self) -> float | None:
        """The battery's whole size, kWh."""
        return self.details.limit(lambda limits: limits.battery_capacity_kwh)

    @property
    def battery_stored_kwh(self) -> float | None:
        """The energy in the battery, kWh."""
        return times(self.battery_capacity_kwh, self.dynamic.battery_soc_0_to_1)

    @property
    def battery_usable_kwh(self) -> float | None:
        """The energy in the battery above its on-grid reserve, kWh."""
        configuration = self.details.configuration
        if configuration is None:
            return None
        above = minus(self.dynamic.battery_soc_0_to_1, configuration.min_soc_0_to_1)
        usable = times(self.battery_capacity_kwh, above)
        return None if usable is None else max(usable, 0.0)

    @property
    def pv_utilisation(self) -> float | None:
        """Solar power as a share of the panels' size, 0 to about 1."""
        static = self.details.static
        size = static.panel_size_kw if static is not None else None
        if not size or self.dynamic.pv_power_kw is None:
            return None
        return self.dynamic.pv_power_kw / size

    @property
    def mode(self) -> str | None:
        """The mode that the inverter is set to."""
        return None if self._power is None else self._power.mode

    @property
    def mode_power_w(self) -> float | None:
        """The power that the mode is set to, W."""
        return None if self._power is None else self._power.power_w

    @property
    def _power(self) -> InverterPower | None:
        """This inverter's entry; the site's other inverters may be listed too."""
        entries = self.dynamic.inverters
        own = [entry for entry in entries if entry.serial == self.serial]
        if own or len(entries) != 1:
            return own[0] if own else None
        return entries[0]


def _total(values: Iterable[float | None]) -> float | None:
    """Add up; None if a value is missing, or if there are none."""
    total = None
    for value in values:
        if value is None:
            return None
        total = value if total is None else total + value
    return total


def minus(left: float | None, right: float | None) -> float | None:
    """Subtract; None if either is missing."""
    return None if left is None or right is None else left - right


def times(left: float | None, right: float | None) -> float | None:
    """Multiply; None if either is missing."""
    return None if left is None or right is None else left * right
