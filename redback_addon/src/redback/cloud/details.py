"""Requests static data and configurations."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from urllib.parse import quote

from ..tracebacks import without_traceback
from .api import Api
from .errors import WHOLE_ACCOUNT, CloudError, TransientError
from .matching import Sites, match, own
from .models import Configuration, Static
from .routes import LEAST_SHARE, MOST_AT_ONCE, TROUBLES, is_refusal
from .transport import Deadline

_STATIC = "/Api/v2/EnergyData/Static/BySerialNumber"
_CONFIGURATION = "/Api/v2/Configuration/Configuration/BySerialNumber"
_CONFIGURATIONS = "/Api/v2/Configuration/Multiple/BySerialNumber/Configuration"
_SECONDS = 60.0
_SINGLY_FOR = 24 * 60 * 60.0

Outcomes = dict[str, Configuration | CloudError]


class DetailsApi:
    """Asks for static data and configurations; may be used from several threads."""

    def __init__(self, api: Api, sites: Sites) -> None:
        self._api = api
        self._sites = sites
        # Until when (monotonic seconds) configurations are asked for one by one.
        self._singly_until = api.transport.monotonic()

    def static(self, serial: str) -> Static:
        """Return the static data of an inverter and its site (dossier 3.2)."""
        deadline = self._api.transport.deadline(_SECONDS)
        answer = self._api.ask(f"{_STATIC}/{quote(serial, safe='')}", deadline, may_repeat=True)
        static = self._api.decoder.static(answer.data, serial)
        if static is None:
            raise answer.broken("the answer does not describe this inverter")
        return own(answer, static, serial, self._sites)

    def configurations(self, serials: Iterable[str]) -> Outcomes:
        """Return configurations, as described in `RedbackClient.configurations`."""
        wanted = tuple(dict.fromkeys(serials))
        outcomes: Outcomes = {}
        try:
            self._configure(wanted, outcomes)
        except WHOLE_ACCOUNT as error:
            if not any(isinstance(outcome, Configuration) for outcome in outcomes.values()):
                raise
            without_traceback(error)
            return {serial: outcomes.get(serial, error) for serial in wanted}
        except CloudError as error:
            without_traceback(error)  # a frame below holds it
            raise
        return {serial: outcomes[serial] for serial in wanted}

    def _configure(self, wanted: Sequence[str], outcomes: Outcomes) -> None:
        deadline = self._api.transport.deadline(_SECONDS)
        above = None
        if self._api.transport.monotonic() >= self._singly_until:
            above = self._ask_together(wanted, outcomes, deadline)
        self._ask_singly([one for one in wanted if one not in outcomes], outcomes, above, deadline)
        is_refused = above is not None and is_refusal(above)
        if is_refused and all(isinstance(one, Configuration) for one in outcomes.values()):
            self._singly_until = self._api.transport.monotonic() + _SINGLY_FOR

    def _ask_together(
        self, wanted: Sequence[str], outcomes: Outcomes, deadline: Deadline
    ) -> CloudError | None:
        """Ask for many with one request; return why to ask for the rest singly."""
        for start in range(0, len(wanted), MOST_AT_ONCE):
            serials = wanted[start : start + MOST_AT_ONCE]
            try:
                answer = self._api.ask(
                    _CONFIGURATIONS, deadline, method="POST", json=serials, may_repeat=True
                )
                elements = answer.elements()
            except CloudError as error:
                if is_refusal(error) or error.status == HTTPStatus.OK:
                    return without_traceback(error)
                raise
            found = (one.get("Data") if isinstance(one, dict) else None for one in elements)
            configurations = map(self._api.decoder.configuration, found)
            outcomes.update(match(configurations, serials, self._sites))
        return None

    def _ask_singly(
        self,
        missing: Sequence[str],
        outcomes: Outcomes,
        above: CloudError | None,
        deadline: Deadline,
    ) -> None:
        """Ask for the rest one by one; raise `above`, why not together, if single ones fail too."""
        troubles = 0
        for number, serial in enumerate(missing):
            share = deadline.share(len(missing) - number, LEAST_SHARE)
            try:
                path = f"{_CONFIGURATION}/{quote(serial, safe='')}"
                answer = self._api.ask(path, share, may_repeat=True)
                found = self._api.decoder.configuration(answer.data)
                outcomes[serial] = own(answer, found, serial, self._sites)
            except WHOLE_ACCOUNT:
                raise
            except CloudError as error:
                outcomes[serial] = without_traceback(error)
                troubles += isinstance(error, TransientError)
            if isinstance(above, TransientError) and troubles == TROUBLES == len(outcomes):
                raise above  # it is the cloud, not one inverter
