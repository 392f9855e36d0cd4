"""The stand-in Core's Energy dashboard: its preferences, and what Core makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standin.errors import CommandError, invalid_format
from standin.statistics import UNIT_CLASSES, check_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from standin.serving import Message
    from standin.states import State, States
    from standin.statistics import Statistics

POWER_SINCE = (2025, 12)
"""The first version that takes the power of a source."""

ONE_GRID_SOURCE_SINCE = (2026, 3)
"""The first version whose grid sources are one per connection, without `flow_from`/`flow_to`."""

NAMES_SINCE = (2026, 6)
"""The first version that takes a source's `name`, and a battery's state of charge."""

CAPACITY_SINCE = (2026, 8)
"""The first version that takes a battery's capacity."""

_LISTS = ("energy_sources", "device_consumption", "device_consumption_water")

_GRID_DEFAULTS: Mapping[str, None] = dict.fromkeys(
    (
        "stat_energy_from",
        "stat_energy_to",
        "stat_cost",
        "entity_energy_price",
        "number_energy_price",
        "stat_compensation",
        "entity_energy_price_export",
        "number_energy_price_export",
    )
)
_REQUIRED: Mapping[str, frozenset[str]] = {
    "grid": frozenset({"cost_adjustment_day"}),
    "solar": frozenset({"stat_energy_from"}),
    "home": frozenset({"stat_energy_to"}),
    "battery": frozenset({"stat_energy_from", "stat_energy_to"}),
    "gas": frozenset({"stat_energy_from"}),
    "water": frozenset({"stat_energy_from"}),
}
_COMMON = frozenset({"type", "stat_rate", "name"})
_PRICED = _COMMON | {"stat_cost", "entity_energy_price", "number_energy_price"}
_OPTIONAL: Mapping[str, frozenset[str]] = {
    "grid": _COMMON | set(_GRID_DEFAULTS) | {"power_config"},
    "solar": _COMMON | {"config_entry_solar_forecast"},
    "home": _COMMON,
    "battery": _COMMON | {"power_config", "stat_soc", "capacity"},
    "gas": _PRICED,
    "water": _PRICED,
}
_SINCE = {
    "stat_rate": POWER_SINCE,
    "power": POWER_SINCE,
    "name": NAMES_SINCE,
    "stat_soc": NAMES_SINCE,
    "capacity": CAPACITY_SINCE,
}
_OLD_GRID = frozenset({"flow_from", "flow_to", "cost_adjustment_day"})
_PRICES = frozenset({"entity_energy_price", "number_energy_price"})
_OLD_FLOWS = {
    "flow_from": ("stat_energy_from", _PRICES | {"stat_cost"}),
    "flow_to": ("stat_energy_to", _PRICES | {"stat_compensation"}),
    "power": ("stat_rate", frozenset({"power_config"})),
}
_UNIQUE = {
    "stat_energy_from": "Import meter",
    "stat_energy_to": "Export meter",
    "stat_rate": "Power stat",
}

# of a statistic, by the name it has in the preferences: device class, and state classes
_ENERGY = ("energy", frozenset({"total", "total_increasing"}))
_EXPECTED = {
    "stat_energy_from": _ENERGY,
    "stat_energy_to": _ENERGY,
    "stat_consumption": _ENERGY,
    "stat_rate": ("power", frozenset({"measurement"})),
}


class Energy:
    """The preferences of one Core, None before the first are saved; they outlive a restart."""

    def __init__(self, version: tuple[int, int], states: States, statistics: Statistics) -> None:
        self._version = version
        self._states = states
        self._statistics = statistics
        self.preferences: Message | None = None

    def get(self) -> Message:
        """`energy/get_prefs`.

        Raises:
            CommandError: `not_found` before the first set-up.
        """
        if self.preferences is None:
            raise CommandError("not_found", "No prefs")
        return self.preferences

    def save(self, message: Message) -> Message:
        """`energy/save_prefs`: each list that is named replaces the whole list there was.

        Raises:
            CommandError: a list or a source is not as Core wants it.
        """
        update = {name: value for name, value in message.items() if name not in {"id", "type"}}
        check_keys(update, (), _LISTS)
        if "energy_sources" in update:
            update["energy_sources"] = [
                self._checked(source, f"energy_sources[{index}].")
                for index, source in enumerate(update["energy_sources"])
            ]
            self._check_grids([one for one in update["energy_sources"] if one["type"] == "grid"])
        empty: Message = {name: [] for name in _LISTS}
        self.preferences = {**empty, **(self.preferences or {}), **update}
        return self.preferences

    def validate(self) -> Message:
        """`energy/validate`: for each source and device, what Core finds wrong with it."""
        preferences = self.preferences or {}
        return {name: [self._issues(item) for item in preferences.get(name, [])] for name in _LISTS}

    def _checked(self, source: Message, path: str) -> Message:
        kind = str(source.get("type"))
        if kind not in _REQUIRED:
            known = list(_REQUIRED)
            raise invalid_format(
                f"expected type to be one of {known} at '{path}type'. Got {kind!r}"
            )
        if kind == "grid" and self._version < ONE_GRID_SOURCE_SINCE:
            self._check_old_grid(source, path)
            return source
        check_keys(source, _REQUIRED[kind], self._known(_REQUIRED[kind] | _OPTIONAL[kind]), path)
        if kind == "battery" and "capacity" in source:
            _check_capacity(source["capacity"], path)
        return {**_GRID_DEFAULTS, **source} if kind == "grid" else source

    def _known(self, names: frozenset[str]) -> frozenset[str]:
        return frozenset(name for name in names if self._version >= _SINCE.get(name, (0, 0)))

    def _check_old_grid(self, source: Message, path: str) -> None:
        check_keys(source, _OLD_GRID, self._known(_OLD_GRID | {"type", "power"}), path)
        for name, (role, optional) in _OLD_FLOWS.items():
            flows = source.get(name, [])
            for index, flow in enumerate(flows):
                check_keys(flow, {role}, optional | {role}, f"{path}{name}[{index}].")
                if name == "flow_from" and not flow.keys() >= _PRICES:
                    # Core looks into both without asking whether they are there
                    raise CommandError("unknown_error", "Unknown error")
            meters = [flow[role] for flow in flows]
            for meter in meters:
                if meters.count(meter) > 1:
                    raise invalid_format(f"Cannot specify {meter} more than once at '{path}{name}'")

    def _check_grids(self, grids: list[Message]) -> None:
        if self._version < ONE_GRID_SOURCE_SINCE:
            if len(grids) > 1:
                raise invalid_format("You cannot have more than 1 grid source")
            return
        for role, what in _UNIQUE.items():
            meters = [grid[role] for grid in grids if grid.get(role) is not None]
            for meter in meters:
                if meters.count(meter) > 1:
                    raise invalid_format(f"{what} {meter} is used in multiple grid connections")

    def _issues(self, item: Message) -> list[Message]:
        affected: dict[str, list[list[Any]]] = {}
        for role, statistic in _statistics_of(item):
            for kind, detail in self._issues_of(role, statistic):
                entry = [statistic, detail]
                if entry not in affected.setdefault(kind, []):
                    affected[kind].append(entry)
        return [
            {
                "type": kind,
                "affected_entities": entries,
                "translation_placeholders": _placeholders(kind),
            }
            for kind, entries in affected.items()
        ]

    def _issues_of(self, role: str, statistic: str) -> Iterator[tuple[str, Any]]:
        if statistic not in self._statistics.metadata:
            yield "statistics_not_defined", None
        state = self._states.get(statistic)
        if state is None:
            yield "entity_not_defined", None
        elif role in _EXPECTED:
            yield from _issues_of_state(state, *_EXPECTED[role])


def _check_capacity(capacity: object, path: str) -> None:
    if not isinstance(capacity, int | float):
        raise invalid_format(f"expected float at '{path}capacity'. Got {capacity!r}")
    if capacity <= 0:
        raise invalid_format(f"value must be higher than 0 at '{path}capacity'. Got {capacity!r}")


def _issues_of_state(
    state: State, device_class: str, state_classes: frozenset[str]
) -> Iterator[tuple[str, Any]]:
    if state.state in {"unavailable", "unknown"}:
        yield "entity_unavailable", state.state
        return
    try:
        value = float(state.state)
    except ValueError:
        yield "entity_state_non_numeric", state.state
        return
    if value < 0 and device_class == "energy":
        yield "entity_negative_state", value
    if state.attributes.get("device_class") != device_class:
        yield "entity_unexpected_device_class", state.attributes.get("device_class")
    elif (unit := state.attributes.get("unit_of_measurement")) not in UNIT_CLASSES[device_class]:
        yield f"entity_unexpected_unit_{device_class}", unit
    if (state_class := state.attributes.get("state_class")) not in state_classes:
        yield "entity_unexpected_state_class", state_class


def _placeholders(kind: str) -> Message | None:
    device_class = kind.removeprefix("entity_unexpected_unit_")
    if device_class == kind:
        return None
    return {f"{device_class}_units": ", ".join(map(str, UNIT_CLASSES[device_class]))}


def _statistics_of(item: Message) -> Iterator[tuple[str, str]]:
    """What Core looks at: not all that it takes."""
    for name, value in item.items():
        is_unchecked = name == "stat_soc" or (
            name == "stat_rate" and item.get("type") in {"solar", "battery", None}
        )
        if name.startswith("stat_") and isinstance(value, str) and not is_unchecked:
            yield name, value
        elif name in {"flow_from", "flow_to"}:
            for flow in value:
                yield from _statistics_of(flow)
