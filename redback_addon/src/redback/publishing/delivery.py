"""Readings on their way to Home Assistant, until all of them have arrived."""

from collections.abc import Callable, Collection
from datetime import datetime

from .device import Device


class Delivery:
    """The readings on their way; one that the next one overtakes was never shown.

    `note` is called with the serial number and the time, UTC, of each reading that has arrived, and
    with the keys of the sensors whose values Home Assistant has accepted.
    """

    def __init__(self, note: Callable[[str, datetime, Collection[str]], None]) -> None:
        self._note = note
        self._on_the_way: dict[Device, datetime] = {}

    def sent(self, device: Device, moment: datetime) -> None:
        """Note that the reading of this moment is on its way."""
        self._on_the_way[device] = moment

    def under_way(self, device: Device) -> datetime | None:
        """Return the moment of the reading that is on its way; None = all have arrived."""
        return self._on_the_way.get(device)

    def arrived(self, accepted: Callable[[Device], Collection[str]]) -> None:
        """Note that everything sent has arrived, as far as Home Assistant accepts it."""
        for device in [*self._on_the_way]:
            self.arrived_at(device, accepted(device))

    def arrived_at(self, device: Device, accepted: Collection[str]) -> None:
        """Note that the reading of one inverter has arrived."""
        if (moment := self._on_the_way.pop(device, None)) is not None:
            self._note(device.serial, moment, accepted)
