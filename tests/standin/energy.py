"""The stand-in Core's Energy dashboard: its preferences, and what Core makes of them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from standin.errors import (
    CommandError,
    Path,
    Problem,
    UnfitError,
    check_keys,
    key_problems,
    refuse,
)
from standin.serving import Message
from standin.states import State, States
from standin.statistics import Statistics, unit_classes
from standin.versions import (
    ENERGY_LISTS,
    ENERGY_UNITS,
    GRID_DEFAULTS,
    GRID_PER_CONNECTION,
    SOURCE_KEYS_SINCE,
    SOURCE_KINDS,
    TAGGED_SOURCES,
    Version,
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
    "grid": _COMMON | set(GRID_DEFAULTS.new) | {"power_config"},
    "solar": _COMMON | {"config_entry_solar_forecast"},
    "home": _COMMON,
    "battery": _COMMON | {"power_config", "stat_soc", "capacity"},
    "gas": _PRICED,
    "water": _PRICED,
}
_OLD_GRID = frozenset({"flow_from", "flow_to", "cost_adjustment_day"})
_PRICES = frozenset({"entity_energy_price", "number_energy_price"})
_OLD_FLOWS = {
    "flow_from": ("stat_energy_from", _PRICES | {"stat_cost"}),
    "flow_to": ("stat_energy_to", _PRICES | {"stat_compensation"}),
    "power": ("stat_rate", frozenset({"power_config"})),
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

    def __init__(self, version: Version, states: States, statistics: Statistics) -> None:
        self._version = version
        self._lists = ENERGY_LISTS.at(version)
        self._units = {**unit_classes(version), "energy": ENERGY_UNITS.at(version)}
        self._states = states
        self._statistics = statistics
        self.preferences: Message | None = None
        # The sensors that the real one makes where there is a price, by meter.
        self.cost_sensors: dict[str, str] = {}

    def info(self) -> Message:
        """`energy/info`."""
        return {"cost_sensors": self.cost_sensors, "solar_forecast_domains": []}

    def get(self) -> Message:
        """`energy/get_prefs`."""
        if self.preferences is None:
            raise CommandError("not_found", "No prefs")
        return self.preferences

    def save(self, message: Message) -> Message:
        """`energy/save_prefs`: each list that is named replaces the whole list there was."""
        update = {name: value for name, value in message.items() if name not in {"id", "type"}}
        check_keys(update, (), self._lists)
        if "energy_sources" in update:
            sources = update["energy_sources"]
            refuse(
                problem
                for index, source in enumerate(sources)
                for problem in self._problems(source, ("energy_sources", index))
            )
            self._check_grids(sources)
            update["energy_sources"] = [self._completed(source) for source in sources]
        empty: Message = {name: [] for name in self._lists}
        self.preferences = {**empty, **(self.preferences or {}), **update}
        return self.preferences

    def validate(self) -> Message:
        """`energy/validate`: for each source and device, what Core finds wrong with it."""
        preferences = self.preferences or {}
        return {
            name: [self._issues(item) for item in preferences.get(name, [])] for name in self._lists
        }

    def _problems(self, source: Message, path: Path) -> Iterator[Problem]:
        kind = source.get("type")
        known = SOURCE_KINDS.at(self._version)
        if kind not in known:
            if TAGGED_SOURCES.at(self._version):
                yield Problem(f"expected type to be one of {[*known]}", (*path, "type"), kind)
            else:
                what = f"Unexpected value for type: '{kind}'. Expected {', '.join(known)}"
                yield Problem(what, path, source)
        elif kind == "grid" and not GRID_PER_CONNECTION.at(self._version):
            yield from self._old_grid_problems(source, path)
        else:
            keys = self._known(_REQUIRED[kind] | _OPTIONAL[kind])
            yield from key_problems(source, _REQUIRED[kind], keys, path)

    def _known(self, names: frozenset[str]) -> frozenset[str]:
        version = self._version
        return frozenset(n for n in names if version >= SOURCE_KEYS_SINCE.get(n, version))

    def _old_grid_problems(self, source: Message, path: Path) -> Iterator[Problem]:
        known = self._known(_OLD_GRID | {"type", "power"})
        yield from key_problems(source, _OLD_GRID, known, path)
        for name in known & _OLD_FLOWS.keys() & source.keys():
            role, optional = _OLD_FLOWS[name]
            flows, place = source[name], (*path, name)
            problems = [
                problem
                for index, flow in enumerate(flows)
                for problem in key_problems(flow, {role}, optional | {role}, (*place, index))
            ]
            if problems:
                yield from problems
                continue
            if name == "flow_from" and not all(flow.keys() >= _PRICES for flow in flows):
                # Core looks into both without asking whether they are there
                raise CommandError("unknown_error", "Unknown error")

    def _check_grids(self, sources: list[Message]) -> None:
        grids = [source for source in sources if source["type"] == "grid"]
        if len(grids) > 1 and not GRID_PER_CONNECTION.at(self._version):
            what = "You cannot have more than 1 grid source"
            raise UnfitError(Problem(what, ("energy_sources",), sources))

    def _completed(self, source: Message) -> Message:
        if source["type"] != "grid":
            return source
        return {**GRID_DEFAULTS.at(self._version), **source}

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
                "translation_placeholders": self._placeholders(kind),
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
            device_class, state_classes = _EXPECTED[role]
            units = self._units[device_class]
            yield from _issues_of_state(state, device_class, state_classes, units)

    def _placeholders(self, kind: str) -> Message | None:
        device_class = kind.removeprefix("entity_unexpected_unit_")
        if device_class == kind:
            return None
        return {f"{device_class}_units": ", ".join(map(str, self._units[device_class]))}


def _issues_of_state(
    state: State,
    device_class: str,
    state_classes: frozenset[str],
    units: Collection[str | None],
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
    elif (unit := state.attributes.get("unit_of_measurement")) not in units:
        yield f"entity_unexpected_unit_{device_class}", unit
    if (state_class := state.attributes.get("state_class")) not in state_classes:
        yield "entity_unexpected_state_class", state_class


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
