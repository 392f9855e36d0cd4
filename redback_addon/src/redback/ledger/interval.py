"""How often an inverter reports, which is learnt from the times of its readings."""

from collections import deque
from datetime import datetime, timedelta
from itertools import pairwise

from ..sensors.reading import STALE_AFTER

_READINGS = 9
# Until enough readings have come.
_USUAL = timedelta(minutes=1)
# Readings come at their interval, give or take half of it.
_GIVE_OR_TAKE = 1.5


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
        steps = sorted(after - before for before, after in pairwise(self._stamps))
        usual = steps[len(steps) // 2] if len(steps) >= _READINGS // 2 else _USUAL
        return min(max(usual, _USUAL) * _GIVE_OR_TAKE, STALE_AFTER)
