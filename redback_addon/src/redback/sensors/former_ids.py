"""Finds the keys of sensors that 1.0.0 stored by entity id."""

from collections.abc import Collection, Mapping

from .table import find

_DOMAIN = "sensor."


def keys_by_id(entity_ids: Collection[str]) -> Mapping[str, str]:
    """Return the sensor key of each entity id; all ids are of one inverter.

    An id is the inverter's name and a key, joined by "_", and both may contain more of these. The
    shortest name is used with which every id has a known key; else nothing is returned.
    """
    ids = [entity_id.removeprefix(_DOMAIN) for entity_id in entity_ids]
    words = min(ids, default="").split("_")
    for number in range(len(words)):
        name = "".join(f"{word}_" for word in words[:number])
        keys = [one.removeprefix(name) for one in ids if one.startswith(name)]
        if len(keys) == len(ids) and all(map(find, keys)):
            return dict(zip(entity_ids, keys, strict=True))
    return {}
