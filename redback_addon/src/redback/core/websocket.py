"""One WebSocket to Core, kept open to know when Core comes and goes, and to give it commands."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, NoReturn

import aiohttp
import msgspec
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from ..clock import Clock
from ..timeouts import timeout
from .errors import CoreAwayError, CoreError, CoreRefusedError

_PATH = "/core/websocket"
# A Core that is gone without a word is noticed within this many seconds.
_HEARTBEAT = 30
# As for a request: an attempt that began before Core answers again must not cost much time.
_HANDSHAKE_TIME_OUT = 4
# Core reads statistics from a database that may be on a slow card, and busy.
_ANSWER_TIME_OUT = 60
# All that the Supervisor passes on: a smaller limit would break the link over one large answer.
_LARGEST_MESSAGE = 64 * 1024 * 1024
# The Supervisor closes the WebSocket of an add-on that sends a frame of this many bytes.
_LARGEST_FRAME = 4 * 1024 * 1024
# Core repeats in its error what it did not like, and that may be a whole message.
_LONGEST_DETAIL = 300
# Core must have all states within ten seconds of answering, so no wait may come near that.
_LONGEST_WAIT = 5

Message = dict[str, Any]


def retrying(kind: type[CoreError], clock: Clock) -> AsyncRetrying:
    """Retry after this kind of error: random exponential back-off, 5 s at most, without end."""
    return AsyncRetrying(
        retry=retry_if_exception_type(kind),
        wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT),
        sleep=clock.sleep,
    )


class WebSocket:
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
        self._url = supervisor_url + _PATH
        self._token = token
        self._clock = clock
        self._connected = connected
        self._disconnected = disconnected
        self._conversation: _Conversation | None = None
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
            broken = CoreAwayError("GET", _PATH, status, type(error).__name__)
            self._disconnected(broken)
            raise broken from None
        except CoreError as error:
            self._disconnected(error)
            raise

    async def _open(self) -> tuple["_Conversation", Mapping[int, Callable[[Message], None]]]:
        """Connect, log in, and make all subscriptions; returns the handler of each, too."""
        async with asyncio.timeout(timeout(_HANDSHAKE_TIME_OUT)):
            socket = await self._session.ws_connect(
                self._url, heartbeat=timeout(_HEARTBEAT), max_msg_size=_LARGEST_MESSAGE
            )
            try:
                conversation = await _log_in(socket, self._token)
                handlers = {
                    await conversation.subscribe(event_type): handler
                    for event_type, handler in self._handlers.items()
                }
            except BaseException:
                await socket.close()
                raise
        return conversation, handlers


class _Conversation:
    """One connection, from its log-in to its end.

    Attributes:
        version: Core's, for example 2026.11.0; None where it was not told.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, version: str | None) -> None:
        self.version = version
        self._socket = socket
        self._ids = count(1)
        # An answer of None is none: the connection has ended.
        self._waiting: dict[int, asyncio.Future[Message | None]] = {}
        # Events that came while another subscription was being made.
        self._early: deque[Message] = deque()

    async def subscribe(self, event_type: str) -> int:
        """Ask for the events of a type, before any other command; returns their subscription.

        Raises:
            CoreAwayError: the connection was closed. The Supervisor lets everybody in, and may
                find only then that Core is not there.
            CoreRefusedError: Core said no.
        """
        number = next(self._ids)
        command = {"type": "subscribe_events", "event_type": event_type}
        await self._send(command, number)
        while (message := await _receive(self._socket)).get("type") != "result":
            if message.get("type") == "event":
                self._early.append(message)
        _result(command, message)
        return number

    async def ask(self, command: Mapping[str, object]) -> Any:  # noqa: ANN401 - each has its own
        """Send a command and give its result; `next_event` must be running meanwhile.

        Raises:
            CoreAwayError: the connection broke, or there was no answer in time.
            CoreRefusedError: Core said no, or the command is too large to be sent.
        """
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout(_ANSWER_TIME_OUT)):
                await self._send(command, number)
                message = await answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CoreAwayError(*_request(command), None, type(error).__name__) from None
        finally:
            del self._waiting[number]
        if message is None:
            raise CoreAwayError(*_request(command), None, "the link broke")
        return _result(command, message)

    async def next_event(self) -> tuple[int, Message]:
        """Wait for the next event, and hand out the answers that come before it.

        Returns:
            The event's subscription, and the event as Core sends it.

        Raises:
            CoreAwayError: the connection was closed, or something came that is no message.
        """
        while (message := await self._next()).get("type") != "event":
            answer = self._waiting.get(message.get("id", 0))
            if answer is not None and not answer.done():
                answer.set_result(message)
        return message.get("id", 0), message.get("event") or {}

    async def _next(self) -> Message:
        return self._early.popleft() if self._early else await _receive(self._socket)

    async def close(self) -> None:
        """Let nobody wait any longer, and close the connection."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(None)
        await self._socket.close()

    async def _send(self, command: Mapping[str, object], number: int) -> None:
        frame = msgspec.json.encode({**command, "id": number})
        if len(frame) >= _LARGEST_FRAME:
            raise CoreRefusedError(
                *_request(command), None, f"{len(frame)} bytes are too many", code="too_large"
            )
        await self._socket.send_str(frame.decode())


async def _log_in(socket: aiohttp.ClientWebSocketResponse, token: str) -> _Conversation:
    """Log in on a new connection.

    Raises:
        CoreAwayError: the connection was closed.
        CoreRefusedError: the token was not accepted.
    """
    await _receive(socket)
    await socket.send_json({"type": "auth", "access_token": token})
    answer = await _receive(socket)
    if answer.get("type") != "auth_ok":
        raise CoreRefusedError("GET", _PATH, None, "the Supervisor's token was not accepted")
    return _Conversation(socket, answer.get("ha_version"))


async def _receive(socket: aiohttp.ClientWebSocketResponse) -> Message:
    """Wait for the next message.

    Raises:
        CoreAwayError: the link was closed, or something came that is no message of Core's.
    """
    frame = await socket.receive()
    if frame.type is aiohttp.WSMsgType.TEXT:
        try:
            return msgspec.json.decode(frame.data, type=Message)
        except msgspec.DecodeError:
            pass
    raise CoreAwayError("GET", _PATH, None, f"the link was closed ({frame.type.name.lower()})")


def _request(command: Mapping[str, object]) -> tuple[str, str]:
    """Name a command in an error."""
    return "COMMAND", str(command.get("type"))


def _result(command: Mapping[str, object], message: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as `ask`
    if message.get("success"):
        return message.get("result")
    error = message.get("error") or {}
    raise CoreRefusedError(
        *_request(command),
        None,
        str(error.get("message"))[:_LONGEST_DETAIL],
        code=str(error.get("code")),
    )
