"""The client of one account: its inverters, and everything the cloud has of each."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from .api import Api
from .auth import TokenSource
from .controls import ControlsApi
from .details import DetailsApi
from .discovery import discover
from .errors import CloudError
from .history import History
from .models import Configuration, Dynamic, ListedInverter, Static
from .readings import Round
from .remembered import RememberedHolder
from .routes import Routes
from .shapes import Shape
from .transport import Transport

_DISCOVERY_SECONDS = 60.0


class RedbackClient:
    """Makes all requests of one pair of credentials to Redback's cloud.

    It may be used from several threads. All methods but `batches` make requests and wait for them,
    and raise a `CloudError` if they fail.
    """

    def __init__(
        self,
        transport: Transport,
        tokens: TokenSource,
        remembered: RememberedHolder,
        *,
        inverters: Iterable[ListedInverter] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = Api(transport, tokens)
        self._now = now
        # The shape of the last answer of each route, without its values.
        self.shapes: Mapping[str, Shape] = self._api.shapes
        self._routes = Routes(remembered, now, transport.monotonic)
        self._sites = _sites(inverters)
        self._history = History(self._api, self._sites)
        self._details = DetailsApi(self._api, self._sites)
        self.controls = ControlsApi(self._api)

    @property
    def clock_ahead(self) -> timedelta | None:
        """The lead of this machine's clock over the cloud's, by its latest answer."""
        transport = self._api.transport
        if transport.dated is None:
            return None
        moment, at = transport.dated
        return self._now() - moment - timedelta(seconds=transport.monotonic() - at)

    def inverters(self) -> tuple[ListedInverter, ...]:
        """Return all inverters that the account can see (dossier 3.1, With/Nodes)."""
        found = discover(self._api, self._api.transport.deadline(_DISCOVERY_SECONDS))
        self._sites.update(_sites(found))
        return found

    def batches(self, serials: Iterable[str]) -> list[tuple[str, ...]]:
        """Group inverters to be read side by side: up to 100 where one request brings them all."""
        return [group for group, _ in self._routes.groups(serials)]

    def dynamic(self, batch: Iterable[str], deadline: float) -> dict[str, Dynamic | CloudError]:
        """Return the latest reading of each inverter, or its error; `routes` has the rules.

        `batch` is best as `batches` grouped it; `deadline` is how long this may take in all,
        seconds.

        Raises:
            CredentialsError, ThrottledError: these concern the whole account. If some readings
                came before one of them, it is the outcome of the other inverters instead.
        """
        until = self._api.transport.deadline(deadline)
        return Round(self._api, self._routes, self._sites, until).run(batch)

    def history(self, serial: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        """Return the readings of a time in the past (dossier 3.5); `history` has the rules.

        They are those from `since` on and before `until`, an hour later at most, in their order,
        each moment once. Those that are malformed, or of another inverter, are left out.
        """
        return self._history.readings(serial, since, until)

    def static(self, serial: str) -> Static:
        """Return the static data of an inverter and its site (dossier 3.2)."""
        return self._details.static(serial)

    def configurations(self, serials: Iterable[str]) -> dict[str, Configuration | CloudError]:
        """Return the configuration of each inverter, or its error (dossier 3.3).

        They are requested together; those missing from the answer, or all if it makes no sense, are
        then requested one by one. If the joint request is refused although each single one works,
        they are requested one by one for a day. An error that concerns all is raised.
        """
        return self._details.configurations(serials)


def _sites(inverters: Iterable[ListedInverter]) -> dict[str, str | None]:
    return {inverter.serial: inverter.site_id for inverter in inverters}
