"""Readings on their way to Home Assistant, until all of them have arrived."""

from collections.abc import Callable
from datetime import datetime


class Delivery:
    """The readings on their way.

    A reading that the next one overtakes was never shown.

    Args:
        note: called with the serial number and the time, UTC, of each reading that has arrived.
    """

    def __init__(self, note: Callable[[str, datetime], None]) -> None:
        self._note = note
        self._on_the_way: dict[str, datetime] = {}

    def sent(self, serial: str, moment: datetime) -> None:
        """Note that the reading of this moment is on its way."""
        self._on_the_way[serial] = moment

    def arrived(self) -> None:
        """Note that everything sent has arrived."""
        for serial, moment in self._on_the_way.items():
            self._note(serial, moment)
        self._on_the_way.clear()
