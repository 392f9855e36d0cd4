"""That a program under a faster clock leaves nothing behind, and that all follow its clock."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import fast_clock
import longer_timeouts

# No other run of this test beside it has the same.
_SLEEP = ["sleep", f"987654.{os.getpid()}"]
_SECONDS_TO_DIE = 10
_WORLD = Path(__file__).parent / "chaos/world"
# Waits as a service does, while the clock becomes faster, and says for how long it has waited.
_WAITS = """
import asyncio, subprocess, time
began = time.monotonic()
subprocess.Popen(["bash", "-c", "sleep 1; speed 60"])
asyncio.run(asyncio.sleep(20))
print(time.monotonic() - began)
"""
# Counts how often an event loop turns until twenty short waits are over.
_TURNS = """
import asyncio, selectors, longer_timeouts
turns = 0
selector = selectors.DefaultSelector
class Counting(selector):
    def select(self, timeout=None):
        global turns
        turns += 1
        return super().select(timeout)
longer_timeouts._Selector.__bases__ = (Counting,)
loop = longer_timeouts.event_loop()
for _ in range(20):
    loop.run_until_complete(asyncio.sleep(1.03))
print(turns)
"""


@pytest.mark.fast_clock
def test_an_event_loop_turns_no_more_often_than_under_a_real_clock() -> None:
    done = subprocess.run(  # noqa: S603 - our own
        [*fast_clock.wrapper(60), sys.executable, "-c", _TURNS],
        env=os.environ
        | {
            longer_timeouts.VARIABLE: "60",
            "PYTHONPATH": str(Path(longer_timeouts.__file__).parent),
        },
        stdout=subprocess.PIPE,
        check=True,
    )
    # To begin, to wait, and to end, each time.
    assert int(done.stdout) <= 20 * 4


@pytest.mark.fast_clock
def test_what_takes_too_long_ends_with_everything_that_it_has_started() -> None:
    program = f"import subprocess; subprocess.run({_SLEEP})"
    before = _left_behind()
    with pytest.raises(subprocess.TimeoutExpired):
        fast_clock.run("timeit", "-n1", program, seconds=3, speed=1)
    assert _comes_true(lambda: _SLEEP not in _command_lines())
    assert _comes_true(lambda: _left_behind() <= before)


@pytest.mark.chaos
def test_a_clock_that_changes_its_speed_goes_on_from_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the world took long to start, as on a busy machine."""
    slowly = tmp_path / "enter"
    slowly.write_text('#!/bin/sh\nsleep 1\nexec "$@"\n')
    slowly.chmod(0o755)
    monkeypatch.setenv("ENTER", str(slowly))
    program = (
        "import subprocess, time\n"
        "times = [time.time()]\n"
        "for speed in ('60', '1', '60', '1'):\n"
        "    subprocess.run(['speed', speed], check=True)\n"
        "    times.append(time.time())\n"
        "print(*times)"
    )
    shown = _in_a_world(sys.executable, "-c", program)
    times = [float(one) for one in shown.split()]
    assert times == sorted(times)
    assert times[-1] - times[0] < 60


@pytest.mark.chaos
def test_who_waits_while_the_clock_becomes_faster_does_not_wait_at_the_old_speed() -> None:
    assert 20 <= float(_in_a_world(sys.executable, "-c", _WAITS)) < 200


def _in_a_world(*command: str) -> str:
    return subprocess.run(  # noqa: S603 - our own
        [_WORLD, "--from", "2026-03-01 20:40:00", "--", *command],
        stdout=subprocess.PIPE,
        timeout=50,
        check=True,
        text=True,
    ).stdout


def _comes_true(is_so: Callable[[], bool]) -> bool:
    """Whether it is so within seconds: a process that is killed is there for a moment more."""
    deadline = time.monotonic() + _SECONDS_TO_DIE
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so()


def _left_behind() -> set[str]:
    """Return what faketime has in shared memory for processes that are gone."""
    files = Path("/dev/shm").glob("*faketime_*")  # noqa: S108 - where it has it
    numbers = {file.name: file.name.rpartition("_")[2] for file in files}
    return {name for name, number in numbers.items() if not Path("/proc", number).exists()}


def _command_lines() -> list[list[str]]:
    """Return those of all processes that there are."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_text().split("\0")[:-1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    return found
