"""The counters of one inverter, each with its own meter."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from ..cloud import Dynamic, Static
from ..sensors.counters import COUNTERS, CounterRow
from ..sensors.details import NO_DETAILS, Details
from ..sensors.reading import Reading
from .interval import Interval
from .meter import Believed, HourEnd, Meter

# No plant of unknown size, and no household's grid connection, has more power than this.
_UNKNOWN_KW = 30.0
# Sizes are nominal, and a cold, bright day goes beyond them.
_OVERSIZE = 2.0


class Meters:
    """The counters of one inverter.

    Args:
        name: what people call the inverter.
        believed: the values believed when the program last ran, by sensor key; from 1.0.0, by
            the reading's field.
    """

    def __init__(self, name: str, believed: Mapping[str, Believed]) -> None:
        self._meters = {
            row.key: Meter(f"{name}'s {row.name}", believed.get(row.key, believed.get(row.field)))
            for row in COUNTERS
        }
        self._interval = Interval()

    @property
    def believed(self) -> dict[str, Believed]:
        """The values believed now, by sensor key."""
        return {
            key: meter.believed for key, meter in self._meters.items() if meter.believed is not None
        }

    @property
    def has_stepped(self) -> bool:
        """Whether a reset or a jump was accepted with the last reading."""
        return any(meter.has_stepped for meter in self._meters.values())

    @property
    def ended(self) -> dict[str, list[HourEnd]]:
        """What the last call has made known of hours that ended before it, by sensor key."""
        return {key: meter.ended for key, meter in self._meters.items() if meter.ended}

    def believe(self, dynamic: Dynamic, details: Details = NO_DETAILS) -> Dynamic:
        """Return the reading with the believed values of its counters."""
        reading = Reading("", dynamic.timestamp, dynamic, details)
        self._interval.note(dynamic.timestamp)
        fresh = self._interval.longest_step
        values = {
            row.field: self._meters[row.key].take(
                row.value(reading),
                dynamic.timestamp,
                most_kw(row, details.static),
                row.flow(reading),
                fresh,
            )
            for row in COUNTERS
        }
        return msgspec.structs.replace(dynamic, **values)

    def end_hour(self, end: datetime) -> None:
        """Note that there are no more readings before an hour's end."""
        for meter in self._meters.values():
            meter.end_hour(end)


def most_kw(row: CounterRow, static: Static | None) -> float:
    """Return the greatest power that a counter can count, kW."""
    size = _size_kw(static)
    return size if row.is_sized else max(size, _UNKNOWN_KW)


def _size_kw(static: Static | None) -> float:
    """Return the greatest power that the inverter or its parts can have, kW."""
    if static is None:
        return _UNKNOWN_KW
    panels, inverter = static.panel_size_kw, static.inverter_max_export_power_kw
    # One of them alone does not bound the other.
    return _OVERSIZE * max(panels, inverter) if panels and inverter else _UNKNOWN_KW
