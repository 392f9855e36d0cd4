"""What an inverter costs when there are more of them: it should be no more than for one.

Beside the processor's time stands that of a process which does the least that can be done in the
same minutes. A cycle is from the cloud's first answer until the last state has come to a stand-in
of Core that does nothing with it. Nothing is watched that comes but once, such as the history of
the first hour.
"""

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.plot import Line, plot
from benchmarks.watch import Seen, Task, watch

_FULL = (
    Task(1, warm_up=5, minutes=[40], speed=60, has_bare=True),
    Task(10, warm_up=5, minutes=[40], speed=60, has_bare=True),
    Task(100, warm_up=8, minutes=[10], speed=10, has_bare=True),
    Task(1000, warm_up=40, minutes=[8], speed=3, has_bare=True),
)
_QUICK = (
    Task(1, warm_up=0, minutes=[2], speed=100, has_bare=True),
    Task(4, warm_up=0, minutes=[2], speed=100, has_bare=True),
)
_CYCLE_SECONDS = {1000: 10.0}
# Several runs differ by as much.
_NOISE = 1.1
# Of very many inverters a single run takes a quarter of an hour, and has some cycles itself.
_ROUNDS, _MANY = 3, 1000


def measure(*, quick: bool) -> Outcome:
    """Measure all sizes."""
    tasks = _QUICK if quick else _FULL
    seen = {task.inverters: _rounds(task, quick=quick) for task in tasks}
    ours = {
        count: _each_ms(count, [one.processor_seconds / one.minutes for one in rounds])
        for count, rounds in seen.items()
    }
    bare = {
        count: _each_ms(count, [one.bare_processor_seconds / one.minutes for one in rounds])
        for count, rounds in seen.items()
    }
    figures = []
    fewer = None
    for count, rounds in seen.items():
        figures += [
            Figure(
                f"processor a cycle and inverter, inverters: {count}",
                ours[count],
                "ms",
                Beside("decode and post", bare[count]),
                most=None if fewer is None else _NOISE * ours[fewer],
            ),
            Figure(
                f"cycle, inverters: {count}",
                statistics.median(seconds for one in rounds for seconds in one.cycle_seconds),
                "s",
                most=_CYCLE_SECONDS.get(count),
            ),
        ]
        fewer = count
    picture = plot(
        "Processor's time of a cycle, for each inverter",
        ("inverters", "ms"),
        [Line("the service", ours), Line("decode and post", bare)],
    )
    return Outcome(figures, {"growth.svg": picture})


def _rounds(task: Task, *, quick: bool) -> Sequence[Seen]:
    return [watch(task) for _ in range(1 if quick or task.inverters >= _MANY else _ROUNDS)]


def _each_ms(inverters: int, seconds: Iterable[float]) -> float:
    return 1000 * statistics.median(seconds) / inverters
