"""What is known of an inverter beyond its minute: enough to make states of any reading of it."""

from collections.abc import Callable
from dataclasses import dataclass

from ..cloud import Configuration, Dynamic, Limits, Static
from ..sensors.entities import Entities
from ..sensors.reading import Reading, first


@dataclass(frozen=True, slots=True)
class Inverter:
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

    def detail(self, value: Callable[[Limits], float | None]) -> float | None:
        """Look into the configuration, and where that tells nothing into the static data."""
        return first(value, self.configuration, self.static)

    @property
    def site_id(self) -> str | None:
        """The site that it belongs to; None where that is not known."""
        return None if self.static is None else self.static.site_id
