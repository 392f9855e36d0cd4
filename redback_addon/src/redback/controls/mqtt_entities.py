"""The entities over MQTT with which people tell an inverter what to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..inverters.registry import Registry
from ..publishing.components import EVENT, Component
from .book import RESULTS
from .command import LONGEST_MINUTES, MODES, WITH_POWER
from .limits import abilities

MODE, BACK, LIMIT, COMMAND, ANSWER = "mode", "back_to_auto", "export_limit", "command", "control"
POWER, DURATION, LIMIT_POWER = "power", "duration", "export_limit_power"
AUTO = "auto"
# The choices that people have, by action.
LABELS = {
    AUTO: "Auto",
    "charge": "Charge battery",
    "discharge": "Discharge battery",
    "import": "Import power",
    "export": "Export power",
    "conserve": "Conserve",
}
NAMES = {POWER: "Power", DURATION: "Duration", LIMIT_POWER: "Export Limit"}
_SHORTEST_MINUTES, _STEP_MINUTES = 5, 5
_STEP_W = 100
# Where the inverter's own limit is not known.
_MOST_W = 10_000


@dataclass(frozen=True, slots=True)
class Range:
    """The range of a number."""

    least: int
    most: int
    step: int
    unit: str
    device_class: str

    def fit(self, value: int) -> int:
        """Return the nearest that it may be."""
        return max(self.least, min(self.most, value))


def ranges(serial: str, registry: Registry) -> Mapping[str, Range]:
    """Return what the numbers of an inverter may be, by key; those that make no sense are out."""
    can = {action: one for action, one in abilities(serial, registry).items() if not one.why_not}
    powers = [one.most or _MOST_W for action, one in can.items() if action in WITH_POWER]
    found: dict[str, Range] = {}
    if powers:
        found[POWER] = _watts(min(_STEP_W, *powers), max(powers))
    if can:
        found[DURATION] = Range(
            _SHORTEST_MINUTES, LONGEST_MINUTES, _STEP_MINUTES, "min", "duration"
        )
    if "limit_export" in can:
        found[LIMIT_POWER] = _watts(0, abilities(serial, registry)["export"].most or _MOST_W)
    return found


def components(serial: str, registry: Registry) -> dict[str, Component] | None:
    """Return an inverter's entities, by key; None while it is not known what it can do."""
    inverter = registry.inverter(serial)
    if inverter is None or inverter.details.static is None or registry.reading(serial) is None:
        return None
    can = {action for action, one in abilities(serial, registry).items() if not one.why_not}
    modes = [LABELS[action] for action in MODES if action in can]
    found = {
        COMMAND: Component("notify", "Command", {}),
        ANSWER: Component(EVENT, "Control", {"evt_typ": list(RESULTS)}),
    }
    if modes:
        options = {"ops": [LABELS[AUTO], *modes]}
        found[MODE] = Component("select", "Mode", options, has_value=True)
        found[BACK] = Component("button", "Back To Auto", {})
    if "limit_export" in can:
        found[LIMIT] = Component("switch", "Export Limit", {}, has_value=True)
    for key, one in ranges(serial, registry).items():
        found[key] = Component("number", NAMES[key], _described(one), has_value=True)
    return found


def _watts(least: int, most: int) -> Range:
    return Range(least, most, _STEP_W, "W", "power")


def _described(one: Range) -> dict[str, object]:
    return {
        "min": one.least,
        "max": one.most,
        "step": one.step,
        "unit_of_meas": one.unit,
        "dev_cla": one.device_class,
        "ent_cat": "config",
    }
