"""What is known of an inverter beyond its minute: enough to make states of any reading of it."""

from dataclasses import dataclass

from .cloud import Configuration, Dynamic, Static
from .entities import Entities
from .reading import Reading


@dataclass(frozen=True, slots=True)
class Known:
    """One inverter.

    Attributes:
        serial: its serial number.
        name: what people call it.
        entities: those that exist by now.
        static: what it is, once that is known.
        configuration: how it is set, once that is known.
    """

    serial: str
    name: str
    entities: Entities
    static: Static | None = None
    configuration: Configuration | None = None

    def reading(self, dynamic: Dynamic) -> Reading:
        """Look at what it did at the moment when it did it."""
        return Reading(self.serial, dynamic.timestamp, dynamic, self.static, self.configuration)
