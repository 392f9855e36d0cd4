"""Joins hours of a counter to what Core has stored before and after them.

A row of Core's is a pair that fits: what the counter showed, and the sum of all energy until then.
From one to the next the sum grows by what the counter grew, whoever has looked at it meanwhile. So
the sums of hours in between follow from the row before them, and must lead to the one after them.

The row after them may be of a time when Core still showed an old value: since nobody told it
better, or since a value that has fallen is not believed at once. That does no harm, for Core will
count from there on. What must fit is where it will be when it has seen what the counter shows now.

It may not fit for one good reason: the counter was reset in between. Core sees it before and after
that, and takes it for one step; what was counted until the reset is lost to it. Then the rows from
then on are short by just that.
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


def join(
    hours: Sequence[Counted | None],
    left: End | None,
    right: End | None,
    now: float | None = None,
) -> Joined:
    """Join hours to the rows before and after them; one of the two must be there.

    Args:
        hours: in their order; None where the cloud has nothing, which changes nothing.
        left: the last row before them.
        right: the first row after them. It may also be the row of the last of them.
        now: what the counter really showed at the end of the right row or soon after, kWh; None =
            nobody knows, so that the row is taken for it.

    Raises:
        JoiningError: the ends do not meet, and no reset explains it.
    """
    if left is None and right is None:
        raise ValueError("hours cannot be joined to nothing")
    if left is None:
        first = next((hour.first for hour in hours if hour is not None), 0.0)
        sums = _sums(hours, End(first, 0.0))
        return Joined(sums, 0.0 if right is None else _missing(sums, right, now))
    sums = _sums(hours, left)
    if right is None:
        return Joined(sums)
    missing = _missing(sums, right, now)
    if abs(missing) <= TOLERANCE:
        return Joined(sums)
    value = right.state if now is None else now
    # Core may have seen a part of it, but none that was not there.
    most = sums[-1][1] - left.sum + _climb(sums[-1][0], value).energy
    if 0 < missing <= most + TOLERANCE and _has_reset(hours, left, sums, value):
        return Joined(sums, shift=missing)
    raise JoiningError(
        f"what the inverter counted differs by {abs(missing):.3f} kWh from what Home Assistant has"
        " stored on both sides"
    )


class _Step(NamedTuple):
    """What comes of the next value of a counter: energy, and what it stands at then; kWh."""

    energy: float
    state: float


def _climb(before: float, after: float) -> _Step:
    """Go from one value of a counter to another one, as the states that Core is shown do.

    One that is a little less than before is not shown until it has caught up.
    """
    if RESET_BELOW * before <= after < before:
        return _Step(0.0, before)
    return _Step(step(before, after), after)


def _sums(hours: Sequence[Counted | None], left: End) -> tuple[tuple[float, float], ...]:
    state, total = left.state, left.sum
    sums = []
    for hour in hours:
        if hour is not None:
            energy, state = _energy(state, hour)
            total += energy
        sums.append((state, total))
    return tuple(sums)


def _energy(state: float, hour: Counted) -> _Step:
    """Go through an hour."""
    energy, first = _climb(state, hour.first)
    if first == hour.first or hour.resets:
        return _Step(energy + hour.gain, hour.last)
    return _climb(state, hour.last)


def _missing(sums: tuple[tuple[float, float], ...], right: End, now: float | None) -> float:
    """Tell by how much all sums from the right end on are too small."""
    state, total = sums[-1]
    value = right.state if now is None else now
    wanted = total + _climb(state, value).energy
    missing = wanted - (right.sum + _climb(right.state, value).energy)
    return 0.0 if abs(missing) < _SAME else missing


def _has_reset(
    hours: Sequence[Counted | None],
    left: End,
    sums: tuple[tuple[float, float], ...],
    value: float,
) -> bool:
    """Tell whether the counter started over between the ends, the last of which is a value."""
    state = left.state
    for hour, (stands_at, _) in zip(hours, sums, strict=True):
        if hour is not None and (hour.resets or hour.first < RESET_BELOW * state):
            return True
        state = stands_at
    return value < RESET_BELOW * state
