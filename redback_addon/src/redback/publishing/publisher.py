"""The interface of every way to show values in Home Assistant."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..sensors.entities import Shown


@dataclass(frozen=True, slots=True)
class Device:
    """An inverter as Home Assistant shows it: its serial number, and what people call it."""

    serial: str
    name: str


class Publisher(Protocol):
    """Shows values in Home Assistant."""

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        """Show these values of an inverter; unchanged ones cost nothing."""

    def sent(self, device: Device, moment: datetime) -> None:
        """Note that all values of a reading have been offered.

        It is noted as shown, at its moment (UTC), once everything has arrived.
        """
