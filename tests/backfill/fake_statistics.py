"""Core's statistics as they behave, in memory: what is imported is there only after a moment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Literal

from redback.core import CoreAwayError, CoreRefusedError, Row, Series
from redback.inverters.inverter import Inverter
from redback.publishing.entity_ids import series as series_of

_LENGTH = {"hour": timedelta(hours=1), "5minute": timedelta(minutes=5)}
_DROP = 0.9


def refusal(why: str) -> CoreRefusedError:
    return CoreRefusedError("COMMAND", "recorder/import_statistics", None, why)


class FakeOwnership:
    """Lets all statistics be written but those of these entities.

    Attributes:
        renamed: the ids that entities have now, by their first ids.
        are_registered: whether these are in Core's registry, where people gave them.
    """

    def __init__(self, *others: str) -> None:
        self.others = others
        self.renamed: dict[str, str] = {}
        self.are_registered = True

    @property
    def registered_ids(self) -> frozenset[str]:
        return frozenset(self.renamed.values() if self.are_registered else ())

    def series(self, inverter: Inverter) -> dict[str, Series]:
        ids = {key: one.entity_id for key, one in series_of(inverter).items()}
        return series_of(inverter, {key: self.renamed.get(one, one) for key, one in ids.items()})

    async def importable(self, series: Mapping[str, Series]) -> dict[str, Series]:
        return {key: one for key, one in series.items() if one.entity_id not in self.others}


class FakeStatistics:
    """What Core has stored.

    Attributes:
        stored: the hourly rows, by entity and start.
        short_term: those of five minutes.
        delay: how often it must be asked before it shows what it was given.
        others: the ids of entities whose statistics are in another unit than they are now.
        refuses_to_shift: the ids of entities whose sums cannot be moved.
        takes: how many imports it takes before it goes away; None = all.
        is_locked: whether a backup holds its database, so that what it is given waits.
        is_away: whether shifts do not reach it.
    """

    def __init__(self) -> None:
        self.stored: dict[str, dict[datetime, Row]] = {}
        self.short_term: dict[str, dict[datetime, Row]] = {}
        self.imported: list[tuple[str, datetime]] = []
        self.delay = 0
        self.others: set[str] = set()
        self.refuses_to_shift: set[str] = set()
        self.takes: int | None = None
        self.is_locked = False
        self.is_away = False
        self._queued: list[tuple[int, Callable[[], None]]] = []

    def compile(self, entity_id: str, states: Sequence[tuple[datetime, float]]) -> None:
        """Write the rows of a counter as Core does of its states, which are in order."""
        self._compile(entity_id, states, states[0][1], 0.0)

    def go_on(self, entity_id: str, states: Sequence[tuple[datetime, float]]) -> None:
        """Write more rows as Core does: it goes on from the newest one of five minutes."""
        newest = self.short_term[entity_id][max(self.short_term[entity_id])]
        assert newest.state is not None
        assert newest.sum is not None
        self._compile(entity_id, states, newest.state, newest.sum)

    def rename(self, entity_id: str, new_id: str) -> None:
        """Let an entity's rows go along with its id, as Core does."""
        for table in (self.stored, self.short_term):
            table[new_id] = table.pop(entity_id)

    def _compile(
        self, entity_id: str, states: Sequence[tuple[datetime, float]], last: float, total: float
    ) -> None:
        hours = self.stored.setdefault(entity_id, {})
        short = self.short_term.setdefault(entity_id, {})
        for moment, state in states:
            total += state if state < _DROP * last else state - last
            last = state
            hour = moment.replace(minute=0, second=0, microsecond=0)
            hours[hour] = Row(hour, state=state, sum=total)
            five = hour + timedelta(minutes=moment.minute // 5 * 5)
            short[five] = Row(five, state=state, sum=total)

    async def rows(
        self,
        entity_ids: Sequence[str],
        since: datetime,
        until: datetime,
        *,
        period: Literal["hour", "5minute"] = "hour",
    ) -> dict[str, list[Row]]:
        self._work()
        table = self.stored if period == "hour" else self.short_term
        return {
            entity_id: sorted(
                (row for start, row in table.get(entity_id, {}).items() if since <= start < until),
                key=lambda row: row.start,
            )
            for entity_id in entity_ids
        }

    async def misfits(self, series: Sequence[Series]) -> dict[str, CoreRefusedError]:
        return {
            one.entity_id: refusal(f"{one.entity_id} is another")
            for one in series
            if one.entity_id in self.others
        }

    async def put(self, everything: Mapping[Series, Sequence[Row]]) -> dict[str, CoreRefusedError]:
        refused = await self.misfits([*everything])
        for series, rows in everything.items():
            if series.entity_id in refused:
                continue
            if self.takes is not None:
                if self.takes == 0:
                    raise CoreAwayError("GET", "/core/websocket", None, "the connection was closed")
                self.takes -= 1
            for row in rows:
                self.imported.append((series.entity_id, row.start))
                self._queued.append((self.delay, partial(self._take, series.entity_id, row)))
        return refused

    async def shift(self, entity_id: str, since: datetime, amount: float, unit: str | None) -> None:
        assert unit == "kWh"
        if entity_id in self.refuses_to_shift:
            raise refusal(f"{entity_id} cannot be moved")
        if self.is_away:
            raise CoreAwayError("GET", "/core/websocket", None, "the link was closed")
        self._queued.append((self.delay, partial(self._move, entity_id, since, amount)))

    def _move(self, entity_id: str, since: datetime, amount: float) -> None:
        for table in (self.stored, self.short_term):
            rows = table.get(entity_id, {})
            for start, row in rows.items():
                if start >= since and row.sum is not None:
                    rows[start] = replace(row, sum=row.sum + amount)

    def change(self, entity_id: str) -> dict[datetime, float]:
        """Return the energy of each hour, as the dashboards show it, kWh."""
        rows = sorted(self.stored[entity_id].values(), key=lambda row: row.start)
        return {
            after.start: (after.sum or 0.0) - (before.sum or 0.0)
            for before, after in pairwise(rows)
        }

    async def backlog(self) -> int:
        self._work()
        return len(self._queued)

    def _work(self) -> None:
        if self.is_locked:
            return
        queued, self._queued = self._queued, []
        for delay, work in queued:
            if delay > 0:
                self._queued.append((delay - 1, work))
            else:
                work()

    def _take(self, entity_id: str, row: Row) -> None:
        self.stored.setdefault(entity_id, {})[row.start] = row
