"""The service: creates all parts, and connects them from the cloud to Core."""

import asyncio
import logging
from collections.abc import Callable
from importlib.metadata import version

import aiohttp

from .backfill import Files, History
from .clock import Clock
from .cloud import Transport
from .controls import controls, doors
from .core import HomeAssistant
from .dashboards import setups
from .environment import Environment
from .inverters.registry import Registry
from .inverters.stores import counters_file, sensors_file
from .notifications import PREFIX, Notifications
from .options import Options
from .panel import Context, Panel, minutes, routes
from .polling.account import Shared
from .polling.accounts import Accounts
from .problems import Problems
from .publishing.delivery import Delivery
from .publishing.ways import publisher
from .saved_state import FILE, SavedState
from .timeouts import timeout

_LOG = logging.getLogger(__name__)
# From the stop until the states' farewell ends. The Supervisor allows ten seconds, the project
# itself five, of which a slow disk and the end of the process need some.
_FAREWELL_SECONDS = 4.2


class Service:
    """All parts between the cloud and Core, connected.

    The session's headers carry the Supervisor's token. `on_token` is called with each token of the
    cloud, and `on_password` with each password of the MQTT broker, to keep them out of the log.
    """

    def __init__(
        self,
        environment: Environment,
        options: Options,
        session: aiohttp.ClientSession,
        clock: Clock,
        on_token: Callable[[str], None],
        on_password: Callable[[str], None] = lambda _: None,
    ) -> None:
        problems = Problems(clock)
        saved_state = SavedState(environment.data / FILE)
        self._home_assistant = home_assistant = HomeAssistant(
            session,
            environment.supervisor_url,
            environment.supervisor_token,
            clock,
            problems,
            prefix=PREFIX,
            on_secret=on_password,
        )
        notifications = Notifications(home_assistant.notices)
        self._files = Files(environment.data)
        self._publisher = publisher(
            options, environment.data, home_assistant, clock, problems, Delivery(self._files.note)
        )
        self._minutes = minutes.Minutes(environment.data / minutes.FILE, clock)
        self._believed = counters_file(environment.data)
        self._existing = sensors_file(environment.data)
        self._registry = Registry(
            clock,
            problems,
            self._believed,
            self._files.ledger,
            self._existing,
            self._publisher,
            seen=self._minutes.seen,
            detailed=options.detailed_sensors,
        )
        transport = Transport(version=version("redback"))
        shared = Shared(clock, problems, notifications, self._registry, saved_state)
        self._accounts = Accounts(shared, sites=options.sites)
        self._accounts.connect(options, transport, environment, on_token)
        self._controls = controls(
            options, environment.data, tuple(self._accounts), self._registry, problems, clock
        )
        self._doors = doors(
            self._controls,
            environment.data,
            self._publisher,
            self._registry,
            home_assistant,
        )
        self._history = History(
            self._files,
            home_assistant,
            self._publisher.ownership,
            self._accounts,
            clock,
            registry=self._registry,
            seen=self._minutes.seen,
            days=options.history_days,
        )
        if saved_state.saved.is_history_paused:
            self._history.backfill.pause()
        parts = Context(
            version=version("redback"),
            started_at=clock.now(),
            options=options,
            clock=clock,
            accounts=self._accounts,
            transport=transport,
            home_assistant=home_assistant,
            problems=problems,
            notifications=notifications,
            saved_state=saved_state,
            registry=self._registry,
            publisher=self._publisher,
            minutes=self._minutes,
            coverage=self._files.coverage,
            backfill=self._history.backfill,
            importer=self._history.importer,
            controls=self._controls,
            setups=setups(home_assistant, self._registry, self._publisher, clock),
        )
        self._panel = Panel(environment.panel_port, environment.panel_allow, routes(parts))

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, or a part crashes; then make all entities unavailable."""
        _LOG.info("Redback add-on %s", version("redback"))
        parts = (
            self._panel,
            self._home_assistant,
            self._publisher,
            self._registry,
            self._believed,
            self._existing,
            self._accounts,
            self._history,
            *(() if self._controls is None else (self._controls,)),
            *self._doors,
        )
        self._accounts.use_saved()
        loop = asyncio.get_running_loop()
        stopped_at: float | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(part.run()) for part in parts]
                await stop.wait()
                stopped_at = loop.time()
                for task in running:
                    task.cancel()
        finally:
            deadline = (stopped_at or loop.time()) + timeout(_FAREWELL_SECONDS)
            self._registry.clear()
            self._registry.close()
            self._existing.write()
            try:
                await self._publisher.farewell(deadline)
            finally:
                self.close()
        _LOG.info("The add-on has stopped")

    def close(self) -> None:
        """Close the files; `run` does so at its end."""
        self._files.close()
        self._minutes.close()
