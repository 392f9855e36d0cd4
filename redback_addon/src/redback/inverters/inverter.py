"""One inverter: everything needed to evaluate any reading of it."""

from dataclasses import dataclass

from ..cloud import Dynamic
from ..sensors.details import NO_DETAILS, Details
from ..sensors.entities import Entities
from ..sensors.reading import Reading


@dataclass(frozen=True, slots=True)
class Inverter:
    """One inverter, with its sensors that exist so far and what is known of its details.

    `is_successor` is whether another one had its entities before.
    """

    serial: str
    name: str
    entities: Entities
    details: Details = NO_DETAILS
    is_successor: bool = False

    def reading(self, dynamic: Dynamic) -> Reading:
        """Return a reading, evaluated for its own time."""
        return Reading(self.serial, dynamic.timestamp, dynamic, self.details)
