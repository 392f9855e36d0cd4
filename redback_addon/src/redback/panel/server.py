"""The panel's port, open only to the allowed addresses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable

from aiohttp import web

_LOG = logging.getLogger(__name__)
_HEALTH = "/health"
# The health check runs inside the container.
_OWN = frozenset({"127.0.0.1", "::1"})
_ALL_INTERFACES = "0.0.0.0"  # noqa: S104 - access is decided by the client's address
# No request is longer than a line.
_LARGEST_REQUEST = 4096
_HEADERS = {
    # Home Assistant shows the page in a frame, with the same origin.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_FILES = "/static/"

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Panel:
    """The web server; any port if that is 0.

    Only the allowed addresses may use it; the container's own may check its health.
    """

    def __init__(
        self, port: int, allowed: Collection[str], routes: Iterable[web.AbstractRouteDef]
    ) -> None:
        self._port = port
        self._allowed = frozenset(allowed)
        self._routes = tuple(routes)

    async def run(self) -> None:
        """Serve, for ever; raise an OSError if another program has the port."""
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, _ALL_INTERFACES, self._port).start()
            _LOG.debug("The panel listens on %s", runner.addresses[0])
            await asyncio.Event().wait()  # until it is cancelled
        finally:
            await runner.cleanup()

    def application(self) -> web.Application:
        """Return the application; tests serve it themselves."""
        application = web.Application(middlewares=[self._guard], client_max_size=_LARGEST_REQUEST)
        application.on_response_prepare.append(_secure)
        application.router.add_get(_HEALTH, _health)
        application.add_routes(self._routes)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        is_own = request.path == _HEALTH and request.remote in _OWN
        if request.remote in self._allowed or is_own:
            return await handler(request)
        raise web.HTTPForbidden


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    is_file = request.path.startswith(_FILES)
    response.headers["Cache-Control"] = "no-cache" if is_file else "no-store"


async def _health(_: web.Request) -> web.Response:
    """Answer while the event loop runs: one that hangs does not."""
    return web.Response(text="alive\n")
