"""Entities whose ids people have changed in Home Assistant, or that they have disabled."""

from collections.abc import Callable, Mapping

from redback.inverters.inverter import Inverter
from redback.publishing.entity_ids import entity_ids


def ids_with(
    changes: Mapping[str, str | None], *, are_devices: bool = False
) -> Callable[[Inverter], dict[str, str]]:
    """Return how ids are found where these, by first id, have others; None = it is disabled."""
    identity = "of-a-device" if are_devices else None

    def ids(inverter: Inverter) -> dict[str, str]:
        found = (
            (key, changes.get(one, one)) for key, one in entity_ids(inverter, {}, identity).items()
        )
        return {key: one for key, one in found if one is not None}

    return ids
