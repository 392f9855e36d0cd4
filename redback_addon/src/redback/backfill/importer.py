"""Writes the hours of a gap into Core's statistics, such that they fit what is stored around them.

For each entity the rows of the gap are made from what was fetched. A counter's sums continue those
that Core has before and after the gap; where the two ends do not meet, nothing is written for that
counter, and the reason is given. Written is only what was read back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from ..clock import Clock
from ..core import CoreRefusedError, Period, Row, Series, Statistics
from .ends import Ends, NotYetError
from .gaps import HOUR, Gap
from .hourly import Summary
from .splice import JoiningError
from .sums import Shift, Shown, Sums

# Core writes what it was given when it comes round to it.
_READ_BACK_SECONDS = 600.0
# A sum adjusted twice is corrupt, so wait for confirmation; a backup can lock Core's database for
# hours.
_MOVED_SECONDS = 6 * 3600.0
_READ_AGAIN_SECONDS = 0.1
_READ_AGAIN_SECONDS_MOST = 5.0
_READ_AT_ONCE = 10
# Core keeps doubles; what is read back differs by nothing but the way through text.
_SAME = 1e-6


class Importer:
    """Writes gaps.

    Args:
        statistics: Core's.
        clock: tells how long something has been waited for.
    """

    def __init__(self, statistics: Statistics, clock: Clock) -> None:
        self._statistics = statistics
        self._clock = clock
        self._sums = Sums(Ends(statistics, clock))

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
        misfits = await self._statistics.misfits(wanted)
        wanted = [one for one in wanted if one.entity_id not in misfits]
        ids = [one.entity_id for one in wanted]
        stored = await self._statistics.rows(ids, gap.since, gap.until)
        objections: dict[str, JoiningError | CoreRefusedError] = {**misfits}
        made: dict[Series, list[Row]] = {}
        shifts: list[Shift] = []
        for one in wanted:
            rows = {row.start: row for row in stored[one.entity_id]}
            if not one.is_counter:
                made[one] = _measurement(one, gap, summaries, rows)
                continue
            try:
                counter = await self._sums.through(one, gap, summaries, rows, shown)
            except CoreRefusedError as error:
                objections[one.entity_id] = error
                continue
            made[one] = counter.rows
            shifts += counter.shifts
            if counter.rejection_reason is not None:
                objections[one.entity_id] = counter.rejection_reason
        # Core works in the order in which it is told, so that what is moved is so before the rows.
        refused = await self._shift(shifts)
        refused |= await self._statistics.put(
            {one: rows for one, rows in made.items() if rows and one.entity_id not in refused}
        )
        objections |= refused
        written = {
            one.entity_id: rows
            for one, rows in made.items()
            if rows and one.entity_id not in refused
        }
        moved = [shift for shift in shifts if shift.series.entity_id not in refused]
        await self._confirm(gap, written, moved)
        return [
            f"{entity_id} from {gap.since:%Y-%m-%d %H:%M} UTC: {error}"
            for entity_id, error in objections.items()
        ]

    async def stands(self, gap: Gap, series: Sequence[Series]) -> bool:
        """Tell whether Core has a row for every hour of a gap and every entity."""
        stored = await self._statistics.rows(
            [one.entity_id for one in series], gap.since, gap.until
        )
        return all(len(rows) == len(gap.hours) for rows in stored.values())

    async def _shift(self, shifts: Iterable[Shift]) -> dict[str, CoreRefusedError]:
        """Move sums; gives what Core does not move, by entity id."""
        refused: dict[str, CoreRefusedError] = {}
        for shift in shifts:
            entity_id = shift.series.entity_id
            if entity_id in refused:
                continue
            try:
                await self._statistics.shift(
                    entity_id, shift.since, shift.amount, shift.series.unit
                )
            except CoreRefusedError as error:
                refused[entity_id] = error
        return refused

    async def _confirm(
        self, gap: Gap, written: Mapping[str, Sequence[Row]], shifts: Sequence[Shift]
    ) -> None:
        """Wait until Core has all the rows, and has moved all that was to be moved.

        Raises:
            NotYetError: it takes too long.
        """
        began, wait = self._clock.monotonic(), _READ_AGAIN_SECONDS
        patience = _MOVED_SECONDS if shifts else _READ_BACK_SECONDS
        while not await self._is_there(gap, written, shifts):
            if self._clock.monotonic() - began > patience:
                raise NotYetError
            await self._clock.sleep(wait)
            wait = min(2 * wait, _READ_AGAIN_SECONDS_MOST)

    async def _is_there(
        self, gap: Gap, written: Mapping[str, Sequence[Row]], shifts: Sequence[Shift]
    ) -> bool:
        # The newest row of all first: as long as that is not there, the rest is not worth a look.
        for entity_id, rows in [*written.items()][-1:]:
            if not await self._holds({entity_id: rows[-1:]}, rows[-1].start, gap.until):
                return False
        for shift in shifts:
            if not await self._has_moved(shift):
                return False
        return await self._holds(written, gap.since, gap.until)

    async def _holds(
        self, written: Mapping[str, Sequence[Row]], since: datetime, until: datetime
    ) -> bool:
        """Tell whether Core has these rows of a time."""
        for entity_ids in _some_of(list(written)):
            stored = await self._statistics.rows(entity_ids, since, until)
            for entity_id in entity_ids:
                if not _holds({row.start: row for row in stored[entity_id]}, written[entity_id]):
                    return False
        return True

    async def _has_moved(self, shift: Shift) -> bool:
        start, end = shift.row.start, shift.row.start + HOUR
        periods: tuple[Period, ...] = ("hour", "5minute")
        for period in periods:
            entity_id = shift.series.entity_id
            found = await self._statistics.rows([entity_id], start, end, period=period)
            for row in found[entity_id][:1]:
                if row.start == start and _same(row.sum, (shift.row.sum or 0.0) + shift.amount):
                    return True
        return False


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
        if found is not None and not gap.keeps(hour.start, stored):
            made.append(Row(hour.start, mean=found.mean, min=found.min, max=found.max))
    return made


def _some_of(entity_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give a few at a time: a month of all would take tens of megabytes."""
    for first in range(0, len(entity_ids), _READ_AT_ONCE):
        yield entity_ids[first : first + _READ_AT_ONCE]


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
