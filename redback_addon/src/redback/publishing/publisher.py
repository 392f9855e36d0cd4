"""What every way of showing values in Home Assistant can do."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from ..core import State


class Publisher(Protocol):
    """Takes what Home Assistant should show."""

    def offer(self, states: Iterable[State]) -> None:
        """Let these be shown; those that are shown already cost nothing."""

    def sent(self, serial: str, moment: datetime) -> None:
        """Take in that all of an inverter's reading has been offered.

        Args:
            serial: of the inverter.
            moment: of the reading, UTC; it is noted as shown once everything has arrived.
        """
