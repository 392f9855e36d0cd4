"""Readings on their way to Home Assistant, until all of them have arrived."""

from collections.abc import Callable
from datetime import datetime


class Delivery:
    """What is on its way.

    A reading whose values did not arrive before those of the next one was never shown.

    Args:
        note: takes the serial number and the moment, UTC, of each reading that has arrived.
    """

    def __init__(self, note: Callable[[str, datetime], None]) -> None:
        self._note = note
        self._on_the_way: dict[str, datetime] = {}

    def sent(self, serial: str, moment: datetime) -> None:
        """Take in that the reading of this moment is to be shown."""
        self._on_the_way[serial] = moment

    def arrived(self) -> None:
        """Take in that Home Assistant shows everything that it should."""
        for serial, moment in self._on_the_way.items():
            self._note(serial, moment)
        self._on_the_way.clear()
