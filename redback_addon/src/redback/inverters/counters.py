"""Lifetime counters that can be believed: a null, a glitch or a jump never becomes energy.

Core adds up what a counter grows. A counter that reads 1001, then once 0, then 1002 would add a
lifetime's energy to one hour. So what a counter says is compared with what was last believed:

- The first value is believed when a second one fits it; what the cloud has of the minutes before
  the start may be that second one (see `warm_up`). A first value of zero, which is what a glitch
  looks like, is believed when it has stayed for half an hour.
- Later ones are believed if the counter has grown by no more than the plant can have produced or
  used meanwhile. After a long time that can be much, so that a second one must fit the first.
- The same reading again confirms nothing.
- If it is missing, the last value stands.
- If it is lower by less than a tenth, the last value stands until the counter has caught up: Core
  would subtract the difference from the energy of the hour.
- If it is lower by more, or has jumped, the last value stands until the new one has gone on
  growing for some readings; after a jump it is enough that it has stayed for half an hour. Then
  the counter was really reset, or replaced, and the new value is let through, as one step, which
  Core takes for a new counter.
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

# What no counter of a plant of unknown size exceeds, nor any household's connection to the grid.
_UNKNOWN_KW = 30.0
# Sizes are nominal, and a cold, bright day goes beyond them.
_OVERSIZE = 2.0
# A counter may have waited to be updated for a minute or two.
_SLACK = timedelta(minutes=2)
_SLACK_KWH = 0.1
# Below this share of the last value, Core takes a lower one for a new counter.
RESET_BELOW = 0.9
# That many steps of growth after a fall or a jump make it believed.
_GROWTHS = 3
# A glitch does not stay for so many readings.
_STAYS = 30
# A glitch stands alone, so that two values that fit each other are none.
_CONFIRMED = 2
# After so long without a value a glitch could be taken for what has been produced meanwhile.
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
        has_stepped: whether that was a reset or a jump that was let through.
    """

    def __init__(self, name: str, believed: Believed | None = None) -> None:
        self._name = name
        self.believed = believed
        self.has_stepped = False
        self._doubt: _Doubt | None = None
        # For how many readings it has been a little less than what is believed.
        self._held = 0

    def take(self, value: float | None, at: datetime, most_kw: float) -> float | None:
        """Take what the cloud says, and return what is believed.

        Args:
            value: kWh, or None where the cloud says nothing.
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
            "%s went from %.3f to %.3f kWh and goes on from there.", self._name, last.value, value
        )
        self.has_stepped = True
        return True

    def _hold(self, last: float, value: float) -> None:
        """Log once that a counter was corrected, when that is sure to be no glitch."""
        self._held += 1
        if self._held == _STAYS:
            _LOG.warning(
                "%s went back from %.3f to %.3f kWh; it stands until it has caught up.",
                self._name,
                last,
                value,
            )

    def _doubted(self, value: float, at: datetime, most_kw: float) -> _Doubt:
        """Add the value to the run of doubtful ones, or begin another."""
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
    """Whether a counter can have grown so much, and has not become less."""
    hours = (max(at - before_at, timedelta()) + _SLACK) / timedelta(hours=1)
    return before <= value <= before + most_kw * hours + _SLACK_KWH


class Counters:
    """The counters of one inverter.

    Args:
        name: what people call the inverter.
        believed: what was believed when the program last ran, by the sensor's key; or, as 1.0.0
            has left it, by the field of the reading.
    """

    def __init__(self, name: str, believed: Mapping[str, Believed]) -> None:
        self._counters = {
            row.key: Counter(f"{name}'s {row.name}", believed.get(row.key, believed.get(row.field)))
            for row in COUNTERS
        }

    @property
    def believed(self) -> dict[str, Believed]:
        """What is believed now, by the sensor's key."""
        return {
            key: counter.believed
            for key, counter in self._counters.items()
            if counter.believed is not None
        }

    @property
    def has_stepped(self) -> bool:
        """Whether the last reading let a reset or a jump of a counter through."""
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
