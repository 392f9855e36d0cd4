"""The session for Core: the Supervisor's token goes along with each request, and nowhere else."""

import aiohttp

# From one minute's states to the next, but no longer than the Supervisor keeps a connection.
_KEPT_ALIVE_SECONDS = 70


class RedirectError(aiohttp.ClientError):
    """The answer points to another address, which is not asked."""


def open_session(token: str) -> aiohttp.ClientSession:
    """Make a session that is let in with the Supervisor's token; it must be closed.

    Its requests raise a `RedirectError` where aiohttp would follow. It would do so for a WebSocket
    too, over which the token is sent to whoever asks for it.
    """
    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(keepalive_timeout=_KEPT_ALIVE_SECONDS),
        middlewares=(_stay,),
    )


async def _stay(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if 300 <= response.status < 400:  # noqa: PLR2004 - HTTP's own range of redirects
        response.close()
        raise RedirectError
    return response
