"""The sources of Core's Energy dashboard: reading its list of them, and adding to it.

How a source is written depends on Core's version (homeassistant/components/energy/data.py):

    until 2025.11  a single grid source with lists of flows; energy only
    2025.12        the power of each source, `stat_rate`; a grid's in a list `power`
    2026.3         one grid source for each connection
    2026.6         a `name`, and a battery's state of charge, `stat_soc`
    2026.8         a battery's `capacity`
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .versions import is_since

Kind = Literal["grid", "solar", "battery"]
Role = Literal["stat_energy_from", "stat_energy_to", "stat_rate", "stat_soc"]
Stored = Mapping[str, Any]

_POWER_SINCE = (2025, 12)
_ONE_PER_CONNECTION_SINCE = (2026, 3)
_CHARGE_SINCE = _NAMES_SINCE = (2026, 6)
_CAPACITY_SINCE = (2026, 8)

_METERS: tuple[Role, Role] = ("stat_energy_from", "stat_energy_to")
_FLOWS = ("flow_from", "flow_to")
# Core 2025 stumbles over a flow that lacks one of these.
_UNPRICED = {"entity_energy_price": None, "number_energy_price": None}
_MONEY = ("stat_cost", "stat_compensation")
_PRICES = (
    *_MONEY,
    *_UNPRICED,
    "entity_energy_price_export",
    "number_energy_price_export",
)


@dataclass(frozen=True, slots=True)
class Source:
    """Something that energy comes from, or goes to.

    Attributes:
        name: what people call the house, or the part of it, that it belongs to.
        roles: entity ids. `stat_energy_from` counts energy into the house, including a battery's
            discharge; `stat_energy_to` energy out of it; `stat_rate` is the power, positive =
            into the house; `stat_soc` a battery's charge in percent.
        capacity: of a battery, kWh.
        connection: of a grid; sources with the same one may be measured by one meter.
            None = not known to be shared.
    """

    kind: Kind
    name: str
    roles: Mapping[Role, str]
    capacity: float | None = None
    connection: str | None = None

    @property
    def meters(self) -> frozenset[str]:
        """The entities that count its energy, by which it is recognised."""
        return frozenset(self.roles[role] for role in _METERS if role in self.roles)


@dataclass(frozen=True, slots=True)
class Planned:
    """A source, and what adding it would mean.

    Attributes:
        source: reduced to what this Core supports, or to what its owner has kept of it.
        is_there: whether the dashboard has it, whatever its owner has changed about it.
        beside: of a grid that is not there: the meters of a grid that is, or that comes first. If
            they measure the same connection, its energy would count twice.
    """

    source: Source
    is_there: bool
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Priced:
    """The statistics of what imported energy cost, and was paid for exported energy, by meter."""

    cost: Mapping[str, str] = field(default_factory=dict)
    compensation: Mapping[str, str] = field(default_factory=dict)


def priced(stored: Iterable[Stored], meters: Collection[str], made: Mapping[str, str]) -> Priced:
    """Return the money of these meters in Core's list `energy_sources`.

    Args:
        stored: the list.
        meters: of grids.
        made: the sensors that Core makes itself where there is a price, by meter.
    """
    grids = [one for one in stored if one.get("type") == "grid"]
    parts = [*grids, *(flow for one in grids for name in _FLOWS for flow in one.get(name) or ())]

    def found(role: Role, money: str) -> dict[str, str]:
        own = [one for one in parts if one.get(role) in meters]
        names = {one[role]: one.get(money) or made.get(one[role]) for one in own}
        return {meter: name for meter, name in names.items() if name}

    return Priced(*(found(role, money) for role, money in zip(_METERS, _MONEY, strict=True)))


def plan(
    stored: Iterable[Stored], sources: Sequence[Source], version: str | None
) -> tuple[Planned, ...]:
    """Compare sources with Core's list `energy_sources`."""
    stored = tuple(stored)
    used = {each for one in stored for each in _meters(one)}
    own = {meter for source in sources for meter in source.meters}
    others = {each for one in stored if one.get("type") == "grid" for each in _meters(one)} - own
    settled = [source for source in sources if not used.isdisjoint(source.meters)]
    planned = []
    for source in sources:
        is_there = source in settled
        beside: set[str] = set()
        if source.kind == "grid" and not is_there:
            beside = others.union(*(each.meters for each in settled if _shares(each, source)))
            if not beside:
                settled.append(source)
        shown = _left(source, stored) if is_there else _fitted(source, version)
        planned.append(Planned(shown, is_there, tuple(sorted(beside))))
    return tuple(planned)


def merge(
    stored: Iterable[Stored], sources: Iterable[Source], version: str | None
) -> list[dict[str, Any]]:
    """Add sources to Core's list `energy_sources`; existing ones stay as they are."""
    merged = [dict(one) for one in stored]
    for source in sources:
        if source.kind != "grid":
            merged.append(_described(source, version))
            continue
        free = _without_used_rate(source, merged)
        if is_since(version, _ONE_PER_CONNECTION_SINCE):
            merged.append(_connection(free, version))
        else:
            _add_flows(merged, free)
    return merged


def _meters(stored: Stored) -> Iterator[str]:
    """Return the statistics that count a source's energy, in either format."""
    for part in (stored, *(flow for name in _FLOWS for flow in stored.get(name) or ())):
        for role in _METERS:
            if isinstance(meter := part.get(role), str):
                yield meter


def _shares(one: Source, other: Source) -> bool:
    return one.kind == "grid" and None is not one.connection == other.connection


def _fitted(source: Source, version: str | None) -> Source:
    """Leave out what this Core does not support."""
    since: Mapping[Role, tuple[int, int]] = {"stat_rate": _POWER_SINCE, "stat_soc": _CHARGE_SINCE}
    roles = {
        role: entity_id
        for role, entity_id in source.roles.items()
        if role not in since or is_since(version, since[role])
    }
    # Core refuses a capacity of zero.
    has_capacity = is_since(version, _CAPACITY_SINCE) and (source.capacity or 0) > 0
    return replace(source, roles=roles, capacity=source.capacity if has_capacity else None)


def _left(source: Source, stored: Iterable[Stored]) -> Source:
    """Leave out what its owner has removed, or never had."""
    found = [one for one in stored if not source.meters.isdisjoint(_meters(one))]
    texts = set(_texts(found))
    return replace(
        source,
        roles={role: each for role, each in source.roles.items() if each in texts},
        capacity=next((one["capacity"] for one in found if one.get("capacity")), None),
    )


def _described(source: Source, version: str | None) -> dict[str, Any]:
    description: dict[str, Any] = {"type": source.kind}
    description |= {str(role): entity_id for role, entity_id in source.roles.items()}
    if source.kind == "solar":
        description["config_entry_solar_forecast"] = None
    if source.capacity is not None:
        description["capacity"] = source.capacity
    if is_since(version, _NAMES_SINCE):
        # Core's charts append to it, as in "House grid exported".
        description["name"] = f"{source.name} {source.kind}"
    return description


def _connection(source: Source, version: str | None) -> dict[str, Any]:
    unset: dict[str, Any] = dict.fromkeys((*_METERS, *_PRICES))
    return unset | {"cost_adjustment_day": 0} | _described(source, version)


def _add_flows(merged: list[dict[str, Any]], source: Source) -> None:
    """Add to the single grid source; its own lists only grow."""
    index = next((i for i, one in enumerate(merged) if one.get("type") == "grid"), len(merged))
    if index == len(merged):
        merged.append({"type": "grid", "flow_from": [], "flow_to": [], "cost_adjustment_day": 0})
    flows: tuple[tuple[str, Role, dict[str, Any]], ...] = (
        ("flow_from", "stat_energy_from", {"stat_cost": None, **_UNPRICED}),
        ("flow_to", "stat_energy_to", {"stat_compensation": None, **_UNPRICED}),
        ("power", "stat_rate", {}),
    )
    grown = {
        name: [*(merged[index].get(name) or ()), {role: source.roles[role], **unpriced}]
        for name, role, unpriced in flows
        if role in source.roles
    }
    merged[index] = merged[index] | grown


def _without_used_rate(source: Source, merged: Iterable[Stored]) -> Source:
    """Leave out a power that another grid uses: Core refuses it for two of them."""
    grids = (one for one in merged if one.get("type") == "grid")
    if source.roles.get("stat_rate") not in set(_texts(list(grids))):
        return source
    return replace(
        source, roles={role: each for role, each in source.roles.items() if role != "stat_rate"}
    )


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for each in value.values():
                yield from _texts(each)
        case Collection():
            for each in value:
                yield from _texts(each)
