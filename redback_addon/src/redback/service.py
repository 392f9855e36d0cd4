"""The service: makes all the parts, and connects them to one flow from the cloud to Core."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from importlib.metadata import version

import aiohttp

from .backfill import COVERAGE_FILE, Audit, Backfill, Coverage, Delivery, Fetcher, Importer
from .clock import Clock
from .cloud import (
    Credentials,
    CredentialsError,
    Hosts,
    ListedInverter,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    Transport,
)
from .core import (
    Dashboards,
    Energy,
    HomeAssistant,
)
from .dashboards import DashboardSetup, EnergySetup
from .environment import Environment
from .inverters.inverter import Inverter
from .inverters.naming import Choice, GivenName, choose
from .inverters.registry import Registry
from .inverters.stores import counters_file, entities_file
from .notifications import PREFIX, Notifications
from .options import Options
from .panel import Context, Panel, routes
from .panel.minutes import FILE as MINUTES_FILE
from .panel.minutes import Minutes
from .polling.details import DetailsPoller
from .polling.poller import Poller
from .polling.throttle import Throttle
from .polling.warm_up import WarmUp
from .problems import Problems
from .publishing.states import Publisher
from .saved_state import SavedState

_LOG = logging.getLogger(__name__)
_SAVED_STATE = "memory.json"


class Service:
    """Everything between the cloud and Core, connected.

    Args:
        environment: where everything is.
        options: what the user has set.
        session: for Core; its headers carry the Supervisor's token.
        clock: the time.
        on_token: takes each token of the cloud, so that it can be kept out of the log.
    """

    def __init__(
        self,
        environment: Environment,
        options: Options,
        session: aiohttp.ClientSession,
        clock: Clock,
        on_token: Callable[[str], None],
    ) -> None:
        self._options = options
        self._problems = Problems(clock)
        self._saved_state = SavedState(environment.data / _SAVED_STATE)

        self._names: Mapping[str, GivenName] = {}
        self._home_assistant = HomeAssistant(
            session,
            environment.supervisor_url,
            environment.supervisor_token,
            clock,
            self._problems,
            prefix=PREFIX,
        )
        self._notifications = Notifications(self._home_assistant.notices)

        self._coverage = Coverage(environment.data / COVERAGE_FILE)
        delivery = Delivery(self._coverage)
        self._publisher = Publisher(self._home_assistant, clock, self._problems, delivery)
        self._minutes = Minutes(environment.data / MINUTES_FILE, clock)
        self._believed = counters_file(environment.data)
        self._existing = entities_file(environment.data)
        self._registry = Registry(
            clock,
            self._problems,
            self._believed,
            self._existing,
            self._publisher.offer,
            sent=delivery.sent,
            seen=self._minutes.seen,
            detailed=options.detailed_sensors,
        )
        transport = Transport(version=version("redback"))
        account = _account(transport, environment, options, self._saved_state, on_token)
        throttle = Throttle(clock, self._credentials_refused)
        self._poller = Poller(
            account,
            throttle,
            clock,
            self._problems,
            deliver=self._registry.dynamic,
            denied=self._notifications.denied,
            refused=self._notifications.token_refused,
        )
        self._warm_up = WarmUp(
            account,
            throttle,
            clock,
            is_known=self._registry.knows_counters,
            warmed_up=self._registry.warm_up,
        )
        self._details_poller = DetailsPoller(
            account,
            throttle,
            clock,
            self._problems,
            found=self._found,
            described=self._registry.static,
            configured=self._registry.configuration,
            refused=self._notifications.token_refused,
        )
        statistics, websocket = self._home_assistant.statistics, self._home_assistant.websocket
        self._history = Backfill(
            self._coverage,
            Fetcher(
                account, throttle, clock, seen=self._minutes.seen, latest=self._coverage.latest
            ),
            Importer(statistics, clock),
            websocket,
            clock,
            self._problems,
            known=self._registry.known,
            days=options.history_days,
        )
        self._audit = Audit(
            statistics, self._coverage, websocket, clock, watched=self._history.watched
        )
        if self._saved_state.saved.is_history_paused:
            self._history.pause()
        parts = Context(
            version=version("redback"),
            started_at=clock.now(),
            options=options,
            clock=clock,
            account=account,
            tally=transport.tally,
            home_assistant=self._home_assistant,
            problems=self._problems,
            notifications=self._notifications,
            saved_state=self._saved_state,
            registry=self._registry,
            poller=self._poller,
            details_poller=self._details_poller,
            minutes=self._minutes,
            coverage=self._coverage,
            history=self._history,
            names=lambda: self._names,
            states=lambda: self._publisher.states,
            setups={
                "energy": EnergySetup(Energy(websocket), self._known, self._in_use),
                "dashboard": DashboardSetup(Dashboards(websocket), self._known, self._in_use),
            },
        )
        self._panel = Panel(environment.panel_port, environment.panel_allow, routes(parts))

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then make all entities unavailable.

        Raises:
            ExceptionGroup: a part has crashed; nothing goes on without it.
        """
        _LOG.info("Redback add-on %s", version("redback"))
        parts = (
            self._panel,
            self._home_assistant,
            self._publisher,
            self._registry,
            self._believed,
            self._existing,
            self._details_poller,
            self._warm_up,
            self._poller,
            self._history,
            self._audit,
        )
        if self._saved_state.saved.inverters:
            self._use(self._saved_state.saved.inverters)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(part.run()) for part in parts]
                await stop.wait()
                for task in running:
                    task.cancel()
        finally:
            self._registry.clear()
            self._believed.write()
            self._existing.write()
            try:
                await self._publisher.farewell()
            finally:
                self.close()
        _LOG.info("The add-on has stopped")

    def close(self) -> None:
        """Close its files, as `run` does in the end."""
        self._coverage.close()
        self._minutes.close()

    def _known(self) -> list[Inverter]:
        """Give the inverters that have been read, by name."""
        found = (self._registry.known(serial) for serial in self._names)
        return sorted(filter(None, found), key=lambda known: known.name)

    def _in_use(self) -> list[str]:
        """Give what all inverters are called that are wanted."""
        return sorted(given.name for given in self._names.values())

    def _found(self, inverters: tuple[ListedInverter, ...]) -> None:
        """Take what the account has.

        One that is missing from a later list is still asked for: lists have had holes before. But
        a list that has none of those that were known is of another account.
        """
        found = {inverter.serial: inverter for inverter in inverters}
        before = {inverter.serial: inverter for inverter in self._saved_state.saved.inverters}
        is_another_account = bool(found) and found.keys().isdisjoint(before)
        known = tuple((found if is_another_account else before | found).values())
        self._saved_state.save(inverters=known)
        choice = self._use(known)
        self._notifications.inverters(known, choice.missing, others=bool(choice.names))

    def _use(self, inverters: tuple[ListedInverter, ...]) -> Choice:
        """Give every inverter that is wanted its name, and have it read from now on."""
        given = self._saved_state.saved.names
        choice = choose(inverters, self._options.sites, given)
        for serial, name in choice.names.items():
            if given.get(serial) != name:
                _LOG.info("Inverter %s is called %s", serial, name.name)
        self._saved_state.save(names={**given, **choice.names})
        self._names = choice.names
        self._registry.add(choice.names)
        self._poller.watch(choice.names)
        others = (one.serial for one in inverters if one.serial not in choice.names)
        self._details_poller.watch(choice.names, others)
        self._warm_up.watch(choice.names)
        self._history.watch(choice.names)
        return choice

    def _credentials_refused(self, error: CredentialsError | None) -> None:
        self._notifications.credentials_refused(error)
        if error is not None:
            self._registry.clear()


def _account(
    transport: Transport,
    environment: Environment,
    options: Options,
    saved_state: SavedState,
    on_token: Callable[[str], None],
) -> RedbackClient:
    holder = RememberedHolder(saved_state.saved.cloud, lambda cloud: saved_state.save(cloud=cloud))
    tokens = TokenSource(
        transport,
        Credentials(options.client_id, options.credential),
        holder,
        Hosts(environment.api_url, environment.login_url),
        on_token,
    )
    return RedbackClient(transport, tokens, holder)
