"""The time, as the rest of the program is given it: to read, and to wait for."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a module needs of time; tests pass one that they move by hand."""

    def now(self) -> datetime:
        """Tell the wall time, aware UTC."""

    def monotonic(self) -> float:
        """Tell the seconds since some moment, never set back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Tell the wall time, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Tell the seconds since some moment, never set back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
