"""What others do with entities: who registers and writes them, and which are not recorded."""

from collections.abc import Collection
from typing import Protocol

import msgspec

from .websocket import Message, WebSocket

_NOT_RECORDED = frozenset({"entity_not_recorded", "entity_no_longer_recorded"})


class _User(msgspec.Struct, frozen=True):
    id: str


class _Registered(msgspec.Struct, frozen=True):
    platform: str
    disabled_by: str | None = None


class _Issue(msgspec.Struct, frozen=True):
    type: str


class Watcher(Protocol):
    """Is called when somebody else changes an entity."""

    def written_by_others(self, entity_id: str) -> None:
        """Note that somebody else has written its state."""

    def removed(self, entity_id: str) -> None:
        """Note that it has no state any more."""


class Entities:
    """Entities as Core knows them; every call raises as `WebSocket.ask` does."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def owners(self, entity_ids: Collection[str]) -> dict[str, str]:
        """Return the integration that has registered an entity, for each that is registered.

        A disabled entity is left out: its integration does not write it.
        """
        question = {"type": "config/entity_registry/get_entries", "entity_ids": list(entity_ids)}
        entries = await self._websocket.ask(question, dict[str, _Registered | None])
        return {
            entity_id: entry.platform
            for entity_id, entry in entries.items()
            if entry is not None and entry.disabled_by is None
        }

    async def watch(self, entity_ids: Collection[str], watcher: Watcher) -> None:
        """Watch who writes these, until the connection ends.

        The watcher knows who has written the present states before any later command is answered:
        Core sends them right behind the answer to this one.
        """
        user = await self._websocket.ask({"type": "auth/current_user"}, _User)
        command = {"type": "subscribe_entities", "entity_ids": list(entity_ids)}
        await self._websocket.follow(command, _Writers(user.id, watcher).take)

    async def unrecorded(self) -> frozenset[str]:
        """Return the entities that the recorder's configuration leaves out, of those with a state.

        Core accepts imports for them nevertheless.
        """
        question = {"type": "recorder/validate_statistics"}
        found = await self._websocket.ask(question, dict[str, list[_Issue]])
        return frozenset(
            entity_id
            for entity_id, issues in found.items()
            if any(issue.type in _NOT_RECORDED for issue in issues)
        )


class _Writers:
    """Notifies a watcher of the states that somebody else writes.

    All requests of an add-on, over REST too, are made by one user, the Supervisor's; what an
    integration writes has no user.
    """

    def __init__(self, user: str, watcher: Watcher) -> None:
        self._user = user
        self._watcher = watcher
        self._others: set[str] = set()

    def take(self, event: Message) -> None:
        """Take one event of `subscribe_entities`."""
        for entity_id, state in event.get("a", {}).items():
            context = state["c"]
            # A context without a user is shortened to its id.
            self._note(entity_id, context["user_id"] if isinstance(context, dict) else None)
        for entity_id, difference in event.get("c", {}).items():
            context = difference.get("+", {}).get("c")
            # The user is left out while it stays the same.
            if isinstance(context, dict) and "user_id" in context:
                self._note(entity_id, context["user_id"])
            elif entity_id in self._others:
                self._watcher.written_by_others(entity_id)
        for entity_id in event.get("r", ()):
            self._others.discard(entity_id)
            self._watcher.removed(entity_id)

    def _note(self, entity_id: str, user: str | None) -> None:
        if user == self._user:
            self._others.discard(entity_id)
        else:
            self._others.add(entity_id)
            self._watcher.written_by_others(entity_id)
