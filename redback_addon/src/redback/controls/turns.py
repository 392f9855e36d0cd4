"""Whose turn it is with each inverter: one writes at a time, and not again within ten seconds."""

import asyncio
from collections import defaultdict

from ..clock import Clock

_APART_SECONDS = 10.0


class Turns:
    """The turns of all inverters."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        # In monotonic seconds.
        self._free_from: dict[str, float] = {}

    def lock(self, serial: str) -> asyncio.Lock:
        """Return what has to be held to write."""
        return self._locks[serial]

    def is_taken(self, serial: str) -> bool:
        """Whether something is being written now."""
        return self._locks[serial].locked()

    def wrote(self, serial: str) -> None:
        """Note that a command has written."""
        self._free_from[serial] = self._clock.monotonic() + _APART_SECONDS

    async def wait(self, serial: str) -> None:
        """Wait until a command may write again."""
        left = self._free_from.get(serial, 0.0) - self._clock.monotonic()
        if left > 0:
            await self._clock.sleep(left)
