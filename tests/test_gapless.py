"""That no hour is missing in the end, and each is right: of the past, and after every outage."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import fast_world
from chaos.truth import Truth
from gapless.comparison import energies

# UTC: five in the morning, local time, so that there is sun in what follows.
BEGINNING = "2026-03-01 18:40:00"
# Each day of each inverter is written at one go, so that it takes some days to be killed ten times.
DAYS = 10
KILLS = 10


@pytest.fixture
def folder() -> Path:
    """Make a folder that stays where the test fails, for its logs."""
    return fast_world.new_folder("gapless")


def run(folder: Path, *arguments: str, seconds: int) -> dict[str, Any]:
    """Run the program in a fast world, and return what it found."""
    result = fast_world.run(
        *("gapless", f"--folder={folder}", *arguments),
        folder=folder,
        beginning=BEGINNING,
        seconds=seconds,
    )
    assert result["tracebacks"] == 0
    return result


def check(result: dict[str, Any], folder: Path) -> None:
    wrong = "\n".join(map(str, result["wrong"]))
    assert result["wrong"] == [], f"{wrong}\nall logs: {folder}"
    assert result["compared"] > 0


@pytest.mark.parametrize(("change", "is_right"), [(0.0, True), (-0.046, False), (0.046, False)])
def test_an_old_value_that_is_shown_again_takes_no_energy_back(
    *, change: float, is_right: bool
) -> None:
    """It is shown after a reset for as long as nothing is counted; by then hours were filled."""
    start, hour = datetime(2026, 3, 1, 20, tzinfo=UTC), timedelta(hours=1)
    truth = SimpleNamespace(
        counter=SimpleNamespace(entity="house_grid_import_total"),
        energy=lambda _: 7.5,
        energy_at=lambda state, _: state,
        record_before=lambda moment: moment,
        doubt=lambda *_: 0.0,
    )
    rows = {
        start: {"state": 7.827, "change": 0.327},
        start + hour: {"state": 7.781, "change": change},
    }
    found = [*energies(cast("Truth", truth), rows, start, start + 2 * hour)]
    assert [one.is_right for one in found] == [True, is_right]


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_the_days_before_the_first_start_are_there_whatever_interrupts_them(
    folder: Path, measured: Callable[[str], None]
) -> None:
    result = run(folder, f"--days={DAYS}", f"--kills={KILLS}", seconds=800)
    past = result["past"]
    measured(
        f"Core {result['version']}: {past['hours']} hours of {past['entities']} entities, written"
        f" in spite of kills at {result['killed_at_rows']} rows; a counter's worst hour is wrong by"
        f" {past['worst_kwh']:.4f} kWh"
    )
    check(past, folder)
    assert past["hours"] == 24 * DAYS
    assert len(result["killed_at_rows"]) == KILLS
    assert result["rejections"] == []
    shutil.rmtree(folder)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_whatever_happens_in_real_houses_every_hour_is_right_in_the_end(
    folder: Path, measured: Callable[[str], None]
) -> None:
    result = run(folder, "--days=1", "--cases", seconds=800)
    energy = result["energy"]
    measured(
        f"Core {result['version']}: {energy['hours']} hours with {len(result['events'])} faults;"
        f" the worst hour of a counter is wrong by {energy['worst_kwh']:.4f} kWh"
    )
    check(energy, folder)
    assert len(result["events"]) == 8
    assert result["crashes"] == []
    shutil.rmtree(folder)


@pytest.mark.broker
@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_devices_and_plain_entities_have_the_same_statistics(
    folder: Path, measured: Callable[[str], None]
) -> None:
    result = run(folder, "--changes", seconds=800)
    energy = result["energy"]
    measured(
        f"Core {result['version']}: {energy['hours']} hours with {len(result['events'])} changes"
        f" and restarts; the worst hour of a counter is wrong by {energy['worst_kwh']:.4f} kWh;"
        f" {result['measured']['compared']} hours of a renamed measurement are compared"
    )
    check(energy, folder)
    check(result["measured"], folder)
    assert result["under_former_ids"] == {}
    assert len(result["events"]) == 7
    assert result["devices"] > 40
    assert result["second_ids"] == []
    assert result["corrections"] == 0  # no step was there, not even for an hour
    assert result["crashes"] == []
    shutil.rmtree(folder)


@pytest.mark.chaos
@pytest.mark.timeout(1500)
def test_outages_of_everything_leave_no_trace(
    folder: Path, measured: Callable[[str], None]
) -> None:
    result = run(folder, "--days=1", "--outages", seconds=1400)
    live = result["live"]
    measured(
        f"Core {result['version']}: {live['hours']} hours with {len(result['events'])} outages and"
        f" resets; the worst hour of a counter is wrong by {live['worst_kwh']:.4f} kWh"
    )
    check(result["past"], folder)
    check(live, folder)
    assert len(result["events"]) == 5
    assert result["crashes"] == []
    assert result["rejections"] == []
    shutil.rmtree(folder)
