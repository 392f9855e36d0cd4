"""That every benchmark works, in small runs, and that its figures are shown as they are."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as program
from benchmarks import runner
from benchmarks.__main__ import FIGURES, Measure
from benchmarks.figures import Beside, Figure, Length, table

TESTS = Path(__file__).parent


def run(name: str, folder: Path, seconds: float = 110) -> dict[str, dict[str, Any]]:
    """Run a benchmark in a small way; returns its figures by their names."""
    subprocess.run(  # noqa: S603 - our own program
        [
            *(sys.executable, "-m", "benchmarks", "--quick", f"--only={name}"),
            f"--output={folder}",
        ],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        timeout=seconds,
        check=True,
    )
    (result,) = json.loads((folder / FIGURES).read_text())["benchmarks"].values()
    return {figure["name"]: figure for figure in result["figures"]}


def values(name: str, folder: Path) -> list[float]:
    return [figure["value"] for figure in run(name, folder).values()]


@pytest.mark.fast_clock
def test_the_age_of_readings_stands_beside_that_of_a_fixed_poller(tmp_path: Path) -> None:
    median, most, requests = run("freshness", tmp_path).values()
    # A second of a busy machine is half a minute here, so that the figures of so few readings say
    # nothing of the service; but none is so old that it would be no reading any more.
    assert 0 < median["value"] <= most["value"] < 600
    assert 0 < median["beside"]["value"] < 600
    assert requests["value"] > 0


@pytest.mark.process
def test_states_come_to_core_about_as_fast_as_posts(tmp_path: Path) -> None:
    (milliseconds,) = values("publishing", tmp_path)
    assert 0 < milliseconds < 5000


@pytest.mark.broker
@pytest.mark.core
@pytest.mark.timeout(600)
def test_devices_cost_core_less_than_states(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    figures = run("devices", tmp_path, seconds=550)
    (of_core, of_service, memory) = figures.values()
    ratios = f"{of_core['ratio']:.2f} and {of_service['ratio']:.2f}"
    measured(f"processor {ratios} of that over REST, {memory['value']:.1f} MB more")
    assert of_core["value"] > 0
    assert of_core["is_met"]
    assert 0 < of_service["ratio"] < 1
    assert memory["value"] > -5
    assert memory["is_met"]


@pytest.mark.fast_clock
def test_one_inverter_and_several_are_measured(tmp_path: Path) -> None:
    figures = run("fleet", tmp_path)
    assert 1 < figures["1: memory at the first state"]["ratio"] < 2
    found = {name: figure["value"] for name, figure in figures.items()}
    after_a_while, at_the_end = (found[f"1: memory after {minutes} minutes"] for minutes in (2, 12))
    assert 30 < found["1: memory at the first state"] < 80
    assert after_a_while == pytest.approx(found["1: memory at the first state"], abs=5)
    # A page that is opened costs nothing.
    assert found["1: memory after the page"] == pytest.approx(at_the_end, abs=5)
    growth = found["1: growth from minute 2 to 12"]
    assert growth == pytest.approx(at_the_end - after_a_while)
    assert growth == pytest.approx(0, abs=5)
    for inverters in (1, 4):
        # A minute is a moment here: on a busy machine some are missed, and no round has an end.
        assert 0 < found[f"{inverters}: requests a minute and inverter"] < 3
        work = figures[f"{inverters}: processor a cycle and inverter"]
        assert 0 < work["value"] < 200
        assert 0.5 < work["ratio"] < 20
        assert 0 < found.get(f"{inverters}: cycle", 1) < 30


@pytest.mark.process
def test_the_first_state_comes_after_the_imports(tmp_path: Path) -> None:
    first, later, several = values("start", tmp_path)
    assert 0.1 < first < 20
    assert 0.1 < later < 20
    assert 0.1 < several < 30


@pytest.mark.core
@pytest.mark.timeout(300)
def test_a_past_is_written_almost_as_fast_as_core_can_take_it(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """A month; its first week is written day by day, which a whole year hardly feels."""
    figures = run("history", tmp_path, seconds=280)
    measured(", ".join(f"{name}: {figure['value']:.1f}" for name, figure in figures.items()))
    whole, *_ = figures
    assert whole == f"until Core has 720 hours, {720 * 76:,} rows"
    assert figures["growth"]["value"] < 30


@pytest.mark.chaos
def test_readings_add_rows_to_cores_database_and_no_attributes(tmp_path: Path) -> None:
    states, readings, attributes = values("database", tmp_path)
    assert 0 < states < 43
    assert 0.5 < readings < 1.2  # on a busy machine some are missed
    assert attributes == 0


def test_memory_stands_beside_all_libraries_that_the_service_imports_and_no_others() -> None:
    assert libraries(runner.IMPORTS) == libraries("import redback.process")


def libraries(imports: str) -> set[str]:
    """Return what an interpreter has then, apart from its own modules and the service's."""
    program = f"{imports}; import sys; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    ours = {"__main__", "__mp_main__", "redback", "sitecustomize", "usercustomize"}
    modules = {name.partition(".")[0] for name in done.stdout.split()}
    # Its own too, with the machine in its name.
    modules = {name for name in modules if not name.startswith("_sysconfigdata")}
    return modules - sys.stdlib_module_names - ours


async def test_a_measurement_fails_at_once_when_its_background_does() -> None:
    async def poll() -> None:
        raise ConnectionError("the cloud is away")

    with pytest.raises(ExceptionGroup) as failed:
        async with runner.background("the other poller", poll()):
            await asyncio.sleep(60)
    assert failed.group_contains(ConnectionError, match="the cloud is away")


async def test_a_service_that_pushes_nothing_is_not_waited_for_for_ever() -> None:
    async with runner.runner() as running:
        (running.data / "log").write_text("[12:00:00] WARNING: No token")
        with pytest.raises(TimeoutError, match="WARNING: No token"):
            await running.has_readings(0.1)


async def test_a_program_that_fails_is_shown() -> None:
    with pytest.raises(AssertionError, match="no_such_module has failed"):
        await runner.run("redback.no_such_module", None, seconds=30)


FIGURE = Figure("start", 3.0, "s", Beside("imports", 2.0), most=2.5, most_ratio=1.6)


def works(length: Length) -> Sequence[Figure]:
    """Measure as a benchmark does."""
    assert length is Length.QUICK
    return [FIGURE]


def breaks(length: Length) -> Sequence[Figure]:
    """Fail as a benchmark does."""
    raise TimeoutError(f"no state came; {length}")


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run benchmarks of one's own, one after the other; returns what machines read, by name."""

    def run_all(**benchmarks: Measure) -> dict[str, Any]:
        monkeypatch.setattr(program, "BENCHMARKS", benchmarks)
        monkeypatch.setattr(sys, "argv", ["benchmark", "--quick", f"--output={tmp_path}"])
        program.main()
        results: dict[str, Any] = json.loads((tmp_path / FIGURES).read_text())["benchmarks"]
        return results

    return run_all


def test_a_benchmark_that_fails_is_shown_and_the_others_go_on(
    measure: Callable[..., dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="Failed: first"):
        measure(first=breaks, second=works)
    assert "TimeoutError: no state came" in capsys.readouterr().err
    results = json.loads((tmp_path / FIGURES).read_text())["benchmarks"]
    assert results["first"]["failed"] == "TimeoutError('no state came; quick')"
    (figure,) = results["second"]["figures"]
    assert (figure["name"], figure["ratio"], figure["is_met"]) == ("start", 1.5, False)


def test_a_run_keeps_what_an_earlier_one_has_measured_of_other_benchmarks(
    measure: Callable[..., dict[str, Any]],
) -> None:
    earlier = measure(first=works)["first"]
    results = measure(second=works)
    assert results["first"] == earlier
    assert list(results) == ["first", "second"]


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
