"""Decides which of the API's routes to try for which inverter, and when to retry.

The API has four routes: v2.21 has more data than v2, and each version has a Multiple form for up to
100 inverters in one request and a single form. Which of them an account or an inverter may use is
not documented, so they are tried, from the best one down:

- A route that refuses an inverter (400, 403, 404, 405, 401 to a token that is good, or an answer
  without it) is left for the next one at once. The route that gave a reading is remembered, and the
  next call starts there.
- A Multiple that is refused does not say why, so its inverters are read singly. If some of them are
  refused there too, they alone are to blame: the others stay on the Multiple, and are asked there
  next time without the culprits. Only if none is refused singly is it the route, and all stay on
  the single form.
- A Multiple that fails (5xx, or an answer that makes no sense) has its inverters read singly in the
  same call too, unless the first two of them fail as well. Nothing of that is remembered but which
  ones failed: those are asked last from then on, until they are read.
- An inverter that all four routes refuse has a cool-down of a minute, and each time that they do so
  again one twice as long, up to a quarter of an hour; its most telling error stands until
  then. It is then asked by itself, so that it spoils no Multiple, until a route gives a reading.
- An inverter that has been below the best route for a day is asked there again, by itself and after
  its reading came, so that a passing fault costs battery counters for a day at most.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from .errors import AccessError, CloudError, NotFoundError, RequestError
from .remembered import RememberedHolder, RememberedRoute

MOST_AT_ONCE = 100
# For one inverter of many that are asked for singly, seconds: a slow one must not starve the rest.
LEAST_SHARE = 5.0
# When this many inverters fail and none succeeds, it is the cloud.
TROUBLES = 2
_FIRST_COOL_DOWN = 60.0
_LONGEST_COOL_DOWN = 15 * 60.0
_PROBE_AFTER = timedelta(days=1)
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED})


class Route(StrEnum):
    """A way to the latest reading (dossier 3.4), as its version and form; the best first."""

    V221_MULTIPLE = "v2.21 multiple"
    V221_SINGLE = "v2.21 single"
    V2_MULTIPLE = "v2 multiple"
    V2_SINGLE = "v2 single"

    @property
    def is_multiple(self) -> bool:
        """Whether many inverters can be asked for at once."""
        return self.endswith("multiple")

    @property
    def single(self) -> "Route":
        """The single form of this version."""
        return Route(f"{self._version} single")

    @property
    def multiple(self) -> "Route":
        """The Multiple form of this version."""
        return Route(f"{self._version} multiple")

    @property
    def base(self) -> str:
        """The path below which it is."""
        return f"/Api/{self._version}/EnergyData"

    @property
    def _version(self) -> str:
        return self.split()[0]


_ALL = tuple(Route)


@dataclass(slots=True)
class _Refusals:
    """An inverter's refusals by route, since when they stand, and for how long (seconds)."""

    since: float
    cool_down: float = _FIRST_COOL_DOWN
    errors: dict[Route, CloudError] = field(default_factory=dict)


class Routes:
    """Knows the route of every inverter; may be used from several threads."""

    def __init__(
        self,
        remembered: RememberedHolder,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._holder = remembered
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._refusals: dict[str, _Refusals] = {}
        self._in_trouble: set[str] = set()

    def groups(self, serials: Iterable[str]) -> Iterator[tuple[tuple[str, ...], tuple[Route, ...]]]:
        """Yield serials that may be asked for together, and the routes to try in order.

        There are no routes during the cool-down.
        """
        together: dict[tuple[Route, ...], list[str]] = {}
        for serial in dict.fromkeys(serials):
            routes = self._routes_of(serial)
            if routes and routes[0].is_multiple and self.verdict(serial) is None:
                together.setdefault(routes, []).append(serial)
            else:
                yield (serial,), routes
        for routes, members in together.items():
            for start in range(0, len(members), MOST_AT_ONCE):
                yield tuple(members[start : start + MOST_AT_ONCE]), routes

    def _routes_of(self, serial: str) -> tuple[Route, ...]:
        refused: set[Route] = set()
        with self._lock:
            refusals = self._refusals.get(serial)
            if refusals is not None and not self._is_over(refusals):
                refused = set(refusals.errors)
        remembered = self._remembered(serial)
        start = 0 if remembered is None else _ALL.index(remembered)
        order = _ALL[start:] + _ALL[:start]
        return tuple(route for route in order if route not in refused)

    def verdict(self, serial: str) -> CloudError | None:
        """Return the most telling error of an inverter that all routes refuse."""
        with self._lock:
            refusals = self._refusals.get(serial)
            if refusals is None or len(refusals.errors) < len(_ALL):
                return None
            return min(refusals.errors.values(), key=_rank)

    def refused(self, serial: str, route: Route, error: CloudError) -> None:
        """Note that a route refuses an inverter."""
        with self._lock:
            refusals = self._refusals.get(serial)
            if refusals is None:
                refusals = self._refusals[serial] = _Refusals(self._monotonic())
            elif self._is_over(refusals):
                cool_down = min(2 * refusals.cool_down, _LONGEST_COOL_DOWN)
                refusals = self._refusals[serial] = _Refusals(self._monotonic(), cool_down)
            refusals.errors[route] = error

    def served(self, serials: Collection[str], route: Route, *, is_best: bool = True) -> None:
        """Note that a route gave these readings; if it `is_best`, they start there from now on."""
        with self._lock:
            for serial in serials:
                self._refusals.pop(serial, None)
                self._in_trouble.discard(serial)
        new = [serial for serial in serials if self._remembered(serial) is not route]
        if is_best and new:
            entry = RememberedRoute(route.value, self._now())
            self._holder.remember_routes(dict.fromkeys(new, entry))

    def failed(self, serial: str) -> None:
        """Note that an inverter that was asked for by itself could not be read."""
        with self._lock:
            self._in_trouble.add(serial)

    def order(self, serials: Iterable[str]) -> list[str]:
        """Return these with those last that failed when they were last asked for."""
        with self._lock:
            return sorted(serials, key=self._in_trouble.__contains__)

    def probes(self, serial: str) -> tuple[Route, ...]:
        """Return the routes above the remembered one, if it is time to look for a better one."""
        entry = self._holder.current.routes.get(serial)
        remembered = self._remembered(serial)
        if entry is None or remembered is None:
            return ()
        # A future time means the clock was wrong: probe anyway.
        if timedelta(0) <= self._now() - entry.since < _PROBE_AFTER:
            return ()
        return _ALL[: _ALL.index(remembered)]

    def probed(self, serial: str) -> None:
        """Note that no better route was found, this time."""
        if (entry := self._holder.current.routes.get(serial)) is not None:
            self._holder.remember_routes({serial: RememberedRoute(entry.route, self._now())})

    def _remembered(self, serial: str) -> Route | None:
        entry = self._holder.current.routes.get(serial)
        return Route(entry.route) if entry is not None and entry.route in _ALL else None

    def _is_over(self, refusals: _Refusals) -> bool:
        return self._monotonic() - refusals.since >= refusals.cool_down


def is_refusal(error: CloudError) -> bool:
    """Whether the cloud will not answer this, rather than cannot at the moment."""
    if isinstance(error, AccessError | NotFoundError):
        return True
    return isinstance(error, RequestError) and error.status in _REFUSALS


def _rank(error: CloudError) -> int:
    """Rank errors: no access before not found, and both before the rest."""
    if isinstance(error, AccessError):
        return 0
    return 1 if isinstance(error, NotFoundError) else 2
