"""Chooses which inverters are published, and names them."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from ..cloud import ListedInverter
from ..options import Site
from ..publishing.entity_ids import slug

DEFAULT_BASE = "Redback"
_SHORTEST_END = 4


class GivenName(msgspec.Struct, frozen=True, omit_defaults=True):
    """The name that an inverter was given.

    Attributes:
        base: what it was made from: the name in the options, or "Redback".
        name: the whole, for example "Redback 0022".
        formers: the serial numbers of those that had it before, the latest first.
    """

    base: str
    name: str
    formers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The names of the inverters to publish, and the entries of Sites that match none."""

    names: Mapping[str, GivenName]
    missing: tuple[Site, ...]


def choose(
    inverters: Collection[ListedInverter],
    sites: Sequence[Site],
    given: Mapping[str, GivenName],
    *,
    is_one_account: bool = True,
) -> Choice:
    """Choose the inverters, and name those that have no name yet.

    A name stays while the options ask for the same one, whatever other inverters come or go:
    people's dashboards depend on it. Another inverter gets it if the accounts have lost the one
    that had it, or if the options give it away.

    Args:
        inverters: all that the accounts have.
        sites: the option.
        given: the names so far.
        is_one_account: whether there are no more. If there are, one alone is named as one of
            several: its name must not depend on which account is listed first.
    """
    known = {one.serial for one in inverters}
    identities = {one.serial: _identities(one, known, given) for one in inverters}
    entries = {serial: _entry(each, sites) for serial, each in identities.items()}
    wanted = {serial: _base(entry) for serial, entry in entries.items() if entry or not sites}
    names: dict[str, GivenName] = {}
    for serial, base in sorted(wanted.items()):
        name = given.get(serial)
        if name is not None and name.base == base and not _is_taken(name.name, names.values()):
            names[serial] = name
    blocked = {serial: name for serial, name in given.items() if serial in known}
    for serial, base in sorted(wanted.items()):
        if serial not in names:
            entry = entries[serial]
            is_named = entry is not None and bool(entry.name)
            others = {**({} if is_named else blocked), **names}
            others.pop(serial, None)
            alone = list(wanted.values()).count(base) == 1 and (is_one_account or is_named)
            new = new_name(serial, base, others.values(), alone=alone)
            names[serial] = GivenName(base, new, _had(new, serial, given))
    found = {identity for each in identities.values() for identity in each}
    return Choice(names, tuple(site for site in sites if site.id.casefold() not in found))


def replacements(
    before: Collection[ListedInverter], now: Collection[ListedInverter], gone: Container[str] = ()
) -> dict[str, str]:
    """Return the only inverter of a site that has another one instead, and that, by serial.

    Those that were gone before do not count.
    """
    was, found = _alone(one for one in before if one.serial not in gone), _alone(now)
    known, listed = {one.serial for one in before}, {one.serial for one in now}
    return {
        was[site]: found[site]
        for site in was.keys() & found.keys()
        if was[site] not in listed and found[site] not in known
    }


def _alone(inverters: Iterable[ListedInverter]) -> dict[str, str]:
    """Return the inverter of each site that has only one, by site."""
    by_site: dict[str, list[str]] = {}
    for one in inverters:
        if one.site_id is not None:
            by_site.setdefault(one.site_id, []).append(one.serial)
    return {site: serials[0] for site, serials in by_site.items() if len(serials) == 1}


def _identities(
    inverter: ListedInverter, known: Container[str], given: Mapping[str, GivenName]
) -> list[str]:
    """Return what the options may call an inverter, the first one first.

    That is its serial number, those of the lost ones whose name it has, and its site's id.
    """
    name = given.get(inverter.serial)
    lost = [one for one in (name.formers if name is not None else ()) if one not in known]
    return [one.casefold() for one in (inverter.serial, *lost, inverter.site_id) if one is not None]


def _entry(identities: Iterable[str], sites: Iterable[Site]) -> Site | None:
    return next((site for one in identities for site in sites if site.id.casefold() == one), None)


def _base(entry: Site | None) -> str:
    return entry.name if entry and entry.name else DEFAULT_BASE


def _had(name: str, serial: str, given: Mapping[str, GivenName]) -> tuple[str, ...]:
    """Return which inverters had a name before this one."""
    for former, one in sorted(given.items(), key=lambda item: item[0] != serial):
        if slug(one.name) == slug(name):
            return one.formers if former == serial else (former, *one.formers)
    return ()


def new_name(serial: str, base: str, others: Collection[GivenName], *, alone: bool) -> str:
    """Make a name whose entity ids no other inverter has."""
    if alone and not _is_taken(base, others):
        return base
    for length in range(min(_SHORTEST_END, len(serial)), len(serial)):
        if not _is_taken(name := f"{base} {serial[-length:]}", others):
            return name
    return f"{base} {serial}"


def _is_taken(name: str, others: Iterable[GivenName]) -> bool:
    return slug(name) in {slug(other.name) for other in others}
