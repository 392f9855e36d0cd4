"""Writes the hours of a gap into Core's statistics, so that they fit the rows around them.

It works in passes, none of which goes back to an earlier one: read what Core has, ask the cloud
what the counters showed after the gap, continue the sums, write, and confirm by reading back.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ..clock import Clock
from ..core import CoreRefusedError, Period, Row, Series, Statistics
from ..publishing.ownership import Ownership
from .ends import EndsReader, NotYetError
from .gaps import HOUR, Gap
from .hourly import Summary
from .splice import SpliceError
from .sums import Ends, Right, Rows, Shift, Summaries, continued, cut

# Asks what each counter really showed at a moment or soon after, by key; kWh.
Shown = Callable[[datetime], Awaitable[Mapping[str, float]]]
# Core writes queued rows in its own time.
_READ_BACK_SECONDS = 600.0
# A sum adjusted twice is corrupt, so wait for confirmation; a backup can lock Core's database for
# hours.
_MOVED_SECONDS = 6 * 3600.0
_READ_AGAIN_SECONDS = 0.1
_READ_AGAIN_SECONDS_MOST = 5.0
_READ_AT_ONCE = 10
# Core stores doubles; only the conversion to text and back can change them.
_SAME = 1e-6


class Importer:
    """Writes gaps.

    Args:
        statistics: Core's.
        clock: measures how long something has been waited for.
        ownership: knows which statistics may be written.
    """

    def __init__(self, statistics: Statistics, clock: Clock, ownership: Ownership) -> None:
        self._statistics = statistics
        self._clock = clock
        self._ownership = ownership
        self._ends = EndsReader(statistics, clock)

    async def write(
        self, gap: Gap, series: Mapping[str, Series], summaries: Summaries, shown: Shown
    ) -> list[str]:
        """Write a gap.

        Args:
            gap: whose hours are all fetched.
            series: of the inverter's sensors, by key.
            summaries: what was fetched, by the start of the hour.
            shown: asks the cloud.

        Returns:
            One sentence for each statistic that could not be written, and why.

        Raises:
            NotYetError: retry later.
            CoreError: as the statistics raise it.
            CloudError: as `shown` raises it.
        """
        fetched = _fetched(summaries.values())
        wanted = {key: one for key, one in series.items() if key in fetched}
        wanted = await self._ownership.importable(wanted)
        rejections: dict[str, SpliceError | CoreRefusedError] = {
            **await self._statistics.misfits([*wanted.values()])
        }
        wanted = {key: one for key, one in wanted.items() if one.entity_id not in rejections}
        ids = [one.entity_id for one in wanted.values()]
        stored = await self._statistics.rows(ids, gap.since, gap.until)
        made: dict[Series, list[Row]] = {}
        ends: dict[str, Ends] = {}
        for key, one in wanted.items():
            rows = {row.start: row for row in stored[one.entity_id]}
            if not one.is_counter:
                made[one] = _measurement(key, gap, summaries, rows)
                continue
            try:
                pieces = list(cut(key, gap, summaries, rows))
                ends[key] = await self._ends.read(one, pieces, rows)
            except CoreRefusedError as error:
                rejections[one.entity_id] = error
        ends = await _ask(ends, shown)
        shifts: list[Shift] = []
        for end in ends.values():
            counter = continued(end)
            made[end.series] = counter.rows
            shifts += counter.shifts
            if counter.rejection_reason is not None:
                rejections[end.series.entity_id] = counter.rejection_reason
        rejections |= await self._put(gap, made, shifts)
        return [
            f"{entity_id} from {gap.since:%Y-%m-%d %H:%M} UTC: {error}"
            for entity_id, error in rejections.items()
        ]

    async def _put(
        self, gap: Gap, made: Mapping[Series, Sequence[Row]], shifts: Sequence[Shift]
    ) -> dict[str, CoreRefusedError]:
        """Write and confirm; return what Core refuses, by entity id."""
        # Core works in order: the shifts come before the rows.
        refused = await self._shift(shifts)
        refused |= await self._statistics.put(
            {one: rows for one, rows in made.items() if rows and one.entity_id not in refused}
        )
        written = {
            one.entity_id: rows
            for one, rows in made.items()
            if rows and one.entity_id not in refused
        }
        moved = [shift for shift in shifts if shift.series.entity_id not in refused]
        await self._confirm(gap, written, moved)
        return refused

    async def stands(self, gap: Gap, series: Collection[Series]) -> bool:
        """Whether Core has a row for every hour of a gap and every entity."""
        stored = await self._statistics.rows(
            [one.entity_id for one in series], gap.since, gap.until
        )
        return all(len(rows) == len(gap.hours) for rows in stored.values())

    async def _shift(self, shifts: Iterable[Shift]) -> dict[str, CoreRefusedError]:
        """Shift sums; return what Core does not shift, by entity id."""
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
        """Wait until Core has written all rows, and has shifted all sums.

        Raises:
            NotYetError: it takes too long.
        """
        began, wait = self._clock.monotonic(), _READ_AGAIN_SECONDS
        longest = _MOVED_SECONDS if shifts else _READ_BACK_SECONDS
        while not await self._is_there(gap, written, shifts):
            if self._clock.monotonic() - began > longest:
                raise NotYetError
            await self._clock.sleep(wait)
            wait = min(2 * wait, _READ_AGAIN_SECONDS_MOST)

    async def _is_there(
        self, gap: Gap, written: Mapping[str, Sequence[Row]], shifts: Sequence[Shift]
    ) -> bool:
        # The newest row of all first: until that is there, the rest need not be read.
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
        """Whether Core has these rows of a time."""
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


async def _ask(ends: Mapping[str, Ends], shown: Shown) -> dict[str, Ends]:
    """Ask the cloud what each counter showed at the row after the gap."""
    asked: dict[datetime, Mapping[str, float]] = {}

    async def answered(key: str, right: Right) -> Right:
        if right.over not in asked:
            asked[right.over] = await shown(right.over)
        return replace(right, shown=asked[right.over].get(key))

    found: dict[str, Ends] = {}
    for key, one in ends.items():
        right = one.right
        if right is not None:
            right = await answered(key, right)
            if one.nearest is not None and right.is_reset_since(one.pieces[-1].last):
                right = await answered(key, one.nearest)
        found[key] = replace(one, right=right)
    return found


def _fetched(summaries: Iterable[Summary | None]) -> frozenset[str]:
    """Return the keys of all sensors of which something was fetched."""
    return frozenset(
        key
        for summary in summaries
        if summary is not None
        for key in (*summary.measured, *summary.counted, *summary.flowed)
    )


def _measurement(
    key: str,
    gap: Gap,
    summaries: Summaries,
    stored: Rows,
) -> list[Row]:
    made = []
    for hour in gap.hours:
        summary = summaries[hour.start]
        found = None if summary is None else summary.measured.get(key)
        if found is not None and not gap.keeps(hour.start, stored):
            made.append(Row(hour.start, mean=found.mean, min=found.min, max=found.max))
    return made


def _some_of(entity_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield a few at a time: a month of all would take tens of megabytes."""
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
