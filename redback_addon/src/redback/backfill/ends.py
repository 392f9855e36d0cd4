"""Finds the rows that Core has before and after a gap, which a counter's hours are joined to."""

from datetime import datetime, timedelta

from ..clock import Clock
from ..core import Period, Row, Series, Statistics
from .gaps import HOUR

# Where the next row is looked for, near and far.
_NEAR = timedelta(days=2)
_FAR = timedelta(days=400)
# The rows of five minutes are Core's newest; it keeps them for ten days.
_SHORT_TERM = timedelta(days=9)
_FIVE_MINUTES = timedelta(minutes=5)
# Core may need so long for its first row of an entity; after that there is none to be waited for.
_PATIENCE_SECONDS = 20 * 60.0


class NotYetError(Exception):
    """Core has not yet written what the gap is to be joined to, or has not taken its rows."""


class Ends:
    """Looks for rows.

    Args:
        statistics: Core's.
        clock: tells how long something has been waited for.
    """

    def __init__(self, statistics: Statistics, clock: Clock) -> None:
        self._statistics = statistics
        self._clock = clock
        # Since when there has been no row after the gap, by entity, in monotonic seconds.
        self._missed_since: dict[str, float] = {}

    async def before(self, series: Series, start: datetime) -> Row | None:
        """Find the last row before a moment."""
        for reach in (_NEAR, _FAR):
            found = await self._statistics.rows([series.entity_id], start - reach, start)
            if rows := [row for row in found[series.entity_id] if row.sum is not None]:
                return rows[-1]
        return None

    async def after(self, series: Series, start: datetime) -> tuple[Row | None, datetime]:
        """Find the first row after a moment; one of five minutes if there is none of an hour yet.

        Those of five minutes stay as they are where an hour was filled.

        Returns:
            The row, or None where it is no longer waited for; and its end.

        Raises:
            NotYetError: it may still come.
        """
        now = self._clock.now()
        row = await self._first(series, start, min(now, start + _NEAR), "hour")
        if row is None:
            soon = await self.soon_after(series, start)
            if soon is not None:
                return soon
            row = await self._first(series, start, min(now, start + _FAR), "hour")
        if row is not None:
            return row, row.start + HOUR
        if self._may_still_come(series):
            raise NotYetError
        return None, start

    async def soon_after(self, series: Series, start: datetime) -> tuple[Row, datetime] | None:
        """Find the first row of five minutes in the hour after a moment, and its end."""
        now = self._clock.now()
        if now - start >= _SHORT_TERM:
            return None
        row = await self._first(series, start, min(now, start + HOUR), "5minute")
        return None if row is None else (row, row.start + _FIVE_MINUTES)

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
