"""One account of the Redback cloud: everything that uses its credentials."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from ..clock import Clock
from ..cloud import (
    CloudError,
    Credentials,
    CredentialsError,
    Hosts,
    ListedInverter,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    Transport,
)
from ..environment import Environment
from ..inverters.naming import Choice, GivenName, choose
from ..inverters.registry import Registry
from ..notifications import AccountNotifications, Notification
from ..options import Options, Site
from ..problems import AccountProblems, Kind
from ..saved_state import SavedState
from .details import DetailsPoller
from .poller import Poller
from .throttle import Runner, Throttle
from .warm_up import WarmUp

_LOG = logging.getLogger(__name__)
_DISCOVERY_SECONDS = 60 * 60.0
_DISCOVERY_RETRY_SECONDS = 30.0
_REFUSED_SECONDS = 5 * 60.0


class Account:
    """Discovers the inverters of one pair of credentials, and polls them.

    Several accounts share the registry and nothing else: each has problems, notifications and a
    saved state of its own.
    """

    def __init__(
        self,
        client: RedbackClient,
        clock: Clock,
        problems: AccountProblems,
        notifications: AccountNotifications,
        registry: Registry,
        saved_state: SavedState,
        *,
        sites: Sequence[Site],
        runner: Runner = asyncio.to_thread,
    ) -> None:
        self.client = client
        self._clock = clock
        self._problems = problems
        self._notifications = notifications
        self._registry = registry
        self._saved_state = saved_state
        self._sites = sites
        self.names: Mapping[str, GivenName] = {}
        self.throttle = Throttle(clock, self, runner)
        self.poller = Poller(client, self.throttle, clock, problems, registry, notifications)
        self.details = DetailsPoller(client, self.throttle, clock, problems, registry)
        self._warm_up = WarmUp(client, self.throttle, clock, registry)

    def use_saved(self) -> None:
        """Use the inverters that an earlier run found, until the cloud lists them."""
        if self._saved_state.saved.inverters:
            self._use(self._saved_state.saved.inverters)

    async def run(self) -> None:
        """Discover the inverters, and poll them, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_discovering())
            for part in (self.details, self._warm_up, self.poller):
                tasks.create_task(part.run())

    def credentials_refused(self) -> None:
        """Show that the cloud refuses the credentials, and clear the readings."""
        self._notifications.show(Notification.CREDENTIALS)
        self._registry.clear(self.names)

    def credentials_accepted(self) -> None:
        """Show that the cloud accepts the credentials."""
        self._notifications.withdraw(Notification.CREDENTIALS)

    async def _keep_discovering(self) -> NoReturn:
        while True:
            try:
                inverters = await self.throttle.ask(self.client.inverters)
            except CloudError as error:
                self._take_failure(error)
                await self._clock.sleep(_DISCOVERY_RETRY_SECONDS)
                continue
            self._problems.clear(Kind.DISCOVERY)
            self._notifications.connection(self._problems.lasting(Kind.CLOCK, Kind.READINGS))
            self._take(inverters)
            # Without any, the account is not set up yet, or the list is incomplete.
            wait = _DISCOVERY_SECONDS if inverters else _DISCOVERY_RETRY_SECONDS
            await self._clock.sleep(wait)

    def _take_failure(self, error: CloudError) -> None:
        if not isinstance(error, CredentialsError):
            self._problems.raise_(Kind.DISCOVERY, why=error)
            if not self.names:  # otherwise the poller does this
                self._notifications.connection(self._problems.lasting(Kind.DISCOVERY))
        elif error.token_refused and not self.names:
            # No inverter is known yet whose readings would show it.
            self.throttle.close(_REFUSED_SECONDS)
            self._notifications.show(Notification.TOKEN)

    def _take(self, inverters: tuple[ListedInverter, ...]) -> None:
        """Use the list of the account's inverters.

        One that is missing from a later list is still polled: lists have been incomplete before.
        But a list with none of the known ones is another account's.
        """
        found = {inverter.serial: inverter for inverter in inverters}
        before = {inverter.serial: inverter for inverter in self._saved_state.saved.inverters}
        is_another_account = bool(found) and found.keys().isdisjoint(before)
        known = tuple((found if is_another_account else before | found).values())
        self._saved_state.save(inverters=known)
        choice = self._use(known)
        self._notifications.inverters(known, choice.missing, others=bool(choice.names))

    def _use(self, inverters: tuple[ListedInverter, ...]) -> Choice:
        """Name every inverter that is wanted, and poll it from now on."""
        given = self._saved_state.saved.names
        choice = choose(inverters, self._sites, given)
        for serial, name in choice.names.items():
            if given.get(serial) != name:
                _LOG.info("Inverter %s is called %s", serial, name.name)
        self._saved_state.save(names={**given, **choice.names})
        self._registry.use(choice.names, instead_of=self.names)
        self.names = choice.names
        self.poller.watch(choice.names)
        others = (one.serial for one in inverters if one.serial not in choice.names)
        self.details.watch(choice.names, others)
        self._warm_up.watch(choice.names)
        return choice


def connect(
    transport: Transport,
    environment: Environment,
    options: Options,
    saved_state: SavedState,
    on_token: Callable[[str], None],
) -> RedbackClient:
    """Return a client with the credentials of the options; no request is made yet."""
    holder = RememberedHolder(saved_state.saved.cloud, lambda cloud: saved_state.save(cloud=cloud))
    tokens = TokenSource(
        transport,
        Credentials(options.client_id, options.credential),
        holder,
        Hosts(environment.api_url, environment.login_url),
        on_token,
    )
    return RedbackClient(transport, tokens, holder, inverters=saved_state.saved.inverters)
