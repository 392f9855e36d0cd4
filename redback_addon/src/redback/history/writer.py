"""Writes the hours of a gap into Core's statistics, such that they fit what is stored around them.

For each entity the rows of the gap are made from what was fetched. A counter's sums continue those
that Core has before and after the gap; where the two ends do not meet, nothing is written for that
counter, and the reason is given. Written is only what was read back.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from ..clock import Clock
from ..core import CoreRefusedError, Period, Row, Series, Statistics
from .gaps import HOUR, Gap, floor
from .joining import End, Joined, JoiningError, join, spread
from .summary import Counted, Summary

# Where the next row before or after a gap is looked for, near and far.
_NEAR = timedelta(days=2)
_FAR = timedelta(days=400)
# The rows of five minutes are Core's newest; it keeps them for ten days.
_SHORT_TERM = timedelta(days=9)
_FIVE_MINUTES = timedelta(minutes=5)
# Core may need so long for its first row of an entity; after that there is none to be waited for.
_PATIENCE_SECONDS = 20 * 60.0
# Core writes what it was given when it comes round to it.
_READ_BACK_SECONDS = 120.0
_READ_AGAIN_SECONDS = 1.0
# Core keeps doubles; what is read back differs by nothing but the way through text.
_SAME = 1e-6


_T = TypeVar("_T")
Shown = Callable[[datetime], Awaitable[Mapping[str, float]]]


class NotYetError(Exception):
    """Core has not yet written what the gap is to be joined to, or has not taken its rows."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Hours of one counter in a row, up to one whose row stands, or to the end of the gap."""

    hours: tuple[datetime, ...]
    end: Row | None

    def of_pending(self, things: Sequence[_T]) -> Sequence[_T]:
        """Leave out what is of an hour whose row stands."""
        return things if self.end is None else things[:-1]


class Writer:
    """Writes gaps.

    Args:
        statistics: Core's.
        clock: tells how long something has been waited for.
    """

    def __init__(self, statistics: Statistics, clock: Clock) -> None:
        self._statistics = statistics
        self._clock = clock
        # Since when there has been no row after the gap, by entity, in monotonic seconds.
        self._missed_since: dict[str, float] = {}

    async def write(
        self,
        gap: Gap,
        series: Iterable[Series],
        summaries: Mapping[datetime, Summary | None],
        shown: Shown,
    ) -> list[str]:
        """Write a gap.

        Args:
            gap: whose hours are all fetched.
            series: of the inverter's entities.
            summaries: what was fetched, by the start of the hour.
            shown: gives what each counter really showed at a moment or soon after, by entity id.

        Returns:
            One sentence for each counter that could not be written, and why.

        Raises:
            NotYetError: it is to be tried again later.
            CoreError: as the statistics raise it.
            CloudError: as `shown` raises it.
        """
        known = _known(summaries.values())
        wanted = [one for one in series if one.entity_id in known]
        ids = [one.entity_id for one in wanted]
        stored = await self._statistics.rows(ids, gap.since, gap.until)
        objections: list[str] = []
        written: dict[str, list[Row]] = {}
        for one in wanted:
            rows = {row.start: row for row in stored[one.entity_id]}
            try:
                made = (
                    await self._counter(one, gap, summaries, rows, shown)
                    if one.is_counter
                    else _measurement(one, gap, summaries, rows)
                )
                if made:
                    await self._statistics.put(one, made)
                    written[one.entity_id] = made
            except (JoiningError, CoreRefusedError) as error:
                objections.append(f"{one.entity_id} from {gap.since:%Y-%m-%d %H:%M} UTC: {error}")
        await self._read_back(gap, written)
        return objections

    async def stands(self, gap: Gap, series: Sequence[Series]) -> bool:
        """Tell whether Core has a row for every hour of a gap and every entity."""
        stored = await self._statistics.rows(
            [one.entity_id for one in series], gap.since, gap.until
        )
        return all(len(rows) == len(gap.hours) for rows in stored.values())

    async def _counter(
        self,
        series: Series,
        gap: Gap,
        summaries: Mapping[datetime, Summary | None],
        stored: Mapping[datetime, Row],
        shown: Shown,
    ) -> list[Row]:
        """Make the rows of a counter; shifts what comes after a reset that Core has not seen."""
        made: list[Row] = []
        before: Row | None = None
        raised = 0.0
        for piece in _pieces(gap, stored):
            end = _raised(piece.end, raised)
            counted = [_counted(series, summaries[start]) for start in piece.hours]
            flowed = [_flowed(series, summaries[start]) for start in piece.hours]
            sums: Sequence[tuple[float, float] | None] = ()
            # Also where nothing is to be written Core may have missed what came before a reset.
            if any(piece.of_pending(counted)) or any(one.resets for one in counted if one):
                left = before or await self._before(series, piece.hours[0])
                joined = await self._joined(series, gap, counted, left, end, shown)
                sums = [
                    pair if one is not None or start in stored else None
                    for start, one, pair in zip(piece.hours, counted, joined.sums, strict=True)
                ]
                raised += joined.shift
                end = _raised(end, joined.shift)
            elif end is not None and any(one is not None for one in piece.of_pending(flowed)):
                left = before or await self._before(series, piece.hours[0])
                sums = [] if left is None else spread(flowed, _end(left), _end(end))
            made += [
                Row(start, state=pair[0], sum=pair[1])
                for start, pair in zip(piece.of_pending(piece.hours), sums, strict=False)
                if pair is not None
            ]
            before = end
        return made

    async def _joined(
        self,
        series: Series,
        gap: Gap,
        counted: Sequence[Counted | None],
        left: Row | None,
        right: Row | None,
        shown: Shown,
    ) -> Joined:
        """Join hours to the rows around them, and shift what comes after them if need be."""
        now = None if counted[-1] is None else counted[-1].last
        if right is None:
            right, over = await self._after(series, gap.until)
            now = None if right is None else (await shown(over)).get(series.entity_id)
        if left is None and right is None:
            raise JoiningError("Home Assistant has no statistics of it to join them to")
        joined = join(
            counted,
            None if left is None else _end(left),
            None if right is None else _end(right),
            now,
        )
        if joined.shift and right is not None:
            await self._shift(series, right, joined.shift)
        return joined

    async def _before(self, series: Series, start: datetime) -> Row | None:
        """Find the last row before a moment."""
        for reach in (_NEAR, _FAR):
            found = await self._statistics.rows([series.entity_id], start - reach, start)
            if rows := [row for row in found[series.entity_id] if row.sum is not None]:
                return rows[-1]
        return None

    async def _after(self, series: Series, start: datetime) -> tuple[Row | None, datetime]:
        """Find the first row after a moment, of five minutes where there still is one.

        Returns:
            The row, or None where it is no longer waited for; and its end.

        Raises:
            NotYetError: it may still come.
        """
        now = self._clock.now()
        if now - start < _SHORT_TERM:
            row = await self._first(series, start, min(now, start + HOUR), "5minute")
            if row is not None:
                return row, row.start + _FIVE_MINUTES
        for reach in (_NEAR, _FAR):
            row = await self._first(series, start, min(now, start + reach), "hour")
            if row is not None:
                return row, row.start + HOUR
        if self._may_still_come(series):
            raise NotYetError
        return None, start

    async def _first(
        self, series: Series, since: datetime, until: datetime, period: Period
    ) -> Row | None:
        """Give the first row with a sum, and forget that one was missed."""
        found = await self._statistics.rows([series.entity_id], since, until, period=period)
        row = next((row for row in found[series.entity_id] if row.sum is not None), None)
        if row is not None:
            self._missed_since.pop(series.entity_id, None)
        return row

    def _may_still_come(self, series: Series) -> bool:
        """Tell whether a first row after the gap is to be waited for."""
        now = self._clock.monotonic()
        return now - self._missed_since.setdefault(series.entity_id, now) < _PATIENCE_SECONDS

    async def _shift(self, series: Series, since: Row, amount: float) -> None:
        """Add to all sums from a row on, and wait until Core has done so."""
        assert since.sum is not None  # noqa: S101 - of what was joined
        # From the full hour on, so that Core's hourly rows and those of five minutes move alike.
        await self._statistics.shift(series.entity_id, floor(since.start), amount, series.unit)
        wanted = since.sum + amount

        async def is_done() -> bool:
            end = since.start + HOUR
            for period in ("hour", "5minute"):
                found = await self._statistics.rows(
                    [series.entity_id], since.start, end, period=period
                )
                for row in found[series.entity_id][:1]:
                    if row.start == since.start and _same(row.sum, wanted):
                        return True
            return False

        await self._until(is_done)

    async def _read_back(self, gap: Gap, written: Mapping[str, Sequence[Row]]) -> None:
        """Wait until Core has all the rows."""

        async def is_there() -> bool:
            stored = await self._statistics.rows(list(written), gap.since, gap.until)
            return all(
                _holds({row.start: row for row in stored[entity_id]}, rows)
                for entity_id, rows in written.items()
            )

        if written:
            await self._until(is_there)

    async def _until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        began = self._clock.monotonic()
        while not await condition():
            if self._clock.monotonic() - began > _READ_BACK_SECONDS:
                raise NotYetError
            await self._clock.sleep(_READ_AGAIN_SECONDS)


def _known(summaries: Iterable[Summary | None]) -> frozenset[str]:
    """Give the ids of all entities of which something was fetched."""
    return frozenset(
        entity_id
        for summary in summaries
        if summary is not None
        for entity_id in (*summary.measured, *summary.counted, *summary.flowed)
    )


def _measurement(
    series: Series,
    gap: Gap,
    summaries: Mapping[datetime, Summary | None],
    stored: Mapping[datetime, Row],
) -> list[Row]:
    made = []
    for hour in gap.hours:
        summary = summaries[hour.start]
        found = None if summary is None else summary.measured.get(series.entity_id)
        if found is not None and not _is_kept(gap, hour.start, stored):
            made.append(Row(hour.start, mean=found.mean, min=found.min, max=found.max))
    return made


def _pieces(gap: Gap, stored: Mapping[datetime, Row]) -> Iterator[_Piece]:
    """Cut a gap after each hour whose row stands for a counter."""
    hours: list[datetime] = []
    for hour in gap.hours:
        hours.append(hour.start)
        row = stored.get(hour.start)
        stands = hour.start in gap.standing or _is_kept(gap, hour.start, stored)
        if stands and row is not None and row.sum is not None:
            yield _Piece(tuple(hours), row)
            hours = []
    if hours:
        yield _Piece(tuple(hours), None)


def _is_kept(gap: Gap, start: datetime, stored: Mapping[datetime, Row]) -> bool:
    """Tell whether the row is not ours to replace: of a time before the first reading."""
    return gap.past and start in stored and start not in gap.asked


def _counted(series: Series, summary: Summary | None) -> Counted | None:
    return None if summary is None else summary.counted.get(series.entity_id)


def _flowed(series: Series, summary: Summary | None) -> float | None:
    return None if summary is None else summary.flowed.get(series.entity_id)


def _raised(row: Row | None, amount: float) -> Row | None:
    """Give a row as it is once all sums were raised from somewhere before it on."""
    return None if row is None or row.sum is None else replace(row, sum=row.sum + amount)


def _end(row: Row) -> End:
    """Give a row as an end; none is taken for one that has no sum."""
    return End(row.state or 0.0, row.sum or 0.0)


def _holds(stored: Mapping[datetime, Row], rows: Sequence[Row]) -> bool:
    return all(row.start in stored and _is_same(stored[row.start], row) for row in rows)


def _is_same(stored: Row, row: Row) -> bool:
    return all(
        wanted is None or _same(found, wanted)
        for found, wanted in (
            (stored.state, row.state),
            (stored.sum, row.sum),
            (stored.mean, row.mean),
            (stored.min, row.min),
            (stored.max, row.max),
        )
    )


def _same(found: float | None, wanted: float) -> bool:
    return found is not None and abs(found - wanted) < _SAME
