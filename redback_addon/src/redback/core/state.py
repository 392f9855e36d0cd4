"""One entity's state, as Core is given it."""

from collections.abc import Mapping
from dataclasses import dataclass

UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class State:
    """What Core shows of one entity.

    Attributes:
        entity_id: for example sensor.redback_grid_import_total.
        value: the state as text, at most 255 characters.
        attributes: the same at every push, since Core stores each new set of attributes.
    """

    entity_id: str
    value: str
    attributes: Mapping[str, object]
