"""Nothing wrong, nothing lost: hours with everything going wrong, under a clock 60 times faster.

    HASS_EXECUTABLE=... CHAOS_SEED=7 CHAOS_HOURS=24 pytest tests/test_chaos.py

runs a day of another seed.
"""

import os
import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest

import fast_world
from chaos import table
from chaos.checker import GOOD

SEED = int(os.environ.get("CHAOS_SEED", "1"))
HOURS = int(os.environ.get("CHAOS_HOURS", "6"))
# UTC, some minutes before the first whole hour. With even seeds that is at two in the afternoon,
# local time, so that the battery is discharged; with odd ones at six in the morning.
BEGINNINGS = ("2026-03-02 03:40:00", "2026-03-01 19:40:00")
# This many hours have room for one trouble of every kind.
ROOM_FOR_ALL = 6


@pytest.mark.chaos
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("way", ["states", pytest.param("devices", marks=pytest.mark.broker)])
def test_whatever_goes_wrong_the_energy_is_right(way: str, measured: Callable[[str], None]) -> None:
    folder = fast_world.new_folder(f"chaos-{way}-{SEED}")
    began = time.monotonic()
    result = fast_world.run(
        *("chaos", f"--seed={SEED}", f"--hours={HOURS}", f"--folder={folder}"),
        *(("--devices", "--two-accounts") if way == "devices" else ()),
        folder=folder,
        beginning=BEGINNINGS[SEED % 2],
        seconds=600 + 180 * HOURS,
    )
    rows = result["rows"]
    measured(
        f"{way}, seed {SEED}: {len(result['troubles'])} troubles in {HOURS} hours,"
        f" {sum(not row['open'] for row in rows)} of {len(rows)} hours of a counter compared,"
        f" {sum(row['clean'] for row in rows)} of them with nothing wrong,"
        f" in {(time.monotonic() - began) / 60:.1f} real minutes"
    )
    report = f"{table.text(result)}\n\nall logs: {folder}"
    assert [row for row in rows if row["verdict"] not in GOOD] == [], report
    assert result["crashes"] == [], report
    assert result["tracebacks"] == 0, report
    assert result["exit_code"] == 0, report
    assert result["twins"] == [], report
    assert result["notices"] == {}, "people are notified of something that is long over"
    assert result["leaks"] == [], "secrets are in the logs"
    check_that_it_was_a_test(result)
    shutil.rmtree(folder)


def check_that_it_was_a_test(result: dict[str, Any]) -> None:
    """Everything that was to happen did, and there was enough that could be compared."""
    assert result["left_out"] == [] or result["hours"] < ROOM_FOR_ALL
    assert len(result["troubles"]) >= 30 or result["hours"] < ROOM_FOR_ALL
    counters = {row["entity"] for row in result["rows"]}
    assert len(counters) == 10
    # One that was reset and then stands still, for there is nothing to export, may take all day to
    # be believed again; and on some days there is nothing to import, or no need to discharge.
    clean = [row for row in result["rows"] if row["clean"]]
    assert len(clean) > len(counters) / 2 * len(result["quiet"])
    assert len({row["entity"] for row in clean if row["true"] > 0}) > len(counters) / 2
