"""Decides which counter values are believed: a null, a glitch or a jump never becomes energy.

Core adds up what a counter grows. A counter that reads 1001, then once 0, then 1002 would add a
lifetime's energy to one hour. So each value is compared with the last one that was believed:

- The first value is believed once a second one fits it, which may come from the minutes before
  the start (see `warm_up`). A first value of zero, which is what a glitch looks like, is believed
  after half an hour.
- Later values are believed if the counter has grown by no more than the plant can have produced
  or used in the time. After a long time that can be much, so a second value must fit the first.
- The same reading again confirms nothing.
- While the value is missing, the last one stays.
- If it falls by less than a tenth, the last value stays until the counter has caught up: Core
  would subtract the difference from the energy of the hour.
- If it falls further or jumps, the last value stays until the new one has grown for some readings;
  after a jump it is enough that it has stayed for half an hour. Then the counter was really reset
  or replaced: the new value is accepted, as one step, which Core treats as a new counter.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from ..cloud import Dynamic, Static
from ..sensors.counters import COUNTERS

_LOG = logging.getLogger(__name__)

# No plant of unknown size, and no household's grid connection, has more power than this.
_UNKNOWN_KW = 30.0
# Sizes are nominal, and a cold, bright day goes beyond them.
_OVERSIZE = 2.0
# A counter may be updated a minute or two late.
_SLACK = timedelta(minutes=2)
_SLACK_KWH = 0.1
# Below this share of the last value, Core treats a value as a new counter's.
RESET_BELOW = 0.9
# After a fall or a jump, this many increases make a value believed.
_GROWTHS = 3
# No glitch lasts for this many readings.
_STAYS = 30
# A glitch is a single value: two that fit each other are none.
_CONFIRMED = 2
# After this long without a value, a glitch could pass for energy produced in that time.
_LONG = timedelta(minutes=10)


def step(before: float, after: float) -> float:
    """Return what Core adds when a counter goes from one value to the next, kWh."""
    return after if after < RESET_BELOW * before else after - before


class Believed(msgspec.Struct, frozen=True):
    """The last value of a counter that was believed.

    Attributes:
        value: kWh.
        at: the time of its reading, UTC.
    """

    value: Annotated[float, msgspec.Meta(ge=0)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A run of values that fit each other, but not what was last believed."""

    value: float
    at: datetime
    readings: int = 1
    growths: int = 0


class Counter:
    """One counter of one inverter.

    Attributes:
        believed: the last value that was believed.
        has_stepped: whether that was an accepted reset or jump.
    """

    def __init__(self, name: str, believed: Believed | None = None) -> None:
        self._name = name
        self.believed = believed
        self.has_stepped = False
        self._doubt: _Doubt | None = None
        # For how many readings it has been slightly below the believed value.
        self._held = 0

    def take(self, value: float | None, at: datetime, most_kw: float) -> float | None:
        """Take the cloud's value, and return the believed one.

        Args:
            value: kWh; None = the cloud has none.
            at: the time of the reading, UTC.
            most_kw: the greatest power that this counter can count.
        """
        self.has_stepped = False
        if value is not None and value >= 0 and self._is_credible(value, at, most_kw):
            self.believed, self._doubt = Believed(value, at), None
        return None if self.believed is None else self.believed.value

    def _is_credible(self, value: float, at: datetime, most_kw: float) -> bool:
        last = self.believed
        if last is None:
            readings = self._doubted(value, at, most_kw).readings
            return readings >= (_CONFIRMED if value > 0 else _STAYS)
        if _can_become(last.value, last.at, value, at, most_kw):
            self._held = 0
            if value == last.value or at - last.at <= _LONG:
                return True
            return self._doubted(value, at, most_kw).readings >= _CONFIRMED
        if RESET_BELOW * last.value <= value < last.value:
            self._doubt = None
            self._hold(last.value, value)
            return False
        doubt = self._doubted(value, at, most_kw)
        has_stayed = value > last.value and doubt.readings >= _STAYS
        if doubt.growths < _GROWTHS and not has_stayed:
            return False
        _LOG.warning(
            "%s went from %.3f to %.3f kWh and continues from there.", self._name, last.value, value
        )
        self.has_stepped = True
        return True

    def _hold(self, last: float, value: float) -> None:
        """Log once that a counter was corrected, when it is certainly no glitch."""
        self._held += 1
        if self._held == _STAYS:
            _LOG.warning(
                "%s fell from %.3f to %.3f kWh; the old value stays until it has caught up.",
                self._name,
                last,
                value,
            )

    def _doubted(self, value: float, at: datetime, most_kw: float) -> _Doubt:
        """Add the value to the run of doubtful ones, or start a new run."""
        doubt = self._doubt
        if doubt is not None and (at, value) == (doubt.at, doubt.value):
            return doubt
        if (
            doubt is None
            or at == doubt.at
            or not _can_become(doubt.value, doubt.at, value, at, most_kw)
        ):
            doubt = _Doubt(value, at)
        else:
            growths = doubt.growths + (value > doubt.value)
            doubt = _Doubt(value, at, doubt.readings + 1, growths)
        self._doubt = doubt
        return doubt


def _can_become(
    before: float, before_at: datetime, value: float, at: datetime, most_kw: float
) -> bool:
    """Whether a counter can have grown to this value, and has not fallen."""
    hours = (max(at - before_at, timedelta()) + _SLACK) / timedelta(hours=1)
    return before <= value <= before + most_kw * hours + _SLACK_KWH


class Counters:
    """The counters of one inverter.

    Args:
        name: what people call the inverter.
        believed: the values believed when the program last ran, by sensor key; from 1.0.0, by
            the reading's field.
    """

    def __init__(self, name: str, believed: Mapping[str, Believed]) -> None:
        self._counters = {
            row.key: Counter(f"{name}'s {row.name}", believed.get(row.key, believed.get(row.field)))
            for row in COUNTERS
        }

    @property
    def believed(self) -> dict[str, Believed]:
        """The values believed now, by sensor key."""
        return {
            key: counter.believed
            for key, counter in self._counters.items()
            if counter.believed is not None
        }

    @property
    def has_stepped(self) -> bool:
        """Whether a reset or a jump was accepted with the last reading."""
        return any(counter.has_stepped for counter in self._counters.values())

    def believe(self, dynamic: Dynamic, static: Static | None) -> Dynamic:
        """Return the reading with the believed values of its counters."""
        size = _size_kw(static)
        values = {
            row.field: self._counters[row.key].take(
                getattr(dynamic, row.field),
                dynamic.timestamp,
                size if row.is_sized else max(size, _UNKNOWN_KW),
            )
            for row in COUNTERS
        }
        return msgspec.structs.replace(dynamic, **values)


def _size_kw(static: Static | None) -> float:
    """Return the greatest power that the inverter or its parts can have, kW."""
    if static is None:
        return _UNKNOWN_KW
    panels, inverter = static.panel_size_kw, static.inverter_max_export_power_kw
    # One of them alone does not bound the other.
    return _OVERSIZE * max(panels, inverter) if panels and inverter else _UNKNOWN_KW
