"""What was found out once and must outlive a restart: names, and the cloud's ways."""

import threading
from pathlib import Path
from typing import Any

import msgspec

from .cloud import ListedInverter, Remembered
from .inverters.naming import GivenName
from .storage.json_file import JsonFile


class Saved(msgspec.Struct, frozen=True):
    """The content of the file.

    Attributes:
        names: the name that each inverter was once given, by serial number.
        inverters: those that the account had when it was last asked.
        cloud: what the cloud client has found out about the account.
        is_history_paused: whether somebody has told the history to wait.
    """

    names: dict[str, GivenName] = {}
    inverters: tuple[ListedInverter, ...] = ()
    cloud: Remembered = Remembered()
    is_history_paused: bool = False


class SavedState:
    """What is kept, and its file; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, Saved, "the names of inverters may change")
        self._lock = threading.Lock()
        self.saved = self._file.load() or Saved()

    def save(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Kept, each of its type
        """Change some of what is kept, and write the file if that makes a difference."""
        with self._lock:
            kept = msgspec.structs.replace(self.saved, **changes)
            if kept != self.saved:
                self.saved = kept
                self._file.save(kept)
