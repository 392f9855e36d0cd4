"""The state that must outlive a restart: names, inverters, and facts about the account."""

import threading
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from .cloud import ListedInverter, Remembered
from .inverters.naming import GivenName
from .storage.json_file import JsonFile

FILE = "memory.json"


class Saved(msgspec.Struct, frozen=True):
    """The content of the file; names stay as first given, and all are by serial number.

    `missing` is since when the cloud does not list an inverter, UTC.
    """

    names: dict[str, GivenName] = {}
    inverters: tuple[ListedInverter, ...] = ()
    cloud: Remembered = Remembered()
    is_history_paused: bool = False
    missing: dict[str, Annotated[datetime, msgspec.Meta(tz=True)]] = {}


class SavedState:
    """The state and its file; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, Saved, "the names of inverters may change")
        self._lock = threading.Lock()
        self.saved = self._file.load() or Saved()

    def save(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Saved, each of its type
        """Change some fields, and write the file if that makes a difference."""
        with self._lock:
            changed = msgspec.structs.replace(self.saved, **changes)
            if changed != self.saved:
                self.saved = changed
                self._file.save(changed)
