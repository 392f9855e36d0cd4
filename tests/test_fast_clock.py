"""That a program under a faster clock leaves nothing behind."""

import subprocess
from pathlib import Path

import pytest

import fast_clock

_SLEEP = ["sleep", "987654"]


@pytest.mark.fast_clock
def test_what_takes_too_long_ends_with_everything_that_it_has_started() -> None:
    program = f"import subprocess; subprocess.run({_SLEEP})"
    before = _left_behind()
    with pytest.raises(subprocess.TimeoutExpired):
        fast_clock.run("timeit", "-n1", program, seconds=3, speed=1)
    assert _SLEEP not in _command_lines()
    assert _left_behind() <= before


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
