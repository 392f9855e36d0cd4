"""Finds hours that Core has lost, as after a restored backup or with a new database."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ..clock import Clock
from ..core import CoreError, Series, Statistics, WebSocket
from ..inverters.inverter import Inverter
from ..publishing.entity_ids import series
from .backfill import Backfill
from .coverage import Coverage, UnwritableError
from .gaps import HOUR, Shown, floor
from .refill import request_hours

_LOG = logging.getLogger(__name__)

# This long after connecting, Core has written everything that it still had.
_SETTLED_SECONDS = 2 * 3600.0
_EVERY_SECONDS = 24 * 3600.0
_LOOK_SECONDS = 60.0
_NEWEST = 3
_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)


class Audit:
    """Checks that Core still has what it was shown, daily and after each new connection.

    Args:
        statistics: Core's.
        coverage: what Core was shown; what it has lost is marked as wanted there.
        websocket: knows since when Core is connected.
        clock: the time.
        backfill: knows the inverters with a history, and where each begins.
    """

    def __init__(
        self,
        statistics: Statistics,
        coverage: Coverage,
        websocket: WebSocket,
        clock: Clock,
        backfill: Backfill,
    ) -> None:
        self._statistics = statistics
        self._coverage = coverage
        self._websocket = websocket
        self._clock = clock
        self._backfill = backfill
        self._at: float | None = None
        # Each lost hour is fetched again only once, even if the cloud no longer has it.
        self._found: set[tuple[str, datetime]] = set()

    async def run(self) -> None:
        """Check whenever it is due, until cancelled."""
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            if self._is_due():
                await self._look()

    def _is_due(self) -> bool:
        since, now = self._websocket.up_since, self._clock.monotonic()
        if since is None or now - since < _SETTLED_SECONDS:
            return False
        return self._at is None or self._at < since or now - self._at >= _EVERY_SECONDS

    async def _look(self) -> None:
        try:
            for inverter, since in self._backfill.watched():
                await self._look_at(inverter, since)
        except (CoreError, UnwritableError) as error:
            _LOG.debug("%s", error)  # it is retried in a minute
        else:
            self._at = self._clock.monotonic()

    async def _look_at(self, inverter: Inverter, since: datetime) -> None:
        """Check an inverter month by month, going back while hours at a month's start are lost."""
        lost: list[datetime] = []
        until = floor(self._clock.now() - 2 * HOUR)
        is_newest, is_to_go_on = True, True
        while is_to_go_on and until > since:
            begin = max(until - _MONTH, floor(since))
            covered = self._covered(inverter.serial, begin, until)
            missing = await self._without_rows(series(inverter).values(), covered)
            if is_newest and missing[-_NEWEST:] == covered[-_NEWEST:]:
                return  # Core makes no statistics at all
            lost += missing
            is_newest, is_to_go_on = False, bool(missing) and missing[0] < begin + _DAY
            until = begin
        self._want(
            inverter, [start for start in lost if (inverter.serial, start) not in self._found]
        )

    async def _without_rows(
        self, series: Iterable[Series], hours: Sequence[datetime]
    ) -> list[datetime]:
        """Return the hours for which no counter has a row.

        If only one counter has none, somebody deleted it.
        """
        left = [*hours]
        for one in series:
            if left and one.is_counter:
                found = await self._statistics.rows([one.entity_id], left[0], left[-1] + HOUR)
                stored = {row.start for row in found[one.entity_id]}
                left = [start for start in left if start not in stored]
        return left

    def _want(self, inverter: Inverter, lost: list[datetime]) -> None:
        if lost:
            _LOG.info("Home Assistant has lost %d hours of %s", len(lost), inverter.name)
            # These hours count as published, so only an explicit request fills them.
            request_hours(self._coverage, inverter.serial, lost)
            self._found.update((inverter.serial, start) for start in lost)

    def _covered(self, serial: str, since: datetime, until: datetime) -> list[datetime]:
        """Return the hours that Core was completely shown or given."""
        known = self._coverage.hours(serial, since, until)
        shown = Shown(self._coverage.spans(serial, since, until))
        starts = (since + number * HOUR for number in range((until - since) // HOUR))
        return [start for start in starts if start not in known and shown.fills(start)]
