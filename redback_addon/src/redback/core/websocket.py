"""One WebSocket to Core, kept open for commands and events, and to notice its restarts."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from itertools import count
from typing import Any, NoReturn, TypeVar

import aiohttp
import msgspec

from ..clock import Clock
from ..timeouts import timeout
from .errors import CoreAwayError, CoreError, CoreRefusedError

_PATH = "/core/websocket"
# A Core that vanished without closing the connection is noticed within this many seconds.
_HEARTBEAT = 30
# Short, so that an attempt that began before Core answers again does not cost much time.
_HANDSHAKE_TIME_OUT = 4
# Core reads statistics from a database that may be busy, and on a slow card.
_ANSWER_TIME_OUT = 60
# As large as the Supervisor passes on: one larger answer would break the connection.
_LARGEST_MESSAGE = 64 * 1024 * 1024
# The Supervisor closes the WebSocket of an add-on that sends a frame of this many bytes.
_LARGEST_FRAME = 4 * 1024 * 1024
# Core quotes in its error what it refused, which may be a whole message.
_LONGEST_DETAIL = 300
# Core must have all states within ten seconds of answering, so no wait may come near that.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5

Message = dict[str, Any]
_T = TypeVar("_T")


async def retry(work: Callable[[], Awaitable[None]], kind: type[CoreError], clock: Clock) -> None:
    """Retry after this kind of error: random exponential back-off, 5 s at most, without end."""
    longest: float = _FIRST_WAIT
    while True:
        try:
            return await work()
        except kind:
            pass  # and sleep without the error, whose traceback holds whatever it was raised in
        await clock.sleep(random.uniform(0, longest))  # noqa: S311 - no secret
        longest = min(2 * longest, _LONGEST_WAIT)


class WebSocket:
    """Takes commands, and reports when Core may have lost its states, and when it is gone.

    Core forgets every pushed state when it restarts. `connected` is therefore called on connecting,
    and again when Core reports that it has started; `disconnected` with what went wrong.
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
        self._connection: _Connection | None = None
        # Since when it is connected, in the clock's monotonic seconds; None while it is not.
        self.up_since: float | None = None
        self._handlers: dict[str, list[Callable[[Message], None]]] = {}
        self.subscribe("homeassistant_started", lambda _: connected())

    def subscribe(self, event_type: str, handler: Callable[[Message], None]) -> None:
        """Handle each event of a type of Core's bus as it sends it, from the next connection on."""
        self._handlers.setdefault(event_type, []).append(handler)

    @property
    def version(self) -> str | None:
        """Core's version, for example 2026.11.0; None while not connected."""
        return None if self._connection is None else self._connection.version

    async def command(self, command: Mapping[str, object]) -> Any:  # noqa: ANN401 - each has its own
        """Send a command, with its `type` and without an id, and return its result.

        Several may be under way together.

        Raises:
            CoreAwayError: not connected, the connection broke, or there was no answer in time.
                Whether Core has carried it out is then unknown.
            CoreRefusedError: Core said no, with a code and a sentence; or the command is larger
                than the Supervisor passes on (4 MiB), and was not sent.
        """
        if self._connection is None:
            raise CoreAwayError.of_command(command.get("type"), "not connected")
        return await self._connection.command(command)

    async def ask(self, command: Mapping[str, object], kind: type[_T]) -> _T:
        """Send a command and return its result as this type; raise as `command` does.

        The code is unexpected_answer where the result does not fit.
        """
        answer = await self.command(command)
        try:
            return msgspec.convert(answer, kind)
        except msgspec.ValidationError as error:
            raise CoreRefusedError.of_command(
                command.get("type"), str(error), "unexpected_answer"
            ) from None

    async def follow(
        self, command: Mapping[str, object], handler: Callable[[Message], None]
    ) -> None:
        """Send a command that subscribes, and handle its events until the connection ends.

        Raises:
            CoreAwayError: as for `command`.
            CoreRefusedError: too.
        """
        if self._connection is None:
            raise CoreAwayError.of_command(command.get("type"), "not connected")
        await self._connection.command(command, handler)

    async def run(self) -> None:
        """Stay connected, until cancelled."""
        await retry(self._hold, CoreError, self._clock)

    async def _hold(self) -> NoReturn:
        """Connect, and stay connected for as long as it lasts."""
        try:
            connection = await self._open()
            try:
                self._connection, self.up_since = connection, self._clock.monotonic()
                self._connected()
                while True:
                    subscription, event = await connection.next_event()
                    if handler := connection.handlers.get(subscription):
                        handler(event)
            finally:
                self._connection = self.up_since = None
                await connection.close()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            status = getattr(error, "status", None)
            broken = CoreAwayError("GET", _PATH, status, type(error).__name__)
            self._disconnected(broken)
            raise broken from None
        except CoreError as error:
            self._disconnected(error)
            raise

    async def _open(self) -> "_Connection":
        """Connect, log in and subscribe."""
        async with asyncio.timeout(timeout(_HANDSHAKE_TIME_OUT)):
            socket = await self._session.ws_connect(
                self._url, heartbeat=timeout(_HEARTBEAT), max_msg_size=_LARGEST_MESSAGE
            )
            try:
                connection = await _log_in(socket, self._token)
                for event_type, handlers in self._handlers.items():
                    number = await connection.subscribe(event_type)
                    connection.handlers[number] = partial(_call_all, tuple(handlers))
            except BaseException:
                await socket.close()
                raise
        return connection


class _Connection:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse, version: str | None) -> None:
        self.version = version
        # By subscription.
        self.handlers: dict[int, Callable[[Message], None]] = {}
        self._socket = socket
        self._ids = count(1)
        # None in place of an answer: the connection has ended.
        self._waiting: dict[int, asyncio.Future[Message | None]] = {}
        # Events that came while another subscription was under way.
        self._early: deque[Message] = deque()

    async def subscribe(self, event_type: str) -> int:
        """Subscribe to the events of a type, before any other command; return the subscription."""
        number = next(self._ids)
        command = {"type": "subscribe_events", "event_type": event_type}
        await self._send(command, number)
        while (message := await _receive(self._socket)).get("type") != "result":
            if message.get("type") == "event":
                self._early.append(message)
        _result(command, message)
        return number

    async def command(
        self, command: Mapping[str, object], handler: Callable[[Message], None] | None = None
    ) -> Any:  # noqa: ANN401 - each has its own
        """Send a command and return its result; `next_event` must be running at the same time.

        Where the command subscribes, the handler takes its events.
        """
        number = next(self._ids)
        if handler is not None:
            self.handlers[number] = handler
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout(_ANSWER_TIME_OUT)):
                await self._send(command, number)
                message = await answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CoreAwayError.of_command(command.get("type"), type(error).__name__) from None
        finally:
            del self._waiting[number]
        if message is None:
            raise CoreAwayError.of_command(command.get("type"), "the connection broke")
        return _result(command, message)

    async def next_event(self) -> tuple[int, Message]:
        """Pass answers on until an event comes; return its subscription and the event."""
        while (message := await self._next()).get("type") != "event":
            answer = self._waiting.get(message.get("id", 0))
            if answer is not None and not answer.done():
                answer.set_result(message)
        return message.get("id", 0), message.get("event") or {}

    async def _next(self) -> Message:
        return self._early.popleft() if self._early else await _receive(self._socket)

    async def close(self) -> None:
        """Release everybody who waits for an answer, and close the connection."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(None)
        await self._socket.close()

    async def _send(self, command: Mapping[str, object], number: int) -> None:
        frame = msgspec.json.encode({**command, "id": number})
        if len(frame) >= _LARGEST_FRAME:
            detail = f"{len(frame)} bytes are too many"
            raise CoreRefusedError.of_command(command.get("type"), detail, "too_large")
        await self._socket.send_str(frame.decode())


async def _log_in(socket: aiohttp.ClientWebSocketResponse, token: str) -> _Connection:
    await _receive(socket)
    await socket.send_json({"type": "auth", "access_token": token})
    answer = await _receive(socket)
    if answer.get("type") != "auth_ok":
        raise CoreRefusedError("GET", _PATH, None, "the Supervisor's token was not accepted")
    return _Connection(socket, answer.get("ha_version"))


async def _receive(socket: aiohttp.ClientWebSocketResponse) -> Message:
    """Return the next message; raise a CoreAwayError if the connection was closed.

    The Supervisor accepts every connection, and may notice only then that Core is away.
    """
    frame = await socket.receive()
    if frame.type is aiohttp.WSMsgType.TEXT:
        try:
            return msgspec.json.decode(frame.data, type=Message)
        except msgspec.DecodeError:
            pass
    detail = f"the connection was closed ({frame.type.name.lower()})"
    raise CoreAwayError("GET", _PATH, None, detail)


def _call_all(handlers: Iterable[Callable[[Message], None]], event: Message) -> None:
    for handler in handlers:
        handler(event)


def _result(command: Mapping[str, object], message: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as `command`
    if message.get("success"):
        return message.get("result")
    error = message.get("error") or {}
    detail = str(error.get("message"))[:_LONGEST_DETAIL]
    raise CoreRefusedError.of_command(command.get("type"), detail, str(error.get("code")))
