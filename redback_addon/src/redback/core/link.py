"""One WebSocket to Core, kept open to know when Core comes and goes."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import aiohttp
import msgspec

from ..clock import Clock
from .errors import CoreAwayError, CoreError, CoreRefusedError
from .patience import retrying

_PATH = "/core/websocket"
# A Core that is gone without a word is noticed within this many seconds.
_HEARTBEAT = 30
_HANDSHAKE_TIME_OUT = 10
_LARGEST_MESSAGE = 4 * 1024 * 1024


class CoreLink:
    """Tells each time that Core may have lost its states, and when it is gone.

    Core forgets every pushed state when it restarts. `came` is therefore called when the link is
    made, and once more when Core says that it has started; `went` with what went wrong.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        supervisor_url: str,
        token: str,
        clock: Clock,
        *,
        came: Callable[[], None],
        went: Callable[[CoreError], None],
    ) -> None:
        self._session = session
        self._url = supervisor_url + _PATH
        self._token = token
        self._clock = clock
        self._came = came
        self._went = went

    async def run(self) -> None:
        """Keep the link, for ever."""
        async for attempt in retrying(CoreError, self._clock):
            with attempt:
                await self._hold()

    async def _hold(self) -> NoReturn:
        """Make the link and keep it for as long as it lasts."""
        try:
            async with await self._open() as socket:
                self._came()
                while True:
                    message = await _receive(socket)
                    if message.get("type") == "event":
                        self._came()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            status = getattr(error, "status", None)
            broken = CoreAwayError("GET", _PATH, status, type(error).__name__)
            self._went(broken)
            raise broken from None
        except CoreError as error:
            self._went(error)
            raise

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        """Connect, log in, and ask to be told when Core has started."""
        async with asyncio.timeout(_HANDSHAKE_TIME_OUT):
            socket = await self._session.ws_connect(
                self._url, heartbeat=_HEARTBEAT, max_msg_size=_LARGEST_MESSAGE
            )
            try:
                await _log_in(socket, self._token)
                await socket.send_json(
                    {"id": 1, "type": "subscribe_events", "event_type": "homeassistant_started"}
                )
            except BaseException:
                await socket.close()
                raise
        return socket


async def _log_in(socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
    await _receive(socket)
    await socket.send_json({"type": "auth", "access_token": token})
    answer = await _receive(socket)
    if answer.get("type") != "auth_ok":
        raise CoreRefusedError("GET", _PATH, None, "the Supervisor's token was not accepted")


async def _receive(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """Wait for the next message.

    Raises:
        CoreAwayError: the link was closed, or something came that is no message of Core's.
    """
    frame = await socket.receive()
    if frame.type is aiohttp.WSMsgType.TEXT:
        try:
            return msgspec.json.decode(frame.data, type=dict[str, Any])
        except msgspec.DecodeError:
            pass
    raise CoreAwayError("GET", _PATH, None, f"the link was closed ({frame.type.name.lower()})")
