"""The JSON shapes of the API, quirks included (dossier sections 4 and 7)."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from .chance import dice
from .families import BatteryBank, Family
from .records import Record
from .times import iso
from .world import Inverter, Site

JSON = dict[str, Any]

_COUNTERS_OF_V2 = (
    "PvAllTimeEnergykWh",
    "ExportAllTimeEnergykWh",
    "ImportAllTimeEnergykWh",
    "LoadAllTimeEnergykWh",
)
_COUNTERS_OF_V221 = ("BatteryChargeAllTimeEnergykWh", "BatteryDischargeAllTimeEnergykWh")


def single(data: object) -> JSON:
    """Wrap one answer."""
    return {"Data": data}


def multiple(data: Sequence[object]) -> JSON:
    """Wrap a list."""
    return {"TotalCount": len(data), "Data": list(data)}


def paged(everything: Sequence[object], page: int, size: int) -> JSON:
    """Wrap one page; `PageCount` is the number of records in this page (dossier 2.1)."""
    data = list(everything[page * size : (page + 1) * size])
    return {
        "Page": page,
        "PageSize": size,
        "PageCount": len(data),
        "TotalCount": len(everything),
        "Data": data,
    }


def site_node(site: Site, inverters: Iterable[Inverter]) -> JSON:
    """Return one site as With/Nodes shows it (dossier 4.1)."""
    leaves = [
        {
            "SerialNumber": inverter.serial,
            "Id": inverter.serial,
            "Nmi": None,
            "Type": "Inverter",
            "Nodes": None,
        }
        for inverter in inverters
    ]
    house = {"Id": "Houseload", "Nmi": None, "Type": "Houseload", "Nodes": None}
    return {"Id": site.site_id, "Nmi": site.nmi, "Type": "Site", "Nodes": [*leaves, house]}


def static(site: Site, inverter: Inverter, latest: Record | None, now: float) -> JSON:
    """Return the static data of a site with one of its inverters (dossier 4.2)."""
    offline = latest is not None and latest.status == "Offline"
    data = {
        # Static data are made now and then, not for each request.
        "TimestampUtc": iso(now // 900 * 900).removesuffix("Z") + ".0155057Z",
        "Location": _location(),
        "TechnologyProvider": "Simulated",
        "RemoteAccessConnection": {"Type": "ETHERNET", "CustomerChoice": True},
        "ApprovedCapacityW": None,
        "SolarRetailer": {"Name": "Example Solar", "ABN": "00000000000"},
        "SiteDetails": _site_details(inverter.family),
        "CommissioningDate": inverter.plant.commissioned.isoformat(),
        "NMI": site.nmi,
        "LatestDynamicDataUtc": iso(latest.stamp) if latest else None,
        "Status": "Offline" if offline else "OK",
        "Id": site.site_id,
        "Type": "Site",
    }
    house = {"Id": "HouseLoad", "Type": "Houseload", "DynamicDataMetadata": None}
    nodes = [_static_inverter(inverter), {"StaticData": house, "Nodes": None}]
    return {"StaticData": data, "Nodes": nodes}


def _location() -> JSON:
    return {
        "Latitude": -27.5,
        "Longitude": 153.0,
        "AddressLineOne": "1 Example St",
        "AddressLineTwo": None,
        "Suburb": "Exampleton",
        "State": "Qld",
        "Country": "Australia ",
        "PostCode": "4999",
    }


def _static_inverter(inverter: Inverter) -> JSON:
    bank = inverter.family.battery
    data = {
        "ModelName": inverter.family.model,
        "BatteryCount": bank.modules if bank else 0,
        "SoftwareVersion": "2.17.32211.1",
        "FirmwareVersion": "080819",
        "BatteryModels": list(bank.models) if bank else [],
        "Id": inverter.serial,
        "Type": "Inverter",
        "DynamicDataMetadata": None,
    }
    return {"StaticData": data, "Nodes": None}


def _limits(family: Family) -> JSON:
    """Return what SiteDetails and Configuration have in common."""
    bank, rating = family.battery, family.rating_w / 1000
    return {
        "GenerationHardLimitVA": None,
        "GenerationSoftLimitVA": None,
        "ExportHardLimitkW": None,
        "ExportSoftLimitkW": None,
        "SiteExportLimitkW": family.export_limit_w / 1000,
        "BatteryMaxChargePowerkW": bank.max_charge_w / 1000 if bank else None,
        "BatteryMaxDischargePowerkW": bank.max_discharge_w / 1000 if bank else None,
        "BatteryCapacitykWh": bank.capacity_wh / 1000 if bank else None,
        "UsableBatteryCapacitykWh": _usable_kwh(bank) if bank else None,
        "InverterMaxExportPowerkW": rating,
        "InverterMaxImportPowerkW": rating,
        "SystemType": family.system_type,
    }


def _usable_kwh(bank: BatteryBank) -> float:
    """Return the usable size, which goes by the nominal reserve of 10 %, not the configured one."""
    return round(bank.capacity_wh * 0.9 / 1000, 3)


def _site_details(family: Family) -> JSON:
    return _limits(family) | {
        "ExportHardLimitW": None,
        "ExportSoftLimitW": None,
        "PanelModel": " ",
        "PanelSizekW": family.panels_w / 1000,
    }


def configuration(site: Site, inverter: Inverter) -> JSON:
    """Return the configuration of one inverter (dossier 4.3)."""
    bank = inverter.family.battery
    ids = {"SiteId": site.site_id, "Nmi": site.nmi, "SerialNumber": inverter.serial}
    reserve = {
        "MinSoC0to1": bank.min_soc if bank else None,
        "MinOffgridSoC0to1": bank.min_offgrid_soc if bank else None,
    }
    return ids | _limits(inverter.family) | reserve


def dynamic_v2(record: Record, site: Site) -> JSON:
    """Return a record as v2 shows it (dossier 4.4)."""
    return _dynamic(record, site, _COUNTERS_OF_V2)


def dynamic_v221(record: Record, site: Site) -> JSON:
    """Return a record as v2.21 shows it: v2 with battery counters, strings and battery."""
    chance = _chance(record, "details")
    bank = record.inverter.family.battery
    more = {
        "PVs": _strings(record, chance),
        "Battery": _battery(record, bank, chance) if bank else None,
    }
    return _dynamic(record, site, _COUNTERS_OF_V2 + _COUNTERS_OF_V221) | more


def _chance(record: Record, what: str) -> Random:
    return dice(f"{record.inverter.serial} {what} {record.stamp}")


def _dynamic(record: Record, site: Site, counters: Sequence[str]) -> JSON:
    moment, family = record.moment, record.inverter.family
    chance = _chance(record, "readings")
    order = record.inverter.plant.order(record.stamp)
    mode = {"InverterMode": order.mode, "PowerW": order.watts}
    head = {
        "TimestampUtc": iso(record.stamp),
        "SiteId": site.site_id,
        "Phases": _phases(moment.grid_w, family.phases, chance),
        "FrequencyInstantaneousHz": round(50 + chance.gauss(0, 0.02), 2),
        "BatterySoCInstantaneous0to1": None if moment.soc is None else round(moment.soc, 3),
        "PvPowerInstantaneouskW": moment.pv_w / 1000,
        "InverterTemperatureC": round(24 + 22 * moment.pv_w / family.rating_w + chance.random(), 1),
        "BatteryPowerNegativeIsChargingkW": moment.battery_w / 1000 if family.battery else None,
    }
    tail = {
        "Status": record.status,
        "Inverters": [{"SerialNumber": record.inverter.serial, "PowerMode": mode}],
    }
    return head | {name: _counter(record, name) for name in counters} | tail


def _counter(record: Record, name: str) -> float | None:
    absent = name in _COUNTERS_OF_V221 and record.inverter.family.battery is None
    return None if absent else record.counters[name]


def _phases(grid_w: int, names: str, chance: Random) -> list[JSON]:
    """Share the grid power (W, import positive) among the phases, to the last watt."""
    weights = [chance.uniform(0.8, 1.2) for _ in names]
    shares = _split(grid_w, weights)
    return [_phase(name, watts, chance) for name, watts in zip(names, shares, strict=True)]


def _phase(name: str, watts: int, chance: Random) -> JSON:
    volts = round(chance.gauss(239, 1.5), 1)
    factor = round(chance.uniform(0.9, 0.99), 2)
    return {
        "Id": name,
        "ActiveExportedPowerInstantaneouskW": max(-watts, 0) / 1000,
        "ActiveImportedPowerInstantaneouskW": max(watts, 0) / 1000,
        "VoltageInstantaneousV": volts,
        "CurrentInstantaneousA": round(abs(watts) / volts / factor, 2),
        "PowerFactorInstantaneousMinus1to1": factor,
    }


def _split(total: int, weights: Sequence[float]) -> list[int]:
    """Share a whole number out by weight; the shares have its sign and its exact sum."""
    size = abs(total)
    shares = [int(size * weight / sum(weights)) for weight in weights[1:]]
    shares.insert(0, size - sum(shares))
    return shares if total >= 0 else [-share for share in shares]


def _strings(record: Record, chance: Random) -> list[JSON]:
    weights = [size * chance.uniform(0.95, 1.05) for size in record.inverter.family.strings_w]
    shares = _split(record.moment.pv_w, weights)
    return [_string(watts, chance) for watts in shares]


def _string(watts: int, chance: Random) -> JSON:
    volts = round(chance.uniform(355, 385), 1) if watts else 0.0
    amperes = round(watts / volts, 3) if watts else 0.0
    return {"CurrentA": amperes, "VoltageV": volts, "PowerkW": watts / 1000}


def _battery(record: Record, bank: BatteryBank, chance: Random) -> JSON:
    """Return the pack: modules in series, so one current, and voltages that add up."""
    watts, soc = record.moment.battery_w, record.moment.soc or 0.0
    decivolts = [round(480 + 50 * soc + chance.uniform(-2, 2)) for _ in range(bank.modules)]
    amperes = round(watts * 10 / sum(decivolts), 2)
    modules = [
        {
            "CurrentNegativeIsChargingA": amperes,
            "VoltageV": volts / 10,
            "PowerNegativeIsChargingkW": share / 1000,
            "SoC0To1": round(min(max(soc + chance.uniform(-0.005, 0.005), 0.0), 1.0), 3),
        }
        for volts, share in zip(decivolts, _split(watts, decivolts), strict=True)
    ]
    warm = 22 + 6 * abs(watts) / bank.max_discharge_w
    return {
        "CurrentNegativeIsChargingA": amperes,
        "VoltageV": sum(decivolts) / 10,
        "VoltageType": "HV",
        "NumberOfModules": bank.modules,
        "Cabinets": [
            {
                "TemperatureC": round(warm + chance.random(), 1),
                "FanState": "On" if warm > 26 else "Off",
            }
            for _ in range(bank.cabinets)
        ],
        "Modules": modules,
    }
