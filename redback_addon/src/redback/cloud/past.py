"""Which of the API's routes to readings of the past is taken.

Dossier 3.5 knows two, From/To and PeriodBeforeUtc, both of v2; that v2.21 has them too, and tells
more there, is not known, so it is found out. The first route that answers is kept until the program
ends or it is refused. What is said where nothing was recorded is not known either: a null, an empty
list and a 404 of a route that has answered before are all taken for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from .errors import CloudError, NotFoundError, RequestError
from .ladder import is_refusal

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


class Past:
    """Knows the route; may be used from several threads, which may find it out at the same time."""

    def __init__(self) -> None:
        self._route: _Route | None = None

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
        route = self._route
        if route is not None:
            try:
                return question(route.path(serial, since, until))
            except NotFoundError:
                return None
            except RequestError as error:
                if not is_refusal(error):
                    raise
        return self._find(serial, since, until, question)

    def _find(
        self, serial: str, since: datetime, until: datetime, question: Callable[[str], _T]
    ) -> _T:
        refusals: list[CloudError] = []
        for route in _ROUTES:
            try:
                found = question(route.path(serial, since, until))
            except CloudError as error:
                if not is_refusal(error):
                    raise
                refusals.append(error)
            else:
                self._route = route
                return found
        # That it is not there tells less than anything else.
        raise min(refusals, key=lambda error: isinstance(error, NotFoundError))


def _text(moment: datetime) -> str:
    """Write a time as the paths have it (dossier 2.3)."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _minutes(time: timedelta) -> int:
    return -int(-time // timedelta(minutes=1))
