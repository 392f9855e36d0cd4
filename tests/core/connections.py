"""A WebSocket to Core for tests, and a Core that answers only when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import aiohttp
from aiohttp import web

from house import until
from redback.clock import Clock, SystemClock
from redback.core import CoreError, WebSocket, open_session
from standin.serving import Server
from standin.supervisor import TOKEN, CoreAddress, Supervisor


class Watched:
    """A WebSocket, and what it has reported."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, clock: Clock) -> None:
        self.connected = 0
        self.disconnected: list[CoreError] = []
        self.websocket = WebSocket(
            session,
            url,
            token,
            clock,
            connected=self._note_coming,
            disconnected=self.disconnected.append,
        )

    def _note_coming(self) -> None:
        self.connected += 1


@contextmanager
def watching(
    session: aiohttp.ClientSession, url: str, token: str = TOKEN, clock: Clock | None = None
) -> Iterator[Watched]:
    watched = Watched(session, url, token, clock or SystemClock())
    task = asyncio.create_task(watched.websocket.run())
    yield watched
    task.cancel()


class SilentCore:
    """Lets everybody in, keeps the commands, and answers none of them by itself."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        # The types of events that happen each time before a subscription is answered.
        self.early: list[str] = []
        self._server = Server(self._make_app)
        self._socket: web.WebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url

    def asked(self, kind: str) -> dict[str, Any] | None:
        """Return the last command of a type, with its id."""
        return next((c for c in reversed(self.commands) if c["type"] == kind), None)

    async def answer(self, command: dict[str, Any] | None, result: object) -> None:
        assert command is not None
        await self._send({"id": command["id"], "type": "result", "success": True, "result": result})

    async def report_its_start(self) -> None:
        await self.fire("homeassistant_started")

    async def fire(self, event_type: str, **data: object) -> None:
        """Send an event to whoever is subscribed to its type."""
        for command in self.commands:
            if command["type"] == "subscribe_events" and command["event_type"] == event_type:
                event = {"event_type": event_type, "data": data}
                await self._send({"id": command["id"], "type": "event", "event": event})

    async def hang_up(self) -> None:
        await self._server.close_sockets()

    def _make_app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/core/websocket", self._talk)
        return app

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        socket = await self._server.open_socket(request)
        await socket.send_json({"type": "auth_required"})
        await socket.receive_json()
        await socket.send_json({"type": "auth_ok", "ha_version": "2026.11.0"})
        self._socket = socket
        async for frame in socket:
            self.commands.append(frame.json())
            if self.commands[-1]["type"] == "subscribe_events":
                for event_type in self.early:
                    await self.fire(event_type)
                await self.answer(self.commands[-1], None)
        return socket

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._socket is not None
        await self._socket.send_json(message)


@asynccontextmanager
async def websocket_through(supervisor: Supervisor) -> AsyncIterator[Watched]:
    """Connect to the Core behind a Supervisor, ready for commands."""
    async with open_session(supervisor.token) as session:
        with watching(session, supervisor.url) as watched:
            await until(lambda: watched.connected)
            yield watched


@asynccontextmanager
async def websocket_to(core: CoreAddress) -> AsyncIterator[WebSocket]:
    """Connect to a Core, ready for commands."""
    async with Supervisor(core) as supervisor, websocket_through(supervisor) as watched:
        yield watched.websocket
