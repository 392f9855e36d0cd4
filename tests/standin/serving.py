"""Serves an aiohttp application on a port that stays the same through stops and starts."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, web

import longer_timeouts

Message = dict[str, Any]
"""A JSON object, as it goes over the wire."""

BODY_LIMIT = 16 * 1024**2
"""Bytes that Core takes as a request's body."""

CLOSE_WAIT_S = 0.5
"""Seconds that a WebSocket's peer has to say goodbye."""

HEARTBEAT_S = 30
"""Seconds after which a silent WebSocket's peer is asked whether it is there."""


class Server:
    """One web server on the loopback, which can be stopped and started again on its port.

    `make_app` is called for every start. Port 0 means any free one, chosen at the first start.
    """

    def __init__(
        self, make_app: Callable[[], web.Application], *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._make_app = make_app
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end; the same after every start."""
        return f"http://{self._host}:{self._port}"

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._runner is not None

    async def start(self) -> None:
        """Listen; nothing happens when it already does.

        Raises:
            OSError: another process has the port.
        """
        if self._runner is not None:
            return
        runner = web.AppRunner(
            self._make_app(), shutdown_timeout=longer_timeouts.scaled(CLOSE_WAIT_S)
        )
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every WebSocket and connection, and refuse new ones."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        for site in list(runner.sites):
            await site.stop()
        await self.close_sockets()
        await runner.cleanup()

    async def open_socket(self, request: web.Request) -> web.WebSocketResponse:
        """Answer a WebSocket handshake; the socket is closed when the server stops."""
        socket = web.WebSocketResponse(
            heartbeat=longer_timeouts.scaled(HEARTBEAT_S),
            timeout=longer_timeouts.scaled(CLOSE_WAIT_S),
        )
        await socket.prepare(request)
        self._sockets.add(socket)
        return socket

    async def close_socket(self, socket: web.WebSocketResponse) -> None:
        """Close one WebSocket that `open_socket` opened."""
        self._sockets.discard(socket)
        await socket.close()

    async def close_sockets(self) -> None:
        """Close every open WebSocket, as a server that goes away does."""
        closing = [socket.close(code=WSCloseCode.GOING_AWAY) for socket in self._sockets]
        await asyncio.gather(*closing)
