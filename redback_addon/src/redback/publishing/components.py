"""A device's entities besides its sensors.

There are two that follow from these, and those that take commands, from whoever obeys them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

EVENT = "event"
# What only devices have, by key: its kind in Core's words. Both follow from the other values.
IS_ONLINE, HAS_PROBLEM = "online", "problem"
BINARY_SENSORS = {IS_ONLINE: "connectivity", HAS_PROBLEM: "problem"}
BINARY_SENSOR, SENSOR = "binary_sensor", "sensor"


def domain(key: str) -> str:
    """Return the kind of entity of one that takes no commands, in Core's word."""
    return BINARY_SENSOR if key in BINARY_SENSORS else SENSOR


@dataclass(frozen=True, slots=True)
class Component:
    """One that takes commands.

    Attributes:
        platform: its kind, in Core's word, which is also the first part of its id.
        name: what people read after the inverter's name, and what the rest of its id is made of.
        described: whatever else Core's discovery has to say of it, in its words.
        has_value: whether it shows something; an event is what it shows.
    """

    platform: str
    name: str
    described: Mapping[str, object]
    has_value: bool = False

    @property
    def takes_commands(self) -> bool:
        """Whether people can do something with it."""
        return self.platform != EVENT


class Commands(Protocol):
    """Says what the entities of an inverter are and show, and does what people do with them."""

    def components(self, serial: str) -> Mapping[str, Component] | None:
        """Return an inverter's entities, by key; None while it is not known what it can do."""

    def values(self, serial: str) -> Mapping[str, object]:
        """Return what they show now, by key."""

    def command(self, serial: str, key: str, payload: str) -> None:
        """Take what people did with one of them; the inverter may be in use no more."""
