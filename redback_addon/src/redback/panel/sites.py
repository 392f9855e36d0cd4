"""The accounts' sites and inverters, each with the entry for the options."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from ..inverters.naming import DEFAULT_BASE, GivenName, choose, new_name
from ..options import Site
from ..polling.account import Account
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


class SeenAccount(msgspec.Struct, frozen=True):
    """One account.

    Attributes:
        name: what people call it; empty if it is the only one.
        is_listed: whether the cloud has ever said which inverters it has.
        sites: its sites; an inverter that another account reads is not among them.
    """

    name: str
    is_listed: bool
    sites: list[SeenSite]


def accounts(context: Context) -> Iterator[SeenAccount]:
    """Yield the accounts with what each can see."""
    for account in context.accounts:
        yield SeenAccount(account.label, account.is_listed, list(sites(context, account)))


class Gone(msgspec.Struct, frozen=True):
    """An inverter that the cloud no longer lists, and that is no longer read."""

    serial: str
    name: str
    since: datetime


def gone(context: Context) -> Iterator[Gone]:
    """Yield the inverters that no account has any more."""
    names = context.saved_state.saved.names
    for serial, since in context.accounts.gone.items():
        yield Gone(serial, names[serial].name if serial in names else serial, since)


def sites(context: Context, account: Account) -> Iterator[SeenSite]:
    """Yield the sites that an account can see, with the inverters that it reads or could.

    No line renames what is in use, alone or with others.
    """
    given = context.saved_state.saved.names
    every, lost = context.accounts.inverters, context.accounts.gone
    used = {
        serial: name
        for serial, name in given.items()
        if serial in lost or serial in context.registry.names
    }
    by_site: dict[str | None, list[str]] = {}
    for one in every:
        by_site.setdefault(one.site_id, []).append(one.serial)
    names = _suggestions([one.serial for one in every], used)

    def will_be(site: Site, serials: Sequence[str]) -> list[str]:
        chosen = choose(every, [site], given, is_one_account=len(context.accounts) == 1).names
        return [chosen[serial].name for serial in serials]

    for site, serials in by_site.items():
        listed = [serial for serial in serials if serial not in lost]
        inverters = [
            _seen(context, serial, names[serial], *will_be(Site(serial, names[serial]), [serial]))
            for serial in listed
            if context.accounts.reader(serial) is account
        ]
        base = names[serials[0]] if len(serials) == 1 else _common_base(serials, used)
        if site is not None and base is not None and inverters:
            yield SeenSite(site, _line(site, base), will_be(Site(site, base), listed), inverters)
        elif inverters:
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
    reader = context.accounts.reader(serial)
    other = None if reader is None else reader.details.others.get(serial)
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
