"""The keys of sensors that 1.0.0 kept on disk by their entity ids."""

from collections.abc import Collection, Mapping

from .table import find

_DOMAIN = "sensor."


def keys_by_id(entity_ids: Collection[str]) -> Mapping[str, str]:
    """Return the sensor's key of each of these, which are all of one inverter.

    An id is the inverter's name and a key, joined by "_", and both may have more of these. The
    shortest name counts with which each id has a key; nothing is returned where there is none.
    """
    ids = [entity_id.removeprefix(_DOMAIN) for entity_id in entity_ids]
    words = min(ids, default="").split("_")
    for number in range(len(words)):
        name = "".join(f"{word}_" for word in words[:number])
        keys = [one.removeprefix(name) for one in ids if one.startswith(name)]
        if len(keys) == len(ids) and all(map(find, keys)):
            return dict(zip(entity_ids, keys, strict=True))
    return {}
