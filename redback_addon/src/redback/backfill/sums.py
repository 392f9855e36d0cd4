"""Continues a counter's sums through a gap: its rows there, and by how much the later ones move.

This is arithmetic alone: what Core has around the gap, and what the cloud says the counter showed
there, was read before. Where the two ends do not meet, there are no rows for that counter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..core import Row, Series
from ..inverters.counters import RESET_BELOW
from .gaps import HOUR, Gap, floor
from .hourly import Counted, Flowed, Summary
from .splice import End, Spliced, SpliceError, begins_anew, has_leapt, is_leap, splice
from .spreading import spread, spread_apart

Summaries = Mapping[datetime, Summary | None]
Rows = Mapping[datetime, Row]


@dataclass(frozen=True, slots=True)
class Right:
    """A row after a gap.

    Attributes:
        row: the row.
        over: its end, aware UTC.
        shown: what the counter really showed then or soon after, kWh; None = unknown.
    """

    row: Row
    over: datetime
    shown: float | None = None

    def is_reset_since(self, last: float | None) -> bool:
        """Whether the counter was reset after it showed this, kWh."""
        value = self.row.state if self.shown is None else self.shown
        return last is not None and value is not None and value < RESET_BELOW * last


@dataclass(frozen=True, slots=True)
class Piece:
    """Hours of one counter in a row, up to one whose row stands, or to the end of the gap.

    Attributes:
        hours: their starts.
        end: the row that stands; None at the end of the gap.
        counted: what the cloud has of each.
        flowed: about what flowed in each, where it has not.
    """

    hours: tuple[datetime, ...]
    end: Row | None
    counted: tuple[Counted | None, ...]
    flowed: tuple[Flowed | None, ...]

    @property
    def is_counted(self) -> bool:
        """Whether there is something to write; also, a reset may hide what came before it."""
        pending = self.counted if self.end is None else self.counted[:-1]
        return any(pending) or any(one.resets for one in self.counted if one)

    @property
    def uncounted(self) -> frozenset[datetime]:
        """The hours for which the cloud has no counter."""
        each = zip(self.hours, self.counted, strict=True)
        return frozenset(start for start, one in each if one is None)

    @property
    def last(self) -> float | None:
        """What the counter showed at the end, kWh; None = unknown."""
        return None if self.counted[-1] is None else self.counted[-1].last


@dataclass(frozen=True, slots=True)
class Ends:
    """A counter's hours in a gap, and Core's rows there and around it.

    Attributes:
        series: its statistics.
        pieces: the hours, in order.
        stored: the rows in the gap, by the start of the hour.
        left: the last one before it.
        first: the first one after the gap began, if there is none before it or in its first hour.
        right: the first one after it; None where none is expected.
        nearest: the one soonest after it, which hides the least of a reset.
    """

    series: Series
    pieces: Sequence[Piece]
    stored: Rows
    left: Row | None = None
    first: Row | None = None
    right: Right | None = None
    nearest: Right | None = None

    @property
    def needs_left(self) -> bool:
        """Whether the row before the gap is needed."""
        first = self.pieces[0]
        return any(one is not None for one in (*first.counted, *first.flowed))

    @property
    def needs_right(self) -> bool:
        """Whether the row after the gap is needed."""
        last = self.pieces[-1]
        return last.end is None and last.is_counted


@dataclass(frozen=True, slots=True)
class Shift:
    """An amount to add to all sums of a counter, from the hour of a row on."""

    series: Series
    row: Row
    amount: float

    @property
    def since(self) -> datetime:
        """The full hour, so that Core's hourly rows and those of five minutes move alike."""
        return floor(self.row.start)


@dataclass(frozen=True, slots=True)
class Continued:
    """The rows and shifts of a counter.

    Attributes:
        rows: to be written.
        shifts: to be done before that.
        rejection_reason: why nothing is to be written in some of the gap; None where all is well.
    """

    rows: list[Row]
    shifts: list[Shift]
    rejection_reason: SpliceError | None = None


def cut(key: str, gap: Gap, summaries: Summaries, stored: Rows) -> Iterator[Piece]:
    """Cut a gap after each hour whose row stands for a counter.

    Args:
        key: of the counter.
        gap: whose hours are all fetched.
        summaries: what was fetched, by the start of the hour.
        stored: Core's rows of the gap, by the start of the hour.
    """
    hours: list[datetime] = []
    for hour in gap.hours:
        hours.append(hour.start)
        row = stored.get(hour.start)
        stands = hour.start in gap.standing or gap.keeps(hour.start, stored)
        is_end = stands and row is not None and row.sum is not None
        if is_end or hour is gap.hours[-1]:
            found = [summaries[start] for start in hours]
            yield Piece(
                tuple(hours),
                row if is_end else None,
                tuple(None if one is None else one.counted.get(key) for one in found),
                tuple(None if one is None else one.flowed.get(key) for one in found),
            )
            hours = []


def continued(ends: Ends) -> Continued:
    """Return the rows of a counter, and the shifts of what comes after them."""
    made: list[Row] = []
    shifts: list[Shift] = []
    rejection_reason: SpliceError | None = None
    before = ends.left
    for piece in ends.pieces:
        raised = sum(shift.amount for shift in shifts)
        end = _raised(piece.end, raised)
        right, shown = end, piece.last
        if piece.end is None and ends.right is not None:
            right, shown = _raised(ends.right.row, raised), ends.right.shown
        spliced, unknown = Spliced(()), frozenset[datetime]()
        try:
            if piece.is_counted or _has_changed(piece, before, end):
                first = ends.first if piece is ends.pieces[0] else None
                first = ends.stored.get(piece.hours[0], first)
                left = _left(before, piece) or _begun(piece, first)
                spliced = _splice(piece, left, right, shown)
                unknown = piece.uncounted - ends.stored.keys()
            elif any(one is not None for one in piece.flowed):
                rows = [_raised(ends.stored.get(start), raised) for start in piece.hours]
                spliced = _spread(piece, before, rows)
        except SpliceError as error:
            rejection_reason = error
        if spliced.shift and right is not None:
            shifts.append(Shift(ends.series, right, spliced.shift))
        made += _rows(piece, spliced, unknown)
        before = _raised(end, spliced.shift)
    return Continued(made, shifts, rejection_reason)


def _rows(piece: Piece, spliced: Spliced, unknown: frozenset[datetime]) -> Iterator[Row]:
    """Yield the rows of those hours of which something is known, and whose row does not stand."""
    pending = piece.hours if piece.end is None else piece.hours[:-1]
    for start, pair in zip(pending, spliced.sums, strict=False):
        if start not in unknown:
            yield Row(start, state=pair[0], sum=pair[1])


def _raised(row: Row | None, amount: float) -> Row | None:
    """Return a row as it is after all sums from before it on were raised."""
    return None if row is None or row.sum is None else replace(row, sum=row.sum + amount)


def _left(row: Row | None, piece: Piece) -> End | None:
    """Return the row before a piece as an end."""
    return None if row is None else _end(row, piece.hours[0] - (row.start + HOUR))


def _end(row: Row | None, apart: timedelta = timedelta()) -> End | None:
    if row is None or row.state is None or row.sum is None:
        return None
    return End(row.state, row.sum, max(apart / HOUR, 0.0))


def _begun(piece: Piece, first: Row | None) -> End | None:
    """Return Core's very first row, taken back to the beginning of its hour.

    Core counts from the first reading on, within that hour. If no earlier past is wanted, the sum
    before that reading is below zero.
    """
    hour, end = piece.counted[0], _end(first)
    if hour is None or hour.resets or end is None or not hour.first <= end.state <= hour.last:
        return None
    return End(hour.first, end.sum - (end.state - hour.first))


def _has_changed(piece: Piece, left: Row | None, end: Row | None) -> bool:
    """Whether Core took the change from another counter for energy, or began anew."""
    before, after, last = _left(left, piece), _end(end), piece.last
    if before is None or after is None or last is None:
        return False
    return begins_anew(before, after) or has_leapt(piece.counted, before, after, last)


def _splice(piece: Piece, before: End | None, right: Row | None, shown: float | None) -> Spliced:
    apart = timedelta() if right is None else right.start - (piece.hours[-1] + HOUR)
    after = _end(right, apart)
    if before is None and after is None:
        raise SpliceError("Home Assistant has no statistics to connect the hours to")
    return splice(piece.counted, before, after, shown)


def _spread(piece: Piece, left: Row | None, rows: Sequence[Row | None]) -> Spliced:
    ends = [_end(row) for row in rows]
    before, last = _left(left, piece), ends[-1]
    if before is None or last is None or piece.end is None:
        return Spliced(())
    if is_leap(before.state, last.state, before.apart + len(piece.hours)):
        return Spliced(*spread_apart(piece.flowed, before, last))
    missing = 0.0
    if begins_anew(before, last) and last.state >= before.state:
        missing = before.sum + last.state - before.state - last.sum
        ends[-1] = replace(last, sum=last.sum + missing)
    elif not any(one is not None for one in piece.flowed[:-1]):
        return Spliced(())
    return Spliced(tuple(spread(piece.flowed, before, ends)), missing)
