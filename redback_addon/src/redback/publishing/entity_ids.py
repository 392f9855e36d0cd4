"""Entity ids, which follow from an inverter's name and a sensor's key."""

from functools import cache
from typing import Protocol

from slugify import slugify

from ..core import Series
from ..sensors.entities import Entities


class Inverter(Protocol):
    """An inverter, as far as entity ids depend on it."""

    @property
    def name(self) -> str:
        """The name that people read."""

    @property
    def entities(self) -> Entities:
        """Its sensors that exist so far."""


def entity_id(name: str, key: str) -> str:
    """Return the id of a sensor, for example sensor.redback_grid_import_total."""
    return f"sensor.{slugify(f'{name} {key}', separator='_')}"


@cache
def slug(name: str) -> str:
    """Return what entity ids have of an inverter's name; equal slugs have the same ids."""
    return slugify(name)


def entity_ids(inverter: Inverter) -> dict[str, str]:
    """Return the ids of all sensors of an inverter that exist so far, by key."""
    return {key: entity_id(inverter.name, key) for key in inverter.entities.sensors}


def series(inverter: Inverter) -> dict[str, Series]:
    """Return the statistics that Core makes of an inverter's sensors, by key."""
    return {
        sensor.key: Series(
            entity_id(inverter.name, sensor.key),
            sensor.quantity.unit,
            is_counter=sensor.quantity.is_counter,
        )
        for sensor in inverter.entities.statistics()
    }
