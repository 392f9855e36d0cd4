"""Finds the rows that Core has before and after a gap, which a counter's hours are joined to."""

from datetime import datetime, timedelta

from ..clock import Clock
from ..core import Period, Row, Series, Statistics
from .gaps import HOUR
from .joining import TOLERANCE

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
        """Find the first row after a moment, of five minutes where there is one to rely on.

        Returns:
            The row, or None where it is no longer waited for; and its end.

        Raises:
            NotYetError: it may still come.
        """
        now = self._clock.now()
        if now - start < _SHORT_TERM and (row := await self._soon(series, start)) is not None:
            return row, row.start + _FIVE_MINUTES
        for reach in (_NEAR, _FAR):
            row = await self._first(series, start, min(now, start + reach), "hour")
            if row is not None:
                return row, row.start + HOUR
        if self._may_still_come(series):
            raise NotYetError
        return None, start

    async def _soon(self, series: Series, start: datetime) -> Row | None:
        """Give the first row of five minutes of an hour, unless that was filled itself.

        Then they still are those of an outage, and tell less than the row of the hour.
        """
        end = min(self._clock.now(), start + HOUR)
        rows = await self._rows(series, start, end, "5minute")
        whole = await self._rows(series, start, start + HOUR, "hour")
        if rows and whole and abs((rows[-1].sum or 0.0) - (whole[0].sum or 0.0)) > TOLERANCE:
            return None
        return rows[0] if rows else None

    async def _first(
        self, series: Series, since: datetime, until: datetime, period: Period
    ) -> Row | None:
        return next(iter(await self._rows(series, since, until, period)), None)

    async def _rows(
        self, series: Series, since: datetime, until: datetime, period: Period
    ) -> list[Row]:
        """Give the rows with a sum; where there is one, forget that it was missed."""
        found = await self._statistics.rows([series.entity_id], since, until, period=period)
        rows = [row for row in found[series.entity_id] if row.sum is not None]
        if rows:
            self._missed_since.pop(series.entity_id, None)
        return rows

    def _may_still_come(self, series: Series) -> bool:
        """Tell whether a first row after the gap is to be waited for."""
        now = self._clock.monotonic()
        return now - self._missed_since.setdefault(series.entity_id, now) < _PATIENCE_SECONDS
