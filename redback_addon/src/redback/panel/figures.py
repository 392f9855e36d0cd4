"""What inverters counted in a span: its bars, and the figures of all of it.

An hour without data is unknown, and never zero: it is counted as missing.
"""

from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

import msgspec

from ..ledger import HOUR
from ..sensors.counters import (
    CHARGE,
    COUNTERS,
    DISCHARGE,
    EXPORT,
    IMPORT,
    LOAD,
    SOLAR,
    CounterRow,
)
from .amounts import Amounts, amounts
from .spans import Part, hours, local_date, midnight

_NOTHING_KWH = 0.0005
# How many capacities must have been charged: what is in a battery is known to a few percent of it.
_LEAST_CHARGE, _MUCH_CHARGE = 0.5, 50
# There is no best of a single day.
_LEAST_DAYS = 2

# Every inverter has these; of all others only those that have panels, or a battery.
_OF_ALL = (LOAD, IMPORT, EXPORT)

Cells = Mapping[str, Mapping[datetime, float]]


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery in a span.

    Attributes:
        cycle_kwh: what a full cycle takes out of it; None = unknown.
        gained_kwh: how much more is in it at the end than at the beginning; None = unknown.
    """

    cycle_kwh: float | None
    gained_kwh: float | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What one inverter counted.

    Attributes:
        cells: kWh, by counter as `CounterRow.day` names it, and by the start of the hour or day.
        missing: the starts of the hours without data.
        battery: None = it has none.
        begun: when it began; None = before the span, or unknown.
        unrecorded: the counters of which Core has nothing, as it does not record them.
    """

    cells: Cells
    missing: frozenset[datetime] = frozenset()
    battery: Battery | None = None
    begun: datetime | None = None
    unrecorded: frozenset[str] = frozenset()

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it."""
        return any(self.cells.values())


class Figures(Amounts, frozen=True, kw_only=True):
    """What is known of a span.

    Attributes:
        cycles: how often the battery's capacity was taken out of it.
        efficiency: the share of what was put into the battery that came out of it, or is in it,
            percent.
        missing: how many hours lack data, of at least one inverter.
    """

    cycles: float | None = None
    efficiency: float | None = None
    missing: int = 0


class Bars(msgspec.Struct, frozen=True):
    """The bars of a span: lists of one length.

    Attributes:
        start: when an hour begins, UTC, or the first day of a bar.
        kwh: by counter, as `CounterRow.day` names it.
        missing: how many hours lack data, of at least one inverter.
    """

    start: list[datetime | date]
    kwh: dict[str, list[float | None]]
    missing: list[int]


class Best(msgspec.Struct, frozen=True):
    """A day, and its solar energy, kWh."""

    day: date
    solar_kwh: float


def starts(cells: Cells) -> frozenset[datetime]:
    """Return the starts of all hours or days that any counter has."""
    return frozenset(chain.from_iterable(cells.values()))


def without_lost(
    cells: Cells, missing: Container[datetime], end_of: Callable[[datetime], datetime]
) -> Cells:
    """Leave out hours or days that have a row, but no data.

    Core repeats the last value while it is shown nothing, which looks like no energy.

    Args:
        cells: what an inverter counted.
        missing: the starts of the hours without data.
        end_of: returns the end of an hour or a day by its start.
    """
    lost = {
        start
        for start in starts(cells)
        if all(abs(of.get(start, 0.0)) < _NOTHING_KWH for of in cells.values())
        and all(hour in missing for hour in hours(start, end_of(start)))
    }
    return {
        name: {start: kwh for start, kwh in of.items() if start not in lost}
        for name, of in cells.items()
    }


def bars(each: Iterable[Counted], parts: Sequence[Part], places: int = 3) -> Bars:
    """Return the bars of some inverters together, one for each of these parts in order.

    Args:
        each: what inverters counted.
        parts: without a gap between them.
        places: how many the amounts are rounded to.
    """
    starts = [part.start for part in parts]
    each = list(each)
    kwh: dict[str, list[float | None]] = {}
    for row in COUNTERS:
        column: list[float | None] = [None] * len(parts)
        for start, counted in chain.from_iterable(of.items() for of in _of(row, each)):
            index = bisect_right(starts, start) - 1
            column[index] = (column[index] or 0.0) + counted
        kwh[row.day] = [None if one is None else round(one, places) + 0.0 for one in column]
    missing = [0] * len(parts)
    for hour in _missing(each):
        missing[bisect_right(starts, hour) - 1] += 1
    return Bars([part.day or part.start for part in parts], kwh, missing)


def figures(each: Sequence[Counted]) -> Figures:
    """Return the figures of some inverters together."""
    whole = {row: _sum(_of(row, each)) for row in COUNTERS}
    return Figures(
        **amounts(whole),
        cycles=_cycles(each, whole[DISCHARGE]),
        efficiency=_efficiency(each, whole[CHARGE], whole[DISCHARGE]),
        missing=len(_missing(each)),
    )


def differences(one: Figures, other: Figures) -> dict[str, float]:
    """Return by how much each figure is more than the other one, as far as both are known."""
    found = {}
    for name in one.__struct_fields__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if name != "missing" and mine is not None and theirs is not None:
            found[name] = round(mine - theirs, 3) + 0.0
    return found


def best_and_worst(each: Sequence[Counted], today: date) -> tuple[Best, Best] | None:
    """Return the days of the most and the least solar energy, of those that are over and complete.

    Args:
        each: what inverters counted, by days.
        today: the local date.
    """
    if any(SOLAR.day in one.unrecorded for one in each):
        return None
    incomplete = {local_date(hour) for hour in _missing(each)} | {today}
    incomplete |= {local_date(one.begun) for one in each if one.begun and _is_late(one.begun)}
    sums: dict[date, float] = {}
    for start, kwh in chain.from_iterable(one.cells.get(SOLAR.day, {}).items() for one in each):
        day = local_date(start)
        sums[day] = sums.get(day, 0.0) + kwh
    days = [Best(day, round(kwh, 3)) for day, kwh in sorted(sums.items()) if day not in incomplete]
    if len(days) < _LEAST_DAYS:
        return None
    by_solar = sorted(days, key=lambda one: one.solar_kwh)
    return by_solar[-1], by_solar[0]


def _of(row: CounterRow, each: Iterable[Counted]) -> list[Mapping[datetime, float]]:
    """Return what each inverter counted; none where the total would lack one of them."""
    each = list(each)
    if any(row.day in one.unrecorded for one in each):
        return []
    known = [one.cells.get(row.day, {}) for one in each if one.is_known]
    return [] if row in _OF_ALL and not all(known) else known


def _is_late(begun: datetime) -> bool:
    """Whether the day on which an inverter began lacks its first hour, or some of that."""
    start = midnight(local_date(begun))
    return begun > next(hours(start, start + 2 * HOUR))


def _missing(each: Iterable[Counted]) -> frozenset[datetime]:
    return frozenset().union(*(one.missing for one in each))


def _sum(each: Iterable[Mapping[datetime, float]]) -> float | None:
    known = [kwh for of in each for kwh in of.values()]
    return sum(known) if known else None


def _cycles(each: Iterable[Counted], discharge: float | None) -> float | None:
    capacity = _of_batteries(each, lambda battery: battery.cycle_kwh)
    return None if not capacity or discharge is None else round(discharge / capacity, 2)


def _efficiency(
    each: Iterable[Counted], charge: float | None, discharge: float | None
) -> float | None:
    each = list(each)
    capacity = _of_batteries(each, lambda battery: battery.cycle_kwh)
    gained = _of_batteries(each, lambda battery: battery.gained_kwh)
    if not capacity or charge is None or discharge is None:
        return None
    if charge >= capacity * _MUCH_CHARGE:
        gained = gained or 0.0  # it is at most one of many cycles
    if gained is None or charge < capacity * _LEAST_CHARGE:
        return None
    used = discharge + gained
    return round(100 * used / charge, 1) if 0 < used <= charge else None


def _of_batteries(
    each: Iterable[Counted], value: Callable[[Battery], float | None]
) -> float | None:
    """Return the sum of a value of all batteries; None if there are none, or one is unknown."""
    values = [value(one.battery) for one in each if one.battery is not None]
    known = [one for one in values if one is not None]
    return sum(known) if known and len(known) == len(values) else None
