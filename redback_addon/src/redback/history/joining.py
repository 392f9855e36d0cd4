"""Joins hours of a counter to what Core has stored before and after them.

A row of Core's is a pair that fits: what the counter showed, and the sum of all energy until then.
Between two such pairs the sum grows by what the counter grew. So the sums of hours in between
follow from either end, and where both are there they must agree.

They may disagree for one good reason: the counter was reset in between. Core saw it last before
the gap and first after it, and took that for one step; what was counted up to the reset was lost
to it. Then the rows after the gap are short by just that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .summary import Counted, step

# What both ends may disagree by, kWh.
_TOLERANCE = 0.01
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


def join(hours: Sequence[Counted | None], left: End | None, right: End | None) -> Joined:
    """Join hours to the rows before and after them; one of the two must be there.

    Args:
        hours: in their order; None where the cloud has nothing, which changes nothing.
        left: the last row before them.
        right: the first row after them. It may also be the row of the last of them.

    Raises:
        JoiningError: the ends do not meet, and no reset explains it.
    """
    if left is not None:
        joined = _forwards(hours, left)
        return Joined(joined) if right is None else _closed(hours, left, right, joined)
    if right is None:
        raise ValueError("hours cannot be joined to nothing")
    first = next((hour.first for hour in hours if hour is not None), right.state)
    joined = _forwards(hours, End(first, 0.0))
    return Joined(joined, _missing(joined, right))


def _forwards(hours: Sequence[Counted | None], left: End) -> tuple[tuple[float, float], ...]:
    state, total = left.state, left.sum
    sums = []
    for hour in hours:
        if hour is not None:
            total += _between(state, hour.first) + hour.gain
            state = hour.last
        sums.append((state, total))
    return tuple(sums)


def _closed(
    hours: Sequence[Counted | None],
    left: End,
    right: End,
    sums: tuple[tuple[float, float], ...],
) -> Joined:
    missing = _missing(sums, right)
    if abs(missing) <= _TOLERANCE:
        return Joined(sums)
    seen = left.sum + step(left.state, right.state)
    if _has_reset(hours, left, right) and abs(seen - right.sum) <= _TOLERANCE:
        return Joined(sums, shift=missing)
    raise JoiningError(
        f"what the inverter counted differs by {abs(missing):.3f} kWh from what Home Assistant has"
        " stored on both sides"
    )


def _missing(sums: tuple[tuple[float, float], ...], right: End) -> float:
    """Tell by how much the sum at the right end is too small."""
    state, total = sums[-1]
    missing = total + _between(state, right.state) - right.sum
    return 0.0 if abs(missing) < _SAME else missing


def _between(before: float, after: float) -> float:
    """Give the energy from one value to the next; a few watt-hours less are none.

    Raises:
        JoiningError: the counter went back without starting over.
    """
    energy = step(before, after)
    if energy < -_TOLERANCE:
        raise JoiningError(f"it went back from {before:.3f} to {after:.3f} kWh")
    return max(energy, 0.0)


def _has_reset(hours: Sequence[Counted | None], left: End, right: End) -> bool:
    state = left.state
    for hour in hours:
        if hour is not None:
            if hour.resets or hour.first < state - _TOLERANCE:
                return True
            state = hour.last
    return right.state < state - _TOLERANCE
