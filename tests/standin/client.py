"""A small client of Core for tests: REST and WebSocket, straight or through the Supervisor."""

from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import aiohttp

import longer_timeouts
from standin.errors import CommandError
from standin.serving import Message

SECONDS = 30.0
# Core hangs up on who does not log in within ten seconds, which a fast clock makes short; and that
# cannot be longer.
_LOG_INS = 20


@dataclass(frozen=True)
class Answer:
    """What came back: the status, and the body as JSON, or as text where it is none."""

    status: int
    body: Any


def statistics_question(
    ids: Iterable[str],
    start: datetime,
    end: datetime | None = None,
    *,
    period: str = "hour",
    types: Sequence[str],
) -> Message:
    """Return the command that asks for these columns of statistics."""
    question: Message = {
        "type": "recorder/statistics_during_period",
        "start_time": start.isoformat(),
        "statistic_ids": list(ids),
        "period": period,
        "types": types,
    }
    return question if end is None else question | {"end_time": end.isoformat()}


class Client:
    """Someone who holds a token: `Client.of_core(url, token)` or `Client.of_supervisor(...)`.

    Use it as an async context manager. All that it does raises aiohttp.ClientError where there is
    no connection, no log-in or no answer.
    """

    def __init__(self, api: str, websocket: str, token: str, *, seconds: float = SECONDS) -> None:
        self._api = api
        self._websocket = websocket
        self._token = token
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(total=longer_timeouts.scaled(seconds)),
        )

    @classmethod
    def of_core(cls, url: str, token: str, *, seconds: float = SECONDS) -> Self:
        """A client of Core itself, which waits for an answer this long, in real time."""
        return cls(f"{url}/api", f"{url}/api/websocket", token, seconds=seconds)

    @classmethod
    def of_supervisor(cls, url: str, token: str) -> Self:
        """A client of Core through the Supervisor, as an add-on is."""
        return cls(f"{url}/core/api", f"{url}/core/websocket", token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def request(self, method: str, path: str, data: object = None) -> Answer:
        """Ask for `path` below `/api/`; `data` goes as JSON, bytes as they are."""
        body = {"data": data} if isinstance(data, bytes) else {"json": data}
        async with self._session.request(
            method, f"{self._api}/{path}", **({} if data is None else body)
        ) as answer:
            is_json = answer.content_type == "application/json"
            return Answer(answer.status, await (answer.json() if is_json else answer.text()))

    async def push(
        self, entity_id: str, state: object, attributes: dict[str, Any] | None = None
    ) -> Answer:
        """Push one state."""
        return await self.request(
            "POST", f"states/{entity_id}", {"state": state, "attributes": attributes or {}}
        )

    async def command(self, message: Message) -> Any:  # noqa: ANN401  (each command has its own)
        """Send one WebSocket command on a connection of its own; return its result, or raise."""
        async with await self.connect() as socket:
            await socket.send_json({"id": 1, **message})
            answer = await socket.receive_json()
        if answer["type"] == "pong":
            return None
        if not answer["success"]:
            raise CommandError(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    async def connect(self) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket that is logged in; close it after use."""
        for _ in range(_LOG_INS):
            with suppress(aiohttp.WSMessageTypeError, ConnectionResetError):
                return await self._log_in()
        raise aiohttp.ClientError("Core has hung up before the log-in")

    async def _log_in(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self._session.ws_connect(self._websocket, compress=15, max_msg_size=0)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(socket.close)
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self._token})
            answer = await socket.receive_json()
            if answer["type"] != "auth_ok":
                raise aiohttp.ClientError(f"log-in refused: {answer.get('message')}")
            stack.pop_all()
        return socket
