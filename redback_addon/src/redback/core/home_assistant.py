"""Home Assistant as one object, and the problems of reaching it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import aiohttp
import msgspec

from ..clock import Clock
from ..problems import Kind, Problems
from .energy import Energy
from .entities import Entities
from .errors import CoreAwayError, CoreError, CoreRefusedError
from .notices import Notices
from .rest import Rest
from .statistics import Statistics
from .supervisor import Supervisor
from .users import Users
from .versions import is_since
from .websocket import WebSocket

_LOG = logging.getLogger(__name__)
# The subjects and the kinds of the problems.
_WEBSOCKET, _REST = "websocket", "rest"
_UNREACHED = Kind.CORE_CLOSED, Kind.CORE_AWAY
_ENTITY_PAGES_SINCE = (2025, 8)


class Config(msgspec.Struct, frozen=True):
    """What Core is set up for: the integrations that it has loaded, and the currency (ISO 4217)."""

    components: frozenset[str]
    currency: str


class Resendable(Protocol):
    """Something that Core shows only until it restarts."""

    def resend(self) -> None:
        """Send all of it again."""


class HomeAssistant:
    """Core and the Supervisor, as an add-on reaches them.

    The session's headers carry the Supervisor's token, which the WebSocket needs once more. The ids
    of notifications begin with the prefix. `on_secret` is called with each password that the
    Supervisor tells, to keep it out of the log.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        supervisor_url: str,
        token: str,
        clock: Clock,
        problems: Problems,
        *,
        prefix: str,
        on_secret: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._problems = problems
        self.rest = Rest(session, supervisor_url)
        self.websocket = WebSocket(
            session,
            supervisor_url,
            token,
            clock,
            connected=self._connected,
            disconnected=self._disconnected,
        )
        self.notices = Notices(self.rest, clock, problems, prefix=prefix, watcher=self)
        self.statistics = Statistics(self.websocket)
        self.energy = Energy(self.websocket)
        self.entities = Entities(self.websocket)
        self.users = Users(self.websocket)
        self.supervisor = Supervisor(session, supervisor_url, clock, on_secret)
        self._resendables: list[Resendable] = [self.notices]

    @property
    def options_url(self) -> str | None:
        """The path of the add-on's options in Home Assistant, once that is known."""
        return self.supervisor.options_url(self.websocket.version)

    @property
    def panel_url(self) -> str | None:
        """The panel's address, as a device's page takes it, once that is known."""
        return self.supervisor.panel_url(self.websocket.version)

    @property
    def has_entity_pages(self) -> bool:
        """Whether its frontend has an address for each entity (frontend PR 25733)."""
        version = self.websocket.version
        return version is not None and is_since(version, _ENTITY_PAGES_SINCE)

    async def config(self) -> Config:
        """Return what Core is set up for; raise as `WebSocket.ask` does."""
        return await self.websocket.ask({"type": "get_config"}, Config)

    def resend_on_connect(self, resendable: Resendable) -> None:
        """Send this again each time that Core may have lost it."""
        self._resendables.append(resendable)

    async def run(self) -> None:
        """Keep the connection and the notifications up to date, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self.supervisor, self.websocket, self.notices):
                tasks.create_task(part.run())

    def arrived(self) -> None:
        """Note that everything sent over REST has arrived."""
        self._reached(_REST)

    def failed(self, error: CoreAwayError) -> None:
        """Note that something sent over REST has not arrived, and will be retried."""
        # A Core that is away is a single problem, the WebSocket's.
        if self._problems.find(*_UNREACHED, subject=_WEBSOCKET) is None:
            self._unreached(_REST, error)

    def _connected(self) -> None:
        self._reached(_WEBSOCKET)
        for resendable in self._resendables:
            resendable.resend()

    def _disconnected(self, error: CoreError) -> None:
        self._unreached(_WEBSOCKET, error)

    def _reached(self, way: str) -> None:
        for kind in _UNREACHED:
            self._problems.clear(kind, way)

    def _unreached(self, way: str, error: CoreError) -> None:
        match error:
            case CoreRefusedError() | CoreAwayError(status=401 | 403):
                kind, other = Kind.CORE_CLOSED, Kind.CORE_AWAY
            case _:
                kind, other = Kind.CORE_AWAY, Kind.CORE_CLOSED
        self._problems.drop(other, way)
        self._problems.raise_(kind, way)
        _LOG.debug("%s", error)
