"""That a data folder of 1.0.0 is taken over with nothing lost, and that one can go back to it.

The files in `version_1_0_0` were written by 1.0.0 for two simulated inverters, of which hours were
fetched and not yet brought to Core.
"""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from house import house, until
from redback.backfill import Coverage, Stage
from redback.backfill.coverage import DamagedError
from redback.inverters.hourly import Measured
from redback.inverters.stores import counters_file, sensors_file
from redback.ledger import Meters
from redback.publishing.entity_ids import entity_id
from redback.saved_state import SavedState
from redback.sensors.counters import COUNTERS
from sqlite_file import opened

LEFT = Path(__file__).parent / "version_1_0_0"
SERIAL = "RB26030100000011"
NAMES = {SERIAL: "Redback 0011", "RB26030100000021": "Redback 0021"}
HISTORY = "history.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill(tmp_path)
    return tmp_path


def fill(folder: Path) -> None:
    for path in LEFT.glob("*.json"):
        (folder / path.name).write_bytes(path.read_bytes())
    with sqlite3.connect(folder / HISTORY) as database:
        database.executescript((LEFT / "history.sql").read_text())
    database.close()


def left(name: str) -> Any:  # noqa: ANN401 - as it is in the file
    return json.loads((LEFT / name).read_text())


def test_names_are_kept(folder: Path) -> None:
    saved = SavedState(folder / "memory.json").saved
    assert {serial: given.name for serial, given in saved.names.items()} == NAMES


def test_every_entity_that_core_was_given_is_known_by_its_key(folder: Path) -> None:
    file = sensors_file(folder)
    for serial, entities in left("entities.json").items():
        by_name = file.get(serial) or {}
        assert set(by_name) == {NAMES[serial]}
        found = {entity_id(name, key) for name, keys in by_name.items() for key in keys}
        assert found == {entity["entity_id"] for entity in entities}
        assert len(found) > 30


def test_every_counter_goes_on_from_what_was_believed(folder: Path) -> None:
    file = counters_file(folder)
    for serial, fields in left("counters.json").items():
        believed = Meters("", file.get(serial) or {}).believed
        assert len(believed) == len(fields) >= 4
        for row in COUNTERS:
            if row.field in fields:
                assert msgspec.to_builtins(believed[row.key]) == fields[row.field]


def test_every_hour_that_was_fetched_is_fetched_again_for_the_ledger(folder: Path) -> None:
    with opened(folder / HISTORY) as database:
        rows = database.execute("SELECT start FROM hour WHERE summary NOT NULL").fetchall()
    assert len(rows) == 3
    coverage = Coverage(folder / HISTORY)
    for (seconds,) in rows:
        start = datetime.fromtimestamp(seconds, UTC)
        with pytest.raises(DamagedError):
            coverage.summary(SERIAL, start)
        assert coverage.hours(SERIAL, start, start.replace(minute=1))[start].stage is Stage.WANTED
    coverage.close()


class _Former(msgspec.Struct):
    """A summary as 1.0.0 reads it."""

    measured: dict[str, Any]
    counted: dict[str, Any]


def test_1_0_0_takes_an_hour_of_this_version_for_damaged_and_not_for_empty() -> None:
    """An hour that it took for empty would be settled, and lost."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode({"load": Measured(1, 1, 1)}), type=_Former)


@pytest.mark.process
async def test_core_keeps_its_entities_and_1_0_0_its_files() -> None:
    async with house("st", "si") as home:
        assert list(NAMES) == home.inverters
        fill(home.data)
        home.service.options(detailed_sensors=True)
        await home.service.start()
        wanted = {
            one["entity_id"].removeprefix("sensor."): one["attributes"]
            for entities in left("entities.json").values()
            for one in entities
        }

        async def are_there() -> bool:
            return wanted.keys() <= (await home.states()).keys()

        await until(are_there)
        shown = await home.states()
        assert {name: shown[name]["attributes"] for name in wanted} == wanted
        totals = [name for name in wanted if name.endswith("_total")]
        assert shown.keys() - wanted.keys() == {
            name.removesuffix("_total") + "_today" for name in totals
        }
        assert await home.service.stop() == 0
        assert (home.data / "entities.json").read_bytes() == (LEFT / "entities.json").read_bytes()
        counters = json.loads((home.data / "counters.json").read_text())
        assert all({"value", "at"} == one.keys() for of in counters.values() for one in of.values())
        assert json.loads((home.data / "memory.json").read_text())["names"].keys() == NAMES.keys()
