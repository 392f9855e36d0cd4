"""How much memory the service holds: at the first state, after an hour, after a week.

And after somebody has opened the panel, for which more is loaded.

Beside it an interpreter that has imported the two HTTP libraries, and waits.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import fast_clock
from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.process import LIKE_THE_IMAGE, resident_mb
from benchmarks.watch import Seen, Task, watch

_BARE = "interpreter with requests and aiohttp"
# Its own number: faketime stays as a process between.
_WAIT = "import os, aiohttp, requests; print(os.getpid(), flush=True); input()"
_BARE_ROUNDS = 5
_CYCLES = 10_000
# A week takes most of an hour. Everything else is watched beside it: each mostly waits, and what
# it holds does not depend on how long something takes.
_WEEK = Task(1, warm_up=0, minutes=[60, _CYCLES - 60], speed=200)
_AT_ONCE = 2
_HOURS = (
    Task(1, warm_up=0, minutes=[60], speed=60, is_looked_at=True),
    Task(10, warm_up=0, minutes=[60], speed=60),
    Task(100, warm_up=0, minutes=[60], speed=20),
    Task(1000, warm_up=0, minutes=[60], speed=4),
)
# Of very many inverters a single run takes a quarter of an hour.
_ROUNDS, _MANY = 3, 1000
_QUICK_WEEK = Task(1, warm_up=0, minutes=[2, 2], speed=100)
_QUICK_HOURS = (Task(1, warm_up=0, minutes=[2], speed=100, is_looked_at=True),)
_MOST_RATIO = {1: 1.3}
_MOST_MB = {1000: 130.0}
_MOST_GROWTH_MB = 1.0


def measure(*, quick: bool) -> Outcome:
    """Measure all sizes, and a week of one inverter."""
    beside = Beside(_BARE, statistics.median(_bare_mb() for _ in range(_BARE_ROUNDS)))
    week, hours = (_QUICK_WEEK, _QUICK_HOURS) if quick else (_WEEK, _HOURS)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        coming = pool.submit(watch, week)
        seen = [
            (task, pool.map(watch, [task] * (1 if quick or task.inverters >= _MANY else _ROUNDS)))
            for task in hours
        ]
        figures = [figure for task, rounds in seen for figure in _hour(task, list(rounds), beside)]
        return Outcome([*figures, *_week(week, coming.result(), beside)])


def _hour(task: Task, rounds: Sequence[Seen], beside: Beside) -> Iterator[Figure]:
    ends = zip(*(one.resident_mb for one in rounds), strict=True)
    for minutes, megabytes in zip((0, *task.minutes), ends, strict=True):
        yield _held(task, minutes, statistics.median(megabytes), beside)
    if task.is_looked_at:
        name = f"memory after the panel was opened, inverters: {task.inverters}"
        looked_at = statistics.median(one.looked_at_mb for one in rounds)
        yield Figure(name, looked_at, "MB", beside)


def _week(task: Task, seen: Seen, beside: Beside) -> Iterator[Figure]:
    _, after_hour, after_week = seen.resident_mb
    hour, rest = task.minutes
    yield _held(task, hour + rest, after_week, beside)
    name = f"growth from minute {hour:.0f} to {hour + rest:.0f}"
    yield Figure(name, after_week - after_hour, "MB", most=_MOST_GROWTH_MB)


def _held(task: Task, minutes: float, megabytes: float, beside: Beside) -> Figure:
    return Figure(
        f"memory, inverters: {task.inverters}, minutes: {minutes:.0f}",
        megabytes,
        "MB",
        beside,
        most=_MOST_MB.get(task.inverters),
        most_ratio=_MOST_RATIO.get(task.inverters),
    )


def _bare_mb() -> float:
    with subprocess.Popen(  # noqa: S603 - our own program
        [*fast_clock.wrapper(1), sys.executable, "-c", _WAIT],
        env=os.environ | LIKE_THE_IMAGE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        megabytes = resident_mb(int(process.stdout.readline()))
        process.communicate(b"\n")
        return megabytes
