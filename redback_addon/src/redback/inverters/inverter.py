"""What is known of an inverter beyond its minute: enough to show any reading of it."""

from dataclasses import dataclass

from ..cloud import Dynamic
from ..sensors.details import NO_DETAILS, Details
from ..sensors.entities import Entities
from ..sensors.reading import Reading


@dataclass(frozen=True, slots=True)
class Inverter:
    """One inverter.

    Attributes:
        serial: its serial number.
        name: what people call it.
        entities: its sensors that exist by now.
        details: what is known of it beside its readings.
    """

    serial: str
    name: str
    entities: Entities
    details: Details = NO_DETAILS

    def reading(self, dynamic: Dynamic) -> Reading:
        """Return what it did, as of the moment when it did it."""
        return Reading(self.serial, dynamic.timestamp, dynamic, self.details)
