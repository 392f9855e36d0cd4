"""One account of the Redback cloud: everything that uses its credentials."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from ..clock import Clock, wait
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
from ..inverters.naming import Choice, GivenName, choose, replacements
from ..inverters.registry import Registry
from ..notifications import AccountNotifications, Notification
from ..options import Options, Site
from ..problems import AccountProblems, Kind
from ..publishing.entity_ids import slug
from ..saved_state import SavedState
from .details import DetailsPoller
from .poller import Poller
from .throttle import Runner, Throttle
from .warm_up import WarmUp

_LOG = logging.getLogger(__name__)
_DISCOVERY_SECONDS = 60 * 60.0
_DISCOVERY_RETRY_SECONDS = 30.0
_REFUSED_SECONDS = 5 * 60.0
# Lists have been incomplete before.
_MISSING_FOR = timedelta(days=1)


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
        # The inverters that are not read any more, and since when the cloud does not list them.
        self.gone: Mapping[str, datetime] = {}
        # The entries of the option Sites without an inverter.
        self.missing: Sequence[Site] = ()
        self._urged = asyncio.Event()
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

    def retry(self) -> None:
        """Ask the cloud again at once, whatever is waited for."""
        self.throttle.reopen()
        self._urged.set()
        self.poller.retry()

    async def _keep_discovering(self) -> NoReturn:
        while True:
            self._urged.clear()
            try:
                inverters = await self.throttle.ask(self.client.inverters)
            except CloudError as error:
                self._take_failure(error)
                await wait(self._clock, _DISCOVERY_RETRY_SECONDS, self._urged)
                continue
            self._problems.clear(Kind.DISCOVERY)
            self._notifications.connection(self._problems.lasting(Kind.CLOCK, Kind.READINGS))
            self._take(inverters)
            # Without any, the account is not set up yet, or the list is incomplete.
            seconds = _DISCOVERY_SECONDS if inverters else _DISCOVERY_RETRY_SECONDS
            await wait(self._clock, seconds, self._urged)

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

        One that is missing from a later list is read for another day: lists have been incomplete
        before. But a list with none of the known ones is another account's, and another inverter on
        the site of a single one has replaced that.
        """
        saved, now = self._saved_state.saved, self._clock.now()
        found = {inverter.serial: inverter for inverter in inverters}
        before = {inverter.serial: inverter for inverter in saved.inverters}
        replaced = replacements(saved.inverters, inverters, self.gone)
        names = dict(saved.names)
        for old, new in replaced.items():
            if (given := names.pop(old, None)) is not None:
                names[new] = GivenName(given.base, given.name, (old, *given.formers))
        is_another_account = bool(found) and found.keys().isdisjoint(before)
        lost = before.keys() if is_another_account else replaced.keys()
        known = {serial: one for serial, one in before.items() if serial not in lost} | found
        missing = {
            serial: min(saved.missing.get(serial, now), now)
            for serial in known
            if serial not in found
        }
        if not found:  # an outage looks like this too
            missing = saved.missing
        self._saved_state.save(inverters=(*known.values(),), names=names, missing=missing)
        self._use_known()
        for old, new in replaced.items():
            if old in saved.names and new in self.names:
                self._notifications.replaced(old, new, self.names[new].name)

    def forget(self, serial: str) -> None:
        """Forget an inverter that is gone; another one may have its name."""
        saved = self._saved_state.saved
        left = tuple(one for one in saved.inverters if one.serial != serial)
        self._saved_state.save(inverters=left)
        self._use_known()

    def _use_known(self) -> None:
        known = self._saved_state.saved.inverters
        choice = self._use(known)
        listed = tuple(one for one in known if one.serial not in self.gone)
        # Where some are read, Sites says which one is gone; where none is, this is why.
        self.missing = choice.missing if self.names else self._sites
        self._notifications.inverters(listed, self.missing, others=bool(self.names))

    def _use(self, inverters: tuple[ListedInverter, ...]) -> Choice:
        """Name every inverter that is wanted, and read those that are not gone from now on."""
        saved, now = self._saved_state.saved, self._clock.now()
        given, serials = saved.names, [one.serial for one in inverters]
        choice = choose(inverters, self._sites, given)
        gone = {
            serial: since
            for serial, since in saved.missing.items()
            if serial in serials and now - since >= _MISSING_FOR
        }
        for serial, name in choice.names.items():
            if given.get(serial) != name:
                _LOG.info("Inverter %s is called %s", serial, name.name)
        for serial in gone.keys() - self.gone.keys():
            _LOG.info("Inverter %s is not read any more: the cloud does not list it", serial)
        taken = {slug(name.name) for name in choice.names.values()}
        left = {serial: name for serial, name in given.items() if slug(name.name) not in taken}
        self._saved_state.save(names={**left, **choice.names})
        names = {serial: name for serial, name in choice.names.items() if serial not in gone}
        self._registry.use(names, instead_of=self.names)
        self.names, self.gone = names, gone
        self.poller.watch(names)
        others = (one for one in serials if one not in names and one not in gone)
        self.details.watch(names, others)
        self._warm_up.watch(names)
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
