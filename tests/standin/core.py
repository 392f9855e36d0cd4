"""A stand-in for Home Assistant Core: as much of it as an add-on that pushes states can see."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Self

from aiohttp import web

from standin import notifications
from standin.energy import Energy
from standin.entities import EntityRegistry, change
from standin.errors import CommandError
from standin.lovelace import Lovelace
from standin.notifications import Notifications
from standin.serving import BODY_LIMIT, Message, Server
from standin.session import Session
from standin.states import RefusedStateError, State, States, context, new_context_id
from standin.statistics import Statistics
from standin.supervisor import CoreAddress
from standin.users import OWNER, Users
from standin.versions import NEWEST, STATE_OF_ANOTHER_TYPE, STATE_WITHOUT_BODY, parse

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

VERSION = NEWEST
TOKEN = "core-token"
RUNNING, STARTING, NOT_RUNNING = "RUNNING", "STARTING", "NOT_RUNNING"
WRITE_DELAY_S = 0.01
"""Seconds between the answer to an import and the rows being there."""


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)


class Core:
    """Core on one port, which can be stopped, started and restarted as people do.

    It behaves like `version`, as far as `standin.versions` has rows for the differences.
    A restart loses `states` and `notifications`, and keeps `statistics`, `energy`, `lovelace`,
    `registry` and `users`; what was pushed stays in `states.history` for tests to look back at.
    `components` are the integrations
    that it has loaded. `GET /` is a page for people.

    Use it as an async context manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        version: str = VERSION,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] = utc_now,
        zone: str = "Australia/Brisbane",
    ) -> None:
        self.token = token
        self.version = version
        self.state = NOT_RUNNING
        self.states = States(clock)
        self.notifications = Notifications(clock)
        self.release = parse(version)
        self.statistics = Statistics(self.release, self.states, self._write_later, zone)
        self.energy = Energy(self.release, self.states, self.statistics)
        self.lovelace = Lovelace(self.release)
        self.registry = EntityRegistry(self._fire)
        self.users = Users()
        self.components = ["api", "energy", "history", "recorder", "sensor", "websocket_api"]
        self._clock = clock
        self._server = Server(self._make_app, host=host, port=port)
        self._sessions: set[Session] = set()
        self._to_write: list[Callable[[], None]] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The address of Core itself, the same after every start."""
        return self._server.url

    @property
    def address(self) -> CoreAddress:
        """What the Supervisor's stand-in needs to stand in front of this Core."""
        return CoreAddress(self.url, self.token)

    async def start(self) -> None:
        """Answer requests, and be RUNNING."""
        await self.begin_start()
        self.finish_start()

    async def begin_start(self) -> None:
        """Answer requests and stay in STARTING, until `finish_start`."""
        self.state = STARTING
        await self._server.start()

    def finish_start(self) -> None:
        """Become RUNNING, and send `homeassistant_started` to who has subscribed to it."""
        self.state = RUNNING
        self._fire("homeassistant_started", {})

    async def stop(self) -> None:
        """Close every connection, refuse new ones, and lose all states and notifications."""
        self.state = NOT_RUNNING
        await self._server.stop()
        self._write()
        self.states.forget()
        self.notifications.forget()

    async def restart(self) -> None:
        """Stop, and start again."""
        await self.stop()
        await self.start()

    def config(self) -> Message:
        """The answer of `/api/config` and `get_config`."""
        return {
            "version": self.version,
            "state": self.state,
            "location_name": "Home",
            "time_zone": self.statistics.zone.key,
            "country": "AU",
            "currency": "AUD",
            "language": "en",
            "components": self.components,
            "config_source": "storage",
            "recovery_mode": False,
            "safe_mode": False,
            "unit_system": {"length": "km", "temperature": "°C", "volume": "L", "mass": "g"},
        }

    def listeners(self, kind: str) -> int:
        """Return how many connections hear events of a kind."""
        return sum(session.hears(kind) for session in self._sessions)

    def write(self, entity_id: str, state: str, attributes: Message | None = None) -> None:
        """Write a state as one of Core's own integrations does."""
        self._set(entity_id, state, attributes or {}, user_id=None)

    def remove(self, entity_id: str) -> None:
        """Remove a state, as Core does when asked to, and with its integration."""
        self.states.remove(entity_id)
        for session in self._sessions:
            session.publish_change(entity_id, {"r": [entity_id]})

    def _set(
        self,
        entity_id: str,
        state: str,
        attributes: Message,
        user_id: str | None = OWNER,
    ) -> tuple[State | None, State]:
        old, new = self.states.set(entity_id, state, attributes, user_id)
        if new is not old:
            for session in self._sessions:
                session.publish_change(entity_id, change(old, new))
        return old, new

    def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._check_token], client_max_size=BODY_LIMIT)
        app.router.add_get("/", self._page)
        app.router.add_get("/api/config", self._config)
        app.router.add_get("/api/core/state", self._core_state)
        app.router.add_get("/api/states", self._list_states)
        app.router.add_get("/api/states/{entity_id}", self._get_state)
        app.router.add_post("/api/states/{entity_id}", self._post_state)
        app.router.add_delete("/api/states/{entity_id}", self._delete_state)
        app.router.add_post(f"/api/services/{notifications.DOMAIN}/{{service}}", self._service)
        app.router.add_post("/api/events/{kind}", self._post_event)
        app.router.add_get("/api/websocket", self._websocket)
        return app

    @web.middleware
    async def _check_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        free = not request.path.startswith("/api/") or request.path == "/api/websocket"
        if not free and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise web.HTTPUnauthorized
        return await handler(request)

    async def _page(self, _: web.Request) -> web.Response:
        """Show notifications and states as plain text, to people at the demo."""
        lines = [f"{one.title}: {one.message}" for one in self.notifications]
        for state in self.states:
            unit = state.attributes.get("unit_of_measurement", "")
            lines.append(f"{state.entity_id}: {state.state} {unit}")
        return web.Response(text="\n".join(lines))

    async def _config(self, _: web.Request) -> web.Response:
        return web.json_response(self.config())

    async def _core_state(self, _: web.Request) -> web.Response:
        recorder = {"migration_in_progress": False, "migration_is_live": False}
        return web.json_response({"state": self.state, "recorder_state": recorder})

    async def _list_states(self, _: web.Request) -> web.Response:
        return web.json_response([state.as_dict() for state in self.states])

    async def _get_state(self, request: web.Request) -> web.Response:
        state = self.states.get(request.match_info["entity_id"])
        if state is None:
            return _message("Entity not found.", HTTPStatus.NOT_FOUND)
        return web.json_response(state.as_dict())

    async def _post_state(self, request: web.Request) -> web.Response:
        data = self._state_data(await request.text())
        if isinstance(data, web.Response):
            return data
        attributes = data.get("attributes") or {}
        if not isinstance(attributes, dict):
            return _stumble()
        try:
            old, new = self._set(
                request.match_info["entity_id"],
                str(data["state"]),
                attributes,
            )
        except RefusedStateError as error:
            return _message(str(error), HTTPStatus.BAD_REQUEST)
        return web.json_response(
            new.as_dict(),
            status=HTTPStatus.CREATED if old is None else HTTPStatus.OK,
            headers={"Location": f"/api/states/{new.entity_id}"},
        )

    async def _delete_state(self, request: web.Request) -> web.Response:
        state = self.states.get(request.match_info["entity_id"])
        if state is None:
            return _message("Entity not found.", HTTPStatus.NOT_FOUND)
        self.remove(state.entity_id)
        return _message("Entity removed.")

    def _state_data(self, text: str) -> Message | web.Response:
        """Read the body of a state, or return its refusal."""
        if not text:
            return _message(STATE_WITHOUT_BODY.at(self.release), HTTPStatus.BAD_REQUEST)
        try:
            data = json.loads(text)
        except ValueError:
            return _message("Invalid JSON specified.", HTTPStatus.BAD_REQUEST)
        if not isinstance(data, dict):
            status, sentence = STATE_OF_ANOTHER_TYPE.at(self.release)
            return _stumble() if sentence is None else _message(sentence, HTTPStatus(status))
        if data.get("state") is None:
            return _message("No state specified.", HTTPStatus.BAD_REQUEST)
        return data

    async def _service(self, request: web.Request) -> web.Response:
        try:
            data = json.loads(await request.text() or "{}")
        except ValueError:
            return _message("Data should be valid JSON.", HTTPStatus.BAD_REQUEST)
        try:
            self.notifications.call(request.match_info["service"], data)
        except CommandError:
            raise web.HTTPBadRequest from None
        return web.json_response([])

    async def _post_event(self, request: web.Request) -> web.Response:
        kind, text = request.match_info["kind"], await request.text()
        self._fire(kind, json.loads(text) if text else {})
        return _message(f"Event {kind} fired.")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = await self._server.open_socket(request)
        session = Session(self, socket)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)
            await self._server.close_socket(socket)
        return socket

    def _write_later(self, action: Callable[[], None]) -> None:
        self._to_write.append(action)
        asyncio.get_running_loop().call_later(WRITE_DELAY_S, self._write)

    def _write(self) -> None:
        while self._to_write:
            self._to_write.pop(0)()

    def _fire(self, kind: str, data: Message) -> None:
        event = {
            "event_type": kind,
            "data": data,
            "origin": "LOCAL",
            "time_fired": self._clock().isoformat(),
            "context": context(new_context_id()),
        }
        for session in self._sessions:
            session.publish(event)


def _stumble() -> web.Response:
    """Answer as Core's web server does for a handler that raises what nobody expected."""
    text = "500 Internal Server Error\n\nServer got itself in trouble"
    return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text=text)


def _message(text: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.json_response({"message": text}, status=status)
