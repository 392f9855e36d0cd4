"""The abilities of an inverter: doors show them, and commands are checked against them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..cloud import Limits
from ..inverters.registry import Registry
from ..sensors.details import Details
from .command import LIMITING, MODES, Command, RefusedError

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
        raise RefusedError(f"There is no inverter {wanted}; there are: {known}.")
    raise RefusedError(f"Say which inverter; there are: {known}.")


def has_schedules(details: Details) -> bool:
    """Whether an inverter can have schedules, as far as is known."""
    model = details.static.model if details.static is not None else None
    return not (model or "").startswith(_WITHOUT_SCHEDULES)


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether an inverter can do what an action wants.

    Attributes:
        most: the highest power, W; None = not known, or the action has none.
        why_not: one sentence if it cannot; None if it can.
    """

    most: int | None = None
    why_not: str | None = None


def abilities(serial: str, registry: Registry) -> Mapping[str, Ability]:
    """Return what an inverter can do, by action; those that end something are left out."""
    details = registry.details(serial)
    reading = registry.reading(serial)
    # Of an inverter that has not been read, a battery may be all that is not known.
    has_battery = reading is None or reading.has_battery
    found: dict[str, Ability] = {}
    for action in (*MODES, *LIMITING):
        why_not = None
        if action in LIMITING:
            if details.site_id is None:
                why_not = "The site of this inverter is not known yet."
        elif not has_schedules(details):
            why_not = "This inverter has no schedules (SI series)."
        elif action in _NEEDS_BATTERY and not has_battery:
            why_not = "This inverter has no battery."
        most = details.limit(_MOST[action]) if action in _MOST else None
        # No inverter has another one.
        is_plausible = most is not None and 0 < most < _MOST_KW
        found[action] = Ability(round(most * 1000) if most and is_plausible else None, why_not)
    return found


def check(command: Command, serial: str, registry: Registry) -> None:
    """Raise a RefusedError if an inverter cannot do this, or if it is not known what it does."""
    if command.end is None:
        return
    ability = abilities(serial, registry)[command.action]
    if ability.why_not is not None:
        raise RefusedError(ability.why_not)
    reading = registry.reading(serial)
    if reading is None or not reading.is_live:
        raise RefusedError("There is no reading of the last 10 minutes from this inverter.")
    if ability.most is not None and command.power is not None and command.power > ability.most:
        whose = "battery's" if command.action in _NEEDS_BATTERY else "inverter's"
        raise RefusedError(f"{command.power:,} W is more than the {whose} {ability.most:,} W.")
