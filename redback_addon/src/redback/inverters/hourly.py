"""Sums up the measurements of one hour of one inverter, as Core would have."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

import msgspec

from ..cloud import Dynamic
from ..ledger import HOUR
from ..sensors.reading import STALE_AFTER
from .inverter import Inverter


class Measured(msgspec.Struct, frozen=True, array_like=True):
    """A measurement over an hour, in the unit of its entity; the mean is weighted by time."""

    mean: float
    min: float
    max: float


Summary = dict[str, Measured]


def summarise(
    inverter: Inverter,
    readings: Sequence[Dynamic],
    start: datetime,
    before: Dynamic | None = None,
) -> Summary | None:
    """Sum up the readings of one hour, for all measurements that the inverter has so far.

    A value holds until the next one, and the last one until the end of the hour; but none
    longer than it would be shown. Nulls are left out.

    Args:
        inverter: the inverter.
        readings: those of the hour, oldest first.
        start: of the hour, UTC.
        before: the last reading before the hour, which holds until its first one; where there is
            none, the first one holds from the beginning.

    Returns:
        None where there are no readings.
    """
    if not readings:
        return None
    held = readings if before is None else (before, *readings)
    weights = _seconds([reading.timestamp for reading in held], start)
    # What each sensor showed, and for how many seconds.
    shown: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for dynamic, weight in zip(held, weights, strict=True):
        for key, value in inverter.entities.numbers(inverter.reading(dynamic)):
            if value is not None and weight is not None:
                shown[key].append((value, weight))
    return {
        sensor.key: _measured(shown[sensor.key])
        for sensor in inverter.entities.statistics()
        if sensor.key in shown and not sensor.quantity.is_counter
    }


def _seconds(stamps: Sequence[datetime], start: datetime) -> Iterator[float | None]:
    """Yield how many seconds each reading holds within the hour; None = only before it."""
    for number, (stamp, after) in enumerate(pairwise([*stamps, start + HOUR])):
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
