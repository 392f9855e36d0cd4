"""Makes Core's statistics agree with what the inverter did.

Measurements are written from what was fetched of an hour, counters from the ledger.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..clock import Clock
from ..core import Period, Row, Series, Statistics
from ..inverters.hourly import Summary
from ..inverters.inverter import Inverter
from ..ledger import HOUR, HourEnd, How, Known, Ledger, floor, most_kw, resolve
from ..publishing.ownership import Ownership
from ..sensors.counters import COUNTERS, CounterRow
from .adjustments import Adjustment, Adjustments, AdjustmentStage
from .agreement import Agreement, agree, is_held, is_right
from .coverage import Span
from .gaps import SETTLE, Gap
from .refill import RefillError
from .refill import hours as starts
from .writer import NotYetError, Refusals, Writer

# How far to look for rows around some hours: first near, then far.
_NEAR = timedelta(days=2)
_FAR = timedelta(days=400)
# Core keeps rows of five minutes for ten days.
_SHORT_TERM = timedelta(days=9)
# Core may need this long for its first row of an entity; after that none is expected.
_PATIENCE_SECONDS = 20 * 60.0
_UNCONNECTED = "Home Assistant has no statistics to connect the hours to"

Summaries = Mapping[datetime, Summary | None]


@dataclass(frozen=True, slots=True)
class Part:
    """Hours of one inverter that are to agree.

    Attributes:
        inverter: whose they are.
        since: the start of the first one.
        until: the end of the last one.
        border: the hour of the first reading. Rows before it are not ours to replace.
        asked: hours whose rows are to be replaced nevertheless.
    """

    inverter: Inverter
    since: datetime
    until: datetime
    border: datetime
    asked: frozenset[datetime] = frozenset()

    def __contains__(self, start: object) -> bool:
        """Whether the row of an hour stays."""
        return isinstance(start, datetime) and start < self.border and start not in self.asked


class Importer:
    """Writes to Core's statistics.

    Args:
        statistics: Core's.
        ledger: knows what the counters counted.
        adjustments: where shifts are noted.
        clock: the time.
        ownership: knows which statistics may be written.
    """

    def __init__(
        self,
        statistics: Statistics,
        ledger: Ledger,
        adjustments: Adjustments,
        clock: Clock,
        ownership: Ownership,
    ) -> None:
        self._statistics = statistics
        self._ledger = ledger
        self._adjustments = adjustments
        self._clock = clock
        self._writer = Writer(statistics, adjustments, clock)
        # Two that work on the same sums would both shift them.
        self._turn = asyncio.Lock()
        # Since when there has been no row after some hours, by entity, in monotonic seconds.
        self._missed_since: dict[str, float] = {}
        self._ownership = ownership

    async def write(self, gap: Gap, inverter: Inverter, summaries: Summaries) -> list[str]:
        """Write a gap.

        Args:
            gap: whose hours are all fetched.
            inverter: whose hours they are.
            summaries: what was fetched of the measurements, by the start of the hour.

        Returns:
            One sentence for each statistic that could not be written, and why.

        Raises:
            NotYetError: retry later.
            CoreError: as the statistics raise it.
        """
        part = Part(inverter, gap.since, gap.until, gap.border, gap.asked)
        rejections = await self._measure(part, summaries)
        counted, _, is_open = await self._agree(part)
        if is_open:
            raise NotYetError
        return [
            f"{entity_id} from {gap.since:%Y-%m-%d %H:%M} UTC: {why}"
            for entity_id, why in {**rejections, **counted}.items()
        ]

    async def agree(self, part: Part) -> frozenset[datetime]:
        """Make the counters of some hours agree; return the starts of those to be fetched again.

        These are the hours that Core had lost, and those in which the service was restarted while
        a counter had no value.

        Raises:
            NotYetError: Core has not written what it was given.
            CoreError: as the statistics raise it.
        """
        _, lost, _ = await self._agree(part)
        return lost

    def corrections(self) -> list[Adjustment]:
        """Return the adjustments of sums that can be taken back, or were, the newest first."""
        return self._adjustments.latest()

    async def take_back(self, number: int) -> None:
        """Undo an adjustment of sums, by its number.

        Raises:
            RefillError: it cannot be undone; the text is one sentence.
            CoreError: as the statistics raise it.
        """
        found = [one for one in self.corrections() if one.number == number]
        if not found or found[0].stage is not AdjustmentStage.DONE:
            raise RefillError("There is no such correction, or it was already taken back.")
        # A backup locks Core's database for hours; whoever takes it back wants an answer.
        if self._turn.locked():
            raise RefillError("Statistics are being written right now. Try again in a moment.")
        async with self._turn:
            try:
                await self._writer.take_back(found[0])
            except NotYetError:
                raise RefillError(
                    "Home Assistant has not done it yet. Look again in a few minutes."
                ) from None

    async def stands(self, gap: Gap, inverter: Inverter) -> bool:
        """Whether Core has a row for every hour of a gap and every entity that it records."""
        ids = [one.entity_id for one in (await self._writable(inverter)).values()]
        stored = await self._statistics.rows(ids, gap.since, gap.until)
        return all(len(rows) == len(gap.hours) for rows in stored.values())

    async def _writable(self, inverter: Inverter) -> dict[str, Series]:
        """Return the statistics of an inverter that may be written, by key."""
        return await self._ownership.importable(self._ownership.series(inverter))

    async def _measure(self, part: Part, summaries: Summaries) -> Refusals:
        """Write measurements; return what cannot be written, and why, by entity id."""
        fetched = {key for summary in summaries.values() for key in summary or ()}
        series = await self._writable(part.inverter)
        wanted = {key: one for key, one in series.items() if key in fetched and not one.is_counter}
        made: dict[Series, list[Row]] = {}
        ids = [one.entity_id for one in wanted.values()]
        is_past = part.since < part.border
        stored = await self._statistics.rows(ids, part.since, part.until) if is_past else {}
        for key, one in wanted.items():
            kept = {row.start for row in stored.get(one.entity_id, ()) if row.start in part}
            made[one] = [
                Row(start, mean=found.mean, min=found.min, max=found.max)
                for start, summary in summaries.items()
                if (found := (summary or {}).get(key)) is not None and start not in kept
            ]
        return await self._writer.write(made, {})

    async def _agree(self, part: Part) -> tuple[dict[str, object], frozenset[datetime], bool]:
        """Make counters agree.

        Return what cannot be written, by entity id, the starts of hours that are to be fetched
        again, and whether more is to come.
        """
        async with self._turn:
            series = await self._writable(part.inverter)
            counters = {row: series[row.key] for row in COUNTERS if row.key in series}
            serial = part.inverter.serial
            ids = {f"{serial} {row.key}": one.entity_id for row, one in counters.items()}
            self._adjustments.follow(ids, self._ownership.registered_ids)
            refused = await self._statistics.misfits([*counters.values()])
            rejections: dict[str, object] = {**refused}
            wanted = [one.entity_id for one in counters.values() if one.entity_id not in refused]
            ready = await self._writer.settled(wanted)
            settled = {row: one for row, one in counters.items() if one.entity_id in ready}
            is_open = len(ready) < len(wanted)
            # One question for all: this is done for each inverter every hour.
            until = min(part.until + _NEAR, self._clock.now())
            near = await self._rows(settled.values(), part.since - _NEAR, until)
            found: dict[Series, Agreement] = {}
            unread: set[datetime] = set()
            for row, one in settled.items():
                agreement, unknown = await self._compare(part, row, one, near[one.entity_id])
                if not agreement.is_open:
                    self._missed_since.pop(one.entity_id, None)
                elif self._is_expected(one.entity_id):
                    is_open = True
                else:
                    rejections[one.entity_id] = _UNCONNECTED
                found[one] = agreement
                unread |= unknown
            rejections |= await self._writer.write(
                {one: agreement.rows for one, agreement in found.items()},
                {one: agreement.shifts for one, agreement in found.items()},
            )
            lost = Counter(row.start for agreement in found.values() for row in agreement.rows)
            # One counter alone does not tell that Core was away.
            starts = frozenset(start for start, times in lost.items() if 2 * times > len(found))
            return rejections, starts | unread, is_open

    async def _compare(
        self, part: Part, row: CounterRow, series: Series, near: Sequence[Row]
    ) -> tuple[Agreement, frozenset[datetime]]:
        """Compare a counter's rows with the ledger; `near` are those of the hours and around.

        Return what makes them agree, and the starts of hours of which the ledger should know more.
        """
        serial, entity_id, now = part.inverter.serial, series.entity_id, self._clock.now()
        most = most_kw(row, part.inverter.details.static)
        earlier = [one for one in near if one.start < part.since]
        before = self._from_seen(row, part, most, part.since - _NEAR, earlier)
        if not before:
            far = (await self._rows([series], part.since - _FAR, part.since))[entity_id]
            before = self._from_seen(row, part, most, part.since - _FAR, far) or far
        rows = [*before, *near[len(earlier) :]]
        if not any(one.start >= part.until for one in rows) and part.until + _NEAR < now:
            later = await self._rows([series], part.until + _NEAR, part.until + _FAR)
            rows += later[entity_id][:1]
        since = rows[0].start if before else part.since
        # Of later rows the ledger cannot know yet what was counted.
        limit = floor(now - SETTLE)
        rows = [one for one in rows if one.start < limit]
        until = max([part.until, *(one.start + HOUR for one in rows)])
        last = self._ledger.before(serial, row.key, since)
        begin = since if last is None else last.start
        hours = self._ledger.hours(serial, row.key, begin, min(until, limit))
        known = [one for one in resolve(hours, most) if one.start >= since]
        soon = await self._soon(series, rows, known)
        if soon is not None and not is_held(soon, known[-1].state):
            self._missed_since.pop(entity_id, None)
        agreement = agree(
            rows,
            known,
            most,
            kept=part,
            undone=self._adjustments.undone(entity_id),
            shifted=self._adjustments.made(entity_id),
            begun=part.border if part.inverter.is_successor else None,
            soon=soon,
            is_last=entity_id in self._missed_since and not self._is_expected(entity_id),
        )
        return agreement, _unread(hours, max(part.since, now - _NEAR), part.until)

    def _from_seen(
        self, counter: CounterRow, part: Part, most: float, since: datetime, rows: Sequence[Row]
    ) -> Sequence[Row]:
        """Return the last row before some hours that Core saw, and those after it.

        There are none if it saw none of these rows, which start at `since` or later.
        """
        if not rows:
            return ()  # as before a past of years, which need not be resolved
        hours = self._ledger.hours(part.inverter.serial, counter.key, since, part.since)
        known = {one.start: one for one in resolve(hours, most)}
        seen = [
            number
            for number, row in enumerate(rows)
            if (fact := known.get(row.start)) is None or is_right(row, fact, most)
        ]
        return rows[seen[-1] :] if seen else ()

    async def _soon(
        self, series: Series, rows: Sequence[Row], known: Sequence[Known]
    ) -> Row | None:
        """Return a row of five minutes in the hour after all others."""
        if not known or (rows and rows[-1].start > known[-1].start):
            return None
        end, now = known[-1].start + HOUR, self._clock.now()
        if now - end >= _SHORT_TERM:
            return None
        found = await self._rows([series], end, min(now, end + HOUR), "5minute")
        return next(reversed(found[series.entity_id]), None)

    async def _rows(
        self, series: Iterable[Series], since: datetime, until: datetime, period: Period = "hour"
    ) -> dict[str, list[Row]]:
        """Return the rows of counters that have a state and a sum, by entity id."""
        ids = [one.entity_id for one in series]
        found = await self._statistics.rows(ids, since, until, period=period)
        return {
            entity_id: [row for row in rows if row.sum is not None and row.state is not None]
            for entity_id, rows in found.items()
        }

    def _is_expected(self, entity_id: str) -> bool:
        """Whether Core may still write a row after the hours."""
        now = self._clock.monotonic()
        return now - self._missed_since.setdefault(entity_id, now) < _PATIENCE_SECONDS


def _unread(hours: Sequence[HourEnd], since: datetime, until: datetime) -> frozenset[datetime]:
    """Return the starts of the hours between known ones of which not even the power is known."""
    known = [one.start for one in hours if one.flow is not None or one.how >= How.POWER]
    between = starts(since, until, Span(known[0], known[-1])) if known else ()
    return frozenset(between) - {*known}
