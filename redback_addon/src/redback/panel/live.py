"""The status as it changes, as server-sent events."""

import asyncio
import contextlib

import msgspec
from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from .context import Context
from .status import status

# People do not notice more than one change a second.
_LOOK_SECONDS = 1.0
# The page takes a longer silence for a lost connection.
_SILENCE_SECONDS = 15.0


def route(context: Context) -> web.RouteDef:
    """Return the route that sends the status to whoever follows it."""

    async def follow(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        # The page was closed, or its device does not answer.
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with sse_response(request) as stream:
                await _send(context, stream)
        return stream

    return web.get("/live", follow)


async def _send(context: Context, stream: EventSourceResponse) -> None:
    """Send an event `status` at once, at each change, and after each silence."""
    loop = asyncio.get_running_loop()
    shown, at = None, 0.0
    while stream.is_connected():
        found = status(context)
        # The time of day alone is no change.
        is_new = shown is None or msgspec.structs.replace(found, at=shown.at) != shown
        if is_new or loop.time() - at >= _SILENCE_SECONDS:
            await stream.send(msgspec.json.encode(found).decode(), event="status")
            shown, at = found, loop.time()
        await asyncio.sleep(_LOOK_SECONDS)
