"""From a reading to the states of one inverter's entities."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from slugify import slugify

from ..core import UNAVAILABLE, UNKNOWN, Series, State
from .reading import OFFLINE, Reading
from .table import STATUS, Quantity, Sensor, sensors

_LONGEST_STATE = 255


class Former(msgspec.Struct, frozen=True):
    """An entity that there was when the program last ran; Core may still show it.

    Attributes:
        entity_id: for example sensor.redback_status.
        attributes: as Core was given them.
        lapsed: its state when there is no reading for too long; None = its last one stands.
    """

    entity_id: str
    attributes: dict[str, Any]
    lapsed: str | None

    def state(self, value: str) -> State:
        """Make a state of it."""
        return State(self.entity_id, value, self.attributes)


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
        former: those that there were when the program last ran. With the first reading they exist
            again, or become unavailable for good where there is no such sensor any more.
    """

    def __init__(self, name: str, *, detailed: bool, former: Iterable[Former] = ()) -> None:
        self._name = name
        self._detailed = detailed
        self._entities: dict[str, _Entity] = {}
        self._former = {one.entity_id: one for one in former}

    @property
    def existing(self) -> tuple[Former, ...]:
        """All entities that Core may show, by entity id, to be kept for the next run."""
        ours = (
            Former(entity.entity_id, dict(entity.attributes), _lapsed(entity.sensor))
            for entity in self._entities.values()
        )
        return tuple(sorted([*ours, *self._former.values()], key=lambda one: one.entity_id))

    @property
    def ids(self) -> Mapping[str, str]:
        """The entity ids of those that exist by now, by the sensor's name in the sensor table."""
        return {name: entity.entity_id for name, entity in self._entities.items()}

    def states(self, reading: Reading) -> list[State]:
        """Give the states of all entities that exist by now."""
        awaited: dict[str, Former] = {}
        for sensor in sensors(reading, detailed=self._detailed):
            if sensor.name in self._entities:
                continue
            entity = self._entity(sensor)
            former = self._former.pop(entity.entity_id, None)
            if sensor.value(reading) is not None or (former is not None and not sensor.fact):
                self._entities[sensor.name] = entity
            elif former is not None:  # what it is comes soon, and what Core shows still holds
                awaited[entity.entity_id] = former
        gone, self._former = self._former, awaited
        return [
            *(one.state(UNAVAILABLE) for one in gone.values()),
            *(
                State(entity.entity_id, _text(entity.sensor, reading), entity.attributes)
                for entity in self._entities.values()
            ),
        ]

    @property
    def series(self) -> tuple[Series, ...]:
        """The statistics that Core makes of the entities that exist by now."""
        return tuple(
            Series(
                entity.entity_id,
                entity.sensor.quantity.unit,
                is_counter=entity.sensor.quantity.is_counter,
            )
            for entity in self._with_statistics()
        )

    def numbers(self, reading: Reading) -> Iterator[tuple[str, float | None]]:
        """Give what the entities with statistics show of a reading, by entity id."""
        for entity in self._with_statistics():
            sensor, digits = entity.sensor, entity.sensor.quantity.digits
            value = None if sensor.lapses and not reading.is_live else sensor.value(reading)
            if isinstance(value, int | float) and digits is not None:
                yield entity.entity_id, _round(value, digits)
            else:
                yield entity.entity_id, None

    def flows(self, reading: Reading) -> Iterator[tuple[str, float | None]]:
        """Give the powers that counters count, by the counter's entity id; kW."""
        for entity in self._with_statistics():
            if entity.sensor.flow is not None:
                yield entity.entity_id, entity.sensor.flow(reading)

    def _with_statistics(self) -> Iterator[_Entity]:
        for entity in self._entities.values():
            if entity.sensor.quantity.state_class is not None:
                yield entity

    def unavailable(self) -> list[State]:
        """Give the states for when nothing is known of the inverter."""
        return [one.state(UNAVAILABLE) for one in self.existing]

    def lapsed(self) -> list[State]:
        """Give the states for when there has been no reading since the start for too long."""
        return [one.state(one.lapsed) for one in self._former.values() if one.lapsed is not None]

    def _entity(self, sensor: Sensor) -> _Entity:
        name = f"{self._name} {sensor.name}"
        return _Entity(
            sensor,
            f"sensor.{slugify(name, separator='_')}",
            {"friendly_name": name, **_attributes(sensor.quantity)},
        )


def _lapsed(sensor: Sensor) -> str | None:
    if sensor.quantity is STATUS:
        return OFFLINE
    return UNAVAILABLE if sensor.lapses else None


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
    rounded = _round(number, digits)
    return str(rounded if digits else int(rounded))


def _round(number: float, digits: int) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(number, digits) + 0.0


def _attributes(quantity: Quantity) -> dict[str, object]:
    attributes = {
        "unit_of_measurement": quantity.unit,
        "device_class": quantity.device_class,
        "state_class": quantity.state_class,
        # A list, as it is when it has been kept in a file.
        "options": list(quantity.options) if quantity.options else None,
    }
    return {key: value for key, value in attributes.items() if value is not None}
