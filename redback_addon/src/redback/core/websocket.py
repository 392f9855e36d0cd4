"""One WebSocket to Core, kept open to know when Core comes and goes, and to give it commands."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import aiohttp

from ..clock import Clock
from ..timeouts import timeout
from .conversation import PATH, Conversation, Message, log_in
from .errors import CoreAwayError, CoreError
from .retry import retrying

# A Core that is gone without a word is noticed within this many seconds.
_HEARTBEAT = 30
# As for a request: an attempt that began before Core answers again must not cost much time.
_HANDSHAKE_TIME_OUT = 4
# All that the Supervisor passes on: a smaller limit would break the link over one large answer.
_LARGEST_MESSAGE = 64 * 1024 * 1024


class CoreWebSocket:
    """Says each time that Core may have lost its states, and when it is gone; takes commands.

    Core forgets every pushed state when it restarts. `connected` is therefore called when the link
    is made, and once more when Core says that it has started; `disconnected` with what went wrong.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        supervisor_url: str,
        token: str,
        clock: Clock,
        *,
        connected: Callable[[], None],
        disconnected: Callable[[CoreError], None],
    ) -> None:
        self._session = session
        self._url = supervisor_url + PATH
        self._token = token
        self._clock = clock
        self._connected = connected
        self._disconnected = disconnected
        self._conversation: Conversation | None = None
        self._up_since: float | None = None
        self._handlers: dict[str, Callable[[Message], None]] = {}
        self.subscribe("homeassistant_started", lambda _: connected())

    def subscribe(self, event_type: str, handler: Callable[[Message], None]) -> None:
        """Have each event of a type handled, from the next time that the link is made.

        Args:
            event_type: of Core's bus, such as `homeassistant_started`.
            handler: takes the event as Core sends it: `event_type`, `data`, `context` and so on.
        """
        self._handlers[event_type] = handler

    @property
    def version(self) -> str | None:
        """Core's version, for example 2026.11.0; None without a link."""
        return None if self._conversation is None else self._conversation.version

    @property
    def up_since(self) -> float | None:
        """Since when the link has lasted, in the clock's monotonic seconds; None without one."""
        return self._up_since

    async def command(self, command: Mapping[str, object]) -> Any:  # noqa: ANN401 - each has its own
        """Send a command, with its `type` and without an id, and give its result.

        Several may be under way together.

        Raises:
            CoreAwayError: there is no link, it broke meanwhile, or there was no answer in time.
                Whether Core has done what it was told is then unknown.
            CoreRefusedError: Core said no, with a code and a sentence; or the command is larger
                than the Supervisor passes on (4 MiB), and was not sent.
        """
        if self._conversation is None:
            raise CoreAwayError("COMMAND", str(command.get("type")), None, "there is no link")
        return await self._conversation.ask(command)

    async def run(self) -> None:
        """Keep the link, for ever."""
        async for attempt in retrying(CoreError, self._clock):
            with attempt:
                await self._hold()

    async def _hold(self) -> NoReturn:
        """Make the link and keep it for as long as it lasts."""
        try:
            conversation, handlers = await self._open()
            try:
                self._conversation, self._up_since = conversation, self._clock.monotonic()
                self._connected()
                while True:
                    subscription, event = await conversation.next_event()
                    if handler := handlers.get(subscription):
                        handler(event)
            finally:
                self._conversation = self._up_since = None
                await conversation.close()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            status = getattr(error, "status", None)
            broken = CoreAwayError("GET", PATH, status, type(error).__name__)
            self._disconnected(broken)
            raise broken from None
        except CoreError as error:
            self._disconnected(error)
            raise

    async def _open(self) -> tuple[Conversation, Mapping[int, Callable[[Message], None]]]:
        """Connect, log in, and make all subscriptions; returns the handler of each, too."""
        async with asyncio.timeout(timeout(_HANDSHAKE_TIME_OUT)):
            socket = await self._session.ws_connect(
                self._url, heartbeat=timeout(_HEARTBEAT), max_msg_size=_LARGEST_MESSAGE
            )
            try:
                conversation = await log_in(socket, self._token)
                handlers = {
                    await conversation.subscribe(event_type): handler
                    for event_type, handler in self._handlers.items()
                }
            except BaseException:
                await socket.close()
                raise
        return conversation, handlers
