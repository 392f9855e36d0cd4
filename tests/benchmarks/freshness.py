"""How fresh the states are: from the moment at which the cloud shows a reading until Core has it.

The inverters record at seconds of their own, and what they record is shown 4 to 12 seconds later,
and up to two more by chance. Beside it the same for a poller that asks at a fixed second of the
minute, whose readings count as shown as soon as it has them.
"""

import statistics

from benchmarks.figures import Beside, Figure, Outcome, percentile
from benchmarks.fresh import Task, watch

# What is asked for seldom comes round once or twice in an hour.
_FULL = (Task(houses=6, warm_up=20, minutes=60), 6)
_QUICK = (Task(houses=2, warm_up=1, minutes=2), 30)
_FIXED = "asking at a fixed second"


def measure(*, quick: bool) -> Outcome:
    """Measure some houses side by side."""
    task, speed = _QUICK if quick else _FULL
    seen = watch(task, speed)
    return Outcome(
        [
            Figure(
                f"age of {len(seen.ages)} readings, median",
                statistics.median(seen.ages),
                "s",
                Beside(_FIXED, statistics.median(seen.fixed_ages)),
                most=2.5,
                most_ratio=0.1,
            ),
            Figure(
                "age that 95 % are below",
                percentile(seen.ages, 95),
                "s",
                Beside(_FIXED, percentile(seen.fixed_ages, 95)),
                most=6.0,
            ),
            Figure(
                "requests a minute meanwhile",
                seen.requests,
                "requests",
                Beside(_FIXED, seen.fixed_requests),
                most=1.2,
            ),
        ]
    )
