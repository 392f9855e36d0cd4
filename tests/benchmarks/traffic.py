"""How much the cloud is asked: requests of all kinds a minute and inverter, in steady state.

Beside it the requests of a poller that asks for each inverter's reading once a minute, and for its
static data every 15 minutes.
"""

import statistics

from benchmarks.figures import Beside, Figure, Outcome
from benchmarks.watch import Seen, Task, watch

# The details of 100 inverters are asked for every 100 minutes.
_FULL = {1: (60, 120.0, 3), 100: (20, 120.0, 1)}
_QUICK = {1: (60, 4.0, 1)}
_WARM_UP = {1: 5.0, 100: 10.0}
_GOALS = {1: 1.2, 100: 0.02}


def measure(*, quick: bool) -> Outcome:
    """Measure one inverter, and many."""
    return Outcome(
        [
            _figure(inverters, [_watched(inverters, minutes, speed) for _ in range(rounds)])
            for inverters, (speed, minutes, rounds) in (_QUICK if quick else _FULL).items()
        ]
    )


def _watched(inverters: int, minutes: float, speed: int) -> Seen:
    return watch(Task(inverters, _WARM_UP[inverters], [minutes], has_fixed=True), speed)


def _figure(inverters: int, rounds: list[Seen]) -> Figure:
    return Figure(
        f"requests a minute and inverter, inverters: {inverters}",
        statistics.median(sum(one.requests.values()) / one.minutes / inverters for one in rounds),
        "requests",
        Beside(
            "asking at a fixed second",
            statistics.median(one.fixed_requests / one.minutes / inverters for one in rounds),
        ),
        most=_GOALS[inverters],
    )
