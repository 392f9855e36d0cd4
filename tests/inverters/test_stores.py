"""That what is believed of counters is on disk at once, and that a bad disk stops nothing."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from house import until
from redback.inverters.stores import counters_file, sensors_file
from redback.ledger import Believed
from redback.storage.keyed_file import KeyedFile
from strange import VALUES, spoilt, written

AT = datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)
COUNTERS = {"grid_import_total": Believed(1500.75, AT)}


async def test_it_is_on_disk_at_once(tmp_path: Path) -> None:
    file = counters_file(tmp_path)
    task = asyncio.create_task(file.run())
    file.set("RB1", COUNTERS)

    async def written() -> bool:
        return counters_file(tmp_path).get("RB1") == COUNTERS

    await until(written, 5)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_what_is_still_to_be_written_is_written_at_the_end(tmp_path: Path) -> None:
    file = counters_file(tmp_path)
    file.set("RB1", COUNTERS)
    file.write()
    assert counters_file(tmp_path).get("RB1") == COUNTERS


def test_a_disk_that_cannot_be_written_is_logged_once_and_again_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder = tmp_path / "later"
    file = counters_file(folder)
    for value in (1.0, 2.0, 3.0):
        file.set("RB1", {"grid_import_total": Believed(value, AT)})
        file.write()
    assert file.get("RB1") == {"grid_import_total": Believed(3.0, AT)}
    folder.mkdir()
    file.write()
    logged = [message.split("counters.json ")[1] for message in caplog.messages]
    assert len(logged) == 2
    assert logged[0].startswith("cannot be written (No such file or directory): a glitch of")
    assert logged[1] == "can be written again."


SENSORS = {"Redback": ("status", "grid_power")}
FORMER = {"entity_id": "sensor.redback_status", "attributes": {"friendly_name": "Redback Status"}}
GOOD_COUNTERS = msgspec.to_builtins({"RB1": COUNTERS, "RB2": COUNTERS})
GOOD_SENSORS = msgspec.to_builtins({"RB1": SENSORS, "RB2": {}})
GOOD_ENTITIES = {"RB1": [FORMER], "RB2": []}


def contents(good: object) -> st.SearchStrategy[bytes]:
    """Return what a file may hold: almost what it should, other JSON, or anything."""
    return st.binary() | st.one_of(spoilt(good), VALUES).map(lambda value: written(value).encode())


@given(contents(GOOD_COUNTERS))
def test_whatever_is_in_the_file_counters_are_counted(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "counters.json").write_bytes(content)
    read = [counters_file(folder).get(serial) or {} for serial in ("RB1", "RB2")]
    assert all(math.isfinite(one.value) for counters in read for one in counters.values())
    assert_it_goes_on(counters_file, folder, COUNTERS)


@pytest.mark.parametrize(
    ("name", "good"), [("sensors.json", GOOD_SENSORS), ("entities.json", GOOD_ENTITIES)]
)
@given(data=st.data())
def test_whatever_is_in_the_files_sensors_are_known_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str, good: object
) -> None:
    folder = tmp_path_factory.getbasetemp() / name
    folder.mkdir(exist_ok=True)
    (folder / "sensors.json").unlink(missing_ok=True)
    (folder / name).write_bytes(data.draw(contents(good)))
    for serial in ("RB1", "RB2"):
        for inverter, keys in (sensors_file(folder).get(serial) or {}).items():
            assert isinstance(inverter, str)
            assert all(isinstance(key, str) for key in keys)
    assert_it_goes_on(sensors_file, folder, SENSORS)


def assert_it_goes_on(
    open_in: Callable[[Path], KeyedFile[Any]], folder: Path, value: object
) -> None:
    file = open_in(folder)
    file.set("RB1", value)
    file.write()
    assert open_in(folder).get("RB1") == value
