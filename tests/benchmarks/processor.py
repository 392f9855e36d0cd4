"""How much of the processor it takes, of 1 to 1,000 inverters: in a cycle, and in a day of one.

An inverter more should cost no more than the one before. Beside it stands what a process takes
that does the least that can be done in the same minutes: it decodes the cloud's answers and posts
as many states. A cycle is from the cloud's first answer until the last state has come to a stand-in
of Core that does nothing with it. In the cycles that are watched nothing comes that comes but once,
such as the history of the first hour.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.plot import Line, plot
from benchmarks.watch import Seen, Task, watch

_BARE = "decode and post"
_FULL = (
    Task(1, warm_up=5, minutes=[40], speed=60, has_bare=True),
    Task(10, warm_up=5, minutes=[40], speed=60, has_bare=True),
    Task(100, warm_up=8, minutes=[10], speed=10, has_bare=True),
    Task(1000, warm_up=40, minutes=[8], speed=3, has_bare=True),
)
_DAY = Task(1, warm_up=5, minutes=[24 * 60], speed=200, has_bare=True)
# The kernel counts in hundredths of a second, of which a bare process uses less than one a minute.
_QUICK = (
    Task(1, warm_up=0, minutes=[10], speed=100, has_bare=True),
    Task(4, warm_up=0, minutes=[10], speed=100, has_bare=True),
)
_CYCLE_SECONDS = {1000: 10.0}
# Several runs differ by as much.
_NOISE = 1.1
# Of very many inverters a single run takes a quarter of an hour, and has some cycles itself.
_ROUNDS, _MANY = 3, 1000


def measure(*, quick: bool) -> Outcome:
    """Measure all sizes, and but in a small run a day."""
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
    figures = [*_costs(ours, bare), *(_cycle(count, rounds) for count, rounds in seen.items())]
    if not quick:
        figures.append(_day(watch(_DAY)))
    picture = plot(
        "Processor's time of a cycle, for each inverter",
        ("inverters", "ms"),
        [Line("the service", ours), Line(_BARE, bare)],
    )
    return Outcome(figures, {"growth.svg": picture})


def _rounds(task: Task, *, quick: bool) -> Sequence[Seen]:
    return [watch(task) for _ in range(1 if quick or task.inverters >= _MANY else _ROUNDS)]


def _each_ms(inverters: int, seconds: Iterable[float]) -> float:
    return 1000 * statistics.median(seconds) / inverters


def _costs(ours: Mapping[int, float], bare: Mapping[int, float]) -> Iterable[Figure]:
    most = None
    for count, milliseconds in ours.items():
        yield Figure(
            f"processor a cycle and inverter, inverters: {count}",
            milliseconds,
            "ms",
            Beside(_BARE, bare[count]),
            most=most,
        )
        most = _NOISE * milliseconds


def _cycle(count: int, rounds: Sequence[Seen]) -> Figure:
    return Figure(
        f"cycle, inverters: {count}",
        statistics.median(seconds for one in rounds for seconds in one.cycle_seconds),
        "s",
        most=_CYCLE_SECONDS.get(count),
    )


def _day(seen: Seen) -> Figure:
    return Figure(
        "processor a day, 1 inverter",
        seen.processor_seconds,
        "s",
        Beside(_BARE, seen.bare_processor_seconds),
    )
