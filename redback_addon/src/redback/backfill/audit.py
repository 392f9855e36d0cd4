"""Makes Core agree with the ledger again after it was away, every hour, and once a day for all.

A restored backup, a new database, a second writer of the same entity or a restart over an hour's
end leave rows that are not what the inverter showed.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from ..clock import Clock
from ..core import CoreError, WebSocket
from ..inverters.inverter import Inverter
from ..ledger import HOUR, floor
from .backfill import Backfills
from .coverage import Coverage, Hour, Stage, UnwritableError
from .gaps import SETTLE, Shown
from .importer import Importer, Part
from .writer import NotYetError

_LOG = logging.getLogger(__name__)

# This long after connecting, Core has written everything that it still had.
_SETTLED_SECONDS = 15 * 60.0
_EVERY_SECONDS = 3600.0
_ALL_SECONDS = 24 * _EVERY_SECONDS
_LOOK_SECONDS = 60.0
_RECENT = timedelta(days=3)
_MONTH = timedelta(days=30)


class Audit:
    """Compares Core with the ledger, and lets what Core has lost be filled again.

    Args:
        importer: makes the counters agree.
        coverage: what Core was shown; what it has lost is marked as wanted there.
        websocket: knows since when Core is connected.
        clock: the time.
        backfill: knows the inverters with a history, and where each begins.
    """

    def __init__(
        self,
        importer: Importer,
        coverage: Coverage,
        websocket: WebSocket,
        clock: Clock,
        backfill: Backfills,
    ) -> None:
        self._importer = importer
        self._coverage = coverage
        self._websocket = websocket
        self._clock = clock
        self._backfill = backfill
        # When it last looked at the last days, and at all, in monotonic seconds.
        self._at: float | None = None
        self._all_at: float | None = None
        # Each lost hour is fetched again only once, even if the cloud no longer has it.
        self._found: set[tuple[str, datetime]] = set()

    async def run(self) -> None:
        """Compare whenever it is due, until cancelled."""
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            since, now = self._websocket.up_since, self._clock.monotonic()
            if since is None or now - since < _SETTLED_SECONDS:
                continue
            if self._all_at is None or self._all_at < since or now - self._all_at >= _ALL_SECONDS:
                await self._look(is_all=True)
            elif self._at is None or now - self._at >= _EVERY_SECONDS:
                await self._look(is_all=False)

    async def _look(self, *, is_all: bool) -> None:
        began, is_done = self._clock.monotonic(), True
        for inverter, since in self._backfill.watched():
            try:
                await self._look_at(inverter, since, is_all=is_all)
            except (CoreError, UnwritableError, NotYetError) as error:
                _LOG.debug("%s", error)  # it is retried in a minute
                is_done = False
        if is_done:
            self._at = began
            self._all_at = began if is_all else self._all_at

    async def _look_at(self, inverter: Inverter, since: datetime, *, is_all: bool) -> None:
        """Compare the last days of an inverter, or all, month by month, the newest first."""
        begun = self._coverage.begun(inverter.serial)
        if begun is None:
            return
        until = floor(self._clock.now() - SETTLE)
        first = floor(since) if is_all else max(floor(since), until - _RECENT)
        while until > first:
            start = max(until - _MONTH, first)
            again = await self._importer.agree(Part(inverter, start, until, floor(begun)))
            self._want(inverter, again)
            until = start

    def _want(self, inverter: Inverter, again: Collection[datetime]) -> None:
        """Fill hours again that Core was shown."""
        if not again:
            return
        since, until = min(again), max(again) + HOUR
        known = self._coverage.hours(inverter.serial, since, until)
        shown = Shown(self._coverage.spans(inverter.serial, since, until))
        wanted = [
            start
            for start in sorted(again)
            if start not in known
            and shown.fills(start)
            and (inverter.serial, start) not in self._found
        ]
        if wanted:
            _LOG.info("History: %d hours of %s are fetched again", len(wanted), inverter.name)
            # These hours count as published, so only an explicit request fills them.
            asked = [Hour(start, Stage.WANTED, asked=True) for start in wanted]
            self._coverage.put(inverter.serial, asked)
            self._found.update((inverter.serial, start) for start in wanted)
