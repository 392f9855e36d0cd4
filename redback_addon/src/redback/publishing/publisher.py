"""The interface of every way to show values in Home Assistant."""

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
    """Shows values in Home Assistant."""

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        """Show these values of an inverter; unchanged ones cost nothing."""

    def sent(self, serial: str, moment: datetime) -> None:
        """Note that all values of a reading have been offered.

        Args:
            serial: of the inverter.
            moment: of the reading, UTC; it is noted as shown once everything has arrived.
        """
