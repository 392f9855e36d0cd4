"""Readings on their way to Core; those that have arrived are noted in the coverage."""

from datetime import datetime

from .coverage import Coverage


class Delivery:
    """What is on its way.

    A reading whose states did not arrive before those of the next one was never shown.
    """

    def __init__(self, coverage: Coverage) -> None:
        self._coverage = coverage
        self._on_the_way: dict[str, datetime] = {}

    def sent(self, serial: str, stamp: datetime) -> None:
        """Take in that the reading of this moment is to be shown."""
        self._on_the_way[serial] = stamp

    def arrived(self) -> None:
        """Take in that Core shows everything that it should."""
        for serial, stamp in self._on_the_way.items():
            self._coverage.note(serial, stamp)
        self._on_the_way.clear()
