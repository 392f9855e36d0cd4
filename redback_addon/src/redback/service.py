"""The service: makes all the parts, and connects them to one flow from the cloud to Core."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from importlib.metadata import version

import aiohttp

from .board import Board
from .clock import Clock
from .cloud import (
    Account,
    Credentials,
    CredentialsError,
    Hosts,
    Inverter,
    MemoryHolder,
    TokenSource,
    Transport,
)
from .core import (
    AddOn,
    CoreAwayError,
    CoreClient,
    CoreError,
    CoreLink,
    CoreRefusedError,
    Dashboards,
    Energy,
    Notices,
    Statistics,
)
from .desk import Desk
from .environment import Environment
from .faults import Faults
from .history import COVERAGE_FILE, Audit, Coverage, Delivery, Fetcher, History, Writer
from .known import Known
from .ledger import counters_ledger, entities_ledger
from .memory import Memory
from .messages import PREFIX, Messages
from .minutes import FILE as MINUTES_FILE
from .minutes import Minutes
from .naming import Choice, GivenName, choose
from .options import Options
from .panel import Panel, Parts, routes
from .poller import Poller
from .publisher import Publisher
from .recall import Recall
from .setup import DashboardSetup, EnergySetup
from .survey import Survey

_LOG = logging.getLogger(__name__)
_MEMORY = "memory.json"


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
        self._faults = Faults(clock)
        self._memory = Memory(environment.data / _MEMORY)

        self._names: Mapping[str, GivenName] = {}
        core = CoreClient(session, environment.supervisor_url)
        self._publisher = Publisher(core, clock, self._faults, away=self._states_away)
        self._notices = Notices(
            core,
            clock,
            prefix=PREFIX,
            away=self._push_failed,
            refused=self._notice_refused,
        )
        self._messages = Messages(self._notices)
        self._link = CoreLink(
            session,
            environment.supervisor_url,
            environment.supervisor_token,
            clock,
            came=self._core_came,
            went=self._core_went,
        )

        self._coverage = Coverage(environment.data / COVERAGE_FILE)
        self._delivery = Delivery(self._coverage)
        self._minutes = Minutes(environment.data / MINUTES_FILE, clock)
        self._believed = counters_ledger(environment.data)
        self._existing = entities_ledger(environment.data)
        self._board = Board(
            clock,
            self._faults,
            self._believed,
            self._existing,
            self._publisher.offer,
            sent=self._delivery.sent,
            seen=self._minutes.seen,
            detailed=options.detailed_sensors,
        )
        transport = Transport(version=version("redback"))
        account = _account(transport, environment, options, self._memory, on_token)
        desk = Desk(clock, self._credentials_refused)
        self._poller = Poller(
            account,
            desk,
            clock,
            self._faults,
            deliver=self._board.dynamic,
            denied=self._messages.denied,
            refused=self._messages.token_refused,
        )
        self._recall = Recall(
            account,
            desk,
            clock,
            is_known=self._board.knows_counters,
            recalled=self._board.recall,
        )
        self._survey = Survey(
            account,
            desk,
            clock,
            self._faults,
            found=self._found,
            described=self._board.static,
            configured=self._board.configuration,
            refused=self._messages.token_refused,
        )
        statistics = Statistics(self._link)
        self._history = History(
            self._coverage,
            Fetcher(account, desk, clock, seen=self._minutes.seen, latest=self._coverage.latest),
            Writer(statistics, clock),
            self._link,
            clock,
            self._faults,
            known=self._board.known,
            days=options.history_days,
        )
        self._audit = Audit(
            statistics, self._coverage, self._link, clock, watched=self._history.watched
        )
        if self._memory.kept.is_history_paused:
            self._history.pause()

        self._add_on = AddOn(session, environment.supervisor_url, clock)
        parts = Parts(
            version=version("redback"),
            started_at=clock.now(),
            options=options,
            clock=clock,
            account=account,
            tally=transport.tally,
            core=core,
            link=self._link,
            faults=self._faults,
            messages=self._messages,
            memory=self._memory,
            board=self._board,
            poller=self._poller,
            survey=self._survey,
            minutes=self._minutes,
            coverage=self._coverage,
            history=self._history,
            names=lambda: self._names,
            states=lambda: self._publisher.states,
            options_url=lambda: self._add_on.options_url(self._link.version),
            setups={
                "energy": EnergySetup(Energy(self._link), self._known, self._in_use),
                "dashboard": DashboardSetup(Dashboards(self._link), self._known, self._in_use),
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
            self._add_on,
            self._link,
            self._publisher,
            self._notices,
            self._board,
            self._believed,
            self._existing,
            self._survey,
            self._recall,
            self._poller,
            self._history,
            self._audit,
        )
        if self._memory.kept.inverters:
            self._use(self._memory.kept.inverters)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(part.run()) for part in parts]
                await stop.wait()
                for task in running:
                    task.cancel()
        finally:
            self._board.clear()
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

    def _known(self) -> list[Known]:
        """Give the inverters that have been read, by name."""
        found = (self._board.known(serial) for serial in self._names)
        return sorted(filter(None, found), key=lambda known: known.name)

    def _in_use(self) -> list[str]:
        """Give what all inverters are called that are wanted."""
        return sorted(given.name for given in self._names.values())

    def _found(self, inverters: tuple[Inverter, ...]) -> None:
        """Take what the account has.

        One that is missing from a later list is still asked for: lists have had holes before. But
        a list that has none of those that were known is of another account.
        """
        found = {inverter.serial: inverter for inverter in inverters}
        before = {inverter.serial: inverter for inverter in self._memory.kept.inverters}
        is_another_account = bool(found) and found.keys().isdisjoint(before)
        known = tuple((found if is_another_account else before | found).values())
        self._memory.keep(inverters=known)
        choice = self._use(known)
        self._messages.inverters(known, choice.missing, others=bool(choice.names))

    def _use(self, inverters: tuple[Inverter, ...]) -> Choice:
        """Give every inverter that is wanted its name, and have it read from now on."""
        given = self._memory.kept.names
        choice = choose(inverters, self._options.sites, given)
        for serial, name in choice.names.items():
            if given.get(serial) != name:
                _LOG.info("Inverter %s is called %s", serial, name.name)
        self._memory.keep(names={**given, **choice.names})
        self._names = choice.names
        self._board.add(choice.names)
        self._poller.watch(choice.names)
        others = (one.serial for one in inverters if one.serial not in choice.names)
        self._survey.watch(choice.names, others)
        self._recall.watch(choice.names)
        self._history.watch(choice.names)
        return choice

    def _credentials_refused(self, error: CredentialsError | None) -> None:
        self._messages.credentials_refused(error)
        if error is not None:
            self._board.clear()

    def _notice_refused(self, error: CoreRefusedError) -> None:
        self._faults.met("notice", f"Home Assistant does not take a notification: {error}.")

    def _core_came(self) -> None:
        self._faults.over("link", "Home Assistant answers again")
        self._publisher.resend()
        self._notices.resend()

    def _core_went(self, error: CoreError) -> None:
        self._faults.met("link", _in_words(error))
        _LOG.debug("%s", error)

    def _states_away(self, error: CoreAwayError | None) -> None:
        if error is None:
            self._delivery.arrived()
        self._push_failed(error)

    def _push_failed(self, error: CoreAwayError | None) -> None:
        """Tell that states do not arrive; of a Core that is away, the link tells."""
        if error is None:
            self._faults.over("push", "Home Assistant takes the states again")
        elif "link" not in self._faults.now:
            self._faults.met("push", _in_words(error))
            _LOG.debug("%s", error)


def _in_words(error: CoreError) -> str:
    match error:
        case CoreRefusedError() | CoreAwayError(status=401 | 403):
            return "Home Assistant does not let the add-on in."
        case _:
            return "Home Assistant does not answer; the states follow when it does."


def _account(
    transport: Transport,
    environment: Environment,
    options: Options,
    memory: Memory,
    on_token: Callable[[str], None],
) -> Account:
    holder = MemoryHolder(memory.kept.cloud, lambda cloud: memory.keep(cloud=cloud))
    tokens = TokenSource(
        transport,
        Credentials(options.client_id, options.credential),
        holder,
        Hosts(environment.api_url, environment.login_url),
        on_token,
    )
    return Account(transport, tokens, holder)
