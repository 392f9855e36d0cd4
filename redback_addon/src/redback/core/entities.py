"""Others' use of entities: who registers and writes them, and which are not recorded."""

from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from .websocket import Message, WebSocket

_NOT_RECORDED = frozenset({"entity_not_recorded", "entity_no_longer_recorded"})


class _User(msgspec.Struct, frozen=True):
    id: str


class Registered(msgspec.Struct, frozen=True):
    """An entry of Core's entity registry; the integration says its platform and unique id."""

    entity_id: str
    platform: str
    # Text, but for a few old integrations.
    unique_id: object
    disabled_by: str | None = None

    @property
    def is_disabled(self) -> bool:
        """Whether it has no state."""
        return self.disabled_by is not None


class _Issue(msgspec.Struct, frozen=True):
    type: str


class Watcher(Protocol):
    """Is called with who changes an entity."""

    def written_by_others(self, entity_id: str) -> None:
        """Note that somebody else has written its state."""

    def written_by_us(self, entity_id: str) -> None:
        """Note that this add-on has written its state, over REST."""

    def removed(self, entity_id: str) -> None:
        """Note that it has no state any more."""


class Entities:
    """Entities as Core knows them; every call raises as `WebSocket.ask` does."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def entries(self, entity_ids: Collection[str]) -> dict[str, Registered]:
        """Return the entries of those entities that are registered."""
        question = {"type": "config/entity_registry/get_entries", "entity_ids": list(entity_ids)}
        entries = await self._websocket.ask(question, dict[str, Registered | None])
        return {entity_id: entry for entity_id, entry in entries.items() if entry is not None}

    async def registered(self) -> list[Registered]:
        """Return all entries of the registry."""
        return await self._websocket.ask({"type": "config/entity_registry/list"}, list[Registered])

    async def watch(self, entity_ids: Collection[str], watcher: Watcher) -> None:
        """Watch who writes these, until the connection ends.

        The watcher knows who has written the present states before any later command is answered:
        Core sends them right behind the answer to this one.
        """
        user = await self._websocket.ask({"type": "auth/current_user"}, _User)
        command = {"type": "subscribe_entities", "entity_ids": list(entity_ids)}
        await self._websocket.follow(command, _Writers(user.id, watcher).take)

    async def remove(self, entity_id: str) -> None:
        """Remove an entity from the registry."""
        question = {"type": "config/entity_registry/remove", "entity_id": entity_id}
        await self._websocket.command(question)

    async def follow(self, entity_ids: Collection[str], shown: Callable[[str, str], None]) -> None:
        """Call `shown` with each state that these have and get, until the connection ends."""

        def take(event: Message) -> None:
            for entity_id, state in event.get("a", {}).items():
                shown(entity_id, state["s"])
            for entity_id, difference in event.get("c", {}).items():
                if (value := difference.get("+", {}).get("s")) is not None:
                    shown(entity_id, value)

        command = {"type": "subscribe_entities", "entity_ids": list(entity_ids)}
        await self._websocket.follow(command, take)

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
            self._watcher.written_by_us(entity_id)
        else:
            self._others.add(entity_id)
            self._watcher.written_by_others(entity_id)
