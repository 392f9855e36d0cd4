"""What the cloud tells: readings, descriptions and settings of inverters, as frozen data.

The name given to each field is its place in the API's JSON; a dot steps into an object. All that
is None here was null, absent or malformed there. Dossier 4 has the meaning of each field.
"""

import sys
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import field

# The bounds keep out infinity and "nan", which no meter shows.
_LARGEST = sys.float_info.max
Number = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]


class ListedInverter(msgspec.Struct, frozen=True):
    """An inverter that the account can see.

    Attributes:
        serial: its serial number, by which everything else is asked for.
        site_id: the site it belongs to, or None if the cloud does not say.
    """

    serial: str
    site_id: str | None = None


class Phase(msgspec.Struct, frozen=True):
    """One phase of the grid connection (dossier 4.4).

    Attributes:
        exported_kw: active power to the grid, kW; 0 while importing.
        imported_kw: active power from the grid, kW; 0 while exporting.
        voltage_v: volts.
        current_a: amperes; the sign's meaning is not known.
        power_factor: -1 to 1.
    """

    exported_kw: Number | None = field(name="ActiveExportedPowerInstantaneouskW", default=None)
    imported_kw: Number | None = field(name="ActiveImportedPowerInstantaneouskW", default=None)
    voltage_v: Number | None = field(name="VoltageInstantaneousV", default=None)
    current_a: Number | None = field(name="CurrentInstantaneousA", default=None)
    power_factor: Number | None = field(name="PowerFactorInstantaneousMinus1to1", default=None)

    @property
    def measures(self) -> bool:
        """Whether there is any value: a phase may be listed that the house does not have."""
        return self != Phase()


class PvString(msgspec.Struct, frozen=True):
    """One string of solar panels, known by its position only (dossier 4.4, v2.21).

    Attributes:
        current_a: amperes.
        voltage_v: volts.
        power_kw: kW.
    """

    current_a: Number | None = field(name="CurrentA", default=None)
    voltage_v: Number | None = field(name="VoltageV", default=None)
    power_kw: Number | None = field(name="PowerkW", default=None)


class Module(msgspec.Struct, frozen=True):
    """One module of the battery, known by its position only (dossier 4.4, v2.21).

    Attributes:
        current_a: amperes; negative = charging.
        voltage_v: volts.
        power_kw: kW; negative = charging.
        soc_0_to_1: state of charge, 0 to 1.
    """

    current_a: Number | None = field(name="CurrentNegativeIsChargingA", default=None)
    voltage_v: Number | None = field(name="VoltageV", default=None)
    power_kw: Number | None = field(name="PowerNegativeIsChargingkW", default=None)
    soc_0_to_1: Number | None = field(name="SoC0To1", default=None)


class Cabinet(msgspec.Struct, frozen=True):
    """One cabinet of battery modules, known by its position only (dossier 4.4, v2.21).

    Attributes:
        temperature_c: degrees Celsius.
        fan_state: `Off`, `On`, `Error`, or a word not yet known.
    """

    temperature_c: Number | None = field(name="TemperatureC", default=None)
    fan_state: str | None = field(name="FanState", default=None)


class Battery(msgspec.Struct, frozen=True):
    """The battery as a whole and in parts (dossier 4.4, v2.21).

    Attributes:
        current_a: amperes; negative = charging.
        voltage_v: volts.
        voltage_type: `HV`, or a word not yet known.
        number_of_modules: as the inverter counts them; `modules` may have another length.
        cabinets: in the cloud's order.
        modules: in the cloud's order.
    """

    current_a: Number | None = field(name="CurrentNegativeIsChargingA", default=None)
    voltage_v: Number | None = field(name="VoltageV", default=None)
    voltage_type: str | None = field(name="VoltageType", default=None)
    number_of_modules: int | None = field(name="NumberOfModules", default=None)
    cabinets: tuple[Cabinet, ...] = field(name="Cabinets", default=())
    modules: tuple[Module, ...] = field(name="Modules", default=())


class InverterPower(msgspec.Struct, frozen=True):
    """What an inverter is set to do at the moment (dossier 4.4).

    Attributes:
        serial: which inverter; None where the cloud does not say.
        mode: `Auto`, `ChargeBattery`, ... or a word not yet known.
        power_w: the mode's argument, W.
    """

    serial: str | None = field(name="SerialNumber", default=None)
    mode: str | None = field(name="PowerMode.InverterMode", default=None)
    power_w: Number | None = field(name="PowerMode.PowerW", default=None)


class Dynamic(msgspec.Struct, frozen=True):
    """What an inverter does at one minute (dossier 4.4).

    The counters normally only grow, but the vendor does not promise it. Whether grid, load and
    counters are of the inverter or of its whole site is not known.

    Attributes:
        timestamp: when it was so, UTC.
        site_id: the site.
        phases: by name, `A`, `B` and `C`; a single-phase house has only `A`.
        frequency_hz: Hz.
        battery_soc_0_to_1: state of charge, 0 to 1.
        pv_power_kw: solar power, kW.
        inverter_temperature_c: degrees Celsius.
        battery_power_kw: kW; negative = charging.
        pv_all_time_energy_kwh: counter, kWh.
        export_all_time_energy_kwh: counter, to the grid, kWh.
        import_all_time_energy_kwh: counter, from the grid, kWh.
        load_all_time_energy_kwh: counter, kWh.
        battery_charge_all_time_energy_kwh: counter, kWh; v2.21 only.
        battery_discharge_all_time_energy_kwh: counter, kWh; v2.21 only.
        status: `OK`, `Offline`, `Fault`, or a word not yet known.
        inverters: the inverters that this is about.
        pvs: the strings of panels in the cloud's order; v2.21 only.
        battery: v2.21 only; may be there, and empty, without a battery.
    """

    timestamp: datetime = field(name="TimestampUtc")
    site_id: str | None = field(name="SiteId", default=None)
    phases: Mapping[str, Phase] = field(name="Phases", default_factory=dict)
    frequency_hz: Number | None = field(name="FrequencyInstantaneousHz", default=None)
    battery_soc_0_to_1: Number | None = field(name="BatterySoCInstantaneous0to1", default=None)
    pv_power_kw: Number | None = field(name="PvPowerInstantaneouskW", default=None)
    inverter_temperature_c: Number | None = field(name="InverterTemperatureC", default=None)
    battery_power_kw: Number | None = field(name="BatteryPowerNegativeIsChargingkW", default=None)
    pv_all_time_energy_kwh: Number | None = field(name="PvAllTimeEnergykWh", default=None)
    export_all_time_energy_kwh: Number | None = field(name="ExportAllTimeEnergykWh", default=None)
    import_all_time_energy_kwh: Number | None = field(name="ImportAllTimeEnergykWh", default=None)
    load_all_time_energy_kwh: Number | None = field(name="LoadAllTimeEnergykWh", default=None)
    battery_charge_all_time_energy_kwh: Number | None = field(
        name="BatteryChargeAllTimeEnergykWh", default=None
    )
    battery_discharge_all_time_energy_kwh: Number | None = field(
        name="BatteryDischargeAllTimeEnergykWh", default=None
    )
    status: str | None = field(name="Status", default=None)
    inverters: tuple[InverterPower, ...] = field(name="Inverters", default=())
    pvs: tuple[PvString, ...] = field(name="PVs", default=())
    battery: Battery | None = field(name="Battery", default=None)

    @property
    def serials(self) -> tuple[str, ...]:
        """The inverters that this is about, as far as the cloud says."""
        return tuple(one.serial for one in self.inverters if one.serial is not None)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What static data and configuration both tell (dossier 4.2 SiteDetails, 4.3).

    Attributes:
        generation_hard_limit_va: VA.
        generation_soft_limit_va: VA.
        export_hard_limit_kw: kW.
        export_soft_limit_kw: kW.
        site_export_limit_kw: kW.
        battery_max_charge_power_kw: nominal, kW.
        battery_max_discharge_power_kw: nominal, kW.
        battery_capacity_kwh: total size, kWh.
        usable_battery_capacity_kwh: size above the nominal (not the set) reserve, kWh.
        inverter_max_export_power_kw: nominal, kW.
        inverter_max_import_power_kw: nominal, kW.
        system_type: `Hybrid`, or a word not yet known.
    """

    generation_hard_limit_va: Number | None = field(name="GenerationHardLimitVA", default=None)
    generation_soft_limit_va: Number | None = field(name="GenerationSoftLimitVA", default=None)
    export_hard_limit_kw: Number | None = field(name="ExportHardLimitkW", default=None)
    export_soft_limit_kw: Number | None = field(name="ExportSoftLimitkW", default=None)
    site_export_limit_kw: Number | None = field(name="SiteExportLimitkW", default=None)
    battery_max_charge_power_kw: Number | None = field(name="BatteryMaxChargePowerkW", default=None)
    battery_max_discharge_power_kw: Number | None = field(
        name="BatteryMaxDischargePowerkW", default=None
    )
    battery_capacity_kwh: Number | None = field(name="BatteryCapacitykWh", default=None)
    usable_battery_capacity_kwh: Number | None = field(
        name="UsableBatteryCapacitykWh", default=None
    )
    inverter_max_export_power_kw: Number | None = field(
        name="InverterMaxExportPowerkW", default=None
    )
    inverter_max_import_power_kw: Number | None = field(
        name="InverterMaxImportPowerkW", default=None
    )
    system_type: str | None = field(name="SystemType", default=None)


class Static(Limits, frozen=True, kw_only=True):
    """What an inverter and its site are (dossier 4.2); nothing of address, coordinates or NMI.

    Attributes:
        serial: the inverter; None where the cloud describes the site alone.
        site_id: the site.
        model: for example `ST10000`.
        battery_count: number of batteries; 0 = none.
        software_version: of the inverter.
        firmware_version: of the inverter, leading zeros kept.
        battery_models: one per battery, in the cloud's order; `Unknown` and None occur.
        panel_model: of the solar panels.
        panel_size_kw: of all solar panels together, kW.
        approved_capacity_w: W.
        commissioning_date: when the site was put into service.
        connection: how the inverter reaches the internet, for example `ETHERNET`.
        status: of the site: `OK`, `Offline`, `Fault`, or a word not yet known.
        latest_dynamic: the time of the site's latest reading, UTC.
    """

    serial: str | None = field(name="Inverter.Id", default=None)
    site_id: str | None = field(name="Site.Id", default=None)
    model: str | None = field(name="Inverter.ModelName", default=None)
    battery_count: int | None = field(name="Inverter.BatteryCount", default=None)
    software_version: str | None = field(name="Inverter.SoftwareVersion", default=None)
    firmware_version: str | None = field(name="Inverter.FirmwareVersion", default=None)
    battery_models: tuple[str | None, ...] = field(name="Inverter.BatteryModels", default=())
    panel_model: str | None = field(name="PanelModel", default=None)
    panel_size_kw: Number | None = field(name="PanelSizekW", default=None)
    approved_capacity_w: Number | None = field(name="Site.ApprovedCapacityW", default=None)
    commissioning_date: date | None = field(name="Site.CommissioningDate", default=None)
    connection: str | None = field(name="Site.RemoteAccessConnection.Type", default=None)
    status: str | None = field(name="Site.Status", default=None)
    latest_dynamic: datetime | None = field(name="Site.LatestDynamicDataUtc", default=None)


class Configuration(Limits, frozen=True, kw_only=True):
    """How an inverter is set (dossier 4.3).

    Attributes:
        serial: the inverter.
        site_id: its site.
        min_soc_0_to_1: reserve kept while the grid is there, 0 to 1.
        min_offgrid_soc_0_to_1: reserve kept while it is not, 0 to 1.
    """

    serial: str | None = field(name="SerialNumber", default=None)
    site_id: str | None = field(name="SiteId", default=None)
    min_soc_0_to_1: Number | None = field(name="MinSoC0to1", default=None)
    min_offgrid_soc_0_to_1: Number | None = field(name="MinOffgridSoC0to1", default=None)

    @property
    def serials(self) -> tuple[str, ...]:
        """The inverter that this is about, if the cloud says."""
        return () if self.serial is None else (self.serial,)
