"""What every way of showing values in Home Assistant can do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..sensors.entities import Shown


@dataclass(frozen=True, slots=True)
class Device:
    """An inverter as Home Assistant shows it.

    Attributes:
        serial: its serial number.
        name: what people call it.
    """

    serial: str
    name: str


class Publisher(Protocol):
    """Takes what Home Assistant should show."""

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        """Show these values of an inverter; those that are shown already cost nothing."""

    def sent(self, serial: str, moment: datetime) -> None:
        """Take in that all of an inverter's reading has been offered.

        Args:
            serial: of the inverter.
            moment: of the reading, UTC; it is noted as shown once everything has arrived.
        """
