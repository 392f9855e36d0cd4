"""The account's sites and inverters, each with the entry for the options."""

import json
import re
from collections.abc import Iterator

import msgspec

from ..notifications import Notification
from ..sensors.details import Details
from .context import Context

# Text that YAML needs no quotes for, and words for which it does.
_PLAIN = re.compile(r"[A-Za-z]\w*(?: \w+)*", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


class Seen(msgspec.Struct, frozen=True):
    """One inverter of the account; `line` is its entry in the option Sites, as YAML."""

    serial: str
    model: str | None
    has_battery: bool | None
    capacity_kwh: float | None
    in_use: bool
    name: str | None
    line: str


class SeenSite(msgspec.Struct, frozen=True):
    """One site; None = inverters whose site the cloud does not name."""

    site: str | None
    line: str | None
    inverters: list[Seen]


def is_listed(context: Context) -> bool:
    """Whether the cloud has ever said which inverters the account has."""
    is_empty = context.notifications.find(Notification.NO_INVERTER)
    return bool(context.saved_state.saved.inverters or is_empty)


def sites(context: Context) -> Iterator[SeenSite]:
    """Yield the sites that the account can see, with their inverters."""
    names = context.registry.names
    by_site: dict[str | None, list[Seen]] = {}
    for found in context.saved_state.saved.inverters:
        serial = found.serial
        inverter, given = context.registry.inverter(serial), names.get(serial)
        other = context.account.details.others.get(serial)
        details = Details(other) if inverter is None else inverter.details
        static = details.static
        batteries = None if static is None else static.battery_count
        reading = context.registry.reading(serial)
        shows_battery = reading is not None and reading.has_battery
        by_site.setdefault(found.site_id, []).append(
            Seen(
                serial=serial,
                model=None if static is None else static.model,
                has_battery=None if batteries is None else shows_battery or batteries > 0,
                capacity_kwh=details.limit(lambda limits: limits.battery_capacity_kwh),
                in_use=given is not None,
                name=None if given is None else given.name,
                line=_line(serial, given.name if given is not None else "Redback"),
            )
        )
    for site, inverters in by_site.items():
        name = next((one.name for one in inverters if one.name is not None), "Redback")
        yield SeenSite(site, None if site is None else _line(site, name), inverters)


def _line(identity: str, name: str) -> str:
    """Return an entry of the list; text in double quotes is the same in YAML as in JSON."""
    return f"- id: {_text(identity)}\n  name: {_text(name)}"


def _text(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.casefold() not in _WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=False)
