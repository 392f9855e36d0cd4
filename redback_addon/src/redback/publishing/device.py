"""An inverter as Home Assistant shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """An inverter as Home Assistant shows it.

    Attributes:
        serial: its serial number.
        name: what people call it.
        formers: the serial numbers of those that had its name before, the latest first.
    """

    serial: str
    name: str
    formers: tuple[str, ...] = ()
