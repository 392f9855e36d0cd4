"""The states of the stand-in Core: what it takes, keeps, refuses and forgets."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from standin.serving import Message
from standin.users import OWNER

LONGEST_STATE = 255
_PART = r"[0-9a-z](?:[0-9a-z_]*[0-9a-z])?"
_ENTITY_ID = re.compile(rf"{_PART}\.{_PART}")


class RefusedStateError(Exception):
    """Core does not take this state; the text is Core's own."""


@dataclass(frozen=True)
class State:
    """One entity's state as Core keeps it; times are aware UTC."""

    entity_id: str
    state: str
    attributes: Mapping[str, Any]
    last_changed: datetime
    last_reported: datetime
    last_updated: datetime
    context_id: str
    user_id: str | None

    def as_dict(self) -> Message:
        """The shape that REST, `get_states` and events all share."""
        return {
            "entity_id": self.entity_id,
            "state": self.state,
            "attributes": dict(self.attributes),
            "last_changed": self.last_changed.isoformat(),
            "last_reported": self.last_reported.isoformat(),
            "last_updated": self.last_updated.isoformat(),
            "context": context(self.context_id, self.user_id),
        }

    def compressed(self) -> Message:
        """The shape that `subscribe_entities` has for a state that is new."""
        shown = context(self.context_id, self.user_id)
        return {
            "s": self.state,
            "a": dict(self.attributes),
            "c": self.context_id if self.user_id is None else shown,
            "lc": self.last_changed.timestamp(),
        }


@dataclass(frozen=True)
class Push:
    """One state as it was pushed, kept for tests to look back at."""

    entity_id: str
    state: str
    attributes: Mapping[str, Any]
    at: datetime


def context(context_id: str, user_id: str | None = OWNER) -> Message:
    """A context as Core writes it; every call comes from the one user."""
    return {"id": context_id, "parent_id": None, "user_id": user_id}


def new_context_id() -> str:
    """An identifier for one call."""
    return uuid.uuid4().hex.upper()[:26]


def is_entity_id(text: str) -> bool:
    """Whether Core takes this for an entity id: `domain.object_id`, no double underscore."""
    return "__" not in text and _ENTITY_ID.fullmatch(text) is not None


class States:
    """All states of one Core, and the history of what was pushed.

    `clock` gives the time (aware UTC). `history` outlives `forget`, for it is the test's memory
    and not Core's.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._states: dict[str, State] = {}
        self.history: list[Push] = []

    def __iter__(self) -> Iterator[State]:
        return iter(self._states.values())

    def __len__(self) -> int:
        return len(self._states)

    def get(self, entity_id: str) -> State | None:
        """The state of an entity, or None where there is none."""
        return self._states.get(entity_id.lower())

    def set(
        self,
        entity_id: str,
        state: str,
        attributes: Mapping[str, Any],
        user_id: str | None = OWNER,
    ) -> tuple[State | None, State]:
        """Store a state as Core does; return the old one (None when new) and the new one.

        A state that is the same again changes nothing that is shown: Core notes only for itself
        that it was reported. Raise RefusedStateError for what is no entity id, or too long a state.
        """
        entity_id = entity_id.lower()
        if not is_entity_id(entity_id):
            raise RefusedStateError("Invalid entity ID specified.")
        if len(state) > LONGEST_STATE:
            raise RefusedStateError("Invalid state specified.")
        now = self._clock()
        self.history.append(Push(entity_id, state, dict(attributes), now))
        old = self._states.get(entity_id)
        new = State(entity_id, state, dict(attributes), now, now, now, new_context_id(), user_id)
        if old is not None and old.state == state:
            same = old.attributes == attributes
            new = old if same else replace(new, last_changed=old.last_changed)
        self._states[entity_id] = new
        return old, new

    def remove(self, entity_id: str) -> None:
        """Delete an entity's state."""
        del self._states[entity_id]

    def forget(self) -> None:
        """Lose everything, as a restart does to states that no integration owns."""
        self._states.clear()
