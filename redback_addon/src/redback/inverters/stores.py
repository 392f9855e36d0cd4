"""The files of what must be known of each inverter after a restart."""

from pathlib import Path

from ..sensors.entities import Former
from ..storage.keyed_file import KeyedFile
from .counters import Believed

CountersFile = KeyedFile[dict[str, Believed]]
EntitiesFile = KeyedFile[tuple[Former, ...]]


def counters_file(folder: Path) -> CountersFile:
    """Open the last believed values of all counters, by field of the reading."""
    loss = "a glitch of a counter may be believed after a restart"
    return KeyedFile(folder / "counters.json", dict[str, Believed], loss)


def entities_file(folder: Path) -> EntitiesFile:
    """Open the entities that Core was given."""
    loss = "after a power cut Home Assistant may show what is no longer so"
    return KeyedFile(folder / "entities.json", tuple[Former, ...], loss)
