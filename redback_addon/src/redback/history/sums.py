"""Continues a counter's sums through a gap: its rows there, and what comes after them.

Where the two ends do not meet, there are no rows for that counter.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from ..core import Row, Series
from .ends import Ends
from .flowing import Flowed
from .gaps import HOUR, Gap, floor
from .joining import Apart, End, JoiningError, join
from .spreading import spread
from .summary import Counted, Summary

_T = TypeVar("_T")
Shown = Callable[[datetime], Awaitable[Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class Shift:
    """All sums of a counter are to be raised, from the hour of a row on."""

    series: Series
    row: Row
    amount: float

    @property
    def since(self) -> datetime:
        """The full hour, so that Core's hourly rows and those of five minutes move alike."""
        return floor(self.row.start)


@dataclass(frozen=True, slots=True)
class Continued:
    """What is to be done for a counter."""

    rows: list[Row]
    shifts: list[Shift]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Hours of one counter in a row, up to one whose row stands, or to the end of the gap."""

    hours: tuple[datetime, ...]
    end: Row | None

    def of_pending(self, things: Sequence[_T]) -> Sequence[_T]:
        """Leave out what is of an hour whose row stands."""
        return things if self.end is None else things[:-1]


class Sums:
    """Continues sums.

    Args:
        ends: finds the rows around a gap.
    """

    def __init__(self, ends: Ends) -> None:
        self._ends = ends

    async def through(
        self,
        series: Series,
        gap: Gap,
        summaries: Mapping[datetime, Summary | None],
        stored: Mapping[datetime, Row],
        shown: Shown,
    ) -> Continued:
        """Make the rows of a counter, and the shifts of what comes after them.

        Args:
            series: of the counter.
            gap: whose hours are all fetched.
            summaries: what was fetched, by the start of the hour.
            stored: Core's rows of the gap, by the start of the hour.
            shown: gives what each counter really showed at a moment or soon after, by entity id.

        Raises:
            JoiningError: the ends do not meet.
            NotYetError: Core has not yet written one of them.
        """
        made: list[Row] = []
        shifts: list[Shift] = []
        before: Row | None = None
        for piece in _pieces(gap, stored):
            raised = sum(shift.amount for shift in shifts)
            end = _raised(piece.end, raised)
            counted = [_counted(series, summaries[start]) for start in piece.hours]
            flowed = [_flowed(series, summaries[start]) for start in piece.hours]
            sums: Sequence[tuple[float, float] | None] = ()
            # Also where nothing is to be written Core may have missed what came before a reset.
            if any(piece.of_pending(counted)) or any(one.resets for one in counted if one):
                left = before or await self._ends.before(series, piece.hours[0])
                right, now = end, None if counted[-1] is None else counted[-1].last
                if right is None:
                    right, now = await self._right(series, gap, shown)
                    right = _raised(right, raised)
                if left is None and right is None:
                    raise JoiningError("Home Assistant has no statistics of it to join them to")
                joined = join(counted, _end(left), _end(right), now, _apart(left, piece, right))
                if joined.shift and right is not None:
                    shifts.append(Shift(series, right, joined.shift))
                sums = [
                    pair if one is not None or start in stored else None
                    for start, one, pair in zip(piece.hours, counted, joined.sums, strict=True)
                ]
                end = _raised(end, joined.shift)
            elif end is not None and any(one is not None for one in piece.of_pending(flowed)):
                left = before or await self._ends.before(series, piece.hours[0])
                rows = [_end(_raised(stored.get(start), raised)) for start in piece.hours]
                sums = _spread(flowed, _end(left), rows)
            made += _rows(piece, sums)
            before = end
        return Continued(made, shifts)

    async def _right(
        self, series: Series, gap: Gap, shown: Shown
    ) -> tuple[Row | None, float | None]:
        """Give the row after a gap, and what the counter really showed then, kWh."""
        row, over = await self._ends.after(series, gap.until)
        return row, None if row is None else (await shown(over)).get(series.entity_id)


def _pieces(gap: Gap, stored: Mapping[datetime, Row]) -> Iterator[_Piece]:
    """Cut a gap after each hour whose row stands for a counter."""
    hours: list[datetime] = []
    for hour in gap.hours:
        hours.append(hour.start)
        row = stored.get(hour.start)
        stands = hour.start in gap.standing or gap.keeps(hour.start, stored)
        if stands and row is not None and row.sum is not None:
            yield _Piece(tuple(hours), row)
            hours = []
    if hours:
        yield _Piece(tuple(hours), None)


def _rows(piece: _Piece, sums: Sequence[tuple[float, float] | None]) -> Iterator[Row]:
    """Make the rows of those hours of which something is known."""
    for start, pair in zip(piece.of_pending(piece.hours), sums, strict=False):
        if pair is not None:
            yield Row(start, state=pair[0], sum=pair[1])


def _counted(series: Series, summary: Summary | None) -> Counted | None:
    return None if summary is None else summary.counted.get(series.entity_id)


def _flowed(series: Series, summary: Summary | None) -> Flowed | None:
    return None if summary is None else summary.flowed.get(series.entity_id)


def _raised(row: Row | None, amount: float) -> Row | None:
    """Give a row as it is once all sums were raised from somewhere before it on."""
    return None if row is None or row.sum is None else replace(row, sum=row.sum + amount)


def _apart(left: Row | None, piece: _Piece, right: Row | None) -> Apart:
    """Tell how much time there is between a piece and the rows around it, h."""
    first, end = piece.hours[0], piece.hours[-1] + HOUR
    return Apart(
        0.0 if left is None else max((first - left.start) / HOUR - 1.0, 0.0),
        0.0 if right is None else max((right.start - end) / HOUR, 0.0),
    )


def _end(row: Row | None) -> End | None:
    """Give a row as an end; none is taken for one that has no sum."""
    if row is None or row.state is None or row.sum is None:
        return None
    return End(row.state, row.sum)


def _spread(
    flowed: Sequence[Flowed | None], left: End | None, rows: Sequence[End | None]
) -> Sequence[tuple[float, float]]:
    return [] if left is None or rows[-1] is None else spread(flowed, left, rows)
