"""The account: which inverters it has, and what the cloud tells of each."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from ..tracebacks import without_traceback
from .api import Answer, Api
from .auth import TokenSource
from .decoding import Decoder
from .discovery import PAGE_SIZE, Page, discover
from .errors import CloudError, TransientError
from .history import History
from .matching import Element, match
from .models import Configuration, Dynamic, ListedInverter, Static
from .readings import TROUBLES, WHOLE_ACCOUNT, Round
from .remembered import RememberedHolder
from .routes import MOST_AT_ONCE, Route, Routes, is_refusal
from .shapes import Shape
from .transport import Deadline, Transport

_T = TypeVar("_T", Dynamic, Configuration)

_NODES = "/Api/v2/EnergyData/With/Nodes"
_STATIC = "/Api/v2/EnergyData/Static/BySerialNumber"
_CONFIGURATION = "/Api/v2/Configuration/Configuration/BySerialNumber"
_CONFIGURATIONS = "/Api/v2/Configuration/Multiple/BySerialNumber/Configuration"
# For what is asked for seldom, and nobody waits for.
_SECONDS = 60.0
_LEAST_SHARE = 5.0
# Between two requests for readings of the past, of which there may be thousands.
_PACE_SECONDS = 1.0
_SINGLY_FOR = 24 * 60 * 60.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RedbackClient:
    """What the service calls: all that one pair of credentials may ask of Redback's cloud.

    It may be used from several threads.

    All methods but `batches` make requests and wait for them. They raise a `CloudError` where
    they cannot give what they promise.

    Args:
        transport: makes the requests.
        tokens: gives the token for them.
        memory: keeps what was found out about the API's routes.
        now: the time, UTC.
    """

    def __init__(
        self,
        transport: Transport,
        tokens: TokenSource,
        memory: RememberedHolder,
        *,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._transport = transport
        self._api = Api(transport, tokens)
        self._decoder = Decoder()
        self._routes = Routes(memory, now, transport.monotonic)
        self._history = History(lambda: transport.sleep(_PACE_SECONDS))
        self._lock = threading.Lock()
        self._sites: dict[str, str | None] = {}
        # Until when (monotonic seconds) configurations are asked for one by one.
        self._singly_until = transport.monotonic()

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """What the last answer of each route looked like, without its values."""
        return self._api.shapes

    def inverters(self) -> tuple[ListedInverter, ...]:
        """Find all inverters that the account can see (dossier 3.1, With/Nodes)."""
        deadline = self._transport.deadline(_SECONDS)

        def page(number: int) -> Page:
            params = {"page": number, "pageSize": PAGE_SIZE}
            answer = self._api.ask(_NODES, deadline, params=params, may_repeat=True)
            return answer.elements(), answer.total_count

        found = discover(page)
        with self._lock:
            self._sites = {inverter.serial: inverter.site_id for inverter in found}
        return found

    def batches(self, serials: Iterable[str]) -> list[tuple[str, ...]]:
        """Group inverters such that each group can be read by itself, side by side with others.

        Returns:
            Groups of up to 100 where one request can bring them all, else of one.
        """
        return [group for group, _ in self._routes.groups(serials)]

    def dynamic(self, batch: Iterable[str], deadline: float) -> dict[str, Dynamic | CloudError]:
        """Get the latest reading of each inverter; `routes` has the rules of how.

        Args:
            batch: serial numbers, best as `batches` grouped them.
            deadline: how many seconds this may take in all. The wait for the next piece of an
                answer that is on its way may come on top.

        Returns:
            For every inverter its reading, or what is in its way.

        Raises:
            CredentialsError, ThrottledError: what concerns the whole account, if there was not
                one reading before it; else it is the outcome of those that have none.
        """
        this_round = Round(
            self._routes, self._readings, self._reading, self._transport.deadline(deadline)
        )
        return this_round.run(batch)

    def history(self, serial: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        """Get the readings of a time of the past (dossier 3.5); `history` has the rules of how.

        Args:
            serial: of the inverter.
            since: aware; the first moment of it.
            until: aware; the moment after it, at most an hour later.

        Returns:
            The readings in their order, each moment once; what is malformed, or of another
            inverter, is left out.
        """
        deadline = self._transport.deadline(_SECONDS)

        def readings(path: str) -> list[Dynamic]:
            answer = self._api.ask(path, deadline, apart=_PACE_SECONDS, may_repeat=True)
            found = map(self._decoder.dynamic, answer.elements())
            return [one for one in found if one is not None and _is_own(one, serial)]

        found = self._history.ask(serial, since, until, readings) or []
        in_time = {one.timestamp: one for one in found if since <= one.timestamp < until}
        return tuple(in_time[moment] for moment in sorted(in_time))

    def static(self, serial: str) -> Static:
        """Get what an inverter and its site are (dossier 3.2)."""
        deadline = self._transport.deadline(_SECONDS)
        answer = self._api.ask(f"{_STATIC}/{quote(serial, safe='')}", deadline, may_repeat=True)
        static = self._decoder.static(answer.data, serial)
        if static is None:
            raise answer.broken("the answer does not describe this inverter")
        return static

    def configurations(self, serials: Iterable[str]) -> dict[str, Configuration | CloudError]:
        """Get how inverters are set (dossier 3.3).

        They are asked for together, and those without a configuration in the answer one by one;
        all of them where the answer makes no sense, which one of them may be the reason for.
        Where asking together is refused although each of them can be had, that is left for a day.

        Returns:
            For every inverter its configuration, or what is in its way.

        Raises:
            CloudError: what concerns all of them.
        """
        wanted = tuple(dict.fromkeys(serials))
        deadline = self._transport.deadline(_SECONDS)
        outcomes: dict[str, Configuration | CloudError] = {}
        try:
            above = self._configure_together(wanted, outcomes, deadline)
            self._configure_singly(wanted, outcomes, above, deadline)
        except WHOLE_ACCOUNT as error:
            if not any(isinstance(outcome, Configuration) for outcome in outcomes.values()):
                raise
            without_traceback(error)
            return {serial: outcomes.get(serial, error) for serial in wanted}
        is_refused = above is not None and is_refusal(above)
        if is_refused and all(isinstance(one, Configuration) for one in outcomes.values()):
            with self._lock:
                self._singly_until = self._transport.monotonic() + _SINGLY_FOR
        return {serial: outcomes[serial] for serial in wanted}

    def _configure_together(
        self,
        wanted: Sequence[str],
        outcomes: dict[str, Configuration | CloudError],
        deadline: Deadline,
    ) -> CloudError | None:
        """Get what one request for many gives; gives why the rest is to be asked for singly."""
        if self._transport.monotonic() < self._singly_until:
            return None
        for start in range(0, len(wanted), MOST_AT_ONCE):
            serials = wanted[start : start + MOST_AT_ONCE]
            try:
                answer = self._api.ask(_CONFIGURATIONS, deadline, serials=serials, may_repeat=True)
                elements = answer.elements()
            except CloudError as error:
                if is_refusal(error) or error.status == HTTPStatus.OK:
                    return without_traceback(error)
                raise
            found = [
                self._decoder.configuration(element.get("Data"))
                for element in elements
                if isinstance(element, dict)
            ]
            outcomes.update(self._match(found, serials))
        return None

    def _configure_singly(
        self,
        wanted: Sequence[str],
        outcomes: dict[str, Configuration | CloudError],
        above: CloudError | None,
        deadline: Deadline,
    ) -> None:
        """Get one by one what is still wanted.

        Args:
            wanted: the inverters.
            outcomes: what there is already, and where the rest is put.
            above: why one request for all of them did not do.
            deadline: of all requests together.

        Raises:
            CloudError: `above`, if single requests meet the same trouble.
        """
        missing = [serial for serial in wanted if serial not in outcomes]
        troubles = 0
        for number, serial in enumerate(missing):
            share = deadline.share(len(missing) - number, _LEAST_SHARE)
            try:
                path = f"{_CONFIGURATION}/{quote(serial, safe='')}"
                answer = self._api.ask(path, share, may_repeat=True)
                found = self._decoder.configuration(answer.data)
                outcomes[serial] = _own(answer, found, serial)
            except WHOLE_ACCOUNT:
                raise
            except CloudError as error:
                outcomes[serial] = without_traceback(error)
                troubles += isinstance(error, TransientError)
            if isinstance(above, TransientError) and troubles == TROUBLES == len(outcomes):
                raise above  # it is the cloud, not one inverter

    def _readings(
        self, route: Route, serials: Sequence[str], deadline: Deadline
    ) -> dict[str, Dynamic]:
        """Ask a Multiple route (dossier 3.4)."""
        path = f"{route.base}/Multiple/BySerialNumber/Dynamic"
        answer = self._api.ask(path, deadline, serials=serials, may_repeat=True)
        found = [self._decoder.dynamic(element) for element in answer.elements()]
        return self._match(found, serials)

    def _reading(self, route: Route, serial: str, deadline: Deadline) -> Dynamic:
        """Ask a single route (dossier 3.4)."""
        path = f"{route.base}/Dynamic/BySerialNumber/{quote(serial, safe='')}"
        answer = self._api.ask(path, deadline, may_repeat=True)
        found = self._decoder.dynamic(answer.data)
        if found is None and isinstance(answer.data, dict):
            raise answer.broken("its reading has no time that can be understood")
        return _own(answer, found, serial)

    def _match(self, found: Iterable[_T | None], serials: Sequence[str]) -> dict[str, _T]:
        elements = [Element(one, one.serials, one.site_id) for one in found if one is not None]
        return match(elements, serials, self._sites)


def _own(answer: Answer, found: _T | None, serial: str) -> _T:
    """Make sure that an answer is there, and about this inverter."""
    if found is None:
        raise answer.broken("the answer is empty or not as expected")
    if not _is_own(found, serial):
        raise answer.broken("the answer is about another inverter")
    return found


def _is_own(found: Dynamic | Configuration, serial: str) -> bool:
    """Tell whether an answer may be about this inverter: it need not say."""
    return not found.serials or serial in found.serials
