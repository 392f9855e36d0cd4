"""Chooses which inverters are published, and names them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from ..cloud import ListedInverter
from ..options import Site
from ..publishing.entity_ids import slug

DEFAULT_BASE = "Redback"
_SHORTEST_END = 4


class GivenName(msgspec.Struct, frozen=True):
    """The name that an inverter was given, and what it was made from.

    That is the name in the options, or "Redback"; the whole is for example "Redback 0022".
    """

    base: str
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The names of the inverters to publish, and the entries of Sites that match none."""

    names: Mapping[str, GivenName]
    missing: tuple[Site, ...]


def choose(
    inverters: Iterable[ListedInverter], sites: Sequence[Site], given: Mapping[str, GivenName]
) -> Choice:
    """Choose the inverters, and name those that have no name yet.

    A name stays while the options ask for the same one, whatever other inverters come or go:
    people's dashboards depend on it.
    """
    wanted = {
        inverter.serial: _base(inverter, sites)
        for inverter in inverters
        if not sites or _entry(inverter, sites)
    }
    names: dict[str, GivenName] = {}
    for serial, base in sorted(wanted.items()):
        name = given.get(serial)
        if name is not None and name.base == base and not _is_taken(name.name, names.values()):
            names[serial] = name
    for serial, base in sorted(wanted.items()):
        if serial not in names:
            # Only the options may give an inverter a name that another one had.
            others = {**({} if _is_named(serial, sites) else given), **names}
            others.pop(serial, None)
            alone = list(wanted.values()).count(base) == 1
            names[serial] = GivenName(base, _new_name(serial, base, others.values(), alone=alone))
    return Choice(names, tuple(_missing(inverters, sites)))


def _entry(inverter: ListedInverter, sites: Iterable[Site]) -> Site | None:
    """Return the entry for this inverter: by its serial number, or else by its site."""
    for identity in (inverter.serial, inverter.site_id):
        for site in sites:
            if identity is not None and site.id.casefold() == identity.casefold():
                return site
    return None


def _base(inverter: ListedInverter, sites: Iterable[Site]) -> str:
    entry = _entry(inverter, sites)
    return entry.name if entry and entry.name else DEFAULT_BASE


def _is_named(serial: str, sites: Iterable[Site]) -> bool:
    """Whether the options name this very inverter, and not just its site."""
    return any(site.name and site.id.casefold() == serial.casefold() for site in sites)


def _new_name(serial: str, base: str, others: Collection[GivenName], *, alone: bool) -> str:
    """Make a name whose entity ids no other inverter has."""
    if alone and not _is_taken(base, others):
        return base
    for length in range(min(_SHORTEST_END, len(serial)), len(serial)):
        if not _is_taken(name := f"{base} {serial[-length:]}", others):
            return name
    return f"{base} {serial}"


def _is_taken(name: str, others: Iterable[GivenName]) -> bool:
    return slug(name) in {slug(other.name) for other in others}


def _missing(inverters: Iterable[ListedInverter], sites: Iterable[Site]) -> Iterator[Site]:
    known = {
        identity.casefold()
        for inverter in inverters
        for identity in (inverter.serial, inverter.site_id)
        if identity is not None
    }
    return (site for site in sites if site.id.casefold() not in known)
