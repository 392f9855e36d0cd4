"""Reads Core's rows in a gap and around it, to which a counter's hours are spliced."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ..clock import Clock
from ..core import Period, Row, Series, Statistics
from .gaps import HOUR
from .sums import Ends, Piece, Right, Rows

# How far to search for the next row: first near, then far.
_NEAR = timedelta(days=2)
_FAR = timedelta(days=400)
# Core keeps rows of five minutes for ten days.
_SHORT_TERM = timedelta(days=9)
_LENGTHS: Mapping[Period, timedelta] = {"hour": HOUR, "5minute": timedelta(minutes=5)}
# Core may need this long for its first row of an entity; after that none is expected.
_FIRST_ROW_SECONDS = 20 * 60.0


class NotYetError(Exception):
    """Core has not yet written what the gap is spliced to, or what it was given."""


class EndsReader:
    """Reads rows.

    Args:
        statistics: Core's.
        clock: measures how long something has been waited for.
    """

    def __init__(self, statistics: Statistics, clock: Clock) -> None:
        self._statistics = statistics
        self._clock = clock
        # Since when there has been no row after the gap, by entity, in monotonic seconds.
        self._missed_since: dict[str, float] = {}

    async def read(self, series: Series, pieces: Sequence[Piece], stored: Rows) -> Ends:
        """Read what a counter's hours are spliced to.

        Args:
            series: its statistics.
            pieces: the hours of a gap, in order.
            stored: Core's rows of the gap, by the start of the hour.

        Raises:
            NotYetError: Core has not yet written the row after the gap.
        """
        since, until = pieces[0].hours[0], pieces[-1].hours[-1] + HOUR
        ends = Ends(series, pieces, stored)
        if ends.needs_left:
            left = await self._before(series, since)
            ends = replace(ends, left=left)
            if (left is None or left.state is None) and since not in stored:
                soon = await self._soon_after(series, since)
                ends = replace(ends, first=None if soon is None else soon.row)
        if ends.needs_right:
            right = nearest = await self._after(series, until)
            if right is not None and right.over - right.row.start == HOUR:
                nearest = await self._soon_after(series, until) or right
            ends = replace(ends, right=right, nearest=nearest)
        return ends

    async def _before(self, series: Series, start: datetime) -> Row | None:
        """Return the last row before a moment."""
        for reach in (_NEAR, _FAR):
            found = await self._statistics.rows([series.entity_id], start - reach, start)
            if rows := [row for row in found[series.entity_id] if row.sum is not None]:
                return rows[-1]
        return None

    async def _after(self, series: Series, start: datetime) -> Right | None:
        """Return the first row after a moment; one of five minutes if none of an hour is near.

        Rows of five minutes stay as they are where an hour was filled. None is returned where no
        row is expected any more.
        """
        right = (
            await self._first(series, start, _NEAR, "hour")
            or await self._soon_after(series, start)
            or await self._first(series, start, _FAR, "hour")
        )
        if right is not None:
            self._missed_since.pop(series.entity_id, None)
        elif self._may_still_come(series):
            raise NotYetError
        return right

    async def _soon_after(self, series: Series, start: datetime) -> Right | None:
        """Return the first row of five minutes in the hour after a moment."""
        if self._clock.now() - start >= _SHORT_TERM:
            return None
        return await self._first(series, start, HOUR, "5minute")

    async def _first(
        self, series: Series, start: datetime, reach: timedelta, period: Period
    ) -> Right | None:
        """Return the first row with a sum."""
        until = min(self._clock.now(), start + reach)
        found = await self._statistics.rows([series.entity_id], start, until, period=period)
        with_sum = (row for row in found[series.entity_id] if row.sum is not None)
        return next((Right(row, row.start + _LENGTHS[period]) for row in with_sum), None)

    def _may_still_come(self, series: Series) -> bool:
        """Whether to wait for a first row after the gap."""
        now = self._clock.monotonic()
        return now - self._missed_since.setdefault(series.entity_id, now) < _FIRST_ROW_SECONDS
