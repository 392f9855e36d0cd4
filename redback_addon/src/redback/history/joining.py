"""Joins hours of a counter to what Core has stored before and after them.

A row of Core's is a pair that fits: what the counter showed, and the sum of all energy until then.
From one to the next the sum grows by what the counter grew, whoever has looked at it meanwhile. So
the sums of hours in between follow from the row before them, and must lead to the one after them.

The row after them may be of a time when Core still showed an old value: since nobody told it
better, or since a value that has fallen is not believed at once. That does no harm, for Core will
count from there on. What must fit is where it will be when it has seen what the counter shows now.

It may not fit for one good reason: the counter was reset in between. Core sees it before and after
that, and takes it for one step; what was counted until the reset is lost to it. Then the rows from
then on are short by just that. There are two more reasons, of Core's own:

- Something else has had this entity before, and counted from elsewhere, as the custom integration
  `redback` did with a battery. Core takes the difference between the two counters for energy. It
  is more than any inverter gives in the time, and the rows from then on are too high by it.
- Core was not told for so long that it has purged what it counts on from, and has begun anew at
  zero. The rows from then on are short by all that was before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..counters import RESET_BELOW, step
from .summary import Counted

# What both ends may disagree by, kWh.
TOLERANCE = 0.01
# What is left over by binary fractions.
_SAME = 1e-6
# No such inverter counts faster, kW; and what the two ends of an hour may be stamped amiss, h.
_MOST_KW = 30.0
_AMISS_HOURS = 0.1


class JoiningError(Exception):
    """The hours do not fit what is stored; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class End:
    """A row of Core's: what the counter showed, and the sum then; kWh."""

    state: float
    sum: float


@dataclass(frozen=True, slots=True)
class Joined:
    """What is to be written.

    Attributes:
        sums: what the counter showed and the sum, for each hour; kWh.
        shift: what must be added to all sums from the right end on, kWh.
    """

    sums: tuple[tuple[float, float], ...]
    shift: float = 0.0


class Apart(NamedTuple):
    """How much time there is between the left row and the hours, and from them to the right row; h.

    It decides how much can have been counted there.
    """

    left: float = 0.0
    right: float = 0.0


_TOGETHER = Apart()


def join(
    hours: Sequence[Counted | None],
    left: End | None,
    right: End | None,
    now: float | None = None,
    apart: Apart = _TOGETHER,
) -> Joined:
    """Join hours to the rows before and after them; one of the two must be there.

    Args:
        hours: in their order; None where the cloud has nothing, which changes nothing.
        left: the last row before them.
        right: the first row after them. It may also be the row of the last of them.
        now: what the counter really showed at the end of the right row or soon after, kWh; None =
            nobody knows, so that the row is taken for it.
        apart: how much time there is between the hours and the rows.

    Raises:
        JoiningError: the ends do not meet, and nothing explains it.
    """
    if left is None and right is None:
        raise ValueError("hours cannot be joined to nothing")
    if left is None:
        first = next((hour.first for hour in hours if hour is not None), 0.0)
        walk = _walk(hours, End(first, 0.0), apart)
        return Joined(walk.sums, 0.0 if right is None else _missing(walk, right, now))
    walk = _walk(hours, left, apart)
    if right is None:
        return Joined(walk.sums)
    missing = _missing(walk, right, now)
    if abs(missing) <= TOLERANCE:
        return Joined(walk.sums)
    if _explains(walk, missing, left, right, now):
        return Joined(walk.sums, shift=missing)
    raise JoiningError(
        f"what the inverter counted differs by {abs(missing):.3f} kWh from what Home Assistant has"
        " stored on both sides"
    )


class _Step(NamedTuple):
    """What comes of the next value of a counter: energy, and what it stands at then; kWh."""

    energy: float
    state: float


class _Walk:
    """Goes through hours.

    Attributes:
        sums: what the counter stood at and the sum after each, kWh.
        was_reset: whether it started over on the way.
        was_replaced: whether it began to be another one on the way.
    """

    def __init__(self, begin: End, apart: Apart) -> None:
        self._state, self._sum = begin.state, begin.sum
        self._untold, self._after = apart
        self.sums: tuple[tuple[float, float], ...] = ()
        self.was_reset = False
        self.was_replaced = False

    def through(self, hour: Counted | None) -> None:
        """Go through an hour."""
        self._untold += 1.0
        if hour is not None:
            energy, first = self._to(hour.first, self._untold)
            if first == hour.first or hour.resets:
                energy, self._state = energy + hour.gain, hour.last
            else:
                more, self._state = self._to(hour.last, self._untold)
                energy += more
            self._sum += energy
            self.was_reset |= bool(hour.resets)
            self._untold = 0.0
        self.sums = (*self.sums, (self._state, self._sum))

    def on_to(self, value: float) -> float:
        """Give the energy from where it stands to a value of the row after, kWh."""
        return self._to(value, self._untold + self._after + 1.0).energy

    def _to(self, value: float, hours: float) -> _Step:
        """Go from where it stands to its next value, after so long."""
        self.was_reset |= value < RESET_BELOW * self._state
        most = _MOST_KW * (hours + _AMISS_HOURS)
        if value - self._state > most:
            self.was_replaced = True
            return _Step(0.0, value)
        return _climb(self._state, value)


def _climb(before: float, after: float) -> _Step:
    """Go from one value of a counter to another one, as the states that Core is shown do.

    One that is a little less than before is not shown until it has caught up.
    """
    if RESET_BELOW * before <= after < before:
        return _Step(0.0, before)
    return _Step(step(before, after), after)


def _walk(hours: Sequence[Counted | None], begin: End, apart: Apart) -> _Walk:
    walk = _Walk(begin, apart)
    for hour in hours:
        walk.through(hour)
    return walk


def _missing(walk: _Walk, right: End, now: float | None) -> float:
    """Tell by how much all sums from the right end on are too small."""
    value = right.state if now is None else now
    wanted = walk.sums[-1][1] + walk.on_to(value)
    missing = wanted - (right.sum + _climb(right.state, value).energy)
    return 0.0 if abs(missing) < _SAME else missing


def _explains(walk: _Walk, missing: float, left: End, right: End, now: float | None) -> bool:
    """Tell whether there is a good reason for what the ends differ by."""
    value = right.state if now is None else now
    counted = walk.sums[-1][1] - left.sum + walk.on_to(value)
    if missing < 0:
        return walk.was_replaced
    # Core has then counted what came after the outage, which ended in the last hour, and no more.
    before = walk.sums[-2][1] if len(walk.sums) > 1 else left.sum
    since = walk.sums[-1][1] - before + walk.on_to(right.state)
    has_begun_anew = -TOLERANCE <= right.sum <= since + TOLERANCE and right.sum < left.sum
    # Core may have seen a part of what came before a reset, but none that was not there.
    return has_begun_anew or (walk.was_reset and missing <= counted + TOLERANCE)
