"""The HTTP server: routes, and the layers that every request passes.

A request passes, from the outside in: the journal, the faults of the line (slow, cut, 5xx, ...),
the bearer token, the endpoint.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

from aiohttp import web

from . import energy, payloads
from .calls import ACCOUNT, STRUCK, WORLD, json_response, refusal
from .envelopes import Envelopes
from .faults import Fault, Faults, Kind, Struck
from .journal import Entry, Journal
from .payloads import JSON
from .records import Records
from .schedules import Schedules
from .tokens import NEW_PATH, OLD_PATH, Tokens
from .world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JOURNAL = web.AppKey("journal", Journal)
TOKENS = web.AppKey("tokens", Tokens)
SCHEDULES = web.AppKey("schedules", Schedules)
ENVELOPES = web.AppKey("envelopes", Envelopes)

ELSEWHERE = "/elsewhere"
"""Where redirects lead: nobody who keeps to the cloud's own address ever asks for it."""

_DRIP_STEPS = 20
# What a server that expects TLS answers to plain words: an alert, 40 = handshake failure.
_TLS_ALERT = bytes((21, 3, 3, 0, 2, 2, 40))
_MEGABYTES = 100
_BLANKS = b" " * 100_000


def build_app(world: World) -> web.Application:
    """Return the simulated cloud of a world."""
    app = web.Application(middlewares=[_journal, _line, _bearer])
    app[WORLD] = world
    app[JOURNAL] = Journal()
    app[TOKENS] = Tokens(world)
    app.add_routes(app[TOKENS].routes())
    app.add_routes(energy.routes())
    app[SCHEDULES], app[ENVELOPES] = Schedules(world), Envelopes(world)
    app.add_routes([*app[SCHEDULES].routes(), *app[ENVELOPES].routes()])
    return app


class Simulator:
    """A running simulator, for tests; port 0 takes a free one.

        async with Simulator(build_world(["st"])) as simulator:
            simulator.url, simulator.world, simulator.faults, simulator.journal

    `name` is what `url` calls the host, if not by its address.
    """

    def __init__(
        self, world: World, *, host: str = "127.0.0.1", port: int = 0, name: str | None = None
    ) -> None:
        self.world = world
        self.app = build_app(world)
        self._host = host
        self._port = port
        self._name = name
        self._runner: web.AppRunner | None = None
        self.url = ""

    @property
    def faults(self) -> Faults:
        """What goes wrong; `add` and `clear`."""
        return self.world.faults

    @property
    def journal(self) -> Journal:
        """The requests that arrived."""
        return self.app[JOURNAL]

    @property
    def schedules(self) -> Schedules:
        """All schedules that were ever made."""
        return self.app[SCHEDULES]

    @property
    def envelopes(self) -> Envelopes:
        """All operating envelopes that were ever made."""
        return self.app[ENVELOPES]

    def truth(self, serial: str, at: float | None = None, *, glitches: bool = False) -> JSON | None:
        """Return the v2.21 record at or before `at` (Unix seconds; None: now), seen or not.

        With `glitches` its counters are as the inverter has recorded them.
        """
        inverter, owner = self.world.inverter(serial), self.world.owner(serial)
        if inverter is None or owner is None:
            return None
        when = time.time() if at is None else at
        record = Records(inverter, self.faults, when).truth(when, glitches=glitches)
        return payloads.dynamic_v221(record, owner[1]) if record else None

    async def start(self) -> Self:
        """Begin to listen."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{self._name or host}:{port}"
        return self

    async def stop(self) -> None:
        """Close all connections and stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


@web.middleware
async def _journal(request: web.Request, handler: Handler) -> web.StreamResponse:
    status: int | None = None
    try:
        response = await handler(request)
        status = None if _is_cut(request) else response.status
    finally:
        request.app[JOURNAL].add(Entry(time.time(), request.method, request.path, status))
    return response


@web.middleware
async def _line(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request and its answer suffer what strikes them."""
    world = request.app[WORLD]
    text = request.path + (await request.read()).decode(errors="replace")
    client_id = await request.app[TOKENS].client_id(request)
    struck = world.faults.strike(request.method, request.path, text, world.names, client_id)
    request[STRUCK] = struck
    slow = struck.first(Kind.SLOW)
    if slow and slow.how != "after":
        await asyncio.sleep(slow.seconds or 0)
    if (drop := struck.first(Kind.DROP)) and drop.how != "middle":
        return _cut(request)
    if struck.first(Kind.NOT_HTTP):
        return _alerted(request)
    answer = _instead(request, struck) or await _answered(request, handler)
    if (fault := struck.first(Kind.STATUS)) and fault.how == "after":
        answer = _error(fault)
    if slow and slow.how == "after":
        await asyncio.sleep(slow.seconds or 0)
    return await _sent(request, answer, struck)


async def _sent(request: web.Request, answer: web.Response, struck: Struck) -> web.StreamResponse:
    """Let the answer suffer on its way."""
    if struck.first(Kind.DROP):
        return await _cut_in_the_middle(request, answer)
    if oversized := struck.first(Kind.OVERSIZED):
        return await _blown_up(request, answer, oversized.megabytes or _MEGABYTES)
    if drip := struck.first(Kind.DRIP):
        return await _dripped(request, answer, drip.seconds or 0)
    return answer


async def _answered(request: web.Request, handler: Handler) -> web.Response:
    """Return the endpoint's answer, an error's too, whole."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = web.Response(
            status=error.status, text=error.text, content_type=error.content_type
        )
    assert isinstance(response, web.Response)
    return response


def _instead(request: web.Request, struck: Struck) -> web.Response | None:
    """Return what is sent instead of an answer, if anything."""
    if (fault := struck.first(Kind.STATUS)) and fault.how != "after":
        return _error(fault)
    if fault := struck.first(Kind.REDIRECT):
        location = f"http://localhost:{request.url.port}{ELSEWHERE}{request.path}"
        return web.Response(status=fault.status or 302, headers={"Location": location})
    if struck.first(Kind.NOT_JSON):
        page = "<!DOCTYPE html><title>Maintenance</title><h1>We will be back</h1>"
        return web.Response(text=page, content_type="text/html")
    if struck.first(Kind.WRONG_SHAPE):
        return json_response([{"Unexpected": True}])
    return None


def _error(fault: Fault) -> web.Response:
    headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else None
    status = fault.status or 503
    return web.Response(status=status, headers=headers, text=f"Simulated error {status}")


def _alerted(request: web.Request) -> web.Response:
    """Send something that is not HTTP, and cut the line; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.write(_TLS_ALERT)
    return _cut(request)


def _cut(request: web.Request) -> web.Response:
    """Cut the line; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _is_cut(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _cut_in_the_middle(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Send half of the body, then cut the line."""
    response, body = await _opened(request, answer)
    await response.write(body[: len(body) // 2])
    # What was written must leave before the line is cut.
    await asyncio.sleep(0)
    _cut(request)
    return response


async def _dripped(
    request: web.Request, answer: web.Response, seconds: float
) -> web.StreamResponse:
    """Send the body bit by bit, spread over these seconds."""
    response, body = await _opened(request, answer)
    size = max(1, -(-len(body) // _DRIP_STEPS))
    with suppress(ConnectionError):
        for start in range(0, len(body), size):
            await asyncio.sleep(seconds / _DRIP_STEPS)
            await response.write(body[start : start + size])
    return response


async def _blown_up(
    request: web.Request, answer: web.Response, megabytes: int
) -> web.StreamResponse:
    """Send the body with that many blanks after its first byte: it is still the same JSON."""
    response, body = await _opened(request, answer, chunked=True)
    # Who has heard enough hangs up.
    with suppress(ConnectionError):
        await response.write(body[:1])
        for _ in range(megabytes * 1_000_000 // len(_BLANKS)):
            await response.write(_BLANKS)
        await response.write(body[1:])
    return response


async def _opened(
    request: web.Request, answer: web.Response, *, chunked: bool = False
) -> tuple[web.StreamResponse, bytes]:
    """Send the head of an answer; return what sends the rest, and the rest."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    response = web.StreamResponse(status=answer.status)
    response.content_type = answer.content_type
    if chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(body)
    await response.prepare(request)
    return response, body


@web.middleware
async def _bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only those with a good token through to the data."""
    if request.path in {OLD_PATH, NEW_PATH}:
        return await handler(request)
    struck, tokens = request[STRUCK], request.app[TOKENS]
    account = tokens.account(request.headers.get("Authorization"))
    if account is None or struck.first(Kind.REJECT_TOKENS):
        raise refusal(web.HTTPUnauthorized, "the token is not valid")
    if struck.first(Kind.V2_ONLY):
        raise refusal(web.HTTPNotFound, "no such path")
    if fault := struck.first(Kind.NO_MULTIPLE):
        return json_response({"Message": "not supported"}, fault.status or 404)
    request[ACCOUNT] = account
    return await handler(request)
