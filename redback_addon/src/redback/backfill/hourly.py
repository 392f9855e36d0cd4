"""One hour of one inverter: what its minutes come to, as Core would have made it of them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from ..cloud import Dynamic
from ..inverters.counters import RESET_BELOW, Counters, step
from ..inverters.inverter import Inverter
from ..sensors.reading import STALE_AFTER
from .flowing import Flowed, flow

_HOUR = timedelta(hours=1)


class Measured(msgspec.Struct, frozen=True, array_like=True):
    """A measurement over an hour, in the unit of its entity; the mean is over time."""

    mean: float
    min: float
    max: float


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """A counter over an hour.

    Attributes:
        first: its first value that can be believed, kWh.
        last: its last one, kWh.
        gain: what Core would add from the first to the last, kWh.
        resets: how often it started over in between.
    """

    first: float
    last: float
    gain: float
    resets: int = 0


class Summary(msgspec.Struct, frozen=True):
    """An hour of all entities that have statistics, by entity id.

    Attributes:
        measured: the measurements.
        counted: the counters.
        flowed: what counters that the cloud does not tell have about counted.
    """

    measured: dict[str, Measured]
    counted: dict[str, Counted]
    flowed: dict[str, Flowed] = {}


def believed(known: Inverter, readings: Iterable[Dynamic]) -> tuple[Dynamic, ...]:
    """Give readings, oldest first, with those values of their counters that can be believed."""
    counters = Counters(f"{known.name} (history)", {})
    return tuple(counters.believe(reading, known.details.static) for reading in readings)


def summarise(
    known: Inverter,
    readings: Sequence[Dynamic],
    start: datetime,
    before: Dynamic | None = None,
    shown_until: datetime | None = None,
) -> Summary | None:
    """Sum up the readings of one hour, of all entities that the inverter has by now.

    A value holds until the next one, and the last one until the end of the hour; but none for
    longer than it would be shown. What is null is left out.

    Args:
        known: the inverter.
        readings: those of the hour, oldest first, as far as they can be believed.
        start: of the hour, UTC.
        before: the last reading before the hour, which holds until its first one; where there is
            none, the first one holds from the beginning.
        shown_until: the time of the last reading of the hour that Core was shown; None = there
            was none.

    Returns:
        None where there are no readings.
    """
    if not readings:
        return None
    held = readings if before is None else (before, *readings)
    values = _values(known, held)
    seconds = list(_seconds([reading.timestamp for reading in held], start))
    measured: dict[str, Measured] = {}
    counted: dict[str, Counted] = {}
    for series in known.entities.series:
        found = values[series.entity_id]
        if series.is_counter:
            inside = [value for value in found[-len(readings) :] if value is not None]
            if inside:
                counted[series.entity_id] = _counted(inside)
            continue
        weighted = [
            (value, weight)
            for value, weight in zip(found, seconds, strict=True)
            if value is not None and weight is not None
        ]
        if weighted:
            measured[series.entity_id] = _measured(weighted)
    flowed = {
        entity_id: energy
        for entity_id, energy in flow(known, held, start, shown_until).items()
        if entity_id not in counted
    }
    return Summary(measured, counted, flowed)


def last_counted(known: Inverter, readings: Sequence[Dynamic]) -> dict[str, float]:
    """Give the last value of each counter, by entity id; kWh."""
    values = _values(known, readings)
    return {
        series.entity_id: value
        for series in known.entities.series
        if series.is_counter and (value := values.get(series.entity_id, [None])[-1]) is not None
    }


def _values(known: Inverter, readings: Sequence[Dynamic]) -> dict[str, list[float | None]]:
    """Give what all entities with statistics showed, reading by reading, by entity id."""
    values: dict[str, list[float | None]] = {}
    for number, dynamic in enumerate(readings):
        reading = known.reading(dynamic)
        for entity_id, value in known.entities.numbers(reading):
            values.setdefault(entity_id, [None] * number).append(value)
    return values


def _seconds(stamps: Sequence[datetime], start: datetime) -> Iterator[float | None]:
    """Tell for how long each reading holds within the hour; None = it held before that only."""
    for number, (stamp, after) in enumerate(pairwise([*stamps, start + _HOUR])):
        since = max(stamp, start)
        seconds = (min(after, stamp + STALE_AFTER) - since).total_seconds()
        if number == 0 and stamp > start:
            seconds += min(stamp - start, STALE_AFTER).total_seconds()
        yield seconds if stamp >= start or seconds > 0 else None


def _measured(found: Sequence[tuple[float, float]]) -> Measured:
    values = [value for value, _ in found]
    total = sum(weight for _, weight in found)
    # Two readings of the same second leave no time between them.
    mean = sum(value * weight for value, weight in found) / total if total else values[-1]
    return Measured(mean, min(values), max(values))


def _counted(values: Sequence[float]) -> Counted:
    return Counted(
        values[0],
        values[-1],
        sum(step(before, after) for before, after in pairwise(values)),
        sum(after < RESET_BELOW * before for before, after in pairwise(values)),
    )
