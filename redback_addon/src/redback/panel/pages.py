"""Everything that the panel serves: the page, its files, and the data that it asks for."""

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from string import Template

import msgspec
from aiohttp import web

from .actions import Actions
from .calendar import calendar
from .context import Context
from .diagnostics import diagnostics
from .entities import entities
from .live import Live
from .sites import sites
from .status import clock_ahead_s, status

_FOLDER = Path(__file__).parent
_MOST_DAYS = 62
_DAYS = 14
_Data = Callable[[web.Request], Awaitable[object]]


def routes(context: Context) -> list[web.AbstractRouteDef]:
    """Return all routes; the page gets a token that no other site can know."""
    token = secrets.token_urlsafe()
    return [
        *Pages(context, token).routes(),
        *Live(context).routes(),
        *Actions(context, token).routes(),
    ]


class Pages:
    """Everything that is read with GET and changes nothing.

    Args:
        context: the parts of the service.
        token: for the page alone.
    """

    def __init__(self, context: Context, token: str) -> None:
        self._context = context
        self._token = token
        self._page = Template((_FOLDER / "page.html").read_text(encoding="utf-8"))

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes of the page, its files and its data."""
        data: dict[str, _Data] = {
            "status": self._status,
            "day": self._day,
            "calendar": self._calendar,
            "sites": self._sites,
            "entities": self._entities,
            **{name: _looking(setup.look) for name, setup in self._context.setups.items()},
        }
        return [
            web.get("/", self._show),
            web.static("/static", _FOLDER / "static"),
            web.get("/diagnostics", self._download),
            *(web.get(f"/data/{name}", _answering(give)) for name, give in data.items()),
        ]

    async def _show(self, _: web.Request) -> web.Response:
        ahead = clock_ahead_s(self._context.clock.now())
        # Neither value needs escaping: a URL-safe token and a number.
        page = self._page.substitute(token=self._token, clock_ahead_s=ahead)
        return web.Response(text=page, content_type="text/html")

    async def _download(self, _: web.Request) -> web.Response:
        return web.Response(
            body=msgspec.json.format(msgspec.json.encode(diagnostics(self._context))),
            content_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="redback-diagnostics.json"'},
        )

    async def _status(self, _: web.Request) -> object:
        return status(self._context)

    async def _day(self, request: web.Request) -> object:
        serial = self._serial(request)
        return self._context.minutes.day(self._context.names() if serial is None else (serial,))

    async def _calendar(self, request: web.Request) -> object:
        serial = self._serial(request) or next(iter(sorted(self._context.names())), None)
        if serial is None:
            raise web.HTTPNotFound
        context = self._context
        since, name = context.history.since(serial), context.names()[serial].name
        days, now = _days(request), context.clock.now()
        return calendar(context.coverage, serial, name, since, days, now)

    async def _sites(self, _: web.Request) -> object:
        return sites(self._context)

    async def _entities(self, _: web.Request) -> object:
        return entities(self._context)

    def _serial(self, request: web.Request) -> str | None:
        serial = request.query.get("serial")
        if serial is not None and serial not in self._context.names():
            raise web.HTTPNotFound
        return serial


def _days(request: web.Request) -> int:
    try:
        return min(max(int(request.query.get("days", _DAYS)), 1), _MOST_DAYS)
    except ValueError:
        raise web.HTTPBadRequest from None


def _looking(look: Callable[[], Awaitable[object]]) -> _Data:
    async def give(_: web.Request) -> object:
        return await look()

    return give


def _answering(give: _Data) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        body = msgspec.json.encode(await give(request))
        return web.Response(body=body, content_type="application/json")

    return handler
