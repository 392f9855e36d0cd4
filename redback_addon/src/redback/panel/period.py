"""The energy of a span: asked of Core's statistics, so that it is what its Energy page shows."""

import asyncio
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from ..backfill import Coverage
from ..core import Growth, Row
from ..inverters.inverter import Inverter
from ..ledger import HOUR, floor
from ..sensors.counters import CHARGE, COUNTERS, EXPORT, IMPORT
from .calendar import incomplete
from .context import Context, own_ids
from .figures import (
    Bars,
    Battery,
    Best,
    Cells,
    Counted,
    Figures,
    bars,
    best_and_worst,
    differences,
    figures,
    starts,
    without_lost,
)
from .money import NO_PRICES, Money, Site, prices
from .spans import (
    EARLIEST,
    Length,
    Span,
    all_days,
    compared,
    cut,
    hours,
    local_date,
    midnight,
    span,
)
from .status import energy_ids
from .wanted import Wanted

_DAY = timedelta(days=1)
_NOISE_KWH = 1e-6
_SOC = "battery_soc"


class ZoneError(Exception):
    """Core's days begin at other times than the house's."""


class Comparison(msgspec.Struct, frozen=True):
    """What a span is compared with.

    Attributes:
        first: the first day of it.
        last: the last one.
        until: where it is cut off, as the other span is not over either; None = it is whole.
        figures: of it.
        change: by how much those of the other span are more, until its last full hour, and its
            amounts of money that are known for the whole of both.
    """

    first: date
    last: date
    until: datetime | None
    figures: Figures
    change: dict[str, float]


class Energy(msgspec.Struct, frozen=True):
    """The energy of a span; the times are UTC.

    Attributes:
        first: the first day.
        last: the last one.
        is_open: whether it is not over.
        has_earlier: whether anything is known of before; None = nobody can tell.
        is_total: whether several inverters of one site are added up.
        best: the day of the most solar energy; None = there are not enough complete days.
        worst: that of the least.
        money: what it cost; None = the Energy dashboard has no prices for these inverters.
        entity_ids: those whose history Home Assistant shows, by the name of an energy.
        unrecorded: why Core has nothing of a counter, in clauses.
    """

    length: Length
    first: date
    last: date
    is_open: bool
    has_earlier: bool | None
    is_total: bool
    bars: Bars
    figures: Figures
    best: Best | None
    worst: Best | None
    compared: Comparison | None
    money: Money | None = None
    entity_ids: dict[str, list[str]] = {}
    unrecorded: list[str] = []


async def energy(context: Context, wanted: Wanted) -> Energy:
    """Return the energy of a span.

    Raises:
        CoreError: Core does not answer, or refuses.
        ZoneError: its days are not the house's.
    """
    asked = _Asked(context, wanted.serials, context.clock.now())
    await asked.find_prices()
    now, today = asked.now, local_date(asked.now)
    one, found = await _whole(asked, wanted, by_day=wanted.length is not Length.DAY)
    other = compared(one, wanted.than)
    each = found.each()
    days = best_and_worst(each, today) if one.has_days else None
    return Energy(
        length=one.length,
        first=one.first,
        last=one.after - _DAY,
        is_open=now < one.end,
        has_earlier=False if other is None else found.has_earlier,
        is_total=wanted.is_total,
        bars=bars(each, [*one.parts()]),
        figures=figures(each),
        best=None if days is None else days[0],
        worst=None if days is None else days[1],
        compared=None if other is None else await _compared(asked, one, other, found),
        money=found.money,
        entity_ids=energy_ids(context, wanted.serials),
        unrecorded=[why for one in found.rows for why in one.unrecorded.values()],
    )


async def table(context: Context, wanted: Wanted, by: Length | None) -> Bars:
    """Return a span in parts of a length, None = hours, with all places that count.

    Raises:
        CoreError: as `energy`.
        ZoneError: as well.
    """
    asked = _Asked(context, wanted.serials, context.clock.now())
    one, found = await _whole(asked, wanted, by_day=by is not None)
    return bars(found.each(), [*one.split(by)], places=6)


async def _whole(asked: "_Asked", wanted: Wanted, *, by_day: bool) -> tuple[Span, "_Found"]:
    if wanted.length is not Length.ALL:
        one = span(wanted.length, wanted.day)
        return one, await asked.found(one.start, one.end, by_day=by_day)
    today = local_date(asked.now)
    found = await asked.found(midnight(EARLIEST), midnight(today + _DAY), by_day=by_day)
    return all_days(local_date(found.begun or asked.now), today), found


async def _compared(asked: "_Asked", one: Span, other: Span, found: "_Found") -> Comparison:
    end = cut(one, other, asked.now)
    theirs = await asked.found(other.start, end, by_day=other.has_days)
    shown = figures(theirs.each())
    change = differences(figures(found.each(until=floor(asked.now))), shown)
    if found.money is not None and theirs.money is not None:
        change |= found.money.more_than(theirs.money)
    return Comparison(
        first=other.first,
        last=other.after - _DAY,
        until=None if end == other.end else end,
        figures=shown,
        change=change,
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is known of one inverter in a time; kWh by counter and start.

    Attributes:
        serial: of the inverter.
        days: the days that are over.
        hours: the others, and all if no days are wanted.
        has_earlier: whether there are rows before; None = there are none in this time.
        battery: None = it has none.
        unrecorded: why Core has nothing of a counter, by its name.
    """

    serial: str
    days: Cells
    hours: Cells
    has_earlier: bool | None
    battery: Battery | None
    unrecorded: Mapping[str, str]

    @property
    def begun(self) -> datetime | None:
        """When the first row begins."""
        return min(starts(self.days) | starts(self.hours), default=None)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of some inverters from `start` to `end`; hours begin with `split`."""

    coverage: Coverage
    rows: Sequence[_Rows]
    start: datetime
    split: datetime
    end: datetime
    now: datetime
    by_day: bool
    since: Mapping[str, datetime | None]
    money: Money | None

    @property
    def begun(self) -> datetime | None:
        """When the first row of any inverter begins."""
        return min(filter(None, (one.begun for one in self.rows)), default=None)

    @property
    def has_earlier(self) -> bool | None:
        """Whether anything is known of before; None = nobody can tell."""
        known = [one.has_earlier for one in self.rows if one.has_earlier is not None]
        return any(known) if known else None

    def each(self, until: datetime | None = None) -> list[Counted]:
        """Return what each inverter counted, in hours or days, perhaps only until a full hour."""
        end = min(until or self.end, self.end)
        return [self._counted(one, end) for one in self.rows]

    def _counted(self, rows: _Rows, until: datetime) -> Counted:
        begun = self._begun(rows)
        missing = frozenset(self._missing(rows, begun, min(until, floor(self.now))))
        days = without_lost(rows.days, missing, lambda day: midnight(local_date(day) + _DAY))
        cells = {name: dict(of) for name, of in days.items()}
        for name, of in without_lost(rows.hours, missing, lambda hour: hour + HOUR).items():
            column = cells.setdefault(name, {})
            for start, kwh in of.items():
                if start < until:
                    cell = midnight(local_date(start)) if self.by_day else start
                    column[cell] = column.get(cell, 0.0) + kwh
        return Counted(cells, missing, rows.battery, begun, frozenset(rows.unrecorded))

    def _begun(self, rows: _Rows) -> datetime | None:
        """Return when in this time an inverter began; None = before, or not at all."""
        begun = None if rows.has_earlier else rows.begun or self.coverage.begun(rows.serial)
        if begun is None or not self.by_day:
            return begun
        # When on its first day an inverter began is known only by the coverage.
        first = max(begun, self.start)
        spans = self.coverage.spans(rows.serial, first, midnight(local_date(first) + _DAY))
        return max(first, spans[0].since) if spans else first

    def _missing(self, rows: _Rows, begun: datetime | None, until: datetime) -> Iterator[datetime]:
        """Yield the hours without data: those that have no row, and those that Core did not see."""
        begun = self.start if rows.has_earlier else begun
        if begun is None or not rows.hours:
            return
        first, days, known = max(begun, self.start), starts(rows.days), starts(rows.hours)
        day = local_date(first)
        while midnight(day) < self.split:
            if midnight(day) not in days:
                yield from hours(max(midnight(day), first), midnight(day + _DAY))
            day += _DAY
        yield from (each for each in hours(max(first, self.split), until) if each not in known)
        since = self.since[rows.serial]
        yield from incomplete(self.coverage, rows.serial, since, first, until, self.now)


class _Asked:
    """Asks Core about some inverters, at one moment."""

    def __init__(self, context: Context, serials: Iterable[str], now: datetime) -> None:
        self._context = context
        self._statistics = context.home_assistant.statistics
        self.now = now
        self._prices = NO_PRICES
        self._inverters = [*filter(None, map(context.registry.known, serials))]
        self._ids = {one.serial: own_ids(context, one) for one in self._inverters}

    async def find_prices(self) -> None:
        """Find out what is worked out in money."""
        sites: dict[str, list[Inverter]] = {}
        for one in self._inverters:
            sites.setdefault(one.details.site_id or one.serial, []).append(one)
        found = [Site([one.name for one in of], self._grids(of)) for of in sites.values()]
        self._prices = await prices(self._context.home_assistant, found)

    def _grids(self, inverters: Iterable[Inverter]) -> list[str]:
        each = [self._ids[one.serial] for one in inverters]
        return [ids[key] for ids in each for key in (IMPORT.key, EXPORT.key) if key in ids]

    async def found(self, start: datetime, end: datetime, *, by_day: bool) -> _Found:
        """Return what is known of a time, which may end within a day, or in the future."""
        # Core makes an hour's row some minutes after its end.
        open_ = floor(self.now) - HOUR
        split = max(midnight(local_date(min(end, open_))), start) if by_day else start
        ids = [ids[row.key] for ids in self._ids.values() for row in COUNTERS if row.key in ids]
        ids += self._prices.entity_ids
        # A row of a day does not tell when on it a price was entered.
        opened = min(midnight(local_date(start) + _DAY), split)
        days, hourly, opening, levels = await asyncio.gather(
            self._statistics.growth(ids, start, split, by="day"),
            self._statistics.growth(ids, split, end, by="hour"),
            self._statistics.growth(self._prices.entity_ids, start, opened, by="hour"),
            self._levels(start, end),
        )
        _check_zone(days)
        context = self._context
        rows = [self._rows(one, days, hourly, levels, split, end) for one in self._inverters]
        return _Found(
            context.coverage,
            rows,
            start,
            split,
            end,
            self.now,
            by_day,
            {one.serial: context.backfill.since(one.serial) for one in self._inverters},
            self._prices.money({one: [*days[one], *hourly[one]] for one in ids}, opening),
        )

    def _rows(
        self,
        inverter: Inverter,
        days: Mapping[str, list[Growth]],
        hourly: Mapping[str, list[Growth]],
        levels: tuple[Mapping[str, float], Mapping[str, float]],
        split: datetime,
        end: datetime,
    ) -> _Rows:
        ids = self._ids[inverter.serial]
        of_day = {row.day: days[ids[row.key]] for row in COUNTERS if row.key in ids}
        of_hour = {row.day: hourly[ids[row.key]] for row in COUNTERS if row.key in ids}
        firsts = {
            name: (of_day[name] or of_hour[name])[0]
            for name in of_day
            if of_day[name] or of_hour[name]
        }
        by_hour = {name: {one.start: one.amount for one in of} for name, of in of_hour.items()}
        # One without a row may not be recorded, and its open hour is not all that it has counted.
        self._add_open(inverter.serial, by_hour, firsts or by_hour, split, end)
        return _Rows(
            inverter.serial,
            {name: {one.start: one.amount for one in of} for name, of in of_day.items()},
            by_hour,
            any(abs(one.before) > _NOISE_KWH for one in firsts.values()) if firsts else None,
            _battery(inverter, levels) if CHARGE.key in ids else None,
            dict(self._unrecorded(inverter, firsts)),
        )

    def _unrecorded(self, inverter: Inverter, known: Container[str]) -> Iterator[tuple[str, str]]:
        ownership = self._context.publisher.ownership
        ids = ownership.ids(inverter)
        for row in COUNTERS:
            if row.day not in known and row.key in ids:
                why = ownership.why_not(ids[row.key])
                if why is not None:
                    yield row.day, why

    def _add_open(
        self,
        serial: str,
        by_hour: dict[str, dict[datetime, float]],
        names: Container[str],
        split: datetime,
        end: datetime,
    ) -> None:
        """Add to these counters the hours of which Core has no row yet, from the readings."""
        this_hour = floor(self.now)
        for start in (this_hour - HOUR, this_hour):
            if split <= start < end and start not in starts(by_hour):
                for name, kwh in self._context.minutes.grown(serial, start, start + HOUR).items():
                    if name in names:
                        by_hour[name][start] = kwh

    async def _levels(
        self, start: datetime, end: datetime
    ) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Return the batteries' charge in percent at both ends of a time, by serial number."""
        ids = {serial: known[_SOC] for serial, known in self._ids.items() if _SOC in known}
        if not ids or start == midnight(EARLIEST):
            return {}, {}

        async def level(moment: datetime) -> dict[str, float]:
            first = floor(moment - HOUR / 2)
            rows = await self._statistics.rows(ids.values(), first, first + 2 * HOUR)
            found = ((serial, level_at(moment, rows[entity])) for serial, entity in ids.items())
            return {serial: percent for serial, percent in found if percent is not None}

        return await level(start), self._levels_now() if end > self.now else await level(end)

    def _levels_now(self) -> dict[str, float]:
        found = {}
        for inverter in self._inverters:
            reading = self._context.registry.reading(inverter.serial)
            level = None if reading is None else reading.dynamic.battery_soc_0_to_1
            if level is not None:
                found[inverter.serial] = 100 * level
        return found


def level_at(moment: datetime, rows: Iterable[Row]) -> float | None:
    """Return a measurement at a moment, from the means of the hours around it."""
    first = floor(moment - HOUR / 2)
    means = {row.start: row.mean for row in rows if row.mean is not None}
    before, after = means.get(first), means.get(first + HOUR)
    if before is None or after is None:
        return after if before is None else before
    return before + (after - before) * ((moment - first) / HOUR - 0.5)


def _battery(
    inverter: Inverter, levels: tuple[Mapping[str, float], Mapping[str, float]]
) -> Battery:
    whole = inverter.details.limit(lambda limits: limits.battery_capacity_kwh)
    usable = inverter.details.limit(lambda limits: limits.usable_battery_capacity_kwh)
    first, last = (each.get(inverter.serial) for each in levels)
    if whole is None or first is None or last is None:
        return Battery(usable or whole, None)
    return Battery(usable or whole, whole * (last - first) / 100)


def _check_zone(days: Mapping[str, Iterable[Growth]]) -> None:
    """Raise a ZoneError if a day of Core's begins at another time than one of the house's."""
    for start in {one.start for each in days.values() for one in each}:
        if start != midnight(local_date(start)):
            raise ZoneError
