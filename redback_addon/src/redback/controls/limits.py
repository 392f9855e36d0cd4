"""What an inverter can do, before it is told to."""

from collections.abc import Callable

from ..cloud import Limits
from ..inverters.registry import Registry
from ..sensors.details import Details
from .command import Command, RefusedError

_NEEDS_BATTERY = frozenset({"charge", "discharge", "conserve"})
_MOST: dict[str, Callable[[Limits], float | None]] = {
    "charge": lambda limits: limits.battery_max_charge_power_kw,
    "discharge": lambda limits: limits.battery_max_discharge_power_kw,
    "import": lambda limits: limits.inverter_max_import_power_kw,
    "export": lambda limits: limits.inverter_max_export_power_kw,
}
_MOST_KW = 1e6
# Of the models' names; this series has no schedules (dossier 3.6).
_WITHOUT_SCHEDULES = "SI"


def find(registry: Registry, wanted: str) -> str:
    """Return the serial number of the inverter that a command means; raise a RefusedError."""
    names = registry.names
    found = [
        serial
        for serial, given in names.items()
        if wanted.casefold() in {"", serial.casefold(), given.name.casefold()}
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(registry.sorted_names()) or "none yet"
    if found and wanted:
        raise RefusedError(f"{wanted} is not one inverter: say which of {', '.join(found)}.")
    if wanted:
        raise RefusedError(f"There is no inverter {wanted}. There are: {known}.")
    raise RefusedError(f"Say which inverter. There are: {known}.")


def has_schedules(details: Details) -> bool:
    """Whether an inverter can have schedules, as far as is known."""
    model = details.static.model if details.static is not None else None
    return not (model or "").startswith(_WITHOUT_SCHEDULES)


def check(command: Command, serial: str, registry: Registry) -> None:
    """Raise a RefusedError if an inverter cannot do this, or if it is not known what it does."""
    details, reading = registry.details(serial), registry.reading(serial)
    if command.end is None:
        return
    if command.mode is not None and not has_schedules(details):
        raise RefusedError("This inverter has no schedules (SI series).")
    if reading is None or not reading.is_live:
        raise RefusedError("There is no reading of the last 10 minutes from this inverter.")
    if command.action in _NEEDS_BATTERY and not reading.has_battery:
        raise RefusedError("This inverter has no battery.")
    most = details.limit(_MOST[command.action]) if command.action in _MOST else None
    if most is not None and not 0 < most < _MOST_KW:
        most = None  # no inverter has that
    if most is not None and command.power is not None and command.power > round(most * 1000):
        whose = "battery's" if command.action in _NEEDS_BATTERY else "inverter's"
        raise RefusedError(
            f"{command.power:,} W is more than the {whose} {round(most * 1000):,} W."
        )
    if command.mode is None and details.site_id is None:
        raise RefusedError("The site of this inverter is not known yet.")
