"""What a counter has about counted in an hour, by the power that it counts."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from ..cloud import Dynamic
from ..inverters.inverter import Inverter
from ..sensors.reading import STALE_AFTER

_HOUR = timedelta(hours=1)


class Flowed(msgspec.Struct, frozen=True, array_like=True):
    """The energy of an hour, kWh.

    Attributes:
        lead: from the last reading before the hour until it began.
        early: in the hour, until the last reading of it that Core was shown.
        late: from then until the end of the hour; None where Core was shown none, so that `early`
            is the whole hour.
    """

    lead: float
    early: float
    late: float | None = None


def flow(
    known: Inverter, readings: Sequence[Dynamic], start: datetime, shown_until: datetime | None
) -> dict[str, Flowed]:
    """Give the energy of the powers that counters count, by the counter's entity id.

    Args:
        known: the inverter.
        readings: those of the hour, oldest first, and the last one before it where there is one.
        start: of the hour, UTC.
        shown_until: the time of the last reading of the hour that Core was shown; None = there
            was none.
    """
    lead = (min(readings[0].timestamp, start), start)
    shown = shown_until or start + _HOUR
    parts = (lead, (start, shown), (shown, start + _HOUR))
    energies: dict[str, list[float]] = {}
    for since, until, powers in _powers(known, readings, start):
        hours = [max((min(until, end) - max(since, begin)) / _HOUR, 0.0) for begin, end in parts]
        for entity_id, power in powers.items():
            so_far = energies.get(entity_id, [0.0] * len(parts))
            energies[entity_id] = [
                energy + power * held for energy, held in zip(so_far, hours, strict=True)
            ]
    return {
        entity_id: Flowed(lead, early, None if shown_until is None else late)
        for entity_id, (lead, early, late) in energies.items()
    }


def _powers(
    known: Inverter, readings: Sequence[Dynamic], start: datetime
) -> Iterator[tuple[datetime, datetime, Mapping[str, float]]]:
    """Tell from when until when there were which powers, by the counter's entity id; kW.

    From one reading to the next it is the mean of both; the first one holds from the start if it
    is later, and none longer than it would be shown.
    """
    flows = [dict(known.entities.flows(known.reading(reading))) for reading in readings]
    stamps = [reading.timestamp for reading in readings]
    if stamps[0] > start:
        yield max(start, stamps[0] - STALE_AFTER), stamps[0], _mean(flows[0])
    for number, (stamp, after) in enumerate(pairwise([*stamps, start + _HOUR])):
        is_next_near = number + 1 < len(flows) and after - stamp <= STALE_AFTER
        both = flows[number : number + 2] if is_next_near else flows[number : number + 1]
        yield stamp, min(after, stamp + STALE_AFTER), _mean(*both)


def _mean(*flows: Mapping[str, float | None]) -> dict[str, float]:
    """Give the mean of those powers that are known, by entity id."""
    known: dict[str, list[float]] = {}
    for flow in flows:
        for entity_id, power in flow.items():
            if power is not None:
                known.setdefault(entity_id, []).append(power)
    return {entity_id: sum(powers) / len(powers) for entity_id, powers in known.items()}
