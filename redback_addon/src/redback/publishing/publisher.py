"""The interface of every way to show values in Home Assistant."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Protocol

from ..core import UNAVAILABLE, UNKNOWN, Broker
from ..sensors.details import Details
from ..sensors.entities import Shown
from .device import Device
from .ownership import Ownership

# The attribute, or the part of a message, that says since when what was counted today is counted.
LAST_RESET = "last_reset"
_LONGEST_STATE = 255


class Publisher(Protocol):
    """Shows values in Home Assistant."""

    def describe(self, device: Device, details: Details) -> None:
        """Take what is known of an inverter apart from its values."""

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        """Show these values of an inverter; unchanged ones cost nothing."""

    def sent(self, device: Device, moment: datetime) -> None:
        """Note that all values of a reading have been offered.

        It is noted as shown, at its moment (UTC), once everything has arrived.
        """


class Way(Publisher, Protocol):
    """A publisher as a part of the service.

    Attributes:
        ownership: decides which entities may be written.
        broker: there for devices, and to take them back.
        are_devices: whether it shows devices.
    """

    ownership: Ownership
    broker: Broker
    are_devices: bool

    def states(self, device: Device) -> Mapping[str, str]:
        """Return the states of an inverter that Core should show, by key."""

    async def run(self) -> None:
        """Publish whatever is due, until cancelled."""

    async def farewell(self, deadline: float) -> None:
        """Make everything unavailable, by a time on the event loop's clock."""


def plain(shown: Shown) -> str | float | None:
    """Return a value as JSON and Core have it; what is unavailable is unknown."""
    match shown.value:
        case date() as moment:  # or a datetime, which is one too
            return moment.isoformat()
        case str() as words:
            return words[:_LONGEST_STATE]
        case value:
            return value


def text(shown: Shown) -> str:
    """Return the state, as Core has it, of a value."""
    if not shown.is_available:
        return UNAVAILABLE
    value = plain(shown)
    return UNKNOWN if value is None else str(value)
