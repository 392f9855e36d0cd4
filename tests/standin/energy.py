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

ONE_GRID_SOURCE_SINCE = (2026, 1)
"""The first version whose grid sources are one per connection, without `flow_from`/`flow_to`."""

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
_RATE = frozenset({"type", "stat_rate", "name"})
_PRICED = _RATE | {"stat_cost", "entity_energy_price", "number_energy_price"}
_OPTIONAL: Mapping[str, frozenset[str]] = {
    "grid": _RATE | set(_GRID_DEFAULTS) | {"power_config"},
    "solar": _RATE | {"config_entry_solar_forecast"},
    "home": _RATE,
    "battery": _RATE | {"power_config", "stat_soc", "capacity"},
    "gas": _PRICED,
    "water": _PRICED,
}
_OLD_GRID = frozenset({"flow_from", "flow_to", "cost_adjustment_day"})

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
        self._one_grid_source = version >= ONE_GRID_SOURCE_SINCE
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
        if kind == "grid" and not self._one_grid_source:
            check_keys(source, _OLD_GRID, _OLD_GRID | {"type"}, path)
            return source
        check_keys(source, _REQUIRED[kind], _REQUIRED[kind] | _OPTIONAL[kind], path)
        return {**_GRID_DEFAULTS, **source} if kind == "grid" else source

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
    for name, value in item.items():
        if name.startswith("stat_") and isinstance(value, str):
            yield name, value
        elif name in {"flow_from", "flow_to"}:
            for flow in value:
                yield from _statistics_of(flow)
