"""Readings on their way to Home Assistant, until all of them have arrived."""

from collections.abc import Callable, Collection
from datetime import datetime

from .publisher import Device


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

    def arrived(self, accepted: Callable[[Device], Collection[str]]) -> None:
        """Note that everything sent has arrived, as far as Home Assistant accepts it."""
        for device, moment in self._on_the_way.items():
            self._note(device.serial, moment, accepted(device))
        self._on_the_way.clear()
