"""Spreads a counter's growth over hours for which the cloud has no values of it.

The growth is known from Core's rows before and after; the power shows when it happened. Core's rows
are fixed points: the row of an hour that Core was partly shown has the counter's value at the last
reading shown, so that nothing up to there has to be estimated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from .hourly import Flowed
from .splice import TOLERANCE, End, SpliceError, is_too_much


@dataclass(slots=True)
class _Stretch:
    """From one fixed point on: what flowed up to the end of each hour, kWh.

    Attributes:
        start: the fixed point.
        flows: until the end of each hour, and from there until the next fixed point.
        is_known: whether anything is known of the power.
    """

    start: End
    flows: list[float] = field(default_factory=lambda: [0.0])
    is_known: bool = False

    def flow(self, energy: float | None) -> None:
        """Add what flowed next; None = unknown."""
        if energy is not None:
            self.flows[-1] += energy
            self.is_known = True

    def end_hour(self) -> None:
        """End an hour."""
        self.flows.append(0.0)

    def ends(self, end: End) -> Iterator[tuple[float, float]]:
        """Yield what the counter showed, and the sum, at the end of each hour; kWh.

        Raises:
            SpliceError: see `spread`.
        """
        grown = end.state - self.start.state
        if grown < 0 or abs(self.start.sum + grown - end.sum) > TOLERANCE:
            raise SpliceError("the cloud has no values, and the counter was reset in between")
        if not self.is_known and grown > TOLERANCE:
            raise SpliceError("the cloud has no values, and nothing shows when it grew")
        total = sum(self.flows)
        shares = self.flows if total > 0 else [1.0] * len(self.flows)
        for share in [*accumulate(shares)][:-1]:
            energy = grown * share / (total or len(shares))
            yield self.start.state + energy, self.start.sum + energy


def spread(
    hours: Sequence[Flowed | None], left: End, rows: Sequence[End | None]
) -> list[tuple[float, float]]:
    """Divide a counter's growth among the hours.

    Args:
        hours: about what flowed in each, in order; None = unknown.
        left: the last row before them.
        rows: Core's rows of the same hours. Those of hours of which Core was shown nothing do not
            count, but that of the last hour always does.

    Returns:
        What the counter showed about then and the sum at the end of each hour but the last; kWh.

    Raises:
        SpliceError: the rows do not fit each other, or there is nothing to go by.
    """
    stretch = _Stretch(left)
    if hours and hours[0] is not None:
        stretch.flow(hours[0].lead)
    sums: list[tuple[float, float]] = []
    for number, (hour, row) in enumerate(zip(hours, rows, strict=True)):
        stretch.flow(None if hour is None else hour.early)
        is_fixed = hour is not None and hour.late is not None
        if row is not None and (is_fixed or number == len(hours) - 1):
            sums += stretch.ends(row)
            stretch = _Stretch(row)
        stretch.flow(None if hour is None else hour.late)
        stretch.end_hour()
    return sums


def spread_apart(
    hours: Sequence[Flowed | None], left: End, right: End
) -> tuple[tuple[tuple[float, float], ...], float]:
    """Divide the energy among the hours if the counter was replaced by another one.

    Core has counted the replacement as energy, unless the sums were shifted already.

    Args:
        hours: as for `spread`.
        left: the last row before them, of the counter before.
        right: Core's row of the last hour.

    Returns:
        As `spread`, all by the counter before; and what must be added to all sums from the last
        hour on, kWh.
    """
    grown = right.sum - left.sum
    if grown < 0 or is_too_much(grown, left.apart + len(hours)):
        grown = sum(_seen(hours))
    end = End(left.state + grown, left.sum + grown)
    rows: list[End | None] = [None] * (len(hours) - 1)
    return tuple(spread(hours, left, [*rows, end])), end.sum - right.sum


def _seen(hours: Sequence[Flowed | None]) -> Iterator[float]:
    """Yield what flowed until the last reading that Core was shown, kWh."""
    for number, hour in enumerate(hours):
        if hour is not None:
            is_first, is_last = number == 0, number == len(hours) - 1
            yield hour.early + (hour.lead if is_first else 0.0)
            yield 0.0 if is_last else hour.late or 0.0
