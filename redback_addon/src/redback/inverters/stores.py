"""Two files that outlive a restart: believed counters, and the sensors that exist."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ..ledger import Believed
from ..sensors.former_ids import sensors_by_id
from ..storage.json_file import JsonFile
from ..storage.keyed_file import KeyedFile
from ..storage.sparing import OFTEN, is_due

CountersFile = KeyedFile[dict[str, Believed]]
SensorsFile = KeyedFile[dict[str, tuple[str, ...]]]
# Above the share below which Core takes a value for a new counter's (`RESET_BELOW`).
_LEAST_WRITTEN = 0.95
_SENSORS_LOSS = "after a power cut Home Assistant may show outdated values"


class _Former(msgspec.Struct, frozen=True):
    """An entity that 1.0.0 had given to Core."""

    entity_id: str
    attributes: dict[str, Any]


def counters_file(folder: Path) -> CountersFile:
    """Open the last believed values of all counters, by the sensor's key."""
    loss = "a glitch of a counter may be believed after a restart"
    return KeyedFile(folder / "counters.json", dict[str, Believed], loss)


def counters_are_due(
    written: Mapping[str, Believed], believed: Mapping[str, Believed], at: datetime
) -> bool:
    """Whether the counters of an inverter are to be written, none of which has stepped.

    After a power cut, Core may be shown what was written last. It is never so much less than
    before that Core would take it for a new counter's value. One that goes on is soon believed to
    be higher again. One that does not may stay as it is for hours, so it is written at once.

    Args:
        written: what is on the disk, by sensor key.
        believed: what is believed now.
        at: the time of the last reading.
    """
    return written.keys() != believed.keys() or any(
        one.at < at
        or is_due(written[key].at.timestamp(), at.timestamp(), OFTEN)
        or written[key].value < _LEAST_WRITTEN * one.value
        for key, one in believed.items()
        if written[key] != one
    )


def sensors_file(folder: Path) -> SensorsFile:
    """Open the keys of the sensors that Home Assistant has, by the inverter's name at the time.

    The file of 1.0.0 is taken over, and kept, so that going back to 1.0.0 works.
    """
    file: SensorsFile = KeyedFile(
        folder / "sensors.json", dict[str, tuple[str, ...]], _SENSORS_LOSS
    )
    former = JsonFile(folder / "entities.json", dict[str, tuple[_Former, ...]], _SENSORS_LOSS)
    for serial, entities in (former.load() or {}).items():
        if file.get(serial) is None:
            file.set(serial, _by_name(entities))
    return file


def _by_name(entities: Sequence[_Former]) -> dict[str, tuple[str, ...]]:
    sensors = sensors_by_id([one.entity_id for one in entities])
    if not sensors:
        return {}
    first = entities[0]
    full_name = str(first.attributes.get("friendly_name", ""))
    name = full_name.removesuffix(sensors[first.entity_id].name).rstrip()
    return {name: tuple(sensor.key for sensor in sensors.values())}
