"""Works out what counters have counted since a moment, such as midnight."""

from collections.abc import Mapping
from datetime import datetime

from ..cloud import Static
from ..sensors.counters import COUNTERS
from .hours import HOUR, floor
from .ledger import Ledger
from .meter import Believed, HourEnd, How
from .meters import most_kw
from .resolve import resolve


def counted(
    ledger: Ledger,
    serial: str,
    believed: Mapping[str, Believed],
    since: datetime,
    static: Static | None,
) -> dict[str, float]:
    """Return what counters have counted, kWh, by sensor key; what is unknown is left out.

    Args:
        ledger: knows the hours that are over.
        serial: of the inverter.
        believed: the values that its counters show now, by sensor key.
        since: the moment, UTC. Of the hour in which it lies each minute gets as much.
        static: what is known of the inverter's size.
    """
    found = {}
    first = floor(since)
    for row in COUNTERS:
        last = believed.get(row.key)
        if last is None or last.at < since:
            continue
        hour = floor(last.at)
        energy = None if last.stepped is None else last.stepped.energy
        ended = ledger.hours(serial, row.key, first - HOUR, hour)
        known = resolve([*ended, HourEnd(hour, last.value, energy)], most_kw(row, static))
        if known[0].start != first - HOUR:
            continue  # nobody knows what it showed then
        begun = known[1]
        if known[0].how is How.INCOMPLETE and begun.start > first:
            continue  # all that was counted in hours without readings would be part of it
        before = (
            (since - first) / (min(begun.start + HOUR, last.at) - first) if since > first else 0
        )
        energies = [one.energy or 0.0 for one in known[1:]]
        found[row.key] = sum(energies) - energies[0] * before
    return found
