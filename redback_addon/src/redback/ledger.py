"""Ledgers: what is to be known of each inverter after a restart, on disk as soon as it changes."""

import asyncio
import threading
from pathlib import Path
from typing import Any, Generic, TypeVar

from .counters import Believed
from .entities import Former
from .storage import JsonFile
from .threads import in_thread

_Page = TypeVar("_Page")


class Ledger(Generic[_Page]):
    """One page for each inverter.

    Args:
        path: of the file.
        kind: the type of a page.
        loss: what it means for the user that it is lost, as the end of a sentence.
    """

    def __init__(self, path: Path, kind: Any, loss: str) -> None:  # noqa: ANN401 - any type of a page
        self._file: JsonFile[dict[str, _Page]] = JsonFile(path, dict[str, kind], loss)
        self._pages: dict[str, _Page] = self._file.load() or {}
        self._changed = asyncio.Event()
        self._lock = threading.Lock()

    def page(self, serial: str) -> _Page | None:
        """Give what was last noted of an inverter."""
        return self._pages.get(serial)

    def note(self, serial: str, page: _Page) -> bool:
        """Note what is the case now; it is written soon. Tells whether it is something new."""
        if self._pages.get(serial) == page:
            return False
        self._pages[serial] = page
        self._changed.set()
        return True

    def write(self) -> None:
        """Write everything now."""
        # First: what is noted from here on is written once more.
        self._changed.clear()
        with self._lock:
            self._file.save(dict(self._pages))

    async def run(self) -> None:
        """Write each change at once, beside the event loop, for ever."""
        while True:
            await self._changed.wait()
            if not self._changed.is_set():  # somebody has written it at once
                continue
            await in_thread(self.write)


CountersLedger = Ledger[dict[str, Believed]]
EntitiesLedger = Ledger[tuple[Former, ...]]


def counters_ledger(folder: Path) -> CountersLedger:
    """Open the last believed values of all counters, by field of the reading."""
    loss = "a glitch of a counter may be believed after a restart"
    return Ledger(folder / "counters.json", dict[str, Believed], loss)


def entities_ledger(folder: Path) -> EntitiesLedger:
    """Open the entities that Core was given."""
    loss = "after a power cut Home Assistant may show what is no longer so"
    return Ledger(folder / "entities.json", tuple[Former, ...], loss)
