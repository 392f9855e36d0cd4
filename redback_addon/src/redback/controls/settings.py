"""Settings for the next commands over MQTT; they outlive a restart."""

from pathlib import Path

import msgspec

from ..storage.json_file import JsonFile

FILE = "control_settings.json"


class Setting(msgspec.Struct, frozen=True):
    """Settings for the next commands to one inverter.

    Attributes:
        power: of a mode, W.
        duration: of a mode or a limit, minutes.
        export_limit_power: the most that may be exported, W.
    """

    power: int = 1000
    duration: int = 60
    export_limit_power: int = 0


class Settings:
    """The file; setting something writes nothing to the cloud."""

    def __init__(self, folder: Path) -> None:
        loss = "what the next commands use has to be set again"
        self._file = JsonFile(folder / FILE, dict[str, Setting], loss)
        self._settings = self._file.load() or {}

    def of(self, serial: str) -> Setting:
        """Return what is set for an inverter."""
        return self._settings.get(serial, Setting())

    def set(self, serial: str, key: str, value: int) -> None:
        """Set something for an inverter."""
        before = self.of(serial)
        self._settings[serial] = after = msgspec.structs.replace(before, **{key: value})
        if after != before:
            self._file.save(self._settings)
