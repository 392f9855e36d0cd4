"""Continues a counter's sums through a gap: its rows there, and what comes after them.

Where the two ends do not meet, there are no rows for that counter.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from ..core import Row, Series
from ..inverters.counters import RESET_BELOW
from .ends import Ends
from .flowing import Flowed
from .gaps import HOUR, Gap, floor
from .hourly import Counted, Summary
from .splice import End, Joined, JoiningError, begins_anew, has_leapt, is_leap, join
from .spreading import spread, spread_apart

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
    """What is to be done for a counter.

    Attributes:
        rows: to be written.
        shifts: to be done before that.
        rejection_reason: why nothing is to be written in some of the gap; None where all is well.
    """

    rows: list[Row]
    shifts: list[Shift]
    rejection_reason: JoiningError | None = None


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
            NotYetError: Core has not yet written what they are to be joined to.
        """
        made: list[Row] = []
        shifts: list[Shift] = []
        rejection_reason: JoiningError | None = None
        before: Row | None = None
        for piece in _pieces(gap, stored):
            raised = sum(shift.amount for shift in shifts)
            counted = [_counted(series, summaries[start]) for start in piece.hours]
            flowed = [_flowed(series, summaries[start]) for start in piece.hours]
            left, end = before, _raised(piece.end, raised)
            if left is None and any(one is not None for one in (*counted, *flowed)):
                left = await self._ends.before(series, piece.hours[0])
            sums: Sequence[tuple[float, float] | None] = ()
            shift, right = 0.0, end
            try:
                if _is_to_be_joined(piece, counted, left, end):
                    now = None if counted[-1] is None else counted[-1].last
                    if right is None:
                        right, now = await self._right(series, gap, shown, now)
                        right = _raised(right, raised)
                    begun = _left(left, piece) or await self._begun(series, piece, counted, stored)
                    joined = _join(piece, counted, begun, right, now)
                    shift = joined.shift
                    sums = [
                        pair if one is not None or start in stored else None
                        for start, one, pair in zip(piece.hours, counted, joined.sums, strict=True)
                    ]
                elif any(one is not None for one in flowed):
                    rows = [_raised(stored.get(start), raised) for start in piece.hours]
                    joined = _spread(piece, flowed, left, rows)
                    sums, shift = joined.sums, joined.shift
            except JoiningError as error:
                rejection_reason = error
            if shift and right is not None:
                shifts.append(Shift(series, right, shift))
            made += _rows(piece, sums)
            before = _raised(end, shift)
        return Continued(made, shifts, rejection_reason)

    async def _begun(
        self,
        series: Series,
        piece: _Piece,
        counted: Sequence[Counted | None],
        stored: Mapping[datetime, Row],
    ) -> End | None:
        """Give what Core's first row of all comes to at the beginning of its hour.

        Core has counted from the first reading on, within that hour. What came before it is of the
        past, which is not there where nobody wants it. So the sum is below zero until then.
        """
        hour, start = counted[0], piece.hours[0]
        if hour is None or hour.resets:
            return None
        row = stored.get(start)
        if row is None:
            row, _ = await self._ends.soon_after(series, start) or (None, start)
        end = None if row is None else _end(row)
        if end is None or not hour.first <= end.state <= hour.last:
            return None
        return End(hour.first, end.sum - (end.state - hour.first))

    async def _right(
        self, series: Series, gap: Gap, shown: Shown, last: float | None
    ) -> tuple[Row | None, float | None]:
        """Give the row after a gap, and what the counter really showed then, kWh.

        Args:
            series: of the counter.
            gap: it.
            shown: as for `through`.
            last: what the counter showed last in the gap, kWh.
        """
        row, over = await self._ends.after(series, gap.until)
        if row is None:
            return None, None
        now = (await shown(over)).get(series.entity_id)
        value = row.state if now is None else now
        if last is None or value is None or value >= RESET_BELOW * last:
            return row, now
        # It was reset since then. The nearest row leaves the least of it to be guessed.
        row, over = await self._ends.soon_after(series, gap.until) or (row, over)
        return row, (await shown(over)).get(series.entity_id)


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


def _left(row: Row | None, piece: _Piece) -> End | None:
    """Give the row before a piece as an end; none is taken for one that has no sum."""
    return None if row is None else _end(row, piece.hours[0] - (row.start + HOUR))


def _end(row: Row, apart: timedelta = timedelta()) -> End | None:
    if row.state is None or row.sum is None:
        return None
    return End(row.state, row.sum, max(apart / HOUR, 0.0))


def _is_to_be_joined(
    piece: _Piece, counted: Sequence[Counted | None], left: Row | None, end: Row | None
) -> bool:
    """Tell whether anything is to be written by what the cloud tells of a counter."""
    # Also where no row is, Core may have missed what came before a reset.
    if any(piece.of_pending(counted)) or any(one.resets for one in counted if one):
        return True
    # And it may have taken the change from another counter for energy, or have begun anew.
    before, after = _left(left, piece), None if end is None else _end(end)
    if before is None or after is None or counted[-1] is None:
        return False
    return begins_anew(before, after) or has_leapt(counted, before, after, counted[-1].last)


def _join(
    piece: _Piece,
    counted: Sequence[Counted | None],
    before: End | None,
    right: Row | None,
    now: float | None,
) -> Joined:
    after = None if right is None else _end(right, right.start - (piece.hours[-1] + HOUR))
    if before is None and after is None:
        raise JoiningError("Home Assistant has no statistics to connect the hours to")
    return join(counted, before, after, now)


def _spread(
    piece: _Piece, flowed: Sequence[Flowed | None], left: Row | None, rows: Sequence[Row | None]
) -> Joined:
    ends = [None if row is None else _end(row) for row in rows]
    before, last = _left(left, piece), ends[-1]
    if before is None or last is None or piece.end is None:
        return Joined(())
    if is_leap(before.state, last.state, before.apart + len(flowed)):
        return Joined(*spread_apart(flowed, before, last))
    missing = 0.0
    if begins_anew(before, last) and last.state >= before.state:
        missing = before.sum + last.state - before.state - last.sum
        ends[-1] = replace(last, sum=last.sum + missing)
    elif not any(one is not None for one in piece.of_pending(flowed)):
        return Joined(())
    return Joined(tuple(spread(flowed, before, ends)), missing)
