"""The stand-in Core's entity registry, and changes as `subscribe_entities` shows them."""

from collections.abc import Callable

from standin.errors import check_keys
from standin.serving import Message
from standin.states import State

UPDATED = "entity_registry_updated"


class EntityRegistry:
    """The entities that integrations have registered; they outlive a restart.

    `fire` sends an event of a type with these data.
    """

    def __init__(self, fire: Callable[[str, Message], None]) -> None:
        self._fire = fire
        self._entries: dict[str, Message] = {}

    def add(
        self,
        entity_id: str,
        platform: str,
        *,
        unique_id: str | None = None,
        disabled_by: str | None = None,
    ) -> None:
        """Register an entity of an integration, or change what is registered."""
        action = "update" if entity_id in self._entries else "create"
        self._entries[entity_id] = {
            "disabled_by": disabled_by,
            "entity_id": entity_id,
            "name": None,
            "platform": platform,
            "unique_id": unique_id or entity_id,
        }
        self._fire(UPDATED, {"action": action, "entity_id": entity_id})

    def remove(self, entity_id: str) -> None:
        """Delete an entity from the registry, as a person does."""
        del self._entries[entity_id]
        self._fire(UPDATED, {"action": "remove", "entity_id": entity_id})

    def disable(self, entity_id: str) -> None:
        """Disable an entity, as a person does."""
        self._entries[entity_id] |= {"disabled_by": "user"}
        self._fire(UPDATED, {"action": "update", "entity_id": entity_id})

    def rename(self, entity_id: str, new_id: str) -> None:
        """Change the id of an entity."""
        self._entries[new_id] = {**self._entries.pop(entity_id), "entity_id": new_id}
        self._fire(UPDATED, {"action": "update", "entity_id": new_id, "old_entity_id": entity_id})

    def get_entries(self, message: Message) -> dict[str, Message | None]:
        """`config/entity_registry/get_entries`: each entry, or None where there is none."""
        check_keys(message, {"entity_ids"}, message)
        return {entity_id: self._entries.get(entity_id) for entity_id in message["entity_ids"]}

    def forget(self, message: Message) -> None:
        """`config/entity_registry/remove`."""
        check_keys(message, {"entity_id"}, message)
        self.remove(message["entity_id"])

    def list(self, _: Message) -> list[Message]:
        """`config/entity_registry/list`: all entries."""
        return [*self._entries.values()]


def change(old: State | None, new: State) -> Message:
    """Return a new or a changed state as `subscribe_entities` shows it."""
    if old is None:
        return {"a": {new.entity_id: new.compressed()}}
    added: Message = {"c": new.context_id, "lu": new.last_updated.timestamp()}
    if new.user_id != old.user_id:
        added["c"] = {"user_id": new.user_id, "id": new.context_id}
    if new.state != old.state:
        added["s"] = new.state
    if new.attributes != old.attributes:
        added["a"] = dict(new.attributes)
    return {"c": {new.entity_id: {"+": added}}}
