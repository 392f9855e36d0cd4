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

from .context import Context
from .status import status

# Whatever looks like an identity although nobody knows it: of Redback's things, of the account, of
# a token, of a person, of a place.
_SUSPICIOUS = re.compile(
    r"\b(?:RB\d{6,}|S\d{10,}|NMI\w+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|eyJ[\w-]{8,}[\w.-]*|[\w.+-]+@[\w-]+\.[\w.]+|(?<![\w.])-?\d{2,3}\.\d{4,}(?!\.?\w)|(?=[a-z]*\d)[a-z0-9]{24,})",
    re.IGNORECASE,
)
_HIDDEN = "***"
_LONG_AGO = timedelta(days=3650)
_SHORTEST_SECRET = 4


def diagnostics(context: Context) -> dict[str, Any]:
    """Make the content of the file."""
    told = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "home_assistant": context.home_assistant.websocket.version,
        "options": _options(context),
        "account": [
            {"inverter": one.serial, "site": one.site_id, "is_used": one.serial in context.names()}
            for one in context.saved_state.saved.inverters
        ],
        "inverters": {serial: _inverter(context, serial) for serial in context.names()},
        "answers": dict(context.account.client.shapes),
        "routes": {
            serial: kept.route for serial, kept in context.saved_state.saved.cloud.routes.items()
        },
        "problems": [
            {"kind": problem.kind.name, "subject": problem.subject, "detail": problem.detail}
            for problem in context.problems.now.values()
        ],
        "status": msgspec.to_builtins(status(context)),
    }
    found: dict[str, Any] = _Aliases(context).hide(told)
    return found


def _options(context: Context) -> dict[str, Any]:
    options = context.options
    return {
        "sites": [{"id": site.id, "name": site.name} for site in options.sites],
        "history_days": options.history_days,
        "detailed_sensors": options.detailed_sensors,
        "log_level": options.log_level,
    }


def _inverter(context: Context, serial: str) -> dict[str, Any]:
    known, coverage, now = context.registry.known(serial), context.coverage, context.clock.now()
    begun = coverage.begun(serial)
    since = now - timedelta(days=context.options.history_days) if begun is None else begun
    hours = coverage.hours(serial, since - _LONG_AGO, now).values()
    believed = context.registry.believed(serial)
    static = None if known is None else known.details.static
    return {
        "model": None if static is None else static.model,
        "software": None if static is None else static.software_version,
        "batteries": None if static is None else static.battery_count,
        "sensors": [] if known is None else sorted(known.entities.sensors),
        "counters": {name: [one.value, _time(one.at)] for name, one in believed.items()},
        "covered_since": None if begun is None else _time(begun),
        "spans": len(coverage.spans(serial, since, now)),
        "hours": dict(Counter(hour.stage.value for hour in hours)),
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class _Aliases:
    """Knows what is to be hidden, and what stands for it."""

    def __init__(self, context: Context) -> None:
        kept = context.saved_state.saved
        serials = dict.fromkeys([*(one.serial for one in kept.inverters), *context.names()])
        sites = dict.fromkeys(one.site_id for one in kept.inverters if one.site_id)
        names = dict.fromkeys(
            [
                *(given.name for given in context.names().values()),
                *(given.base for given in context.names().values()),
                *(site.name for site in context.options.sites),
            ]
        )
        other = dict.fromkeys(site.id for site in context.options.sites)
        self._aliases: dict[str, str] = {}
        for identities, word in (
            (serials, "inverter"),
            (sites, "site"),
            (other, "entry"),
            (names, "name"),
        ):
            self._add(identities, word)
        for secret in (context.options.client_id, context.options.credential):
            if len(secret) >= _SHORTEST_SECRET:
                self._aliases[secret.casefold()] = _HIDDEN
        longest_first = sorted(self._aliases, key=len, reverse=True)
        self._pattern = re.compile(
            "|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in longest_first) or r"(?!)",
            re.IGNORECASE,
        )

    def _add(self, identities: Iterable[str], word: str) -> None:
        for number, identity in enumerate(filter(None, identities), 1):
            for form in (identity, slugify(identity, separator="_")):
                # The name that the add-on gives by itself tells nothing.
                if form and form.casefold() != "redback":
                    self._aliases.setdefault(form.casefold(), f"{word}-{number}")

    def hide(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON can be
        """Give the same with everything hidden, in names as in values."""
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
