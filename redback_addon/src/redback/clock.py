"""The time, passed in wherever it is read or waited for."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Reads the time and waits; tests pass one that they move by hand."""

    def now(self) -> datetime:
        """Return the wall time, aware UTC."""

    def monotonic(self) -> float:
        """Return the seconds since some moment, never set back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    monotonic = staticmethod(time.monotonic)

    def now(self) -> datetime:
        """Return the wall time, aware UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def wait(clock: Clock, seconds: float, event: asyncio.Event) -> None:
    """Wait this long, or until the event is set."""
    waiting = {
        asyncio.ensure_future(clock.sleep(seconds)),
        asyncio.ensure_future(event.wait()),
    }
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
