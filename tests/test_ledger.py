"""That what is believed of counters is on disk at once, and that a bad disk stops nothing."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from house import until
from redback.counters import Believed
from redback.ledger import counters_ledger

AT = datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)
PAGE = {"import_all_time_energy_kwh": Believed(1500.75, AT)}


async def test_it_is_on_disk_at_once(tmp_path: Path) -> None:
    ledger = counters_ledger(tmp_path)
    task = asyncio.create_task(ledger.run())
    ledger.note("RB1", PAGE)

    async def written() -> bool:
        return counters_ledger(tmp_path).page("RB1") == PAGE

    await until(written, 5)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_what_is_still_to_be_written_is_written_at_the_end(tmp_path: Path) -> None:
    ledger = counters_ledger(tmp_path)
    ledger.note("RB1", PAGE)
    ledger.write()
    assert counters_ledger(tmp_path).page("RB1") == PAGE


def test_a_disk_that_cannot_be_written_is_told_once_and_again_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder = tmp_path / "later"
    ledger = counters_ledger(folder)
    for value in (1.0, 2.0, 3.0):
        ledger.note("RB1", {"import_all_time_energy_kwh": Believed(value, AT)})
        ledger.write()
    assert ledger.page("RB1") == {"import_all_time_energy_kwh": Believed(3.0, AT)}
    folder.mkdir()
    ledger.write()
    told = [message.split("counters.json ")[1] for message in caplog.messages]
    assert len(told) == 2
    assert told[0].startswith("cannot be written (No such file or directory): a glitch of")
    assert told[1] == "can be written again."
