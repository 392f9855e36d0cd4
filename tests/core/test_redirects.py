"""That the Supervisor's token goes to the Supervisor alone, even if that points elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from fake_clock import FakeClock
from redback.core import CoreAwayError, CoreError, Rest, State, WebSocket, open_session
from running import running

TOKEN = "token-of-the-supervisor"
STATE = State("sensor.redback_status", "OK", {})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


class Stranger:
    """A host that asks for a token as Core does, and keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(f"{request.method} {request.headers} {await request.text()}")
        if request.headers.get("Upgrade") != "websocket":
            return web.json_response({})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "auth_required"})
        self.heard.append(str(await socket.receive()))
        return socket


@pytest.fixture
def stranger() -> Stranger:
    return Stranger()


@pytest.fixture(params=[301, 302, 303, 307, 308])
async def misled(request: pytest.FixtureRequest, stranger: Stranger) -> AsyncIterator[str]:
    """Return the address of a Supervisor that sends everybody to a stranger."""
    async with serving(stranger.answer) as elsewhere:

        async def redirect(asked: web.Request) -> web.StreamResponse:
            return web.Response(status=request.param, headers={"Location": elsewhere + asked.path})

        async with serving(redirect) as url:
            yield url


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(TOKEN) as session:
        yield session


async def test_a_state_goes_nowhere_else(
    session: aiohttp.ClientSession, misled: str, stranger: Stranger
) -> None:
    with pytest.raises(CoreAwayError, match="RedirectError"):
        await Rest(session, misled).set_state(STATE)
    assert stranger.heard == []


async def test_the_websocket_connects_to_nobody_else(
    session: aiohttp.ClientSession, misled: str, stranger: Stranger, clock: FakeClock
) -> None:
    gone: asyncio.Queue[CoreError] = asyncio.Queue()
    websocket = WebSocket(
        session, misled, TOKEN, clock, connected=lambda: None, disconnected=gone.put_nowait
    )
    async with running(websocket):
        async with asyncio.timeout(10):
            error = await gone.get()
    assert str(error) == "GET /core/websocket: no answer: RedirectError"
    assert stranger.heard == []
