"""What is said on one WebSocket to Core: commands go out, answers find back to them by their id."""

import asyncio
from collections import deque
from collections.abc import Mapping
from itertools import count
from typing import Any

import aiohttp
import msgspec

from ..timeouts import timeout
from .errors import CoreAwayError, CoreRefusedError

PATH = "/core/websocket"
# The Supervisor closes the WebSocket of an add-on that sends a frame of this many bytes.
_LARGEST_FRAME = 4 * 1024 * 1024
# Core reads statistics from a database that may be on a slow card, and busy.
_ANSWER_TIME_OUT = 60
# Core repeats in its error what it did not like, and that may be a whole message.
_LONGEST_DETAIL = 300

Message = dict[str, Any]


class Conversation:
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
        while (message := await receive(self._socket)).get("type") != "result":
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
        return self._early.popleft() if self._early else await receive(self._socket)

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


async def log_in(socket: aiohttp.ClientWebSocketResponse, token: str) -> Conversation:
    """Log in on a new connection.

    Raises:
        CoreAwayError: the connection was closed.
        CoreRefusedError: the token was not accepted.
    """
    await receive(socket)
    await socket.send_json({"type": "auth", "access_token": token})
    answer = await receive(socket)
    if answer.get("type") != "auth_ok":
        raise CoreRefusedError("GET", PATH, None, "the Supervisor's token was not accepted")
    return Conversation(socket, answer.get("ha_version"))


async def receive(socket: aiohttp.ClientWebSocketResponse) -> Message:
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
    raise CoreAwayError("GET", PATH, None, f"the link was closed ({frame.type.name.lower()})")


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
