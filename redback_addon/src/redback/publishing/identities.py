"""By which serial number each device over MQTT is known for good, whatever inverter it is now."""

import re
from pathlib import Path

from ..storage.json_file import JsonFile
from .device import Device

FILE = "devices.json"
# The characters of a topic, and of a part of a unique id.
_STRANGE = re.compile(r"[^A-Za-z0-9-]")


class Identities:
    """The file of all devices that were published, until they are taken back.

    An inverter that replaces another one inherits its device, and so do its entities.
    """

    def __init__(self, folder: Path) -> None:
        loss = "devices that are not wanted any more may have to be deleted by hand"
        self._file = JsonFile(folder / FILE, dict[str, str], loss)
        self._by_serial = self._file.load() or {}
        self._published = frozenset(self._by_serial.values())
        self._is_new = False

    @property
    def published(self) -> frozenset[str]:
        """All identities that were given."""
        return self._published

    def of(self, serial: str) -> str | None:
        """Return the identity of an inverter's device; None if it never had one."""
        return self._by_serial.get(serial)

    def serial(self, identity: str) -> str | None:
        """Return the serial number of the inverter whose device has an identity, if any."""
        return next((one for one, own in self._by_serial.items() if own == identity), None)

    def give(self, device: Device) -> str:
        """Return the identity of an inverter's device; one that has none gets it."""
        if (found := self.of(device.serial)) is not None:
            return found
        inherited = [self._by_serial.pop(one, None) for one in device.formers]
        identity = next(filter(None, inherited), None) or _STRANGE.sub("", device.serial)
        while identity in self._by_serial.values():  # its former device is another one's now
            identity += "r"
        self._by_serial[device.serial] = identity
        self._published = frozenset(self._by_serial.values())
        self._is_new = True
        return identity

    @property
    def is_saved(self) -> bool:
        """Whether the file has all of them."""
        return not (self._is_new or self._file.is_failing)

    def save(self) -> bool:
        """Write the file unless it has all; return whether there was anything new."""
        is_new = self._is_new
        if not self.is_saved:
            self._is_new = False
            self._file.save(self._by_serial)
        return is_new

    def clear(self) -> None:
        """Forget all: they are taken back."""
        self._by_serial.clear()
        self._published = frozenset()
        self._file.save(self._by_serial)
