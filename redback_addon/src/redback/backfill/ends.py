"""Reads Core's rows in a gap and around it, to which a counter's hours are spliced."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ..clock import Clock
from ..core import Period, Row, Series, Statistics
from .gaps import HOUR, Gap
from .hourly import Summary
from .sums import Ends, Right, needs_left, needs_right

# How far to search for the next row: first near, then far.
_NEAR = timedelta(days=2)
_FAR = timedelta(days=400)
# Core keeps rows of five minutes for ten days.
_SHORT_TERM = timedelta(days=9)
_FIVE_MINUTES = timedelta(minutes=5)
# Core may need this long for its first row of an entity; after that none is expected.
_PATIENCE_SECONDS = 20 * 60.0


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

    async def read(
        self,
        key: str,
        series: Series,
        gap: Gap,
        summaries: Mapping[datetime, Summary | None],
        stored: Mapping[datetime, Row],
    ) -> Ends:
        """Read what a counter's hours are spliced to.

        Args:
            key: of the counter.
            series: its statistics.
            gap: whose hours are all fetched.
            summaries: what was fetched, by the start of the hour.
            stored: Core's rows of the gap, by the start of the hour.

        Raises:
            NotYetError: Core has not yet written the row after the gap.
        """
        ends = Ends(series, stored)
        if needs_left(key, gap, summaries, stored):
            left = await self._before(series, gap.since)
            ends = replace(ends, left=left)
            if (left is None or left.state is None) and gap.since not in stored:
                soon = await self._soon_after(series, gap.since)
                ends = replace(ends, first=None if soon is None else soon.row)
        if needs_right(key, gap, summaries, stored):
            right = await self._after(series, gap.until)
            nearest = right
            if right is not None and right.over - right.row.start == HOUR:
                nearest = await self._soon_after(series, gap.until) or right
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
        now = self._clock.now()
        row = await self._first(series, start, min(now, start + _NEAR), "hour")
        if row is None:
            soon = await self._soon_after(series, start)
            if soon is not None:
                self._missed_since.pop(series.entity_id, None)
                return soon
            row = await self._first(series, start, min(now, start + _FAR), "hour")
        if row is not None:
            self._missed_since.pop(series.entity_id, None)
            return Right(row, row.start + HOUR)
        if self._may_still_come(series):
            raise NotYetError
        return None

    async def _soon_after(self, series: Series, start: datetime) -> Right | None:
        """Return the first row of five minutes in the hour after a moment."""
        now = self._clock.now()
        if now - start >= _SHORT_TERM:
            return None
        row = await self._first(series, start, min(now, start + HOUR), "5minute")
        return None if row is None else Right(row, row.start + _FIVE_MINUTES)

    async def _first(
        self, series: Series, since: datetime, until: datetime, period: Period
    ) -> Row | None:
        """Return the first row with a sum."""
        found = await self._statistics.rows([series.entity_id], since, until, period=period)
        return next((row for row in found[series.entity_id] if row.sum is not None), None)

    def _may_still_come(self, series: Series) -> bool:
        """Whether to wait for a first row after the gap."""
        now = self._clock.monotonic()
        return now - self._missed_since.setdefault(series.entity_id, now) < _PATIENCE_SECONDS
