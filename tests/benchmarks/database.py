"""How many rows one inverter adds to Core's database.

Beside it, in the same Core, everything that the cloud shows is pushed every minute: Core itself
makes no row of a state that is as before.

`python -m benchmarks.database FOLDER MINUTES` does so in a faster world, and writes as JSON how
many rows came in these minutes, from the service and from the other.
"""

import asyncio
import shutil
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from slugify import slugify

import examples
import fast_world
from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import background
from chaos.system import FAST, NORMAL, System, running_system, set_speed
from redback.inverters.details import Details
from redback.sensors.reading import Reading
from redback.sensors.table import Sensor, sensors
from standin.client import Client

# Eight in the morning where Core is at home: what can change does.
_BEGINNING = "2026-02-28 22:00:00"
_MINUTES = {Length.QUICK: 10, Length.USUAL: 60, Length.LONG: 1440}
_MINUTE = 60.0
_PATIENCE_SECONDS = 300.0
# Until everything has been shown once.
_WARM_UP_MINUTES = 5
_DATABASE = "home-assistant_v2.db"
_OURS = "sensor.house_"
_PUSHED = "sensor.pushed_"
# With them it has the same sensors.
_DETAILS = Details(examples.static(), examples.configuration())
_COUNT = """
    SELECT COUNT(*) AS states,
           COUNT(CASE WHEN states_meta.entity_id GLOB '*_last_reading' THEN 1 END) AS readings,
           COUNT(DISTINCT CASE WHEN attributes_id NOT IN
             (SELECT attributes_id FROM states
              WHERE last_updated_ts < :since AND attributes_id IS NOT NULL)
             THEN attributes_id END) AS attributes
    FROM states JOIN states_meta USING (metadata_id)
    WHERE last_updated_ts >= :since AND last_updated_ts < :until
      AND states_meta.entity_id GLOB :whose
"""


def measure(length: Length) -> Sequence[Figure]:
    """Watch for some minutes, or in a long run for a whole day."""
    minutes = _MINUTES[length]
    folder = fast_world.new_folder("database")
    seen = fast_world.run(
        *("benchmarks.database", folder, str(minutes)),
        folder=folder,
        beginning=_BEGINNING,
        seconds=_PATIENCE_SECONDS + 2 * _MINUTE * minutes / FAST,
    )
    shutil.rmtree(folder)

    def figure(name: str, what: str, per: float, most: float | None = None) -> Figure:
        beside = Beside("all every minute", seen["pushed"][what] / per)
        return Figure(name, seen["ours"][what] / per, "", beside, most=most)

    return [
        figure("rows of states a minute", "states", seen["minutes"]),
        figure("readings that come a minute", "readings", seen["minutes"]),
        figure(f"rows of attributes that {minutes} minutes add", "attributes", 1, most=0),
    ]


async def _watch(folder: Path, minutes: float) -> dict[str, Any]:
    async with running_system(1, folder) as system, system.core.client() as client:
        await system.begin()
        async with background("the other program", _push_all(client, system)):
            await set_speed(FAST)
            await asyncio.sleep(_WARM_UP_MINUTES * _MINUTE)
            since = time.time()
            await asyncio.sleep(minutes * _MINUTE)
            until = time.time()
            await set_speed(NORMAL)
        await system.home.service.stop()
    window = {"since": since, "until": until}
    with closing(sqlite3.connect(system.core.folder / _DATABASE)) as database:
        database.row_factory = sqlite3.Row
        found = {
            who: dict(database.execute(_COUNT, {**window, "whose": f"{prefix}*"}).fetchone())
            for who, prefix in (("ours", _OURS), ("pushed", _PUSHED))
        }
    return {"minutes": (until - since) / _MINUTE, **found}


async def _push_all(client: Client, system: System) -> None:
    """Push everything that the inverter records, once a minute."""
    simulator = system.home.simulator
    serial = simulator.world.inverters[0].serial
    due = time.monotonic()
    while True:
        dynamic = examples.decoded(simulator.truth(serial))
        reading = Reading("", dynamic.timestamp, dynamic, _DETAILS)
        every = sensors(reading, detailed=False)
        await asyncio.gather(*(_push(client, reading, sensor) for sensor in every))
        due += _MINUTE
        await asyncio.sleep(max(due - time.monotonic(), 0))


async def _push(client: Client, reading: Reading, sensor: Sensor) -> None:
    quantity, value = sensor.quantity, sensor.value(reading)
    attributes = {
        "friendly_name": f"Pushed {sensor.name}",
        "unit_of_measurement": quantity.unit,
        "device_class": quantity.device_class,
        "state_class": quantity.state_class,
    }
    entity_id = _PUSHED + slugify(sensor.name, separator="_")
    answer = await client.push(entity_id, "unknown" if value is None else str(value), attributes)
    assert answer.status in (HTTPStatus.OK, HTTPStatus.CREATED), f"{entity_id}: {answer}"


def main() -> None:
    """Count, and write it."""
    folder, minutes = sys.argv[1:]
    found = asyncio.run(_watch(Path(folder), float(minutes)))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
