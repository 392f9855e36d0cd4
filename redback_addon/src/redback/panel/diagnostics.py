"""The diagnostics file: how the add-on is doing, without a secret and without a person or place.

Inverters, sites and names are replaced by numbered ones wherever they occur, also within sentences.
"""

import platform
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from slugify import slugify

from ..polling.account import Account
from .context import Context
from .status import status

# Anything that looks like an identity, even an unknown one: of a device, an account, a token, a
# person, a place.
_SUSPICIOUS = re.compile(
    r"\b(?:RB\d{6,}|S\d{10,}|NMI\w+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|eyJ[\w-]{8,}[\w.-]*|[\w.+-]+@[\w-]+\.[\w.]+|(?<![\w.])-?\d{2,3}\.\d{4,}(?!\.?\w)|(?=[a-z]*\d)[a-z0-9]{24,})",
    re.IGNORECASE,
)
_HIDDEN = "***"
_LONG_AGO = timedelta(days=3650)
_SHORTEST_SECRET = 4


def diagnostics(context: Context) -> dict[str, Any]:
    """Return the content of the file."""
    content = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "home_assistant": context.home_assistant.websocket.version,
        "options": _options(context),
        "accounts": [_account(context, account) for account in context.accounts],
        "inverters": {serial: _inverter(context, serial) for serial in context.registry.names},
        "problems": [
            {"kind": problem.kind.name, "subject": problem.subject, "detail": problem.detail}
            for problem in context.problems.now.values()
        ],
        "status": _status(context),
    }
    hidden: dict[str, Any] = hide(context, content)
    return hidden


def _status(context: Context) -> dict[str, Any]:
    """Return the status without what somebody may have written into schedules."""
    found: dict[str, Any] = msgspec.to_builtins(status(context))
    for one in (found["control"] or {"inverters": ()})["inverters"]:
        for entry in one["entries"]:
            del entry["key"], entry["notes"]
    return found


def hide(context: Context, content: object) -> Any:  # noqa: ANN401 - whatever JSON can be
    """Return the same with everything replaced that shows who or where it is."""
    return _Aliases(context).hide(content)


def _account(context: Context, account: Account) -> dict[str, Any]:
    routes = context.saved_state.account(account.key).cloud.routes
    return {
        "name": account.label,
        "is_listed": account.is_listed,
        "inverters": [
            {
                "inverter": one.serial,
                "site": one.site_id,
                "is_used": one.serial in context.registry.names,
                "is_read": one.serial in account.names,
            }
            for one in account.inverters
        ],
        "answers": dict(account.client.shapes),
        "routes": {serial: known.route for serial, known in routes.items()},
    }


def _options(context: Context) -> dict[str, Any]:
    options = context.options
    return {
        "more_accounts": len(options.more_accounts),
        "sites": [{"id": site.id, "name": site.name} for site in options.sites],
        "history_days": options.history_days,
        "detailed_sensors": options.detailed_sensors,
        "devices": options.devices,
        "controls": options.controls,
        "has_own_broker": bool(options.mqtt.host),
        "log_level": options.log_level,
    }


def _inverter(context: Context, serial: str) -> dict[str, Any]:
    inverter, coverage = context.registry.inverter(serial), context.coverage
    now = context.clock.now()
    begun = coverage.begun(serial)
    since = now - timedelta(days=context.options.history_days) if begun is None else begun
    hours = coverage.hours(serial, since - _LONG_AGO, now).values()
    believed = context.registry.believed(serial)
    static = None if inverter is None else inverter.details.static
    return {
        "model": None if static is None else static.model,
        "software": None if static is None else static.software_version,
        "batteries": None if static is None else static.battery_count,
        "sensors": [] if inverter is None else sorted(inverter.entities.sensors),
        "counters": {name: [one.value, _time(one.at)] for name, one in believed.items()},
        "covered_since": None if begun is None else _time(begun),
        "spans": len(coverage.spans(serial, since, now)),
        "hours": dict(Counter(hour.stage.value for hour in hours)),
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class _Aliases:
    def __init__(self, context: Context) -> None:
        inverters, sites = context.accounts.inverters, context.options.sites
        given = [*context.registry.names.values(), *context.accounts.lost.values()]
        self._aliases: dict[str, str] = {}
        self._add("inverter", [*(one.serial for one in inverters), *context.registry.names])
        self._add("site", [one.site_id for one in inverters])
        self._add("entry", [site.id for site in sites])
        names = [*(one.name for one in given), *(one.base for one in given)]
        self._add("name", [*names, *(site.name for site in sites)])
        self._add_renamed(context.publisher.ownership.registered)
        options = context.options
        self._add("account", [one.name for one in options.more_accounts])
        self._add("key", [account.key for account in context.accounts])
        logins = (secret for one in options.logins for secret in (one.client_id, one.credential))
        of_broker = (options.mqtt.host, options.mqtt.username, options.mqtt.password)
        for secret in (*logins, *of_broker):
            if len(secret) >= _SHORTEST_SECRET:
                self._aliases[secret.casefold()] = _HIDDEN
        longest_first = sorted(self._aliases, key=len, reverse=True)
        known = "|".join(map(re.escape, longest_first)) or r"(?!)"
        # A word of its own, or the beginning of an entity id.
        self._pattern = re.compile(
            rf"(?<!\w)(?:{known})(?!\w)|(?<=[a-z]\.)(?:{known})(?=_)",
            re.IGNORECASE,
        )

    def _add(self, word: str, identities: Iterable[str | None]) -> None:
        for number, identity in enumerate(filter(None, dict.fromkeys(identities)), 1):
            for form in (identity, slugify(identity, separator="_")):
                # The default name identifies nobody.
                if form and form.casefold() != "redback":
                    self._aliases.setdefault(form.casefold(), f"{word}-{number}")

    def _add_renamed(self, entity_ids: Iterable[str]) -> None:
        """Hide what people made of ids in Home Assistant, which may say anything."""
        own = tuple(f"{slugify(name, separator='_')}_" for name in ("redback", *self._aliases))
        for number, entity_id in enumerate(sorted(entity_ids), 1):
            domain, _, rest = entity_id.partition(".")
            if not rest.startswith(own):
                self._aliases[entity_id] = f"{domain}.renamed-{number}"

    def hide(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON can be
        """Return the same with all identities replaced, in names and values alike."""
        match value:
            case str():
                return self._hide(value)
            case dict():
                return {self._hide(str(name)): self.hide(one) for name, one in value.items()}
            case list() | tuple():
                return [self.hide(one) for one in value]
            case _:
                return value

    def _hide(self, text: str) -> str:
        known = self._pattern.sub(lambda found: self._aliases[found[0].casefold()], text)
        return _SUSPICIOUS.sub(_HIDDEN, known)
