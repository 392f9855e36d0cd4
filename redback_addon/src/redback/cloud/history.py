"""Past readings, and the routes to them.

Dossier 3.5 has two routes, From/To and PeriodBeforeUtc, both of v2. It is unknown whether v2.21 has
them too, with more data, so that is tried first. The first route that answers is used until it is
refused or the program ends. It is also unknown what the cloud answers for a time without readings:
null, an empty list, and a 404 of a route that has answered before all count as that.

While all routes refuse, each call tries one other route, in turn, beside the one in use. The one
that then answers need not be the best, so the next call tries all of them again. There is a pause
between two requests.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from ..tracebacks import without_traceback
from .api import Api
from .errors import AccessError, CloudError, NotFoundError
from .matching import Sites, is_own
from .models import Dynamic
from .routes import is_refusal
from .transport import Deadline

_SECONDS = 60.0
# Between two requests, of which there may be thousands.
_PACE_SECONDS = 1.0
_ROUTES = tuple(
    f"/Api/{version}/EnergyData/{{serial}}/Dynamic/BySerialNumber/{form}"
    for form in ("From/{since}/To/{until}", "PeriodBeforeUtc/{until}/{minutes}")
    for version in ("v2.21", "v2")
)


class History:
    """Reads the past, and learns which route works; may be used from several threads."""

    def __init__(self, api: Api, sites: Sites) -> None:
        self._api = api
        self._sites = sites
        # The route that answered last.
        self._working: str | None = None
        # The number of the other route whose turn it is; None while not all of them refuse.
        self._turn: int | None = None

    def readings(self, serial: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        """Return the readings of a time, as `RedbackClient.history` has it."""
        deadline = self._api.transport.deadline(_SECONDS)
        try:
            found = self._ask_routes(serial, since, until, deadline)
        except CloudError as error:
            without_traceback(error)  # the list of refusals holds it
            raise
        in_time = {one.timestamp: one for one in found if since <= one.timestamp < until}
        return tuple(in_time[moment] for moment in sorted(in_time))

    def _ask_routes(
        self, serial: str, since: datetime, until: datetime, deadline: Deadline
    ) -> list[Dynamic]:
        values = {
            "serial": quote(serial, safe=""),
            "since": _text(since),
            "until": _text(until),
            "minutes": -(-(until - since) // timedelta(minutes=1)),  # rounded up
        }
        working, turn = self._working, self._turn
        routes = [route for route in _ROUTES if route != working]
        if turn is not None:
            routes = [routes[turn % len(routes)]]
        if working is not None:
            routes.insert(0, working)
        refusals: list[CloudError] = []
        for number, route in enumerate(routes):
            if number:
                self._api.transport.sleep(_PACE_SECONDS)
            try:
                found = self._ask(route.format_map(values), serial, deadline)
            except CloudError as error:
                if route == working and isinstance(error, NotFoundError):
                    return []
                # A route that has answered before is not to blame for a lack of access.
                if not is_refusal(error) or (route == working and isinstance(error, AccessError)):
                    raise
                if route != working:
                    refusals.append(without_traceback(error))
            else:
                self._working = route if route == working or turn is None else None
                self._turn = None
                return found
        self._turn = 0 if turn is None else turn + 1
        # Prefer any other error to a 404.
        raise min(refusals, key=lambda error: isinstance(error, NotFoundError))

    def _ask(self, path: str, serial: str, deadline: Deadline) -> list[Dynamic]:
        answer = self._api.ask(path, deadline, apart=_PACE_SECONDS, may_repeat=True)
        found = map(self._api.decoder.dynamic, answer.elements())
        return [one for one in found if one is not None and is_own(one, serial, self._sites)]


def _text(moment: datetime) -> str:
    """Write a time as the paths have it (dossier 2.3)."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
