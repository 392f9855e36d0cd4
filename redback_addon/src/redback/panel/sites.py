"""The account's sites and inverters, each with the entry for the options."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from ..inverters.naming import DEFAULT_BASE, GivenName, choose, new_name
from ..notifications import Notification
from ..options import Site
from ..sensors.details import Details
from .context import Context

# Text that needs no quotes in YAML, except for these words.
_PLAIN = re.compile(r"[A-Za-z]\w*(?: \w+)*", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


class Seen(msgspec.Struct, frozen=True):
    """One inverter of the account.

    Attributes:
        name: what it is called, if it is in use.
        line: its entry in the option Sites, as YAML.
        will_be: what it is called with that.
    """

    serial: str
    model: str | None
    has_battery: bool | None
    capacity_kwh: float | None
    in_use: bool
    name: str | None
    line: str
    will_be: str


class SeenSite(msgspec.Struct, frozen=True):
    """One site.

    Attributes:
        site: its id; None = inverters whose site the cloud does not name.
        line: its entry in the option Sites, as YAML; None = any entry would rename an inverter.
        will_be: what its inverters are called with that.
        inverters: all of them.
    """

    site: str | None
    line: str | None
    will_be: list[str]
    inverters: list[Seen]


def is_listed(context: Context) -> bool:
    """Whether the cloud has ever said which inverters the account has."""
    is_empty = context.notifications.find(Notification.NO_INVERTER)
    return bool(context.saved_state.saved.inverters or is_empty)


class Gone(msgspec.Struct, frozen=True):
    """An inverter that the cloud no longer lists, and that is no longer read."""

    serial: str
    name: str
    since: datetime


def gone(context: Context) -> Iterator[Gone]:
    """Yield the inverters that the account no longer has."""
    names = context.saved_state.saved.names
    for serial, since in context.account.gone.items():
        yield Gone(serial, names[serial].name if serial in names else serial, since)


def sites(context: Context) -> Iterator[SeenSite]:
    """Yield the sites that the account can see, with their inverters.

    No line renames what is in use, alone or with others.
    """
    saved, lost = context.saved_state.saved, context.account.gone
    used = {
        serial: name
        for serial, name in saved.names.items()
        if serial in lost or serial in context.registry.names
    }
    by_site: dict[str | None, list[str]] = {}
    for one in saved.inverters:
        by_site.setdefault(one.site_id, []).append(one.serial)
    names = _suggestions([one.serial for one in saved.inverters], used)

    def will_be(site: Site, serials: Sequence[str]) -> list[str]:
        chosen = choose(saved.inverters, [site], saved.names).names
        return [chosen[serial].name for serial in serials]

    for site, serials in by_site.items():
        listed = [serial for serial in serials if serial not in lost]
        inverters = [
            _seen(context, serial, names[serial], *will_be(Site(serial, names[serial]), [serial]))
            for serial in listed
        ]
        base = names[serials[0]] if len(serials) == 1 else _common_base(serials, used)
        if site is not None and base is not None and listed:
            yield SeenSite(site, _line(site, base), will_be(Site(site, base), listed), inverters)
        elif listed:
            yield SeenSite(site, None, [], inverters)


def _suggestions(serials: Sequence[str], used: Mapping[str, GivenName]) -> dict[str, str]:
    """Return a name for each inverter: its own, or one that no other has."""
    names = dict(used)
    for serial in serials:
        if serial not in names:
            new = new_name(serial, DEFAULT_BASE, names.values(), alone=False)
            names[serial] = GivenName(DEFAULT_BASE, new)
    return {serial: given.name for serial, given in names.items()}


def _common_base(serials: Sequence[str], used: Mapping[str, GivenName]) -> str | None:
    """Return the name of an entry for several inverters; None = it would rename one of them."""
    bases = {used[serial].base for serial in serials if serial in used} or {DEFAULT_BASE}
    if len(bases) > 1:
        return None
    # Without a name, the entries of several sites do not have the same one.
    (base,) = bases
    return "" if base == DEFAULT_BASE else base


def _seen(context: Context, serial: str, name: str, will_be: str) -> Seen:
    inverter, given = context.registry.inverter(serial), context.registry.names.get(serial)
    other = context.account.details.others.get(serial)
    details = Details(other) if inverter is None else inverter.details
    static = details.static
    batteries = None if static is None else static.battery_count
    reading = context.registry.reading(serial)
    shows_battery = reading is not None and reading.has_battery
    return Seen(
        serial=serial,
        model=None if static is None else static.model,
        has_battery=None if batteries is None else shows_battery or batteries > 0,
        capacity_kwh=details.limit(lambda limits: limits.battery_capacity_kwh),
        in_use=given is not None,
        name=None if given is None else given.name,
        line=_line(serial, name),
        will_be=will_be,
    )


def _line(identity: str, name: str) -> str:
    """Return an entry of the list; text in double quotes is the same in YAML as in JSON."""
    return f"- id: {_text(identity)}" + (f"\n  name: {_text(name)}" if name else "")


def _text(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.casefold() not in _WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=False)
