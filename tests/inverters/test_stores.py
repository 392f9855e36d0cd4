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
from redback.inverters.counters import Believed
from redback.inverters.stores import counters_file, entities_file
from redback.sensors.entities import Former
from redback.storage.keyed_file import KeyedFile
from strange import VALUES, spoilt, written

AT = datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)
PAGE = {"import_all_time_energy_kwh": Believed(1500.75, AT)}


async def test_it_is_on_disk_at_once(tmp_path: Path) -> None:
    ledger = counters_file(tmp_path)
    task = asyncio.create_task(ledger.run())
    ledger.set("RB1", PAGE)

    async def written() -> bool:
        return counters_file(tmp_path).get("RB1") == PAGE

    await until(written, 5)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_what_is_still_to_be_written_is_written_at_the_end(tmp_path: Path) -> None:
    ledger = counters_file(tmp_path)
    ledger.set("RB1", PAGE)
    ledger.write()
    assert counters_file(tmp_path).get("RB1") == PAGE


def test_a_disk_that_cannot_be_written_is_told_once_and_again_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder = tmp_path / "later"
    ledger = counters_file(folder)
    for value in (1.0, 2.0, 3.0):
        ledger.set("RB1", {"import_all_time_energy_kwh": Believed(value, AT)})
        ledger.write()
    assert ledger.get("RB1") == {"import_all_time_energy_kwh": Believed(3.0, AT)}
    folder.mkdir()
    ledger.write()
    told = [message.split("counters.json ")[1] for message in caplog.messages]
    assert len(told) == 2
    assert told[0].startswith("cannot be written (No such file or directory): a glitch of")
    assert told[1] == "can be written again."


FORMER = Former("sensor.redback_status", {"unit_of_measurement": "kW"}, None)
GOOD_COUNTERS = msgspec.to_builtins({"RB1": PAGE, "RB2": PAGE})
GOOD_ENTITIES = msgspec.to_builtins({"RB1": (FORMER,), "RB2": ()})


def contents(good: object) -> st.SearchStrategy[bytes]:
    """Give what a file may hold: almost what it should, other JSON, or anything."""
    return st.binary() | st.one_of(spoilt(good), VALUES).map(lambda value: written(value).encode())


@given(contents(GOOD_COUNTERS))
def test_whatever_is_in_the_file_counters_are_counted(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "counters.json").write_bytes(content)
    pages = [counters_file(folder).get(serial) or {} for serial in ("RB1", "RB2")]
    assert all(math.isfinite(one.value) for page in pages for one in page.values())
    assert_it_goes_on(counters_file, folder, PAGE)


@given(contents(GOOD_ENTITIES))
def test_whatever_is_in_the_file_entities_are_known_again(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "entities.json").write_bytes(content)
    pages = [entities_file(folder).get(serial) or () for serial in ("RB1", "RB2")]
    assert all(one.state("unknown").value == "unknown" for page in pages for one in page)
    assert_it_goes_on(entities_file, folder, (FORMER,))


def assert_it_goes_on(
    open_in: Callable[[Path], KeyedFile[Any]], folder: Path, page: object
) -> None:
    ledger = open_in(folder)
    ledger.set("RB1", page)
    ledger.write()
    assert open_in(folder).get("RB1") == page
