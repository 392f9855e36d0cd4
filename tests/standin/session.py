"""One WebSocket connection to the stand-in Core: log-in, commands, subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from aiohttp import web

import longer_timeouts
from standin.errors import CommandError, Problem, UnfitError, check_keys
from standin.serving import Message
from standin.versions import ENERGY_LISTS

if TYPE_CHECKING:
    from standin.core import Core

AUTH_WAIT_S = 10
_PONG = object()

_ADJUSTMENT_KEYS = {
    "adjustment",
    "adjustment_unit_of_measurement",
    "start_time",
    "statistic_id",
}
_DASHBOARD_KEYS = {
    "allow_single_word",
    "icon",
    "mode",
    "require_admin",
    "show_in_sidebar",
    "title",
    "url_path",
}
_PERIOD_KEYS = {"end_time", "period", "start_time", "statistic_ids", "types", "units"}
_KEYS: Mapping[str, Collection[str]] = {
    "config/auth/create": {"group_ids", "local_only", "name"},
    "config/auth/update": {"group_ids", "is_active", "local_only", "name", "user_id"},
    "energy/save_prefs": set(ENERGY_LISTS.new),
    "config/entity_registry/get_entries": {"entity_ids"},
    "config/entity_registry/remove": {"entity_id"},
    "lovelace/config": {"force", "url_path"},
    "lovelace/config/save": {"config", "url_path"},
    "lovelace/dashboards/create": _DASHBOARD_KEYS,
    "recorder/adjust_sum_statistics": _ADJUSTMENT_KEYS,
    "recorder/get_statistics_metadata": {"statistic_ids"},
    "recorder/import_statistics": {"metadata", "stats"},
    "recorder/statistics_during_period": _PERIOD_KEYS,
    "subscribe_entities": {"entity_ids"},
    "subscribe_events": {"event_type"},
}
"""What a message may hold beside its id and type; nothing, where it is not named."""


class Session:
    """One client of one Core, from its log-in to its last message."""

    def __init__(self, core: Core, socket: web.WebSocketResponse) -> None:
        self._core = core
        self._socket = socket
        self._last_id = 0
        self._subscriptions: dict[int, str] = {}
        self._entities: dict[int, Collection[str]] = {}
        self._outgoing: asyncio.Queue[Message] = asyncio.Queue()
        self._commands: Mapping[str, Callable[[Message], object]] = {
            "ping": lambda _: _PONG,
            "get_states": lambda _: [state.as_dict() for state in core.states],
            "get_config": lambda _: core.config(),
            "config/entity_registry/get_entries": core.registry.get_entries,
            "config/entity_registry/list": core.registry.list,
            "config/entity_registry/remove": core.registry.forget,
            "subscribe_entities": self._subscribe_entities,
            "subscribe_events": self._subscribe,
            "persistent_notification/get": lambda _: [
                each.as_dict() for each in core.notifications
            ],
            "recorder/adjust_sum_statistics": core.statistics.adjust,
            "recorder/import_statistics": core.statistics.import_rows,
            "recorder/info": lambda _: core.statistics.info(),
            "recorder/statistics_during_period": core.statistics.during_period,
            "recorder/validate_statistics": lambda _: core.statistics.validate(),
            "recorder/get_statistics_metadata": core.statistics.list_ids,
            "energy/info": lambda _: core.energy.info(),
            "energy/get_prefs": lambda _: core.energy.get(),
            "energy/save_prefs": core.energy.save,
            "energy/validate": lambda _: core.energy.validate(),
            "auth/current_user": core.users.current,
            "config/auth/create": core.users.create,
            "config/auth/list": core.users.list,
            "config/auth/update": core.users.update,
            "lovelace/config": core.lovelace.config,
            "lovelace/config/save": core.lovelace.save,
            "lovelace/dashboards/create": core.lovelace.create,
            "lovelace/dashboards/list": core.lovelace.entries,
        }

    async def run(self) -> None:
        """Serve the connection until either side closes it."""
        if not await self._log_in():
            return
        writer = asyncio.create_task(self._write())
        try:
            async for frame in self._socket:
                try:
                    message = frame.json()
                except (TypeError, ValueError):
                    # Core hangs up on what is not JSON
                    return
                self._outgoing.put_nowait(self._answer(message))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def hears(self, kind: str) -> bool:
        """Whether events of this kind are sent."""
        return kind in self._subscriptions.values()

    def publish(self, event: Message) -> None:
        """Send an event on each subscription that asked for its kind."""
        for number, kind in self._subscriptions.items():
            if kind == event["event_type"]:
                self._outgoing.put_nowait({"id": number, "type": "event", "event": event})

    def publish_change(self, entity_id: str, change: Message) -> None:
        """Send the change of an entity on each subscription of it."""
        for number, entity_ids in self._entities.items():
            if entity_id in entity_ids:
                self._outgoing.put_nowait({"id": number, "type": "event", "event": change})

    async def _log_in(self) -> bool:
        version = {"ha_version": self._core.version}
        await self._socket.send_json({"type": "auth_required", **version})
        try:
            answer = await self._socket.receive_json(timeout=longer_timeouts.scaled(AUTH_WAIT_S))
        except (TimeoutError, TypeError, ValueError):
            return False
        if not isinstance(answer, dict) or answer.get("type") != "auth":
            await self._refuse("Auth message incorrectly formatted")
            return False
        if answer.get("access_token") != self._core.token:
            await self._refuse("Invalid access token or password")
            return False
        await self._socket.send_json({"type": "auth_ok", **version})
        return True

    async def _refuse(self, message: str) -> None:
        await self._socket.send_json({"type": "auth_invalid", "message": message})

    async def _write(self) -> None:
        while True:
            await self._socket.send_json(await self._outgoing.get())

    def _answer(self, message: object) -> Message:
        number = message.get("id", 0) if isinstance(message, dict) else 0
        try:
            result = self._run(_checked(message))
        except CommandError as error:
            problem = {"code": error.code, "message": error.sentence(self._core.release)}
            return {"id": number, "type": "result", "success": False, "error": problem}
        if result is _PONG:
            return {"id": number, "type": "pong"}
        return {"id": number, "type": "result", "success": True, "result": result}

    def _run(self, message: Message) -> object:
        kind = message["type"]
        if message["id"] <= self._last_id:
            raise CommandError("id_reuse", "Identifier values have to increase.")
        self._last_id = message["id"]
        command = self._commands.get(kind)
        if command is None:
            raise CommandError("unknown_command", "Unknown command.")
        if kind not in _KEYS and len(message) > len(("id", "type")):
            raise UnfitError(Problem("extra keys not allowed", got=message))
        check_keys(message, (), {"id", "type", *_KEYS.get(kind, ())})
        return command(message)

    def _subscribe(self, message: Message) -> None:
        self._subscriptions[message["id"]] = message["event_type"]

    def _subscribe_entities(self, message: Message) -> None:
        entity_ids = set(message["entity_ids"])
        self._entities[message["id"]] = entity_ids
        states = (state for state in self._core.states if state.entity_id in entity_ids)
        there = {state.entity_id: state.compressed() for state in states}
        event = {"id": message["id"], "type": "event", "event": {"a": there}}
        # After the answer, which is on its way as soon as this returns.
        asyncio.get_running_loop().call_soon(self._outgoing.put_nowait, event)


def _checked(message: object) -> Message:
    if (
        isinstance(message, dict)
        and type(message.get("id")) is int
        and message["id"] > 0
        and isinstance(message.get("type"), str)
    ):
        return message
    raise CommandError("invalid_format", "Message incorrectly formatted.")
