"""All entities that Home Assistant shows."""

from collections.abc import Iterator, Mapping

import msgspec

from ..publishing.publisher import Device
from .context import Context


class Entity(msgspec.Struct, frozen=True):
    """One entity; its kind says what statistics Home Assistant makes of it."""

    entity_id: str
    name: str
    state: str
    unit: str | None
    kind: str
    inverter: str


_KINDS: Mapping[str | None, str] = {"total_increasing": "counter", "measurement": "measurement"}


def entities(context: Context) -> Iterator[Entity]:
    """Yield all entities, inverter by inverter, but those that somebody else has."""
    is_taken = context.publisher.ownership.is_taken
    for serial, given in sorted(context.registry.names.items(), key=lambda item: item[1].name):
        inverter = context.registry.inverter(serial)
        states = context.publisher.states(Device(serial, given.name))
        for key, sensor in ({} if inverter is None else inverter.entities.sensors).items():
            if (state := states.get(key)) is not None and not is_taken(state.entity_id):
                unit, kind = sensor.quantity.unit, _KINDS.get(sensor.quantity.state_class, "none")
                yield Entity(state.entity_id, sensor.name, state.value, unit, kind, given.name)
