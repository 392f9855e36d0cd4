"""Nothing wrong, nothing lost: hours with everything going wrong, under a clock 60 times faster.

    HASS_EXECUTABLE=... CHAOS_SEED=7 CHAOS_HOURS=24 pytest tests/test_chaos.py

runs a day of another seed. HASS_EXECUTABLE names a `hass` that has the programs `install` and
`fast` beside it.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos import table
from chaos.judge import GOOD

REPOSITORY = Path(__file__).parent.parent
SEED = int(os.environ.get("CHAOS_SEED", "1"))
HOURS = int(os.environ.get("CHAOS_HOURS", "6"))
# UTC, some minutes before the first whole hour. With even seeds that is at two in the afternoon,
# local time, so that the battery is discharged; with odd ones at six in the morning.
BEGINNINGS = ("2026-03-02 03:40:00", "2026-03-01 19:40:00")
# The usual library lets threads see the real time now and then, when two ask at the same moment.
CLOCK = "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1"
# So many hours have room for one trouble of every kind.
WHOLE_DECK = 6


def run(seed: int, hours: int, folder: Path) -> dict[str, Any]:
    """Run the hours, and give what the program tells."""
    beside = Path(os.environ["HASS_EXECUTABLE"]).parent
    root = _output([str(beside / "install")])
    python = _output([str(REPOSITORY / "tests" / "chaos" / "setup"), root]) + "/bin/python"
    program = ["-m", "chaos", f"--seed={seed}", f"--hours={hours}", f"--folder={folder}"]
    # That hass is for outside; inside there is one on PATH.
    outside = {name: value for name, value in os.environ.items() if name != "HASS_EXECUTABLE"}
    with (folder / "chaos.log").open("w") as log:
        ended = subprocess.run(  # noqa: S603 - our own program
            [beside / "fast", "--from", BEGINNINGS[seed % 2], "--", "env", CLOCK, python, *program],
            cwd=REPOSITORY,
            env=outside | {"PYTHONPATH": "redback_addon/src:tests"},
            stdout=subprocess.PIPE,
            stderr=log,
            timeout=600 + 180 * hours,
            check=False,
        )
    assert ended.returncode == 0, (folder / "chaos.log").read_text()
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def _output(command: list[str]) -> str:
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own
    return ended.stdout.strip()


@pytest.mark.chaos
@pytest.mark.timeout(2400)
def test_whatever_goes_wrong_the_energy_is_right(measured: Callable[[str], None]) -> None:
    # Core's root sees no more of this machine's files than /tmp and the repository.
    folder = Path(tempfile.mkdtemp(prefix=f"redback-chaos-{SEED}-", dir="/tmp"))
    began = time.monotonic()
    told = run(SEED, HOURS, folder)
    rows = told["rows"]
    measured(
        f"seed {SEED}: {len(told['troubles'])} troubles in {HOURS} hours,"
        f" {sum(row['healthy'] for row in rows)} of {len(rows)} hourly sums compared,"
        f" {sum(row['clean'] for row in rows)} hours by themselves,"
        f" in {(time.monotonic() - began) / 60:.1f} real minutes"
    )
    report = f"{table.text(told)}\n\nall logs: {folder}"
    assert [row for row in rows if row["verdict"] not in GOOD] == [], report
    assert told["crashes"] == [], report
    assert told["tracebacks"] == 0, report
    assert told["exit_code"] == 0, report
    assert told["notices"] == {}, "people are told of something that is long over"
    assert told["leaks"] == [], "secrets are in the logs"
    check_that_it_was_a_test(told)
    shutil.rmtree(folder)


def check_that_it_was_a_test(told: dict[str, Any]) -> None:
    """Everything that was to happen did, and there was enough that could be compared."""
    assert told["left_out"] == [] or told["hours"] < WHOLE_DECK
    assert len(told["troubles"]) >= 30 or told["hours"] < WHOLE_DECK
    counters = {row["entity"] for row in told["rows"]}
    assert len(counters) == 10
    # One that was reset and then stands still, for there is nothing to export, may take all day to
    # be believed again; and on some days there is nothing to import, or no need to discharge.
    clean = [row for row in told["rows"] if row["clean"]]
    assert len(clean) > len(counters) / 2 * len(told["quiet"])
    assert len({row["entity"] for row in clean if row["true"] > 0}) > len(counters) / 2
