"""A stand-in for the Supervisor: its proxy to Core, and what an add-on asks about itself."""

import asyncio
import hmac
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import aiohttp
from aiohttp import web

import longer_timeouts
from standin.faults import Faults
from standin.options import UnfitOptionsError, merge, validate
from standin.serving import BODY_LIMIT, HEARTBEAT_S, Message, Server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SLUG = "local_redback"
TOKEN = "supervisor-token"

LARGEST_FROM_CORE = 64 * 1024**2
"""Bytes of a WebSocket frame that Core may send; an add-on's own limit is aiohttp's 4 MiB."""

_OF_ONE_HOP = frozenset(
    {"Host", "Connection", "Content-Length", "Transfer-Encoding", "Accept-Encoding"}
)
"""Headers that a proxy does not forward."""

_USER_HEADER = "X-Remote-User-Id"

CORE_TIMEOUT_S = 300

_EXPLOITS = (
    re.compile(r"\.\./"),
    re.compile(r"<.*script.*>", re.IGNORECASE),
    re.compile(r"\w=/[a-z0-9_.]/", re.IGNORECASE),
)


@dataclass(frozen=True)
class CoreAddress:
    """Where a Core is, and the token that it takes."""

    url: str
    token: str


@dataclass(frozen=True)
class BrokerAddress:
    """Where an MQTT broker is, and who may log in; nobody has to without a user's name."""

    host: str
    port: int
    username: str = ""
    password: str = ""

    def as_service(self) -> Message:
        """Return what the Supervisor says of it, which the Mosquitto app has told it."""
        login = {"username": self.username, "password": self.password} if self.username else {}
        return {
            "addon": "core_mosquitto",
            "host": self.host,
            "port": self.port,
            "ssl": False,
            "protocol": "3.1.1",
            **login,
        }


class Supervisor:
    """The Supervisor as one add-on sees it, in front of a real Core or a stand-in alike.

    `options` is the add-on's options.json, read at every question. When the add-on changes its
    options, that file changes at its next restart alone, for which `restart_addon` is called.
    `config` is the add-on's config.yaml, and `broker` what provides the service `mqtt`, if anything
    does.

    `requests` counts each request by method and path without its query, e.g.
    `"POST /core/api/states/sensor.one"`; a WebSocket handshake counts as `"GET /core/websocket"`,
    and then has `auth_wait_s` to log in.

    Set `faults` to make requests fail.

    `ingress` has the address of an add-on's page by its ingress token. Core forwards to it what a
    browser asks for below `/api/hassio_ingress/TOKEN`. `visitor` is the id of the user who is
    logged in there, which the page gets in a header; what a browser says of that is left out.

    Use it as an async context manager, or call `start` and `stop`: it comes back on its own port,
    and refuses connections in between.
    """

    def __init__(
        self,
        core: CoreAddress,
        *,
        token: str = TOKEN,
        options: Path | None = None,
        config: Message | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.core = core
        self.token = token
        self.options = options
        self.config = config or {}
        self.broker: BrokerAddress | None = None
        self.restart_addon: Callable[[], Awaitable[None]] = _do_nothing
        self.auth_wait_s = longer_timeouts.scaled(10.0)
        self.faults = Faults()
        self.requests: Counter[str] = Counter()
        self.ingress: dict[str, str] = {}
        self.visitor = ""
        self._server = Server(self._make_app, host=host, port=port)
        self._session: aiohttp.ClientSession | None = None
        self._changed_options: Message | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """What an add-on would know as `http://supervisor`."""
        return self._server.url

    async def start(self) -> None:
        """Listen, on the same port as ever."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=longer_timeouts.scaled(CORE_TIMEOUT_S))
            )
        await self._server.start()

    async def stop(self) -> None:
        """Close every WebSocket and refuse connections from now on."""
        await self._server.stop()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def close_websockets(self) -> None:
        """Close every open WebSocket, once."""
        await self._server.close_sockets()

    def _make_app(self) -> web.Application:
        app = web.Application(
            middlewares=[self._watch, _block_exploits], client_max_size=BODY_LIMIT
        )
        app.router.add_get("/core/websocket", self._websocket)
        for method in ("GET", "POST", "DELETE"):
            app.router.add_route(method, "/core/api/{path:.*}", self._rest)
        app.router.add_route("*", "/ingress/{token}/{path:.*}", self._ingress)
        app.router.add_get("/addons/self/info", self._own(self._info))
        app.router.add_get("/addons/self/options/config", self._own(self._options))
        app.router.add_post("/addons/self/options", self._own(self._change_options))
        app.router.add_post("/addons/self/restart", self._own(self._restart))
        app.router.add_get("/services/mqtt", self._own(self._mqtt))
        return app

    @web.middleware
    async def _watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests[f"{request.method} {request.path}"] += 1
        faults = self.faults
        if faults.active:
            self.faults = faults.after_one()
            refusal = await faults.inflict(request)
            if refusal is not None:
                return refusal
        return await handler(request)

    # Core's REST interface

    async def _rest(self, request: web.Request) -> web.Response:
        if not self._knows(_bearer(request)):
            raise web.HTTPUnauthorized
        await self._require_core()
        try:
            return await self._forward(request)
        except (aiohttp.ClientError, TimeoutError):
            raise web.HTTPBadGateway from None

    async def _forward(self, request: web.Request) -> web.Response:
        async with self._client.request(
            request.method,
            f"{self.core.url}/api/{request.match_info['path']}",
            params=request.query,
            data=await request.read(),
            headers={**self._authorisation, "Content-Type": request.content_type},
        ) as answer:
            if answer.status == web.HTTPUnauthorized.status_code:
                # the Supervisor's quarrel with Core about its own token is none of the add-on's
                raise web.HTTPBadGateway
            return web.Response(
                body=await answer.read(), status=answer.status, content_type=answer.content_type
            )

    async def _require_core(self) -> None:
        if (await self._ask_core("core/state")).get("state") != "RUNNING":
            raise web.HTTPBadGateway

    async def _ask_core(self, path: str) -> Message:
        try:
            async with self._client.get(
                f"{self.core.url}/api/{path}", headers=self._authorisation
            ) as answer:
                answer.raise_for_status()
                data: Message = await answer.json()
                return data
        except (aiohttp.ClientError, TimeoutError):
            raise web.HTTPBadGateway from None

    # Core's WebSocket

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        await self._require_core()
        version = str((await self._ask_core("config"))["version"])
        addon = await self._server.open_socket(request)
        try:
            if await self._authenticate(addon, version):
                await self._relay(addon)
        finally:
            await self._server.close_socket(addon)
        return addon

    async def _authenticate(self, addon: web.WebSocketResponse, version: str) -> bool:
        await addon.send_json({"type": "auth_required", "ha_version": version})
        try:
            answer = await addon.receive_json(timeout=self.auth_wait_s)
        except (TimeoutError, TypeError, ValueError):
            return False
        if not isinstance(answer, dict) or not self._knows(str(answer.get("access_token"))):
            await addon.send_json({"type": "auth_invalid", "message": "Invalid access"})
            return False
        await addon.send_json({"type": "auth_ok", "ha_version": version})
        return True

    async def _relay(self, addon: web.WebSocketResponse) -> None:
        try:
            core = await self._client.ws_connect(
                f"{self.core.url}/api/websocket",
                heartbeat=longer_timeouts.scaled(HEARTBEAT_S),
                max_msg_size=LARGEST_FROM_CORE,
            )
        except (aiohttp.ClientError, TimeoutError):
            return
        async with core:
            await core.receive_json()
            await core.send_json({"type": "auth", "access_token": self.core.token})
            if (await core.receive_json()).get("type") != "auth_ok":
                return
            await _first_to_end(_to_addon(core, addon), _to_core(addon, core))

    # An add-on's page

    async def _ingress(self, request: web.Request) -> web.StreamResponse:
        page = self.ingress.get(request.match_info["token"])
        if page is None:
            raise web.HTTPServiceUnavailable
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in _OF_ONE_HOP and name.title() != _USER_HEADER
        }
        if self.visitor:
            headers[_USER_HEADER] = self.visitor
        try:
            async with self._client.request(
                request.method,
                f"{page}/{request.match_info['path']}",
                params=request.query,
                data=await request.read() or None,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                return await _pass_on(answer, request)
        except aiohttp.ClientError:
            raise web.HTTPBadGateway from None

    # The Supervisor's own answers

    def _own(self, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            token = _bearer(request)
            if not token:
                raise web.HTTPUnauthorized
            if not self._knows(token):
                raise web.HTTPForbidden
            return await handler(request)

        return checked

    async def _info(self, _: web.Request) -> web.Response:
        return _ok(
            {
                "name": "Redback",
                "slug": SLUG,
                "hostname": "local-redback",
                "state": "started",
                "version": "0.0.0",
                "options": self._read_options(),
            }
        )

    async def _options(self, _: web.Request) -> web.Response:
        return _ok(self._read_options())

    def _read_options(self) -> Message:
        if self._changed_options is not None:
            return self._changed_options
        if self.options is None:
            return {}
        options: Message = json.loads(self.options.read_text(encoding="utf-8"))
        return options

    async def _change_options(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            return _error("Invalid json")
        for name in body.keys() - {"options"}:
            return _error(f"extra keys not allowed @ data['{name}']. Got {body[name]!r}")
        given = body.get("options")
        if given is not None:
            try:
                given = validate(self.config["schema"], given)
            except UnfitOptionsError as error:
                why = f"{error}. Got {given!r}"
                return _error(
                    f"App {SLUG} has invalid options: {why}",
                    error_key="app_configuration_invalid_error",
                    extra_fields={"app": SLUG, "validation_error": why},
                )
        if "options" in body:
            self._changed_options = merge(self.config["options"], given or {})
        return _ok({})

    async def _restart(self, _: web.Request) -> web.Response:
        self._write_options()
        await self.restart_addon()
        return _ok({})

    def _write_options(self) -> None:
        if self.options is not None and self._changed_options is not None:
            self.options.write_text(json.dumps(self._changed_options), encoding="utf-8")
            self._changed_options = None

    async def _mqtt(self, _: web.Request) -> web.Response:
        services = {entry.partition(":")[0] for entry in self.config.get("services", ())}
        if "mqtt" not in services:
            return _error("No access to mqtt service!", web.HTTPForbidden.status_code)
        if self.broker is None:
            return _error("Service not enabled")
        return _ok(self.broker.as_service())

    def _knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())

    @property
    def _authorisation(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.core.token}"}

    @property
    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise web.HTTPBadGateway
        return self._session


@web.middleware
async def _block_exploits(request: web.Request, handler: Handler) -> web.StreamResponse:
    for text in (request.path, request.query_string):
        plain = _unquote_fully(text)
        if any(exploit.search(plain) for exploit in _EXPLOITS):
            raise web.HTTPBadRequest
    return await handler(request)


def _unquote_fully(text: str) -> str:
    while (plain := unquote(text)) != text:
        text = plain
    return text


def _bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "").split(" ")[-1]


def _ok(data: Message) -> web.Response:
    return web.json_response({"result": "ok", "data": data})


def _error(message: str, status: int = 400, **more: object) -> web.Response:
    return web.json_response({"result": "error", "message": message, **more}, status=status)


async def _do_nothing() -> None:
    """Stand in for a restart that nobody waits for."""


async def _pass_on(answer: aiohttp.ClientResponse, request: web.Request) -> web.StreamResponse:
    """Send what comes, as it comes; its length is known where the add-on has said it."""
    response = web.StreamResponse(status=answer.status)
    for name, value in answer.headers.items():
        if name not in _OF_ONE_HOP - {"Content-Length"}:
            response.headers.add(name, value)
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    return response


async def _to_addon(core: aiohttp.ClientWebSocketResponse, addon: web.WebSocketResponse) -> None:
    async for message in core:
        if message.type is aiohttp.WSMsgType.TEXT:
            await addon.send_str(message.data)


async def _to_core(addon: web.WebSocketResponse, core: aiohttp.ClientWebSocketResponse) -> None:
    async for message in addon:
        if message.type is aiohttp.WSMsgType.TEXT:
            await core.send_str(message.data)


async def _first_to_end(*directions: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(direction) for direction in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
