"""The backfills of all accounts as one: none of them waits for another one's cloud."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

from ..inverters.inverter import Inverter
from .backfill import Backfill
from .progress import Progress, together


class Backfills:
    """The backfills, one for each account."""

    def __init__(self, each: Sequence[Backfill]) -> None:
        self._each = each

    @property
    def progress(self) -> Progress:
        """The progress so far."""
        return together([one.progress for one in self._each])

    @property
    def is_paused(self) -> bool:
        """Whether they wait for `resume`."""
        return all(one.is_paused for one in self._each)

    def since(self, serial: str) -> datetime | None:
        """Return where an inverter's history begins; None before its first reading."""
        return self._each[0].since(serial)

    def watched(self) -> Iterator[tuple[Inverter, datetime]]:
        """Yield the inverters with a history, and where each begins, UTC."""
        for one in self._each:
            yield from one.watched()

    def pause(self) -> None:
        """Pause before the next hour."""
        for one in self._each:
            one.pause()

    def resume(self) -> None:
        """Resume filling."""
        for one in self._each:
            one.resume()

    def retry(self) -> None:
        """Try again at once, rather than at the end of a wait: also what is due later."""
        for one in self._each:
            one.retry()

    async def run(self) -> None:
        """Fill whatever is missing, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for one in self._each:
                tasks.create_task(one.run())
