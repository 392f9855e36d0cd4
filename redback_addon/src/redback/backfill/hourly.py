"""Summarises one hour of one inverter, as Core would have."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from ..cloud import Dynamic
from ..inverters.counters import RESET_BELOW, Counters, step
from ..inverters.inverter import Inverter
from ..sensors.former_ids import sensors_by_id
from ..sensors.reading import STALE_AFTER

_HOUR = timedelta(hours=1)


class Measured(msgspec.Struct, frozen=True, array_like=True):
    """A measurement over an hour, in the unit of its entity; the mean is weighted by time."""

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


class Flowed(msgspec.Struct, frozen=True, array_like=True):
    """An estimate from power of what a counter counted that the cloud does not have; kWh.

    Attributes:
        lead: from the last reading before the hour until it began.
        early: in the hour, until the last reading of it that Core was shown.
        late: from then until the end of the hour; None where Core was shown none, so that `early`
            is the whole hour.
    """

    lead: float
    early: float
    late: float | None = None


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """An hour of all sensors that have statistics, by key.

    On disk it is a list, which 1.0.0 cannot read, so that it fetches the hour again.

    Attributes:
        measured: the measurements.
        counted: the counters.
        flowed: counters that the cloud does not have.
    """

    measured: dict[str, Measured]
    counted: dict[str, Counted]
    flowed: dict[str, Flowed] = {}


class _FormerSummary(msgspec.Struct, frozen=True):
    """A summary as 1.0.0 stored it: by entity id."""

    measured: dict[str, Measured]
    counted: dict[str, Counted]
    flowed: dict[str, Flowed] = {}


def decode(packed: bytes) -> Summary:
    """Return a summary that this version or 1.0.0 stored.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError: it cannot be read.
    """
    try:
        return msgspec.msgpack.decode(packed, type=Summary)
    except msgspec.ValidationError:
        former = msgspec.msgpack.decode(packed, type=_FormerSummary)
    sensors = sensors_by_id([*former.measured, *former.counted, *former.flowed])
    if not sensors and (former.measured or former.counted or former.flowed):
        raise msgspec.ValidationError("no sensor has these entity ids")
    return Summary(
        {sensors[one].key: found for one, found in former.measured.items()},
        {sensors[one].key: found for one, found in former.counted.items()},
        {sensors[one].key: found for one, found in former.flowed.items()},
    )


def believed(inverter: Inverter, readings: Iterable[Dynamic]) -> tuple[Dynamic, ...]:
    """Return readings, oldest first, with the believed values of their counters."""
    counters = Counters(f"{inverter.name} (history)", {})
    return tuple(counters.believe(reading, inverter.details.static) for reading in readings)


def summarise(
    inverter: Inverter,
    readings: Sequence[Dynamic],
    start: datetime,
    before: Dynamic | None = None,
    shown_until: datetime | None = None,
) -> Summary | None:
    """Sum up the readings of one hour, for all sensors that the inverter has so far.

    A value holds until the next one, and the last one until the end of the hour; but none
    longer than it would be shown. Nulls are left out.

    Args:
        inverter: the inverter.
        readings: those of the hour, oldest first, with believed counters.
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
    values = _values(inverter, held)
    seconds = list(_seconds([reading.timestamp for reading in held], start))
    measured: dict[str, Measured] = {}
    counted: dict[str, Counted] = {}
    for sensor in inverter.entities.statistics():
        found = values[sensor.key]
        if sensor.quantity.is_counter:
            inside = [value for value in found[-len(readings) :] if value is not None]
            if inside:
                counted[sensor.key] = _counted(inside)
            continue
        weighted = [
            (value, weight)
            for value, weight in zip(found, seconds, strict=True)
            if value is not None and weight is not None
        ]
        if weighted:
            measured[sensor.key] = _measured(weighted)
    flowed = {
        key: energy
        for key, energy in flow(inverter, held, start, shown_until).items()
        if key not in counted
    }
    return Summary(measured, counted, flowed)


def last_counted(inverter: Inverter, readings: Sequence[Dynamic]) -> dict[str, float]:
    """Return the last value of each counter, by key; kWh."""
    values = _values(inverter, readings)
    return {
        sensor.key: value
        for sensor in inverter.entities.statistics()
        if sensor.quantity.is_counter and (value := values.get(sensor.key, [None])[-1]) is not None
    }


def _values(inverter: Inverter, readings: Sequence[Dynamic]) -> dict[str, list[float | None]]:
    """Return what all sensors with statistics showed, reading by reading, by key."""
    values: dict[str, list[float | None]] = {}
    for number, dynamic in enumerate(readings):
        reading = inverter.reading(dynamic)
        for key, value in inverter.entities.numbers(reading):
            values.setdefault(key, [None] * number).append(value)
    return values


def _seconds(stamps: Sequence[datetime], start: datetime) -> Iterator[float | None]:
    """Yield how many seconds each reading holds within the hour; None = only before it."""
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


def flow(
    inverter: Inverter, readings: Sequence[Dynamic], start: datetime, shown_until: datetime | None
) -> dict[str, Flowed]:
    """Return the energy of the powers that counters count, by the counter's key.

    Args:
        inverter: the inverter.
        readings: those of the hour, oldest first, and the last one before it where there is one.
        start: of the hour, UTC.
        shown_until: the time of the last reading of the hour that Core was shown; None = there
            was none.
    """
    lead = (min(readings[0].timestamp, start), start)
    shown = shown_until or start + _HOUR
    parts = (lead, (start, shown), (shown, start + _HOUR))
    energies: dict[str, list[float]] = {}
    for since, until, powers in _powers(inverter, readings, start):
        hours = [max((min(until, end) - max(since, begin)) / _HOUR, 0.0) for begin, end in parts]
        for key, power in powers.items():
            so_far = energies.get(key, [0.0] * len(parts))
            energies[key] = [
                energy + power * held for energy, held in zip(so_far, hours, strict=True)
            ]
    return {
        key: Flowed(lead, early, None if shown_until is None else late)
        for key, (lead, early, late) in energies.items()
    }


def _powers(
    inverter: Inverter, readings: Sequence[Dynamic], start: datetime
) -> Iterator[tuple[datetime, datetime, Mapping[str, float]]]:
    """Yield ranges of time with the mean powers in them, by the counter's key; kW.

    From one reading to the next it is the mean of both; the first one holds from the start if it
    is later, and none longer than it would be shown.
    """
    flows = [dict(inverter.entities.flows(inverter.reading(reading))) for reading in readings]
    stamps = [reading.timestamp for reading in readings]
    if stamps[0] > start:
        yield max(start, stamps[0] - STALE_AFTER), stamps[0], _mean(flows[0])
    for number, (stamp, after) in enumerate(pairwise([*stamps, start + _HOUR])):
        is_next_near = number + 1 < len(flows) and after - stamp <= STALE_AFTER
        both = flows[number : number + 2] if is_next_near else flows[number : number + 1]
        yield stamp, min(after, stamp + STALE_AFTER), _mean(*both)


def _mean(*flows: Mapping[str, float | None]) -> dict[str, float]:
    """Return the mean of those powers that are known, by key."""
    known: dict[str, list[float]] = {}
    for flow in flows:
        for key, power in flow.items():
            if power is not None:
                known.setdefault(key, []).append(power)
    return {key: sum(powers) / len(powers) for key, powers in known.items()}
