"""Writes rows and shifts to Core's statistics, and confirms them by reading back."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ..clock import Clock
from ..core import ROWS_TO_PUT, CoreRefusedError, Period, Row, Series, Statistics
from ..ledger import HOUR
from .adjustments import Adjustment, Adjustments
from .agreement import Shift, Why
from .refill import RefillError

_LOG = logging.getLogger(__name__)

# Core writes queued rows in its own time.
_READ_BACK_SECONDS = 600.0
# A backup can lock Core's database for hours.
_MOVED_SECONDS = 6 * 3600.0
# Somebody waits for the answer.
_ASKED_SECONDS = 20.0
_READ_AGAIN_SECONDS = 0.1
_READ_AGAIN_SECONDS_MOST = 5.0
# Of the time waited so far: a whole import is a chain of such waits, and at most so much longer.
_READ_AGAIN_AFTER = 0.05
# A second altogether.
_LOOKS = 10
# Core stores doubles; only the conversion to text and back can change them.
_SAME = 1e-6
_VALUES = "state", "sum", "mean", "min", "max"

Refusals = dict[str, CoreRefusedError]


class NotYetError(Exception):
    """Core has not yet written what the hours must fit, or what it was given."""


class Writer:
    """Writes, and notes each shift on disk before it is sent.

    Args:
        statistics: Core's.
        adjustments: where shifts are noted.
        clock: measures how long something has been waited for.
    """

    def __init__(self, statistics: Statistics, adjustments: Adjustments, clock: Clock) -> None:
        self._statistics = statistics
        self._adjustments = adjustments
        self._clock = clock

    async def write(
        self, rows: Mapping[Series, Sequence[Row]], shifts: Mapping[Series, Sequence[Shift]]
    ) -> Refusals:
        """Write and confirm.

        Returns:
            What Core refuses, by entity id.

        Raises:
            NotYetError: it takes too long.
            CoreError: as the statistics raise it.
        """
        # Core works in order: the shifts come before the rows.
        refused, moved = await self._shift(shifts)
        sent = {one: each for one, each in rows.items() if each and one.entity_id not in refused}
        refused |= await self._statistics.put(sent)
        written = {
            one.entity_id: each for one, each in sent.items() if one.entity_id not in refused
        }
        await self._confirm(written, moved, _MOVED_SECONDS if moved else _READ_BACK_SECONDS)
        return refused

    async def settled(self, entity_ids: Iterable[str]) -> frozenset[str]:
        """Return the entities of which Core has made all shifts ever sent, and written all rows.

        While its recorder is locked they wait in its queue: a second shift would be added, and what
        can be read is old. A shift that is neither made nor in the queue was never received.
        """
        if not await self._has_written():
            return frozenset()
        settled = frozenset(entity_ids)
        for noted in (one for entity_id in settled for one in self._adjustments.noted(entity_id)):
            if not await self._has_moved(noted):
                await self._clock.sleep(_READ_AGAIN_SECONDS_MOST)  # it may be at it
            if await self._has_moved(noted):
                self._done(noted)
            else:
                self._adjustments.drop(noted)
        return settled

    async def _has_written(self) -> bool:
        """Whether Core's queue is empty; a busy one often has something for a moment."""
        for _ in range(_LOOKS):
            if await self._statistics.backlog() == 0:
                return True
            await self._clock.sleep(_READ_AGAIN_SECONDS)
        return False

    async def take_back(self, adjustment: Adjustment) -> None:
        """Undo a shift; once Core has done it, the shift is noted as not wanted.

        Raises:
            RefillError: Core no longer has it, or refuses.
            NotYetError: it takes too long.
            CoreError: as the statistics raise it.
        """
        entity_id, amount = adjustment.entity_id, adjustment.shift.amount
        if not await self.settled([entity_id]):
            raise NotYetError
        # Other shifts may have moved the row since.
        rows = await self._rows(entity_id, adjustment.shift.since, adjustment.shift.row.start)
        if not rows:
            raise RefillError("Home Assistant no longer has these statistics.")
        series = Series(entity_id, "kWh", is_counter=True)
        refused, sent = await self._shift({series: [Shift(rows[0], -amount, Why.UNDONE)]})
        for error in refused.values():
            raise RefillError(f"Home Assistant refused: {error}.")
        await self._confirm({}, sent, _ASKED_SECONDS)

    async def _rows(self, entity_id: str, hour: datetime, start: datetime) -> list[Row]:
        """Return the row of an hour, and the one of five minutes that starts at a moment."""
        periods: tuple[tuple[Period, datetime], ...] = ("hour", hour), ("5minute", start)
        rows: list[Row] = []
        for period, since in periods:
            found = await self._statistics.rows([entity_id], since, since + HOUR, period=period)
            rows += [row for row in found[entity_id][:1] if row.start == since]
        return rows

    async def _shift(
        self, shifts: Mapping[Series, Sequence[Shift]]
    ) -> tuple[Refusals, list[Adjustment]]:
        """Shift sums; return what Core does not shift, by entity id, and what it was sent."""
        refused: Refusals = {}
        sent: list[Adjustment] = []
        for series, each in shifts.items():
            for shift in each:
                noted = self._adjustments.note(series.entity_id, shift, self._clock.now())
                if noted is None:
                    raise NotYetError
                try:
                    await self._statistics.shift(
                        series.entity_id, shift.since, shift.amount, series.unit
                    )
                except CoreRefusedError as error:
                    self._adjustments.drop(noted)
                    refused[series.entity_id] = error
                    break
                sent.append(noted)
        return refused, sent

    async def _confirm(
        self, written: Mapping[str, Sequence[Row]], moved: Sequence[Adjustment], patience: float
    ) -> None:
        """Wait until Core has written all rows, and has shifted all sums."""
        began = self._clock.monotonic()
        while not await self._is_there(written, moved):
            waited = self._clock.monotonic() - began
            if waited > patience:
                raise NotYetError
            wait = max(_READ_AGAIN_AFTER * waited, _READ_AGAIN_SECONDS)
            await self._clock.sleep(min(wait, _READ_AGAIN_SECONDS_MOST))
        for adjustment in moved:
            self._done(adjustment)

    def _done(self, adjustment: Adjustment) -> None:
        self._adjustments.done(adjustment)
        shift = adjustment.shift
        if shift.why is not Why.PAST:
            _LOG.info(
                "History: all sums of %s from %s UTC on were corrected by %+.3f kWh.",
                adjustment.entity_id,
                f"{shift.since:%Y-%m-%d %H:%M}",
                shift.amount,
            )

    async def _is_there(
        self, written: Mapping[str, Sequence[Row]], moved: Sequence[Adjustment]
    ) -> bool:
        # The newest row of all first: until that is there, the rest need not be read.
        newest = {entity_id: rows[-1:] for entity_id, rows in [*written.items()][-1:]}
        if not await self._holds(newest):
            return False
        for adjustment in moved:
            if not await self._has_moved(adjustment):
                return False
        return await self._holds(written)

    async def _holds(self, written: Mapping[str, Sequence[Row]]) -> bool:
        """Whether Core has these rows: it takes all of a command or none, so its ends tell."""
        ends: defaultdict[datetime, dict[str, Row]] = defaultdict(dict)
        for entity_id, rows in written.items():
            for first in range(0, len(rows), ROWS_TO_PUT):
                part = rows[first : first + ROWS_TO_PUT]
                for row in (part[0], part[-1]):
                    ends[row.start][entity_id] = row
        for start, wanted in ends.items():
            stored = await self._statistics.rows(wanted, start, start + HOUR)
            for entity_id, row in wanted.items():
                if not any(_is_same(one, row) for one in stored[entity_id]):
                    return False
        return True

    async def _has_moved(self, adjustment: Adjustment) -> bool:
        row = adjustment.shift.row
        moved = (row.sum or 0.0) + adjustment.shift.amount
        found = await self._rows(adjustment.entity_id, row.start, row.start)
        return any(_same(stored.sum, moved) for stored in found)


def _is_same(stored: Row, row: Row) -> bool:
    return stored.start == row.start and all(
        (wanted := getattr(row, name)) is None or _same(getattr(stored, name), wanted)
        for name in _VALUES
    )


def _same(found: float | None, wanted: float) -> bool:
    return found is not None and abs(found - wanted) < _SAME
