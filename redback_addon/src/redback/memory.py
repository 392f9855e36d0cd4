"""What was found out once and must outlive a restart: names, and the cloud's ways."""

import threading
from pathlib import Path
from typing import Any

import msgspec

from .cloud import CloudMemory, Inverter
from .naming import GivenName
from .storage import JsonFile


class Kept(msgspec.Struct, frozen=True):
    """The content of the file.

    Attributes:
        names: the name that each inverter was once given, by serial number.
        inverters: those that the account had when it was last asked.
        cloud: what the cloud client has found out about the account.
        is_history_paused: whether somebody has told the history to wait.
    """

    names: dict[str, GivenName] = {}
    inverters: tuple[Inverter, ...] = ()
    cloud: CloudMemory = CloudMemory()
    is_history_paused: bool = False


class Memory:
    """What is kept, and its file; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, Kept, "the names of inverters may change")
        self._lock = threading.Lock()
        self.kept = self._file.load() or Kept()

    def keep(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Kept, each of its type
        """Change some of what is kept, and write the file if that makes a difference."""
        with self._lock:
            kept = msgspec.structs.replace(self.kept, **changes)
            if kept != self.kept:
                self.kept = kept
                self._file.save(kept)
