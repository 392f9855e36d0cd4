"""From a reading to the states of one inverter's entities."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from slugify import slugify

from .core import UNAVAILABLE, UNKNOWN, State
from .reading import Reading
from .sensors import Quantity, Sensor, sensors

_LONGEST_STATE = 255


@dataclass(frozen=True, slots=True)
class _Entity:
    sensor: Sensor
    entity_id: str
    attributes: Mapping[str, object]


class Entities:
    """The entities of one inverter.

    An entity exists from the first reading that has a value for it. From then on it is there in
    every reading, as unknown where the cloud has nothing.

    Args:
        name: what people call the inverter, for example "Redback".
        detailed: whether the detailed sensors are wanted.
    """

    def __init__(self, name: str, *, detailed: bool) -> None:
        self._name = name
        self._detailed = detailed
        self._entities: dict[str, _Entity] = {}

    def states(self, reading: Reading) -> list[State]:
        """Give the states of all entities that exist by now."""
        for sensor in sensors(reading, detailed=self._detailed):
            if sensor.name not in self._entities and sensor.value(reading) is not None:
                self._entities[sensor.name] = self._entity(sensor)
        return [
            State(entity.entity_id, _text(entity.sensor, reading), entity.attributes)
            for entity in self._entities.values()
        ]

    def unavailable(self) -> list[State]:
        """Give the states for when nothing is known of the inverter."""
        return [
            State(entity.entity_id, UNAVAILABLE, entity.attributes)
            for entity in self._entities.values()
        ]

    def _entity(self, sensor: Sensor) -> _Entity:
        name = f"{self._name} {sensor.name}"
        return _Entity(
            sensor,
            f"sensor.{slugify(name, separator='_')}",
            {"friendly_name": name, **_attributes(sensor.quantity)},
        )


def _text(sensor: Sensor, reading: Reading) -> str:
    if sensor.lapses and not reading.is_live:
        return UNAVAILABLE
    match sensor.value(reading):
        case None:
            return UNKNOWN
        case date() as moment:  # or a datetime, which is one too
            return moment.isoformat()
        case int() | float() as number if sensor.quantity.digits is not None:
            return _rounded(number, sensor.quantity.digits)
        case value:
            return str(value)[:_LONGEST_STATE]


def _rounded(number: float, digits: int) -> str:
    # Adding zero turns -0.0 into 0.0.
    rounded = round(number, digits) + 0.0
    return str(rounded if digits else int(rounded))


def _attributes(quantity: Quantity) -> dict[str, object]:
    attributes = {
        "unit_of_measurement": quantity.unit,
        "device_class": quantity.device_class,
        "state_class": quantity.state_class,
        "options": quantity.options,
    }
    return {key: value for key, value in attributes.items() if value is not None}
