"""A stand-in of the panel's server: the page, its files, and whatever answers a test wants.

It stands below a prefix, as Home Assistant's ingress does, and records what is asked beside it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import tzinfo
from pathlib import Path
from string import Template

import msgspec
from aiohttp import web

import redback.panel
from browser.answers import all_answers, period
from browser.examples import HOME, NOW
from redback.panel.local_time import offsets

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_FOLDER = Path(redback.panel.__file__).parent
_PREFIX = "/api/hassio_ingress/x4Vt9"
_TOKEN = "a-token-of-the-page"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class StandIn:
    """What a test sets, and what it may look at afterwards."""

    def __init__(self, status: Mapping[str, object]) -> None:
        self.status = status
        self.data = all_answers()  # by the path below data/
        self.made: dict[str, Callable[[Mapping[str, str]], object]] = {"period": period}  # by query
        self.queries: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, tuple[int, str]] = {}  # by the path below do/
        self.posts: list[tuple[str, object]] = []
        self.strays: list[str] = []  # what was asked outside of the prefix
        self.zone: tzinfo | None = HOME  # None = this machine's
        self.is_away = False
        self.is_silent = False  # no event comes before one is published, as if it were held back
        self._streams: set[asyncio.Queue[str | None]] = set()
        self.opened = 0  # how many streams there have been
        # aiohttp's own server for tests ends a request whose window has been closed, and leaves
        # the file open that it was about to send.
        self._server = web.AppRunner(self._application(), access_log=None)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"{self._origin}{_PREFIX}/"

    @property
    def home(self) -> str:
        """Where a page of Home Assistant's own is, which has the panel in a frame."""
        return f"{self._origin}/home"

    async def start(self) -> None:
        """Serve on a port of its own."""
        await self._server.setup()
        await web.TCPSite(self._server, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        """End."""
        self.drop()
        await self._server.cleanup()

    def publish(self, status: Mapping[str, object]) -> None:
        """Send a Status to every page that listens."""
        self.status = status
        for stream in self._streams:
            stream.put_nowait(_event(status))

    def drop(self) -> None:
        """Cut every stream."""
        for stream in self._streams:
            stream.put_nowait(None)

    @property
    def _origin(self) -> str:
        return "http://{}:{}".format(*self._server.addresses[0])

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._record])
        router = application.router
        router.add_get(f"{_PREFIX}/", self._page)
        router.add_get(f"{_PREFIX}/live", self._live)
        router.add_get(f"{_PREFIX}/data/{{path:.+}}", self._data)
        router.add_post(f"{_PREFIX}/do/{{path:.+}}", self._do)
        router.add_get(f"{_PREFIX}/diagnostics", self._diagnostics)
        router.add_get("/home", self._home)
        router.add_static(f"{_PREFIX}/static", _FOLDER / "static")
        return application

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith((f"{_PREFIX}/", "/home")):
            self.strays.append(request.path)
        if self.is_away:
            raise web.HTTPBadGateway
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS if request.path != "/home" else {})
        return response

    async def _page(self, _: web.Request) -> web.Response:
        known = json.dumps(offsets(NOW, self.zone))
        text = Template((_FOLDER / "page.html").read_text()).substitute(token=_TOKEN, offsets=known)
        return web.Response(text=text, content_type="text/html")

    async def _home(self, request: web.Request) -> web.Response:
        style = request.query.get("style", "")
        return web.Response(
            text=f'<!doctype html><html style="{style}"><link rel="icon" href="data:,">'
            "<style>body{margin:0}iframe{border:0;width:100vw;height:100vh}</style>"
            f'<iframe src="{_PREFIX}/"></iframe>',
            content_type="text/html",
        )

    async def _live(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        stream: asyncio.Queue[str | None] = asyncio.Queue()
        if not self.is_silent:
            stream.put_nowait(_event(self.status))
        self._streams.add(stream)
        self.opened += 1
        try:
            await response.prepare(request)
            while (event := await stream.get()) is not None:
                await response.write(event.encode())
        except ConnectionError:
            pass  # the page is gone
        finally:
            self._streams.discard(stream)
        return response

    async def _data(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if path == "status":
            return web.json_response(self.status)
        self.queries.append((path, dict(request.query)))
        if path not in self.data and path not in self.made:
            raise web.HTTPServiceUnavailable
        content = self.made[path](request.query) if path in self.made else self.data[path]
        body = msgspec.json.encode(content)  # as short as the server's
        return web.Response(body=body, content_type="application/json")

    async def _do(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if request.headers.get("X-Redback-Token") != _TOKEN:
            return web.json_response({"text": "The token is missing."}, status=403)
        self.posts.append((path, await request.json()))
        status, text = self.answers.get(path, (200, "Done."))
        return web.json_response({"text": text}, status=status)

    async def _diagnostics(self, _: web.Request) -> web.Response:
        headers = {"Content-Disposition": 'attachment; filename="redback-diagnostics.json"'}
        return web.json_response({"version": "1.0.0", "options": {"sites": 1}}, headers=headers)


def _event(status: Mapping[str, object]) -> str:
    return f"event: status\ndata: {json.dumps(status)}\n\n"
