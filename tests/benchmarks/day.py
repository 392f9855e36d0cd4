"""Looks at what the service leaves in a real Core's database; to be run in a faster world.

`python -m benchmarks.day --folder NEW --minutes N` writes how many rows were added in these
minutes, by the service and by one that pushes everything every minute, as JSON.
"""

import argparse
import asyncio
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from slugify import slugify

import examples
from benchmarks.cloud import cloud
from benchmarks.fixed import poll
from benchmarks.meanwhile import meanwhile
from benchmarks.stage import stage
from chaos.system import FAST, NORMAL, set_speed
from redback.inverters.details import Details
from redback.sensors.reading import Reading
from redback.sensors.table import Sensor, sensors
from standin.client import Client
from standin.real_core import RealCore, find_hass

_MINUTE = 60.0
# For an answer; real ones are a sixtieth.
_PATIENCE_SECONDS = 1800.0
# Until everything was asked for once, and everything has been shown.
_WARM_UP_MINUTES = 5
# What a first reading shows at least; Core has a few of its own.
_SHOWN = 30
_DATABASE = "home-assistant_v2.db"
_TAKEN = (HTTPStatus.OK, HTTPStatus.CREATED)
_OURS = "sensor.redback_"
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


async def _watch(folder: Path, minutes: float) -> dict[str, Any]:
    core = RealCore(find_hass(), folder / "core")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(core)
        ours, theirs = [await stack.enter_async_context(cloud(1)) for _ in range(2)]
        scene = await stack.enter_async_context(stage(ours.url, core=core.address, has_front=False))
        client = await stack.enter_async_context(
            Client.of_core(core.url, core.token, seconds=_PATIENCE_SECONDS)
        )
        await scene.service.start()
        while len(await core.states()) < _SHOWN:
            await asyncio.sleep(1)
        readings: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        polling = poll(
            theirs.url, await theirs.serials(), heard=lambda _, one: readings.put_nowait(one)
        )
        await stack.enter_async_context(meanwhile("the other poller", polling))
        await stack.enter_async_context(meanwhile("what pushes all", _push(client, readings)))
        await set_speed(FAST)
        await asyncio.sleep(_WARM_UP_MINUTES * _MINUTE)
        since = time.time()
        await asyncio.sleep(minutes * _MINUTE)
        until = time.time()
        await set_speed(NORMAL)
        await scene.service.stop()
    window = {"since": since, "until": until}
    found = await asyncio.to_thread(_count, core.folder / _DATABASE, window)
    return {"minutes": (until - since) / _MINUTE, **found}


async def _push(client: Client, readings: asyncio.Queue[Mapping[str, Any]]) -> None:
    """Push everything that comes, as it comes."""
    while True:
        dynamic = examples.decoded(await readings.get())
        reading = Reading("", dynamic.timestamp, dynamic, _DETAILS)
        every = sensors(reading, detailed=False)
        await asyncio.gather(*(_push_one(client, reading, sensor) for sensor in every))


async def _push_one(client: Client, reading: Reading, sensor: Sensor) -> None:
    quantity, value = sensor.quantity, sensor.value(reading)
    attributes = {
        "friendly_name": f"Pushed {sensor.name}",
        "unit_of_measurement": quantity.unit,
        "device_class": quantity.device_class,
        "state_class": quantity.state_class,
    }
    entity_id = _PUSHED + slugify(sensor.name, separator="_")
    answer = await client.push(entity_id, "unknown" if value is None else str(value), attributes)
    assert answer.status in _TAKEN, f"{entity_id}: {answer}"


def _count(file: Path, window: Mapping[str, float]) -> dict[str, dict[str, int]]:
    """Count rows of states, and rows of attributes that are new, by who it was."""
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        return {
            who: dict(database.execute(_COUNT, {**window, "whose": f"{prefix}*"}).fetchone())
            for who, prefix in (("ours", _OURS), ("pushed", _PUSHED))
        }


def main() -> None:
    """Watch, and tell."""
    parser = argparse.ArgumentParser(prog="benchmarks.day")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    arguments = parser.parse_args()
    told = asyncio.run(_watch(arguments.folder, arguments.minutes))
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
