"""What every counter last said, kept on disk: a restart must not forget what is believed."""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path

from .counters import Believed
from .storage import JsonFile
from .threads import in_thread

_Pages = dict[str, dict[str, Believed]]


class Ledger:
    """The last believed value of every counter, by inverter."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, _Pages, "a glitch of a counter may be believed after a restart")
        self._pages: _Pages = self._file.load() or {}
        self._changed = asyncio.Event()
        self._lock = threading.Lock()

    def believed(self, serial: str) -> Mapping[str, Believed]:
        """Give what was last believed of an inverter's counters, by field of the reading."""
        return self._pages.get(serial, {})

    def note(self, serial: str, believed: dict[str, Believed]) -> None:
        """Note what is believed now; it is written soon."""
        self._pages[serial] = believed
        self._changed.set()

    def write(self) -> None:
        """Write everything now."""
        with self._lock:
            self._file.save(dict(self._pages))

    async def run(self) -> None:
        """Write each change at once, beside the event loop, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await in_thread(self.write)
