"""How many rows one inverter adds to Core's database.

Beside it, in the same Core, everything that the cloud shows is pushed every minute: Core itself
makes no row of a state that is as before. The program counts the rows of both in a faster world.
"""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

import examples
import fast_world
from benchmarks.figures import Beside, Figure, Length
from benchmarks.runner import background, be_program
from chaos.system import FAST, NORMAL, System, running_system, set_speed
from redback.core import State
from redback.inverters.inverter import Inverter
from redback.publishing.states import state
from redback.sensors.details import Details
from redback.sensors.entities import Entities
from standin.client import Client

# Eight in the morning where Core is at home: what can change does.
_BEGINNING = "2026-02-28 22:00:00"
_MINUTES = {Length.QUICK: 10, Length.USUAL: 60, Length.LONG: 1440}
_MINUTE = 60.0
_LONGEST_SECONDS = 300.0
# Until everything has been shown once.
_WARM_UP_MINUTES = 5
_COUNT = """
    SELECT COUNT(*) AS states,
           COUNT(CASE WHEN states_meta.entity_id GLOB '*_last_reading' THEN 1 END) AS readings,
           COUNT(DISTINCT CASE WHEN attributes_id NOT IN
             (SELECT attributes_id FROM states
              WHERE last_updated_ts < :since AND attributes_id IS NOT NULL)
             THEN attributes_id END) AS attributes
    FROM states JOIN states_meta USING (metadata_id)
    WHERE last_updated_ts >= :since AND last_updated_ts < :until
      AND states_meta.entity_id GLOB 'sensor.' || :name || '_*'
"""


def measure(length: Length) -> Sequence[Figure]:
    """Watch for some minutes, or in a long run for a whole day."""
    minutes = _MINUTES[length]
    folder = fast_world.new_folder("database")
    seen = fast_world.run(
        *("benchmarks.database", msgspec.json.encode((str(folder), minutes)).decode()),
        folder=folder,
        beginning=_BEGINNING,
        seconds=_LONGEST_SECONDS + 2 * _MINUTE * minutes / FAST,
    )
    shutil.rmtree(folder)
    ours, pushed = seen["house"], seen["pushed"]

    def figure(name: str, what: str, per: float = 1, most: float | None = None) -> Figure:
        beside = Beside("all every minute", pushed[what] / per)
        return Figure(name, ours[what] / per, "", beside, most=most)

    return [
        figure("rows of states a minute", "states", seen["minutes"]),
        figure("readings that come a minute", "readings", seen["minutes"]),
        figure(f"rows of attributes that {minutes} minutes add", "attributes", most=0),
    ]


async def _watch(task: tuple[str, float]) -> dict[str, Any]:
    folder, minutes = task
    async with running_system(1, Path(folder)) as system, system.core.client() as client:
        await system.begin()
        async with background("the other program", _push_all(client, system)):
            await set_speed(FAST)
            await asyncio.sleep(_WARM_UP_MINUTES * _MINUTE)
            since = time.time()
            await asyncio.sleep(minutes * _MINUTE)
            until = time.time()
            await set_speed(NORMAL)
        await system.home.service.stop()
    with closing(sqlite3.connect(system.core.folder / "home-assistant_v2.db")) as database:
        database.row_factory = sqlite3.Row
        which = {"since": since, "until": until}
        found = {
            name: dict(database.execute(_COUNT, which | {"name": name}).fetchone())
            for name in ("house", "pushed")
        }
    return {"minutes": (until - since) / _MINUTE, **found}


async def _push_all(client: Client, system: System) -> None:
    """Push everything that the inverter records, once a minute."""
    simulator = system.home.simulator
    serial = simulator.world.inverters[0].serial
    # With these details it has the same sensors.
    details = Details(examples.static(), examples.configuration())
    inverter = Inverter(serial, "Pushed", Entities(detailed=False), details)
    due = time.monotonic()
    while True:
        reading = inverter.reading(examples.decoded(simulator.truth(serial)))
        states = [state("Pushed", one) for one in inverter.entities.show(reading)]
        await asyncio.gather(*(_push(client, one) for one in states))
        due += _MINUTE
        await asyncio.sleep(max(due - time.monotonic(), 0))


async def _push(client: Client, one: State) -> None:
    answer = await client.push(one.entity_id, one.value, dict(one.attributes))
    assert answer.status in (HTTPStatus.OK, HTTPStatus.CREATED), f"{one}: {answer}"


if __name__ == "__main__":
    be_program(_watch, tuple[str, float])
