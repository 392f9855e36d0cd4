"""How much of the processor it takes: user and system seconds of a cycle, and of a whole day.

Beside it a process that does the least that can be done in a cycle, in the same minutes: it
decodes the cloud's answer and posts as many states.
"""

import statistics

from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.watch import Seen, Task, watch

_BARE = "decode and post"
_DAY_MINUTES = 24 * 60.0
# By the number of inverters: how fast the clock is, how many minutes, and how often.
_FULL = {1: (60, 40.0, 3), 100: (10, 10.0, 3)}
_QUICK = {1: (60, 4.0, 1)}
_WARM_UP = {1: 5.0, 100: 12.0}
_DAY_SPEED = 120


def measure(*, quick: bool) -> Outcome:
    """Measure one inverter and many, and a day of one."""
    figures = []
    for inverters, (speed, minutes, rounds) in (_QUICK if quick else _FULL).items():
        task = Task(inverters, _WARM_UP[inverters], [minutes], has_bare=True)
        figures.append(_cycle(inverters, [watch(task, speed) for _ in range(rounds)]))
    if not quick:
        task = Task(1, _WARM_UP[1], [_DAY_MINUTES], has_bare=True)
        figures.append(_day(watch(task, _DAY_SPEED)))
    return Outcome(figures)


def _cycle(inverters: int, rounds: list[Seen]) -> Figure:
    return Figure(
        f"processor a cycle, inverters: {inverters}",
        1000 * statistics.median(one.processor_seconds / one.minutes for one in rounds),
        "ms",
        Beside(
            _BARE,
            1000 * statistics.median(one.bare_processor_seconds / one.minutes for one in rounds),
        ),
    )


def _day(seen: Seen) -> Figure:
    return Figure(
        "processor a day, 1 inverter",
        seen.processor_seconds,
        "s",
        Beside(_BARE, seen.bare_processor_seconds),
    )
