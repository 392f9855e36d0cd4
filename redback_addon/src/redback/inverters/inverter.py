"""One inverter: everything needed to evaluate any reading of it."""

from dataclasses import dataclass

from ..cloud import Dynamic
from ..publishing.device import Device
from ..sensors.details import NO_DETAILS, Details
from ..sensors.entities import Entities
from ..sensors.reading import Reading


@dataclass(frozen=True, slots=True)
class Inverter:
    """One inverter, with its sensors that exist so far and what is known of its details.

    `formers` are the serial numbers of those that had its entities before, the latest first.
    """

    serial: str
    name: str
    entities: Entities
    details: Details = NO_DETAILS
    formers: tuple[str, ...] = ()

    @property
    def is_successor(self) -> bool:
        """Whether another one had its entities before."""
        return bool(self.formers)

    @property
    def device(self) -> Device:
        """The inverter as Home Assistant shows it."""
        return Device(self.serial, self.name, self.formers)

    def reading(self, dynamic: Dynamic) -> Reading:
        """Return a reading, evaluated for its own time."""
        return Reading(self.serial, dynamic.timestamp, dynamic, self.details)
