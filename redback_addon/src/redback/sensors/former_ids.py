"""Finds the sensors that 1.0.0 stored by entity id."""

from collections.abc import Collection, Mapping

from .table import Sensor, find

_DOMAIN = "sensor."


def sensors_by_id(entity_ids: Collection[str]) -> Mapping[str, Sensor]:
    """Return the sensor of each entity id; all ids are of one inverter.

    An id is the inverter's name and a key, joined by "_", and both may contain more of these. The
    shortest name is used with which every id has a known key; else nothing is returned.
    """
    ids = [entity_id.removeprefix(_DOMAIN) for entity_id in entity_ids]
    words = min(ids, default="").split("_")
    for number in range(len(words)):
        name = "".join(f"{word}_" for word in words[:number])
        keys = (one.removeprefix(name) for one in ids if one.startswith(name))
        found = [sensor for sensor in map(find, keys) if sensor is not None]
        if len(found) == len(ids):
            return dict(zip(entity_ids, found, strict=True))
    return {}
