"""That no hour is missing in the end, and each is right: of the past, and after every outage."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fast_world

# UTC: five in the morning, local time, so that there is sun in what follows.
BEGINNING = "2026-03-01 18:40:00"
# Each day of each inverter is written at one go, so that it takes some days to be killed ten times.
DAYS = 10
KILLS = 10


@pytest.fixture
def folder() -> Path:
    """Make a folder that stays where the test fails, for its logs."""
    return fast_world.new_folder("gapless")


def check(told: dict[str, Any], folder: Path) -> None:
    assert told["wrong"] == [], f"all logs: {folder}"
    assert told["compared"] > 0


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_the_days_before_the_first_start_are_there_whatever_interrupts_them(
    folder: Path, measured: Callable[[str], None]
) -> None:
    told = fast_world.run(
        *("gapless", f"--folder={folder}", f"--days={DAYS}", f"--kills={KILLS}"),
        folder=folder,
        beginning=BEGINNING,
        seconds=800,
    )
    past = told["past"]
    measured(
        f"Core {told['version']}: {past['hours']} hours of {past['entities']} entities, written in"
        f" spite of kills at {told['killed_at_rows']} rows; the worst hour of a counter is wrong by"
        f" {past['worst_kwh']:.4f} kWh"
    )
    check(past, folder)
    assert past["hours"] == 24 * DAYS
    assert len(told["killed_at_rows"]) == KILLS
    assert told["tracebacks"] == 0
    assert told["rejections"] == []
    shutil.rmtree(folder)


@pytest.mark.chaos
@pytest.mark.timeout(1500)
def test_outages_of_everything_leave_no_trace(
    folder: Path, measured: Callable[[str], None]
) -> None:
    told = fast_world.run(
        *("gapless", f"--folder={folder}", "--days=1", "--outages"),
        folder=folder,
        beginning=BEGINNING,
        seconds=1400,
    )
    live = told["live"]
    measured(
        f"Core {told['version']}: {live['hours']} hours with {len(told['events'])} outages and"
        f" resets; the worst hour of a counter is wrong by {live['worst_kwh']:.4f} kWh"
    )
    check(told["past"], folder)
    check(live, folder)
    assert len(told["events"]) == 5
    assert told["crashes"] == []
    assert told["tracebacks"] == 0
    assert told["rejections"] == []
    shutil.rmtree(folder)
