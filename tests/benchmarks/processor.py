"""How much of the processor it takes: user and system seconds of a cycle, and of a whole day.

Beside it a process that does the least that can be done in a cycle, in the same minutes: it
decodes the cloud's answer and posts as many states.
"""

import statistics

from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.watch import Seen, Task, watch

_BARE = "decode and post"
_FULL = (
    Task(1, warm_up=5, minutes=[40], speed=60, has_bare=True),
    Task(100, warm_up=8, minutes=[10], speed=10, has_bare=True),
)
_ROUNDS = 3
_DAY = Task(1, warm_up=5, minutes=[24 * 60], speed=120, has_bare=True)
_QUICK = Task(1, warm_up=0, minutes=[2], speed=100, has_bare=True)


def measure(*, quick: bool) -> Outcome:
    """Measure one inverter and many, and a day of one."""
    if quick:
        return Outcome([_cycle(1, [watch(_QUICK)])])
    cycles = [_cycle(task.inverters, [watch(task) for _ in range(_ROUNDS)]) for task in _FULL]
    return Outcome([*cycles, _day(watch(_DAY))])


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
