"""An inverter as Home Assistant shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """An inverter as Home Assistant shows it.

    Attributes:
        serial: its serial number.
        name: what people call it.
        formers: the serial numbers of those that it replaced, the latest first.
    """

    serial: str
    name: str
    formers: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """The serial number that its entities are registered by: that of the first inverter."""
        return self.formers[-1] if self.formers else self.serial
