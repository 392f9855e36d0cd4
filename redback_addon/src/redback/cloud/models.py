"""Readings, descriptions and settings of inverters as the cloud sends them, as frozen data.

The name given to each field is its place in the API's JSON; a dot steps into an object. None means
that it was null, absent or malformed there. Dossier 4 has the meaning of each field.

A field's unit is the end of its name: `_kw`, `_kwh`, `_w`, `_va`, `_v`, `_a`, `_hz`, `_c` (degrees
Celsius), `_0_to_1` (a share). Lists are in the cloud's order, and what has no name of its own is
known by its position only. The cloud may send words that are not listed here.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated

import msgspec
from msgspec import field

# The bounds keep out infinity and "nan", which no meter shows.
_LARGEST = sys.float_info.max
Number = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]

_at = partial(field, default=None)


class ListedInverter(msgspec.Struct, frozen=True):
    """An inverter that the account can see; None = the cloud does not name its site."""

    serial: str
    site_id: str | None = None


class Phase(msgspec.Struct, frozen=True):
    """One phase of the grid connection (dossier 4.4), with active powers, one of which is 0.

    The meaning of the current's sign is not known; the power factor is from -1 to 1.
    """

    exported_kw: Number | None = _at(name="ActiveExportedPowerInstantaneouskW")
    imported_kw: Number | None = _at(name="ActiveImportedPowerInstantaneouskW")
    voltage_v: Number | None = _at(name="VoltageInstantaneousV")
    current_a: Number | None = _at(name="CurrentInstantaneousA")
    power_factor: Number | None = _at(name="PowerFactorInstantaneousMinus1to1")

    @property
    def measures(self) -> bool:
        """Whether there is any value: a phase may be listed that the house does not have."""
        return self != Phase()


class PvString(msgspec.Struct, frozen=True):
    """One string of solar panels (dossier 4.4, v2.21)."""

    current_a: Number | None = _at(name="CurrentA")
    voltage_v: Number | None = _at(name="VoltageV")
    power_kw: Number | None = _at(name="PowerkW")


class Module(msgspec.Struct, frozen=True):
    """One module of the battery; current and power: negative = charging (dossier 4.4, v2.21)."""

    current_a: Number | None = _at(name="CurrentNegativeIsChargingA")
    voltage_v: Number | None = _at(name="VoltageV")
    power_kw: Number | None = _at(name="PowerNegativeIsChargingkW")
    soc_0_to_1: Number | None = _at(name="SoC0To1")


class Cabinet(msgspec.Struct, frozen=True):
    """One cabinet of battery modules, whose fan is `Off`, `On` or `Error` (dossier 4.4, v2.21)."""

    temperature_c: Number | None = _at(name="TemperatureC")
    fan_state: str | None = _at(name="FanState")


class Battery(msgspec.Struct, frozen=True):
    """The battery as a whole and in parts; current: negative = charging (dossier 4.4, v2.21)."""

    current_a: Number | None = _at(name="CurrentNegativeIsChargingA")
    voltage_v: Number | None = _at(name="VoltageV")
    cabinets: tuple[Cabinet, ...] = field(name="Cabinets", default=())
    modules: tuple[Module, ...] = field(name="Modules", default=())


class InverterPower(msgspec.Struct, frozen=True):
    """The mode that an inverter is set to, such as `Auto`, and the mode's power (dossier 4.4)."""

    serial: str | None = _at(name="SerialNumber")
    mode: str | None = _at(name="PowerMode.InverterMode")
    power_w: Number | None = _at(name="PowerMode.PowerW")


class Dynamic(msgspec.Struct, frozen=True):
    """A reading: one inverter at one minute (dossier 4.4).

    The counters (`all_time_energy`) normally only grow, but the vendor does not promise it. Whether
    grid, load and counters are of the inverter or of its whole site is not known. Only v2.21 has
    the strings of panels, and the battery with its counters.

    Attributes:
        phases: by name, `A`, `B` and `C`; a single-phase house has only `A`.
        battery_power_kw: negative = charging.
        status: `OK`, `Offline` or `Fault`.
        inverters: the inverters that this is about.
        battery: empty if there is none, or if the cloud does not describe it.
    """

    timestamp: datetime = field(name="TimestampUtc")
    site_id: str | None = _at(name="SiteId")
    phases: Mapping[str, Phase] = field(name="Phases", default_factory=dict)
    frequency_hz: Number | None = _at(name="FrequencyInstantaneousHz")
    battery_soc_0_to_1: Number | None = _at(name="BatterySoCInstantaneous0to1")
    pv_power_kw: Number | None = _at(name="PvPowerInstantaneouskW")
    inverter_temperature_c: Number | None = _at(name="InverterTemperatureC")
    battery_power_kw: Number | None = _at(name="BatteryPowerNegativeIsChargingkW")
    pv_all_time_energy_kwh: Number | None = _at(name="PvAllTimeEnergykWh")
    export_all_time_energy_kwh: Number | None = _at(name="ExportAllTimeEnergykWh")
    import_all_time_energy_kwh: Number | None = _at(name="ImportAllTimeEnergykWh")
    load_all_time_energy_kwh: Number | None = _at(name="LoadAllTimeEnergykWh")
    battery_charge_all_time_energy_kwh: Number | None = _at(name="BatteryChargeAllTimeEnergykWh")
    battery_discharge_all_time_energy_kwh: Number | None = _at(
        name="BatteryDischargeAllTimeEnergykWh"
    )
    status: str | None = _at(name="Status")
    inverters: tuple[InverterPower, ...] = field(name="Inverters", default=())
    pvs: tuple[PvString, ...] = field(name="PVs", default=())
    battery: Battery = field(name="Battery", default=Battery())

    @property
    def serials(self) -> tuple[str, ...]:
        """The inverters that this is about, as far as the cloud says."""
        return tuple(one.serial for one in self.inverters if one.serial is not None)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits that both static data and configuration have (dossier 4.2 SiteDetails, 4.3).

    The `_max_` powers are nominal. The usable capacity is that above the nominal (not the set)
    reserve. The system type is for example `Hybrid`.
    """

    generation_hard_limit_va: Number | None = _at(name="GenerationHardLimitVA")
    generation_soft_limit_va: Number | None = _at(name="GenerationSoftLimitVA")
    export_hard_limit_kw: Number | None = _at(name="ExportHardLimitkW")
    export_soft_limit_kw: Number | None = _at(name="ExportSoftLimitkW")
    site_export_limit_kw: Number | None = _at(name="SiteExportLimitkW")
    battery_max_charge_power_kw: Number | None = _at(name="BatteryMaxChargePowerkW")
    battery_max_discharge_power_kw: Number | None = _at(name="BatteryMaxDischargePowerkW")
    battery_capacity_kwh: Number | None = _at(name="BatteryCapacitykWh")
    usable_battery_capacity_kwh: Number | None = _at(name="UsableBatteryCapacitykWh")
    inverter_max_export_power_kw: Number | None = _at(name="InverterMaxExportPowerkW")
    inverter_max_import_power_kw: Number | None = _at(name="InverterMaxImportPowerkW")
    system_type: str | None = _at(name="SystemType")


class Static(Limits, frozen=True, kw_only=True):
    """Static data of an inverter and its site (dossier 4.2), without address, position or NMI.

    Where the cloud describes the site alone there is no model. The firmware's leading zeros are
    kept. There is one battery model per battery; `Unknown` and None occur.
    """

    serial: str | None = _at(name="Inverter.Id")
    site_id: str | None = _at(name="Site.Id")
    model: str | None = _at(name="Inverter.ModelName")
    battery_count: int | None = _at(name="Inverter.BatteryCount")
    software_version: str | None = _at(name="Inverter.SoftwareVersion")
    firmware_version: str | None = _at(name="Inverter.FirmwareVersion")
    battery_models: tuple[str | None, ...] = field(name="Inverter.BatteryModels", default=())
    panel_size_kw: Number | None = _at(name="PanelSizekW")
    approved_capacity_w: Number | None = _at(name="Site.ApprovedCapacityW")
    commissioning_date: date | None = _at(name="Site.CommissioningDate")

    @property
    def serials(self) -> tuple[str, ...]:
        """The inverter that this is about, if the cloud says."""
        return () if self.serial is None else (self.serial,)


class Configuration(Limits, frozen=True, kw_only=True):
    """An inverter's configuration (dossier 4.3); `offgrid` is the reserve for a blackout."""

    serial: str | None = _at(name="SerialNumber")
    site_id: str | None = _at(name="SiteId")
    min_soc_0_to_1: Number | None = _at(name="MinSoC0to1")
    min_offgrid_soc_0_to_1: Number | None = _at(name="MinOffgridSoC0to1")

    @property
    def serials(self) -> tuple[str, ...]:
        """The inverter that this is about, if the cloud says."""
        return () if self.serial is None else (self.serial,)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One schedule of an inverter (dossier 4.6): a mode like `ChargeBattery`, and a power."""

    schedule_id: str = field(name="ScheduleId")
    start: datetime = field(name="StartTimeUtc")
    duration: timedelta = field(name="Duration")
    mode: str | None = _at(name="DesiredMode.InverterMode")
    power_w: Number | None = _at(name="DesiredMode.ArgumentInWatts")
    notes: str | None = _at(name="UserNotes")

    @property
    def end(self) -> datetime:
        """When it is over."""
        return _later(self.start, self.duration)

    def is_active(self, at: datetime) -> bool:
        """Whether the inverter is to do it at this moment."""
        return self.start <= at < self.end

    def is_like(self, other: "Schedule") -> bool:
        """Whether this, as it is listed, says the same as what was wanted.

        The list has whole seconds alone, and may have other letters in a mode, or no notes.
        """
        apart = abs(self.start - other.start), abs(self.duration - other.duration)
        return (
            max(apart) < _SECOND
            and (self.mode or "").casefold() == (other.mode or "").casefold()
            and (self.power_w or 0) == (other.power_w or 0)
            and self.notes in {None, other.notes}
        )


class DailySchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A daily schedule of an inverter (dossier 4.6); it has no id, and is made elsewhere.

    `start` is the local time of day, as the time since midnight; `days` is for example `Weekdays`.
    """

    start: timedelta = field(name="StartTime")
    duration: timedelta = field(name="Duration")
    days: str | None = _at(name="DaysActive")
    zone: str | None = _at(name="TimezoneIANA")
    mode: str | None = _at(name="DesiredMode.InverterMode")
    power_w: Number | None = _at(name="DesiredMode.ArgumentInWatts")


class Schedules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is scheduled for an inverter, as far as it can be read.

    `unread` is how many more of those that are not daily there are; None = no list came.
    """

    daily: tuple[DailySchedule, ...] = ()
    once: tuple[Schedule, ...] = ()
    unread: int | None = 0


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An operating envelope (dossier 4.7): what a site may do for some time; None = no limit.

    `of_network` is whether the energy network has set it; None = the cloud does not say.
    """

    event_id: str | None = _at(name="EventId")
    site_id: str | None = _at(name="SiteId")
    start: datetime = field(name="StartAtUtc")
    end: datetime = field(name="EndAtUtc")
    max_import_w: int | None = _at(name="MaxImportPowerW")
    max_export_w: int | None = _at(name="MaxExportPowerW")
    max_discharge_w: int | None = _at(name="MaxDischargePowerW")
    max_charge_w: int | None = _at(name="MaxChargePowerW")
    max_generation_va: int | None = _at(name="MaxGenerationPowerVA")
    of_network: bool | None = _at(name="IsNetworkLevel")
    status: str | None = _at(name="Status")

    def limits(self) -> dict[str, int]:
        """Return the limits that it has, by the API's names."""
        return {
            one.encode_name: value
            for one in msgspec.structs.fields(type(self))
            if one.name.startswith("max_") and (value := getattr(self, one.name)) is not None
        }

    def is_active(self, at: datetime) -> bool:
        """Whether it limits the site at this moment."""
        return self.start <= at < self.end and self.has_effect

    @property
    def has_effect(self) -> bool:
        """Whether it limits the site in its time."""
        return self.status not in _WITHOUT_EFFECT

    def is_like(self, other: "Envelope") -> bool:
        """Whether this has the id, the times and the limits of another one, and has an effect."""
        apart = abs(self.start - other.start), abs(self.end - other.end)
        return (
            self.event_id == other.event_id
            and max(apart) < _SECOND
            and self.limits().items() >= other.limits().items()
            and self.has_effect
        )


class Envelopes(msgspec.Struct, frozen=True, kw_only=True):
    """The operating envelopes of a site, or of an event, as far as they can be read.

    `unread` is how many more there are; None = no list came.
    """

    all: tuple[Envelope, ...] = ()
    unread: int | None = 0


_SECOND = timedelta(seconds=1)
_WITHOUT_EFFECT = frozenset(
    {
        "Cancelled",
        "CancelledAfterStart",
        "ReportFinished",
        "RejectedPastEvent",
        "RejectSuperseded",
        "SupersededAfterStart",
        "SupersededPriorToStart",
    }
)


def _later(start: datetime, duration: timedelta) -> datetime:
    try:
        return start + duration
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
