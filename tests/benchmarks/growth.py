"""What an inverter costs when there are more of them: it should be no more than for one.

Beside the processor's time stands that of a process which does the least that can be done in the
same minutes. A cycle is from the cloud's first answer until the last state has come to a stand-in
of Core that does nothing with it.
"""

import statistics

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


def measure(*, quick: bool) -> Outcome:
    """Measure all sizes."""
    tasks = _QUICK if quick else _FULL
    seen = {task.inverters: watch(task) for task in tasks}
    ours = {inverters: _each_ms(inverters, one) for inverters, one in seen.items()}
    bare = {
        inverters: 1000 * one.bare_processor_seconds / one.minutes / inverters
        for inverters, one in seen.items()
    }
    figures = []
    alone = ours[min(ours)]
    for inverters, one in seen.items():
        figures += [
            Figure(
                f"processor a cycle and inverter, inverters: {inverters}",
                ours[inverters],
                "ms",
                Beside("decode and post", bare[inverters]),
                most=alone,
            ),
            Figure(
                f"cycle, inverters: {inverters}",
                statistics.median(one.cycle_seconds),
                "s",
                most=_CYCLE_SECONDS.get(inverters),
            ),
        ]
    picture = plot(
        "Processor's time of a cycle, for each inverter",
        ("inverters", "ms"),
        [Line("the service", ours), Line("decode and post", bare)],
    )
    return Outcome(figures, {"growth.svg": picture})


def _each_ms(inverters: int, seen: Seen) -> float:
    return 1000 * seen.processor_seconds / seen.minutes / inverters
