"""Sets up Home Assistant's Energy dashboard with the known inverters."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from ..cloud import Limits
from ..core import CoreError, Energy, Issue, Kind, Planned, Role, Source
from ..inverters.inverter import Inverter
from ..inverters.registry import Registry
from ..publishing.ownership import Ownership
from ..sensors.counters import COUNTERS
from .words import in_words, listed

# The key of the sensor that has a role.
_SENSORS: Mapping[tuple[Kind, Role], str] = {
    ("grid", "stat_rate"): "grid_power",
    ("solar", "stat_rate"): "solar_generation",
    ("battery", "stat_rate"): "battery_power",
    ("battery", "stat_soc"): "battery_soc",
    **{row.source: row.key for row in COUNTERS if row.source is not None},
}
_NEEDED: Mapping[Kind, frozenset[Role]] = {
    "grid": frozenset({"stat_energy_from"}),
    "solar": frozenset({"stat_energy_from"}),
    "battery": frozenset({"stat_energy_from", "stat_energy_to"}),
}
# Core asks for the usable capacity, to weight the charge of several batteries.
_CAPACITIES: Mapping[str, Callable[[Limits], float | None]] = {
    "usable_battery_capacity": lambda details: details.usable_battery_capacity_kwh,
    "battery_capacity": lambda details: details.battery_capacity_kwh,
}
# The names of the roles on the page.
_LABELS: Mapping[Kind, Mapping[Role, str]] = {
    "grid": {
        "stat_energy_from": "From the grid",
        "stat_energy_to": "To the grid",
        "stat_rate": "Power",
    },
    "solar": {"stat_energy_from": "Generated", "stat_rate": "Power"},
    "battery": {
        "stat_energy_from": "Discharged",
        "stat_energy_to": "Charged",
        "stat_rate": "Power",
        "stat_soc": "State of charge",
    },
}
_NONE: Mapping[str, str | None] = {}
_NOTHING_YET = "There is nothing to add yet: waiting for the first reading."


class EnergySetup:
    """Shows on the panel what can be added to the Energy dashboard, and adds it."""

    what = "its Energy dashboard"

    def __init__(self, energy: Energy, registry: Registry, ownership: Ownership) -> None:
        self._energy = energy
        self._registry = registry
        self._ownership = ownership

    async def look(self) -> dict[str, object]:
        """Return what is there and what can be added, as JSON; it never raises a CoreError."""
        known = tuple(self._registry.inverters())
        sources, excluded = self._sources(known)
        if not sources and not excluded:
            return _answer("away", _NOTHING_YET)
        try:
            planned = await self._energy.plan(sources)
            issues = await self._energy.issues(sources)
        except CoreError as error:
            return _answer("away", in_words(error, self.what))
        ready = {source.name for source in (*sources, *(one for one, _ in excluded))}
        waiting = [name for name in self._registry.sorted_names() if name not in ready]
        state, text = _summary(planned, is_all=not waiting and not excluded)
        notes = [
            *(f"{_named([source])}: {why}." for source, why in excluded),
            *(f"{name} is not listed yet: waiting for its counters." for name in waiting),
        ]
        capacities = {each.name: _capacity(each, self._ownership.ids(each))[1] for each in known}
        return _answer(state, text, planned, issues, capacities, notes)

    async def apply(self, name: str | None = None) -> str:
        """Add what is missing; return in a sentence what was done, or raise a CoreError.

        With a name, add only the grid of that inverter, even if its energy might count twice.
        """
        sources, excluded = self._sources(self._registry.inverters())
        if not sources and not excluded:
            return _NOTHING_YET
        added = await self._energy.add(sources, name)
        if not added:
            return "Nothing was added: everything is already in the Energy dashboard."
        return f"{_named(added)} {'is' if len(added) == 1 else 'are'} now in the Energy dashboard."

    def _sources(self, known: Iterable[Inverter]) -> tuple[list[Source], list[tuple[Source, str]]]:
        """Return what can be in the Energy dashboard, and what is not offered, with the reason."""
        offered: list[Source] = []
        excluded: list[tuple[Source, str]] = []
        for source in self._all_sources(known):
            reasons = {each: self._ownership.why_not(each) for each in source.roles.values()}
            against = [reasons[meter] for meter in sorted(source.meters) if reasons[meter]]
            if against:
                excluded.append((source, str(against[0])))
            else:
                ours = {role: each for role, each in source.roles.items() if not reasons[each]}
                offered.append(replace(source, roles=ours))
        return offered, excluded

    def _all_sources(self, known: Iterable[Inverter]) -> Iterator[Source]:
        for inverter in known:
            ids = self._ownership.ids(inverter)
            for kind in _LABELS:
                if (source := _source(inverter, kind, ids)) is not None:
                    yield source


def _source(inverter: Inverter, kind: Kind, ids: Mapping[str, str]) -> Source | None:
    roles = {role: ids[key] for role in _LABELS[kind] if (key := _SENSORS[kind, role]) in ids}
    if not _NEEDED[kind] <= roles.keys():
        return None
    return Source(
        kind,
        inverter.name,
        roles,
        capacity=_capacity(inverter, ids)[0] if kind == "battery" else None,
        # It is unknown whether grid counters are the inverter's or the site's (dossier 2.7).
        connection=inverter.details.site_id if kind == "grid" else None,
    )


def _summary(planned: Iterable[Planned], *, is_all: bool) -> tuple[str, str]:
    missing = [each.source for each in planned if not each.is_there and not each.beside]
    if missing:
        return "ready", f"{_named(missing)} can be added. Existing sources stay unchanged."
    if any(not each.is_there for each in planned):
        return "done", "Everything is added except a grid whose energy might count twice."
    if not is_all:
        return "done", "Nothing else can be added to the Energy dashboard now."
    return "done", "Your inverters are in the Energy dashboard."


def _named(sources: Iterable[Source]) -> str:
    """Return sources as the beginning of a sentence: Grid and solar of House."""
    kinds: dict[str, list[str]] = {}
    for source in sources:
        kinds.setdefault(source.name, []).append(source.kind)
    text = listed([f"{listed(of)} of {name}" for name, of in kinds.items()])
    return text[:1].upper() + text[1:]


def _answer(
    state: str,
    text: str,
    planned: Iterable[Planned] = (),
    issues: Iterable[Issue] = (),
    capacities: Mapping[str, str | None] = _NONE,
    notes: Iterable[str] = (),
) -> dict[str, object]:
    return {
        "state": state,
        "text": text,
        "items": [_item(each, capacities.get(each.source.name)) for each in planned],
        "notes": list(notes),
        "issues": list(map(str, issues)),
    }


def _capacity(inverter: Inverter, ids: Mapping[str, str]) -> tuple[float | None, str | None]:
    """Return the battery's capacity in kWh, and the entity that shows it."""
    for key, value in _CAPACITIES.items():
        if key in ids and (capacity := inverter.details.limit(value)):
            return capacity, ids[key]
    return None, None


def _item(planned: Planned, capacity_id: str | None) -> dict[str, object]:
    source = planned.source
    entities = [
        {"role": _LABELS[source.kind][role], "entity_id": entity_id}
        for role, entity_id in source.roles.items()
    ]
    if source.capacity is not None and capacity_id is not None:
        # Core wants a number here; the entity is where it comes from.
        role = f"Capacity ({source.capacity:g} kWh)"
        entities.append({"role": role, "entity_id": capacity_id})
    return {
        "kind": source.kind,
        "inverter": source.name,
        "entities": entities,
        "is_there": planned.is_there,
        "doubt": _doubt(planned),
    }


def _doubt(planned: Planned) -> str | None:
    """Return why a grid is not added unless somebody insists."""
    if not planned.beside:
        return None
    return (
        f"If it measures the same connection as {listed(list(planned.beside))}, its energy would"
        " count twice."
    )
