"""Serves the page, its files, and the data that it requests."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from string import Template

import msgspec
from aiohttp import web

from ..backfill import RefillError, moment
from ..core import CoreError
from ..dashboards.words import in_words
from . import actions, live
from .calendar import Calendar, calendar
from .context import Context, Setup
from .corrections import corrections
from .diagnostics import diagnostics
from .downloads import file_name, written
from .entities import entities
from .local_time import offsets
from .minutes import Day
from .period import ZoneError, energy, table
from .sites import accounts, gone
from .status import by_site, status
from .wanted import WantedError, step, wanted

_FOLDER = Path(__file__).parent
_MOST_DAYS = 62
_DAYS = 14
_OTHER_ZONE = (
    "Home Assistant's time zone is not the one that the add-on was started in. Restart the add-on."
)
_Handler = Callable[[web.Request], Awaitable[web.Response]]


def routes(context: Context) -> list[web.AbstractRouteDef]:
    """Return all routes; the page gets a token that no other site can know."""
    token = secrets.token_urlsafe()
    return [
        web.get("/", _page(context, token)),
        web.static("/static", _FOLDER / "static"),
        web.get("/diagnostics", _diagnostics(context)),
        *(web.get(f"/data/{name}", _data(context, find)) for name, find in _DATA.items()),
        web.get("/data/period", _period(context)),
        web.get("/energy.csv", _download(context)),
        *(web.get(f"/data/{name}", _setup(setup)) for name, setup in context.setups.items()),
        live.route(context),
        *actions.routes(context, token),
    ]


def _page(context: Context, token: str) -> _Handler:
    template = Template((_FOLDER / "page.html").read_text(encoding="utf-8"))

    async def handler(_: web.Request) -> web.Response:
        known = msgspec.json.encode(offsets(context.clock.now())).decode()
        page = template.substitute(token=token, offsets=known)
        return web.Response(text=page, content_type="text/html")

    return handler


def _diagnostics(context: Context) -> _Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(
            body=msgspec.json.format(msgspec.json.encode(diagnostics(context))),
            content_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="redback-diagnostics.json"'},
        )

    return handler


def _data(context: Context, find: Callable[[Context, web.Request], object]) -> _Handler:
    async def handler(request: web.Request) -> web.Response:
        return _json(find(context, request))

    return handler


def _setup(setup: Setup) -> _Handler:
    async def handler(_: web.Request) -> web.Response:
        return _json(await setup.look())

    return handler


def _period(context: Context) -> _Handler:
    async def handler(request: web.Request) -> web.Response:
        return _json(await energy(context, wanted(context, request.query)))

    return _told(handler)


def _download(context: Context) -> _Handler:
    async def handler(request: web.Request) -> web.Response:
        asked = wanted(context, request.query)
        by = step(request.query, asked.length)
        bars = await table(context, asked, by)
        return web.Response(
            text=written(bars, by, context.clock.now()),
            content_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{file_name(asked, by)}"'},
        )

    return _told(handler)


def _told(handler: _Handler) -> _Handler:
    """Answer with a sentence where there is no energy."""

    async def told(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except WantedError as error:
            return _failed(HTTPStatus.BAD_REQUEST, str(error))
        except CoreError as error:
            return _failed(HTTPStatus.SERVICE_UNAVAILABLE, in_words(error, "its statistics"))
        except ZoneError:
            return _failed(HTTPStatus.SERVICE_UNAVAILABLE, _OTHER_ZONE)

    return told


def _failed(status: HTTPStatus, sentence: str) -> web.Response:
    return _json({"text": sentence}, status)


def _json(content: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    body = msgspec.json.encode(content)
    return web.Response(body=body, content_type="application/json", status=status)


def _day(context: Context, request: web.Request) -> Day:
    serial, each = _serial(context, request), by_site(context)
    site = request.query.get("site", next(iter(each), ""))
    if "site" in request.query and site not in each:
        raise web.HTTPNotFound
    serials = each.get(site, ()) if serial is None else (serial,)
    return context.minutes.day(serials, is_yesterday=request.query.get("day") == "yesterday")


def _calendar(context: Context, request: web.Request) -> Calendar:
    serial = _serial(context, request) or min(context.registry.names, default=None)
    if serial is None:
        raise web.HTTPNotFound
    since, name = context.backfill.since(serial), context.registry.names[serial].name
    days, now, last = _days(request), context.clock.now(), _last(request)
    return calendar(context.coverage, serial, name, since, days, now, last=last)


def _serial(context: Context, request: web.Request) -> str | None:
    serial = request.query.get("serial")
    if serial is not None and serial not in context.registry.names:
        raise web.HTTPNotFound
    return serial


def _last(request: web.Request) -> datetime | None:
    """Return a moment in the last day that is wanted; None = today."""
    date = request.query.get("until")
    try:
        return None if date is None else moment(f"{date}T12")
    except RefillError:
        raise web.HTTPBadRequest from None


def _days(request: web.Request) -> int:
    try:
        return min(max(int(request.query.get("days", _DAYS)), 1), _MOST_DAYS)
    except ValueError:
        raise web.HTTPBadRequest from None


_DATA: Mapping[str, Callable[[Context, web.Request], object]] = {
    "status": lambda context, _: status(context),
    "day": _day,
    "calendar": _calendar,
    "corrections": lambda context, _: {"corrections": list(corrections(context))},
    "sites": lambda context, _: {
        "accounts": list(accounts(context)),
        "gone": list(gone(context)),
        "missing": [site.id for site in context.accounts.missing],
    },
    "entities": lambda context, _: {
        "entities": list(entities(context)),
        "have_pages": context.home_assistant.has_entity_pages,
    },
}
