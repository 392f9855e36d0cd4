"""Which of the API's routes to a reading is taken for which inverter, and when it is tried again.

The API has four routes: v2.21 tells more than v2, and each version has a Multiple form for up
to 100 inverters in one request and a single form. Which of them an account or an inverter may use
is not documented, so it is found out, from the best route down:

- A route that refuses an inverter (400, 403, 404, 405, or an answer without it) is left for the
  next one at once. The route that gave a reading is remembered, and is where the next call starts.
- A Multiple that is refused tells nothing of why. Its inverters are then read singly, and:
  if some are refused there too, the refusal is put down to them alone, and the others keep their
  place on the Multiple, where they are asked next time without the culprits;
  only if none is refused singly it is put down to the route, and all stay on the single form.
- A Multiple that meets trouble (5xx, or an answer that makes no sense) has its inverters read
  singly in the same call too, unless the first two of them meet trouble as well. Of that nothing
  is remembered but who met it: those are asked last from then on, until they are read.
- An inverter that all four routes refuse has a cool-down of a minute, and each time that they do so
  again of twice as long, up to a quarter of an hour; its most telling error stands meanwhile. After
  that it is asked by itself, so that it spoils no Multiple, until a route gives a
  reading again.
- An inverter that has been below the best route for a day is asked there again, by itself and after
  its reading was got, so that a passing fault costs battery counters for a day at most.
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
    """A way to the latest reading (dossier 3.4); the best first."""

    V221_MULTIPLE = "v2.21 multiple"
    V221_SINGLE = "v2.21 single"
    V2_MULTIPLE = "v2 multiple"
    V2_SINGLE = "v2 single"

    @property
    def is_multiple(self) -> bool:
        """Whether many inverters can be asked for at once."""
        return self in {Route.V221_MULTIPLE, Route.V2_MULTIPLE}

    @property
    def single(self) -> "Route":
        """The single form of this route."""
        return _SINGLE_OF.get(self, self)

    @property
    def multiple(self) -> "Route":
        """The Multiple form of this route."""
        return next((above for above, below in _SINGLE_OF.items() if below is self), self)

    @property
    def base(self) -> str:
        """The path below which it is."""
        version = "v2.21" if self in {Route.V221_MULTIPLE, Route.V221_SINGLE} else "v2"
        return f"/Api/{version}/EnergyData"


_ALL = tuple(Route)
_SINGLE_OF = {
    Route.V221_MULTIPLE: Route.V221_SINGLE,
    Route.V2_MULTIPLE: Route.V2_SINGLE,
}


@dataclass(slots=True)
class _Refusals:
    """What refused an inverter since a moment, and for how long that stands (seconds)."""

    since: float
    cool_down: float = _FIRST_COOL_DOWN
    errors: dict[Route, CloudError] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return len(self.errors) == len(_ALL)


class Routes:
    """Knows the route of every inverter; may be used from several threads.

    Args:
        memory: keeps the routes that gave readings.
        now: the time, UTC.
        monotonic: seconds.
    """

    def __init__(
        self,
        memory: RememberedHolder,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._memory = memory
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._refusals: dict[str, _Refusals] = {}
        self._in_trouble: set[str] = set()

    def groups(self, serials: Iterable[str]) -> Iterator[tuple[tuple[str, ...], tuple[Route, ...]]]:
        """Put together what may be asked for together; gives serials and the routes to try."""
        together: dict[tuple[Route, ...], list[str]] = {}
        for serial in dict.fromkeys(serials):
            routes = self.routes_of(serial)
            if routes and routes[0].is_multiple and not self._is_refused_everywhere(serial):
                together.setdefault(routes, []).append(serial)
            else:
                yield (serial,), routes
        for routes, members in together.items():
            for start in range(0, len(members), MOST_AT_ONCE):
                yield tuple(members[start : start + MOST_AT_ONCE]), routes

    def routes_of(self, serial: str) -> tuple[Route, ...]:
        """Give the routes to try, in order; none during the cool-down."""
        with self._lock:
            refusals = self._refusals.get(serial)
            if refusals is not None and not self._is_over(refusals):
                refused = frozenset(refusals.errors)
            else:
                refused = frozenset()
        remembered = self._remembered(serial)
        start = 0 if remembered is None else _ALL.index(remembered)
        order = _ALL[start:] + _ALL[:start]
        return tuple(route for route in order if route not in refused)

    def verdict(self, serial: str) -> CloudError | None:
        """Give the most telling error of an inverter that all routes refuse."""
        with self._lock:
            refusals = self._refusals.get(serial)
            if refusals is None or not refusals.is_complete:
                return None
            return min(refusals.errors.values(), key=_tells)

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

    def served(self, serials: Collection[str], route: Route, *, keep: bool = True) -> None:
        """Note that a route gave readings.

        Args:
            serials: of the inverters.
            route: the route.
            keep: whether to start there from now on.
        """
        with self._lock:
            for serial in serials:
                self._refusals.pop(serial, None)
                self._in_trouble.discard(serial)
        if keep:
            remembered = RememberedRoute(route.value, self._now())
            new = [serial for serial in serials if self._remembered(serial) is not route]
            if new:
                self._memory.remember_routes(dict.fromkeys(new, remembered))

    def met_trouble(self, serial: str) -> None:
        """Note that an inverter that was asked for by itself met trouble."""
        with self._lock:
            self._in_trouble.add(serial)

    def order(self, serials: Iterable[str]) -> list[str]:
        """Put those last that were in trouble when they were last asked for."""
        with self._lock:
            return sorted(serials, key=self._in_trouble.__contains__)

    def probes(self, serial: str) -> tuple[Route, ...]:
        """Give the routes above the remembered one, if it is time to look for a better one."""
        kept = self._memory.current.routes.get(serial)
        remembered = self._remembered(serial)
        if kept is None or remembered is None:
            return ()
        # A time to come means that the clock was wrong; that must not put it off.
        if timedelta(0) <= self._now() - kept.since < _PROBE_AFTER:
            return ()
        return _ALL[: _ALL.index(remembered)]

    def probed(self, serial: str) -> None:
        """Note that no better route was found, this time."""
        if (kept := self._memory.current.routes.get(serial)) is not None:
            self._memory.remember_routes({serial: RememberedRoute(kept.route, self._now())})

    def _remembered(self, serial: str) -> Route | None:
        kept = self._memory.current.routes.get(serial)
        return Route(kept.route) if kept is not None and kept.route in _ALL else None

    def _is_refused_everywhere(self, serial: str) -> bool:
        with self._lock:
            refusals = self._refusals.get(serial)
            return refusals is not None and refusals.is_complete

    def _is_over(self, refusals: _Refusals) -> bool:
        return self._monotonic() - refusals.since >= refusals.cool_down


def is_refusal(error: CloudError) -> bool:
    """Whether the cloud will not answer this, rather than cannot at the moment."""
    if isinstance(error, AccessError | NotFoundError):
        return True
    return isinstance(error, RequestError) and error.status in _REFUSALS


def _tells(error: CloudError) -> int:
    """Rank errors: no access tells more than not found, and both tell more than the rest."""
    if isinstance(error, AccessError):
        return 0
    return 1 if isinstance(error, NotFoundError) else 2
