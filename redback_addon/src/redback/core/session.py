"""The session for Core: it sends the Supervisor's token with each request, and nowhere else."""

import aiohttp
import msgspec

# From one minute's states to the next, but not longer than the Supervisor keeps a connection.
_KEPT_ALIVE_SECONDS = 70


class RedirectError(aiohttp.ClientError):
    """The answer points to another address, which is not followed."""


def open_session(token: str) -> aiohttp.ClientSession:
    """Return a session with the Supervisor's token; it must be closed.

    Its requests raise a `RedirectError` where aiohttp would follow, also for a WebSocket: over that
    the token is sent to whoever answers.
    """
    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(keepalive_timeout=_KEPT_ALIVE_SECONDS),
        middlewares=(_stay,),
        json_serialize_bytes=msgspec.json.encode,
    )


async def _stay(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if 300 <= response.status < 400:  # noqa: PLR2004 - HTTP's own range of redirects
        response.close()
        raise RedirectError
    return response
