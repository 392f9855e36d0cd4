"""How much the cloud is asked: requests of all kinds a minute and inverter, in steady state.

Beside it the requests of a poller that asks for each inverter's reading once a minute, and for its
static data every 15 minutes.
"""

from concurrent.futures import ThreadPoolExecutor

from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.watch import Seen, Task, watch

# Steady is what comes after the hour of the start, of which the history asks for the beginning.
_FULL = (
    Task(1, warm_up=75, minutes=[120], speed=60, has_fixed=True),
    Task(100, warm_up=75, minutes=[120], speed=20, has_fixed=True),
)
_QUICK = (Task(1, warm_up=1, minutes=[4], speed=100, has_fixed=True),)
_GOALS = {1: 1.2, 100: 0.02}


def measure(*, quick: bool) -> Outcome:
    """Measure one inverter, and many beside it."""
    tasks = _QUICK if quick else _FULL
    with ThreadPoolExecutor() as pool:
        seen = pool.map(watch, tasks)
        return Outcome(
            [_figure(task.inverters, one) for task, one in zip(tasks, seen, strict=True)]
        )


def _figure(inverters: int, seen: Seen) -> Figure:
    return Figure(
        f"requests a minute and inverter, inverters: {inverters}",
        sum(seen.requests.values()) / seen.minutes / inverters,
        "requests",
        Beside("asking at a fixed second", seen.fixed_requests / seen.minutes / inverters),
        most=_GOALS[inverters],
    )
