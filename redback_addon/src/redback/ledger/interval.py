"""How often an inverter reports, which is learnt from the times of its readings."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from ..sensors.reading import STALE_AFTER

_READINGS = 9
_LEAST_STEPS = 4
# Until enough readings have come.
_USUAL = timedelta(minutes=1)
# Readings come at their interval, give or take half of it.
_GIVE_OR_TAKE = 1.5


def usual(steps: Iterable[timedelta]) -> timedelta:
    """Return the usual one of the times between readings; a minute while there are too few."""
    ordered = sorted(steps)
    middle = ordered[len(ordered) // 2] if len(ordered) >= _LEAST_STEPS else _USUAL
    return max(middle, _USUAL)


class Interval:
    """The usual time between two readings of one inverter."""

    def __init__(self) -> None:
        self._stamps: deque[datetime] = deque(maxlen=_READINGS)

    def note(self, stamp: datetime) -> None:
        """Note the time of a reading; older ones and repetitions change nothing."""
        if not self._stamps or stamp > self._stamps[-1]:
            self._stamps.append(stamp)

    @property
    def longest_step(self) -> timedelta:
        """The longest time between two readings of which none is missing."""
        step = usual(after - before for before, after in pairwise(self._stamps))
        return min(step * _GIVE_OR_TAKE, STALE_AFTER)
