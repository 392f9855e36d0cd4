"""The sensors of one inverter that exist, and the values they show."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from .reading import OFFLINE, Reading
from .table import STATUS, Sensor, Value, find, sensors


class Shown(NamedTuple):
    """The value that a sensor shows, rounded to what the meter resolves; None = unknown.

    `is_gone` is whether there is no such sensor any more. What was counted today has the midnight
    since when.
    """

    key: str
    value: Value = None
    is_available: bool = True
    is_gone: bool = False
    since: datetime | None = None


class Entities:
    """The sensors of one inverter that exist.

    A sensor exists from the first reading that has a value for it, or that says that it may be
    unknown. From then on every reading shows it, as unknown where the cloud has nothing.

    Args:
        former: the keys of those that existed when the program last ran. With the first reading
            they exist again, or become unavailable for good if there is no such sensor any more.
        is_recalled: whether they exist already, before there is a reading.

    Attributes:
        keys: of all that Home Assistant may show, saved for the next run.
        sensors: those that exist so far, by key.
    """

    def __init__(
        self, *, detailed: bool, former: Iterable[str] = (), is_recalled: bool = False
    ) -> None:
        self._detailed = detailed
        self._former = tuple(former)
        self.keys = self._former
        recalled = filter(None, map(find, self._former)) if is_recalled else ()
        self._sensors: dict[str, Sensor] = {sensor.key: sensor for sensor in recalled}
        self.sensors: Mapping[str, Sensor] = self._sensors

    def show(self, reading: Reading) -> list[Shown]:
        """Return what all sensors that exist so far show for a reading."""
        number, former, is_live = len(self._sensors), self._former, reading.is_live
        awaited = []
        for sensor in sensors(reading, detailed=self._detailed):
            if sensor.key in self._sensors:
                continue
            is_former = sensor.key in former
            is_known = sensor.value(reading) is not None or sensor.may_be_unknown(reading)
            if is_known or (is_former and not sensor.fact):
                self._sensors[sensor.key] = sensor
            elif is_former:  # its value comes soon; what Home Assistant shows is still right
                awaited.append(sensor.key)
        if former or len(self._sensors) > number:
            self._former = tuple(awaited)
            self.keys = tuple(sorted([*self._sensors, *awaited]))
        gone = (key for key in former if key not in self._sensors and key not in awaited)
        return [
            *(Shown(key, is_available=False, is_gone=True) for key in gone),
            *(_show(sensor, reading, is_live=is_live) for sensor in self._sensors.values()),
        ]

    def unavailable(self) -> list[Shown]:
        """Return all sensors as unavailable."""
        return [Shown(key, is_available=False) for key in self.keys]

    def lapsed(self) -> list[Shown]:
        """Return what to show if no reading has arrived for too long since the start."""
        found = filter(None, map(find, self._former))
        return [
            Shown(sensor.key, OFFLINE)
            if sensor.quantity is STATUS
            else Shown(sensor.key, is_available=False)
            for sensor in found
            if sensor.quantity is STATUS or sensor.lapses
        ]

    def statistics(self) -> Iterator[Sensor]:
        """Yield the sensors that have statistics in Home Assistant which are kept complete."""
        for sensor in self._sensors.values():
            quantity = sensor.quantity
            if quantity.state_class is not None and not quantity.is_of_today:
                yield sensor

    def numbers(self, reading: Reading) -> Iterator[tuple[str, float | None]]:
        """Yield the numbers that sensors with statistics show for a reading, by key."""
        is_live = reading.is_live
        for sensor in self.statistics():
            value = _show(sensor, reading, is_live=is_live).value
            yield sensor.key, value if isinstance(value, int | float) else None


def _show(sensor: Sensor, reading: Reading, *, is_live: bool) -> Shown:
    if sensor.lapses and not is_live:
        return Shown(sensor.key, is_available=False)
    value, digits = sensor.value(reading), sensor.quantity.digits
    if isinstance(value, int | float) and digits is not None:
        # Adding zero turns -0.0 into 0.0.
        value = round(value, digits) + 0.0 if digits else round(value)
    today = reading.today if sensor.quantity.is_of_today else None
    return Shown(sensor.key, value, since=None if today is None else today.since)
