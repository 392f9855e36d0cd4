"""Which of the API's routes to readings of the past is taken.

Dossier 3.5 knows two, From/To and PeriodBeforeUtc, both of v2; that v2.21 has them too, and tells
more there, is not known, so it is found out. The first route that answers is kept until the program
ends or it is refused. What is said where nothing was recorded is not known either: a null, an empty
list and a 404 of a route that has answered before are all taken for it.

Where all routes refuse, one is tried each time, in turn and beside the one that was kept, until one
answers. That may be any of them, so that the next question looks for the best one anew. Between two
requests there is a pause.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from .errors import CloudError, NotFoundError, RequestError
from .routes import is_refusal

_T = TypeVar("_T")
_VERSIONS = ("v2.21", "v2")


@dataclass(frozen=True, slots=True)
class _Route:
    version: str
    is_between: bool

    def path(self, serial: str, since: datetime, until: datetime) -> str:
        base = f"/Api/{self.version}/EnergyData/{quote(serial, safe='')}/Dynamic/BySerialNumber"
        if self.is_between:
            return f"{base}/From/{_text(since)}/To/{_text(until)}"
        return f"{base}/PeriodBeforeUtc/{_text(until)}/{_minutes(until - since)}"


_ROUTES = tuple(
    _Route(version, is_between) for is_between in (True, False) for version in _VERSIONS
)


class History:
    """Knows the route; may be used from several threads, which may find it out at the same time.

    Args:
        pause: waits between two requests.
    """

    def __init__(self, pause: Callable[[], None]) -> None:
        self._pause = pause
        self._route: _Route | None = None
        # Which of the others is next in turn; None while not all of them refuse.
        self._turn: int | None = None

    def ask(
        self, serial: str, since: datetime, until: datetime, question: Callable[[str], _T]
    ) -> _T | None:
        """Ask for an inverter's readings.

        Args:
            serial: of the inverter.
            since: from when.
            until: to when; at most an hour later.
            question: gets what is at a path.

        Returns:
            None where the cloud has nothing.

        Raises:
            CloudError: as the question raises it.
        """

        def ask(route: _Route) -> _T:
            return question(route.path(serial, since, until))

        kept = self._route
        if kept is None:
            return self._find(_ROUTES, ask)
        try:
            found = ask(kept)
        except NotFoundError:
            return None
        except RequestError as error:
            if not is_refusal(error):
                raise
            self._pause()
            return self._find([route for route in _ROUTES if route is not kept], ask)
        self._turn = None
        return found

    def _find(self, routes: Sequence[_Route], ask: Callable[[_Route], _T]) -> _T:
        """Ask these routes one after the other, or one of them if all have refused before."""
        turn = self._turn
        refusals: list[CloudError] = []
        for route in routes if turn is None else [routes[turn % len(routes)]]:
            if refusals:
                self._pause()
            try:
                found = ask(route)
            except CloudError as error:
                if not is_refusal(error):
                    raise
                refusals.append(error)
            else:
                self._route, self._turn = route if turn is None else None, None
                return found
        self._turn = 0 if turn is None else turn + 1
        # That it is not there tells less than anything else.
        raise min(refusals, key=lambda error: isinstance(error, NotFoundError))


def _text(moment: datetime) -> str:
    """Write a time as the paths have it (dossier 2.3)."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _minutes(time: timedelta) -> int:
    return -int(-time // timedelta(minutes=1))
