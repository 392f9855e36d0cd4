"""That a page which is closed leaves nothing in the log."""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from itertools import count
from typing import cast

import msgspec
import pytest
from aiohttp import web

from redback.panel import Context, live

# The seconds for which what was sent is still passed on, if any.
_LINGER = {"closed": struct.pack("ii", 0, 0), "reset": struct.pack("ii", 1, 0)}


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Status(msgspec.Struct, frozen=True):
    at: int
    number: int


@pytest.mark.parametrize("how", ["closed", "reset"])
async def test_a_stream_that_is_cut_is_no_error(
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    numbers, ended = count(), asyncio.Event()
    monkeypatch.setattr(live, "status", lambda _: _Status(0, next(numbers)))
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.001)

    @web.middleware
    async def watch(request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            ended.set()

    application = web.Application(middlewares=[watch])
    application.add_routes([live.route(cast("Context", None))])
    # As the panel serves it; aiohttp's own server for tests ends a handler whose page is gone.
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(b"GET /live HTTP/1.1\r\nHost: panel\r\n\r\n")
    await reader.readuntil(b"event: status")
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER[how])
    writer.close()
    await asyncio.wait_for(ended.wait(), 10)
    await runner.cleanup()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
