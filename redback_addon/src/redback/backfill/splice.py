"""Splices hours of a counter to Core's rows before and after them.

A row of Core's has what the counter showed, and the sum of all energy until then. From one row to
the next the sum grows by as much as the counter, whoever recorded it. So the sums of the hours in
between follow from the row before them, and must lead to the row after them.

The row after them may still have an old value, because Core had no newer one, or because a lower
value is not believed at once. That does no harm: Core continues from there. What must fit is the
sum once Core has seen what the counter shows now.

If it does not fit, there may be a good reason:

- The counter was reset in between. Core saw it before and after, and takes that for one step; what
  was counted until the reset is lost to it. All later rows are too low by exactly that.
- Another counter had the same name: one of the custom integration `redback` counts from zero since
  its start, this one since the inverter's. The step between them is more than any plant can count,
  and is no energy, but Core has counted it. All later rows are too high by exactly that.
- Core had lost the five-minute rows that it continues from, and started from zero. Nothing else
  makes a sum fall. All later rows are too low by everything counted before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..inverters.counters import RESET_BELOW, step
from .hourly import Counted

# Both ends may differ by this, kWh.
TOLERANCE = 0.01
# The error of binary fractions.
_SAME = 1e-6
# No plant and no household's grid connection has more power. A row may be older than its end, which
# allows for an hour's energy more.
_MOST_KW = 30.0
_SLACK_KWH = 30.0


class SpliceError(Exception):
    """The hours do not fit what is stored; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class End:
    """A row of Core's: what the counter showed, and the sum then; kWh.

    Attributes:
        state: what it showed.
        sum: all energy until then.
        apart: how many hours lie between its end and the hours that are spliced to it.
    """

    state: float
    sum: float
    apart: float = 0.0


@dataclass(frozen=True, slots=True)
class Spliced:
    """The values to write.

    Attributes:
        sums: what the counter showed and the sum, for each hour; kWh.
        shift: what must be added to all sums from the right end on, kWh.
    """

    sums: tuple[tuple[float, float], ...]
    shift: float = 0.0


def splice(
    hours: Sequence[Counted | None],
    left: End | None,
    right: End | None,
    now: float | None = None,
) -> Spliced:
    """Splice hours to the rows before and after them; one of the two must be there.

    Args:
        hours: in order; None = the cloud has nothing, so that nothing changes.
        left: the last row before them.
        right: the first row after them. It may also be the row of the last of them.
        now: what the counter really showed at the end of the right row or soon after, kWh; None =
            unknown, so that the row's value is used.

    Raises:
        SpliceError: the ends do not meet, and no reset explains it.
    """
    if left is None and right is None:
        raise ValueError("hours cannot be spliced to nothing")
    if left is None:
        first = next((hour.first for hour in hours if hour is not None), 0.0)
        walk = _walk(hours, End(first, 0.0))
        return Spliced(walk.sums, 0.0 if right is None else _meet(walk, right, now, 1.0).missing)
    walk = _walk(hours, left)
    if right is None:
        return Spliced(walk.sums)
    if now is None and walk.is_reset and right.state == left.state:
        # Core still has the old value, and will continue from what the counter shows then.
        now = walk.sums[-1][0]
    met = _meet(walk, right, now, left.apart + len(hours))
    if abs(met.missing) <= TOLERANCE:
        return Spliced(walk.sums)
    if walk.is_replaced and met.is_other:
        raise SpliceError("Home Assistant has another counter's statistics on both sides")
    if begins_anew(left, right) or _is_explained(walk, left, met):
        return Spliced(walk.sums, shift=met.missing)
    raise SpliceError(
        f"the inverter's counter differs by {abs(met.missing):.3f} kWh from Home Assistant's"
        " statistics on both sides"
    )


def begins_anew(left: End, right: End) -> bool:
    """Whether Core's sum at the right end started from zero again."""
    return right.sum < left.sum - TOLERANCE


def is_leap(before: float, after: float, hours: float) -> bool:
    """Whether a value some hours later can only be another counter's; kWh."""
    return is_too_much(step(before, after), hours)


def is_too_much(energy: float, hours: float) -> bool:
    """Whether this is more than any plant can produce or use in some hours; kWh."""
    return energy > _MOST_KW * hours + _SLACK_KWH


def has_leapt(hours: Sequence[Counted | None], left: End, right: End, now: float) -> bool:
    """Whether Core shows the counter of these hours after them, and another one before them.

    Args:
        hours: as for `splice`.
        left: as for `splice`.
        right: as for `splice`.
        now: as for `splice`.
    """
    walk = _walk(hours, left)
    return walk.is_replaced and not _meet(walk, right, now, left.apart + len(hours)).is_other


class _Step(NamedTuple):
    """One step of a counter: the energy, and the state after it; kWh."""

    energy: float
    state: float
    is_leap: bool = False


class _Walk(NamedTuple):
    """The result of following the hours from the left end.

    Attributes:
        sums: what the counter showed and the sum, for each hour; kWh.
        unseen: how many hours ago the counter was last seen at their end.
        is_reset: whether it started over.
        is_replaced: whether the left end is of another counter.
    """

    sums: tuple[tuple[float, float], ...]
    unseen: float
    is_reset: bool
    is_replaced: bool


class _Meeting(NamedTuple):
    """The comparison of the hours with the right end.

    Attributes:
        value: what the counter showed there, kWh.
        missing: by how much all sums from there on are too small, kWh.
        energy: from the last hour until there, kWh.
        is_reset: whether it started over after the hours.
        is_replaced: whether the last hour is of another counter than what comes after it.
        is_other: whether the right end is of another counter than that value.
    """

    value: float
    missing: float
    energy: float
    is_reset: bool
    is_replaced: bool
    is_other: bool


def _is_explained(walk: _Walk, left: End, met: _Meeting) -> bool:
    """Whether there is a good reason for ends that do not meet."""
    # Core may have counted part of this, never more.
    most = walk.sums[-1][1] - left.sum + met.energy + TOLERANCE
    if walk.is_replaced or met.is_replaced or met.is_other:
        return -(met.value + most) <= met.missing <= most
    return 0 < met.missing <= most and (walk.is_reset or met.is_reset)


def _climb(before: float, after: float, hours: float) -> _Step:
    """Return the step from one value of a counter to another, as the shown states take it.

    A slightly lower value is not shown until it has caught up; one that the counter cannot have
    reached in these hours is another counter's.
    """
    if RESET_BELOW * before <= after < before:
        return _Step(0.0, before)
    if is_leap(before, after, hours):
        return _Step(0.0, after, is_leap=True)
    return _Step(step(before, after), after)


def _walk(hours: Sequence[Counted | None], left: End) -> _Walk:
    state, total = left.state, left.sum
    unseen = left.apart
    is_reset = is_replaced = False
    sums = []
    for hour in hours:
        unseen += 1.0
        if hour is not None:
            is_reset |= hour.resets > 0 or hour.first < RESET_BELOW * state
            energy, state, is_other = _energy(state, hour, unseen)
            is_replaced |= is_other
            total += energy
            unseen = 0.0
        sums.append((state, total))
    return _Walk(tuple(sums), unseen, is_reset, is_replaced)


def _energy(state: float, hour: Counted, unseen: float) -> _Step:
    """Return the step through an hour of a counter last seen this long before its end."""
    energy, first, is_leap = _climb(state, hour.first, unseen)
    if first == hour.first or hour.resets:
        return _Step(energy + hour.gain, hour.last, is_leap)
    return _climb(state, hour.last, unseen)


def _meet(walk: _Walk, right: End, now: float | None, hours: float) -> _Meeting:
    """Compare with the right end, where Core's value may be this many hours old."""
    state, total = walk.sums[-1]
    # A slightly lower value than Core's is an earlier reading.
    is_older = now is None or RESET_BELOW * right.state <= now < right.state
    value = right.state if now is None or is_older else now
    last = _climb(state, value, walk.unseen + right.apart + 1.0)
    seen = _climb(right.state, value, hours + right.apart)
    missing = total + last.energy - (right.sum + seen.energy)
    return _Meeting(
        value,
        0.0 if abs(missing) < _SAME else missing,
        last.energy,
        is_reset=value < RESET_BELOW * state,
        is_replaced=last.is_leap,
        is_other=seen.is_leap,
    )
