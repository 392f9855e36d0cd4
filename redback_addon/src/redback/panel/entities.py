"""All entities that Home Assistant shows."""

from collections.abc import Iterator, Mapping

import msgspec

from .context import Context


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


_KINDS: Mapping[str | None, str] = {"total_increasing": "counter", "measurement": "measurement"}


def entities(context: Context) -> Iterator[Entity]:
    """Yield all entities, inverter by inverter, but those that somebody else has."""
    ownership = context.publisher.ownership
    for serial, given in sorted(context.registry.names.items(), key=lambda item: item[1].name):
        inverter = context.registry.inverter(serial)
        if inverter is None:
            continue
        states, ids = context.publisher.states(inverter.device), ownership.ids(inverter)
        for key, sensor in inverter.entities.sensors.items():
            if key in states and key in ids and not ownership.is_taken(ids[key]):
                what = sensor.quantity
                yield Entity(
                    ids[key],
                    sensor.name,
                    states[key],
                    what.unit,
                    _KINDS.get(what.state_class, "none"),
                    what.device_class,
                    given.name,
                )
