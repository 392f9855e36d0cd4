"""A file of one value for each inverter."""

import asyncio
import threading
from pathlib import Path
from typing import Any, Generic, TypeVar

from .json_file import JsonFile

_Value = TypeVar("_Value")


class KeyedFile(Generic[_Value]):
    """One value for each inverter, on disk as soon as it changes; see `JsonFile`."""

    def __init__(self, path: Path, kind: Any, loss: str) -> None:  # noqa: ANN401 - any type of a value
        self._file: JsonFile[dict[str, _Value]] = JsonFile(path, dict[str, kind], loss)
        self._values: dict[str, _Value] = self._file.load() or {}
        self._changed = asyncio.Event()
        self._lock = threading.Lock()

    @property
    def is_failing(self) -> bool:
        """Whether what was written last has not come to the disk."""
        return self._file.is_failing

    def get(self, serial: str) -> _Value | None:
        """Return the value of an inverter; None where there is none."""
        return self._values.get(serial)

    def set(self, serial: str, value: _Value) -> bool:
        """Set the value, which is written soon; return whether it has changed."""
        if self._values.get(serial) == value:
            return False
        self._values[serial] = value
        self._changed.set()
        return True

    def write(self) -> None:
        """Write everything now."""
        # First, so that a value set from here on is written again.
        self._changed.clear()
        with self._lock:
            self._file.save(dict(self._values))

    async def run(self) -> None:
        """Write each change at once, in a thread, until cancelled."""
        while True:
            await self._changed.wait()
            if not self._changed.is_set():  # `write` was called in between
                continue
            await asyncio.to_thread(self.write)
