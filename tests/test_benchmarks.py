"""That every benchmark works, in small runs, and that what they measure is told as it is."""

import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as program
from benchmarks import process
from benchmarks.__main__ import FIGURES, Measure
from benchmarks.cloud import cloud
from benchmarks.figures import Beside, Figure, Outcome, percentile, plain
from benchmarks.fixed import phase
from benchmarks.meanwhile import meanwhile
from benchmarks.stage import stage
from benchmarks.table import number, table

TESTS = Path(__file__).parent


def run(name: str, folder: Path, seconds: float = 110) -> dict[str, float]:
    """Run a benchmark in a small way; gives its values by the figures' names."""
    subprocess.run(  # noqa: S603 - our own program
        [
            *(sys.executable, "-m", "benchmarks", "--quick", f"--only={name}"),
            f"--output={folder}",
        ],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        timeout=seconds,
        check=True,
    )
    (told,) = json.loads((folder / FIGURES).read_text())["benchmarks"].values()
    return {figure["name"]: figure["value"] for figure in told["figures"]}


@pytest.mark.fast_clock
def test_the_age_of_readings_is_told_beside_that_of_a_fixed_poller(tmp_path: Path) -> None:
    median, most, requests = run("freshness", tmp_path).values()
    told = json.loads((tmp_path / FIGURES).read_text())["benchmarks"]["freshness"]["figures"][0]
    # A second of a busy machine is half a minute here, so that the figures of so few readings say
    # nothing of the service; but none is so old that it would be no reading any more.
    assert 0 < median <= most < 600
    assert 0 < told["beside"]["value"] < 600
    assert requests > 0


@pytest.mark.process
def test_states_come_to_core_about_as_fast_as_posts(tmp_path: Path) -> None:
    (milliseconds,) = run("publishing", tmp_path).values()
    assert 0 < milliseconds < 5000


@pytest.mark.fast_clock
def test_memory_is_told_beside_that_of_an_interpreter_with_the_libraries(tmp_path: Path) -> None:
    start, after_a_while, looked_at, at_the_end, growth = run("memory", tmp_path).values()
    assert 30 < start < 80
    assert after_a_while - start == pytest.approx(0, abs=5)
    assert looked_at == pytest.approx(after_a_while, abs=5)  # a page that is opened costs nothing
    assert at_the_end - start == pytest.approx(growth, abs=5)
    told = json.loads((tmp_path / FIGURES).read_text())["benchmarks"]["memory"]
    assert 1 < told["figures"][0]["ratio"] < 2


@pytest.mark.process
def test_the_first_state_comes_after_the_imports(tmp_path: Path) -> None:
    first, later, several = run("start", tmp_path).values()
    assert 0.1 < first < 20
    assert 0.1 < later < 20
    assert 0.1 < several < 30


@pytest.mark.fast_clock
def test_what_a_cycle_takes_is_told_as_a_table_and_a_picture(tmp_path: Path) -> None:
    alone, each, alone_cycle, cycle = run("processor", tmp_path).values()
    assert 0 < alone < 200
    assert 0 < each < 2 * alone
    assert 0 < alone_cycle < 30
    assert 0 < cycle < 30
    assert (tmp_path / "growth.svg").read_text().count("<path") == 2


@pytest.mark.fast_clock
def test_traffic_is_about_a_request_a_minute(tmp_path: Path) -> None:
    (requests,) = run("traffic", tmp_path).values()
    assert 0.7 < requests < 3


@pytest.mark.core
@pytest.mark.timeout(300)
def test_a_past_is_written_almost_as_fast_as_core_can_take_it(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """A month; its first week is written day by day, which a whole year hardly feels."""
    figures = run("history", tmp_path, seconds=280)
    measured(", ".join(f"{name}: {value:.1f}" for name, value in figures.items()))
    whole, *_ = figures
    assert whole == f"until Core has 720 hours, {720 * 76:,} rows"
    assert figures["growth meanwhile"] < 30


@pytest.mark.chaos
def test_what_is_added_to_cores_database_is_told_and_nothing_of_it_is_attributes(
    tmp_path: Path,
) -> None:
    states, readings, attributes = run("database", tmp_path).values()
    assert 0 < states < 43 * 1440
    assert readings == pytest.approx(1440, rel=0.15)
    assert attributes == 0


@pytest.mark.process
async def test_the_readings_of_more_than_a_hundred_inverters_are_several_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    async with cloud(101) as ours:
        answers = await ours.readings(await ours.serials())
    assert [len(json.loads(answer)["Data"]) for answer in answers] == [100, 1]


@pytest.mark.process
async def test_the_cloud_tells_exactly_when_it_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    async with cloud(1) as ours:
        before = time.time()
        await ours.readings(await ours.serials())
        (at,) = await ours.times("/Dynamic")
        assert before <= at <= time.time()


async def test_a_measurement_fails_at_once_when_what_goes_on_beside_it_does() -> None:
    async def poll() -> None:
        raise ConnectionError("the cloud is away")

    with pytest.raises(ExceptionGroup) as failed:
        async with meanwhile("the other poller", poll()):
            await asyncio.sleep(60)
    assert failed.group_contains(ConnectionError, match="the cloud is away")


async def test_a_measurement_fails_at_once_when_what_goes_on_beside_it_ends() -> None:
    with pytest.raises(ExceptionGroup) as failed:
        async with meanwhile("the other poller", asyncio.sleep(0)):
            await asyncio.sleep(60)
    assert failed.group_contains(RuntimeError, match="the other poller has ended")


async def test_what_goes_on_beside_a_measurement_ends_with_it() -> None:
    ended = asyncio.Event()

    async def poll() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async with meanwhile("the other poller", poll()):
        await asyncio.sleep(0)
    assert ended.is_set()


def test_the_fixed_poller_of_each_house_has_a_phase_of_its_own() -> None:
    """Its inverters all have the same serial number."""
    phases = {phase("RB26030100000011", seed=str(house)) for house in range(6)}
    assert len(phases) == 6
    assert min(phases) < 20
    assert max(phases) > 40


async def test_a_service_that_pushes_nothing_is_not_waited_for_for_ever() -> None:
    async with stage("http://127.0.0.1:1") as scene:
        (scene.data / "log").write_text("[12:00:00] WARNING: No token")
        with pytest.raises(TimeoutError, match="WARNING: No token"):
            await scene.pushed(seconds=0.1)


async def test_a_program_that_does_not_end_is_not_waited_for_for_ever() -> None:
    with pytest.raises(TimeoutError):
        await process.run("http.server", "0", seconds=0.5)


async def test_a_program_that_fails_is_told() -> None:
    with pytest.raises(AssertionError, match=r"json\.tool has failed"):
        await process.run("json.tool", given=b"no JSON", seconds=30)


FIGURE = Figure("start", 3.0, "s", Beside("imports", 2.0), most=2.5, most_ratio=1.6)


def works(*, quick: bool) -> Outcome:
    """Measure as a benchmark does."""
    assert quick
    return Outcome([FIGURE])


def breaks(*, quick: bool) -> Outcome:
    """Fail as a benchmark does."""
    raise TimeoutError(f"no state came; quick: {quick}")


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run benchmarks of one's own, one after the other; gives what machines are told by name."""

    def run_all(**benchmarks: Measure) -> dict[str, Any]:
        monkeypatch.setattr(program, "BENCHMARKS", benchmarks)
        monkeypatch.setattr(sys, "argv", ["benchmark", "--quick", f"--output={tmp_path}"])
        program.main()
        told: dict[str, Any] = json.loads((tmp_path / FIGURES).read_text())["benchmarks"]
        return told

    return run_all


def test_a_benchmark_that_fails_is_told_and_the_others_go_on(
    measure: Callable[..., dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="Failed: first"):
        measure(first=breaks, second=works)
    assert "TimeoutError: no state came" in capsys.readouterr().err
    told = json.loads((tmp_path / FIGURES).read_text())["benchmarks"]
    assert told["first"]["failed"] == "TimeoutError('no state came; quick: True')"
    assert told["second"]["figures"][0]["name"] == "start"


def test_a_run_keeps_what_an_earlier_one_has_told_of_other_benchmarks(
    measure: Callable[..., dict[str, Any]],
) -> None:
    earlier = measure(first=works)["first"]
    told = measure(second=works)
    assert told["first"] == earlier
    assert list(told) == ["first", "second"]


def test_each_benchmark_tells_what_was_measured_and_when(
    measure: Callable[..., dict[str, Any]],
) -> None:
    told = measure(first=works)["first"]
    assert told["quick"] is True
    assert told["python"] == platform.python_version()
    assert {"began", "commit", "machine", "seconds"} < set(told)


def test_a_figure_that_misses_one_of_its_goals_misses() -> None:
    assert FIGURE.ratio == 1.5
    assert FIGURE.is_met is False


def test_a_figure_without_a_goal_neither_meets_nor_misses() -> None:
    assert Figure("start", 3.0, "s").is_met is None


def test_a_machine_is_told_what_follows_from_a_figure_too() -> None:
    told = plain(FIGURE)
    assert told["ratio"] == 1.5
    assert told["is_met"] is False
    assert told["beside"] == {"name": "imports", "value": 2.0}


def test_people_see_a_table_with_the_goal_and_the_verdict() -> None:
    head, rule, row = table([FIGURE]).splitlines()
    assert len(head) == len(rule) == len(row)
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "start",
        "3.00 s",
        "2.00 (imports)",
        "1.50",
        "<= 2.50 s, ratio <= 1.60",
        "MISSED",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234.5, "1,234"), (-12.345, "-12.3"), (0.01234, "0.0123"), (0.0001234, "0.00012")],
)
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_a_percentile_is_between_the_values() -> None:
    assert percentile([float(value) for value in range(101)], 95) == 95
