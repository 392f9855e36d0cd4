"""All entities that Home Assistant shows, but those that take commands."""

from collections.abc import Iterator, Mapping

import msgspec

from ..publishing.components import BINARY_SENSORS
from ..sensors.labels import label
from ..sensors.table import Quantity
from .context import Context, own_ids


class Entity(msgspec.Struct, frozen=True):
    """One entity; its kind says what statistics Home Assistant makes of it.

    A state that is a time is one of ISO 8601, as Home Assistant has it.
    """

    entity_id: str
    name: str
    state: str
    unit: str | None
    kind: str
    device_class: str | None
    inverter: str


_KINDS: Mapping[str | None, str] = {
    "total_increasing": "counter",
    "total": "counter",
    "measurement": "measurement",
}

_BINARY = {key: Quantity(device_class=kind) for key, kind in BINARY_SENSORS.items()}


def entities(context: Context) -> Iterator[Entity]:
    """Yield all entities, inverter by inverter, but those that somebody else has."""
    for serial, given in sorted(context.registry.names.items(), key=lambda item: item[1].name):
        inverter = context.registry.inverter(serial)
        if inverter is None:
            continue
        states = context.publisher.states(inverter.device)
        for key, entity_id in own_ids(context, inverter).items():
            if key in states:
                sensor = inverter.entities.sensors.get(key)
                what = _BINARY[key] if sensor is None else sensor.quantity
                yield Entity(
                    entity_id,
                    label(key),
                    states[key],
                    what.unit,
                    _KINDS.get(what.state_class, "none"),
                    what.device_class,
                    given.name,
                )
