"""How much memory the service holds: at the first state, after an hour, after a week.

Beside it an interpreter that has imported the two HTTP libraries, and waits.
"""

import os
import statistics
import subprocess
import sys

import fast_clock
from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.process import LIKE_THE_IMAGE, resident_mb
from benchmarks.watch import Task, watch

_BARE = "interpreter with requests and aiohttp"
_WAIT = "import aiohttp, requests; print(flush=True); input()"
_BARE_ROUNDS = 5
_CYCLES = 10_000
_FULL = (
    Task(1, warm_up=0, minutes=[60, _CYCLES - 60], speed=200),
    Task(10, warm_up=0, minutes=[60], speed=60),
    Task(100, warm_up=0, minutes=[60], speed=20),
    Task(1000, warm_up=0, minutes=[60], speed=4),
)
_QUICK = (Task(1, warm_up=0, minutes=[2, 2], speed=100),)
_MOST_RATIO = {1: 1.3}
_MOST_MB = {1000: 130.0}
_MOST_GROWTH_MB = 1.0


def measure(*, quick: bool) -> Outcome:
    """Measure all sizes."""
    beside = Beside(_BARE, statistics.median(_bare_mb() for _ in range(_BARE_ROUNDS)))
    return Outcome(
        [figure for task in (_QUICK if quick else _FULL) for figure in _figures(task, beside)]
    )


def _figures(task: Task, beside: Beside) -> list[Figure]:
    seen = watch(task)
    ends = [0.0]
    for minutes in task.minutes:
        ends.append(ends[-1] + minutes)
    figures = [
        Figure(
            f"memory, inverters: {task.inverters}, minutes: {end:.0f}",
            megabytes,
            "MB",
            beside,
            most=_MOST_MB.get(task.inverters),
            most_ratio=_MOST_RATIO.get(task.inverters),
        )
        for end, megabytes in zip(ends, seen.resident_mb, strict=True)
    ]
    if len(task.minutes) > 1:
        _, hour, *_, last = seen.resident_mb
        growth = last - hour
        name = f"growth from minute {ends[1]:.0f} to {ends[-1]:.0f}"
        figures.append(Figure(name, growth, "MB", most=_MOST_GROWTH_MB))
    return figures


def _bare_mb() -> float:
    with subprocess.Popen(  # noqa: S603 - our own program
        [*fast_clock.wrapper(1), sys.executable, "-c", _WAIT],
        env=os.environ | LIKE_THE_IMAGE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        megabytes = resident_mb(process.pid)
        process.communicate(b"\n")
        return megabytes
