"""Whose turn it is: one writes at a time, and not again within ten seconds.

That is so with each inverter, and with each site: its limits are of all its inverters.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from ..clock import Clock
from ..inverters.registry import Registry
from .book import Book

_APART_SECONDS = 10.0


class Turns:
    """The turns of all inverters and sites; `places` are serial numbers and ids of sites."""

    def __init__(self, book: Book, registry: Registry, clock: Clock) -> None:
        self._book = book
        self._registry = registry
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        # In monotonic seconds.
        self._free_from: dict[str, float] = {}

    def places(self, serial: str, *, with_limits: bool) -> tuple[str, ...]:
        """Return what has to be held to write schedules, or limits as well, in one order for all.

        The inverter comes first, then its site, and that of limits from before it had this site.
        """
        if not with_limits:
            return (serial,)
        sites = {one.site_id for one in self._book.own if one.serial == serial}
        sites.add(self._registry.details(serial).site_id or "")
        return (serial, *sorted(sites - {"", serial}))

    def is_taken(self, places: Iterable[str]) -> bool:
        """Whether something is being written there now."""
        return any(self._locks[place].locked() for place in places)

    @asynccontextmanager
    async def held(self, places: Iterable[str]) -> AsyncIterator[None]:
        """Hold what has to be held to write."""
        async with AsyncExitStack() as stack:
            for place in places:
                await stack.enter_async_context(self._locks[place])
            yield

    @asynccontextmanager
    async def taken(self, places: tuple[str, ...]) -> AsyncIterator[None]:
        """Wait until a command may write again, and hold what has to be held."""
        while True:
            if (left := self._left(places)) > 0:
                await self._clock.sleep(left)
            async with self.held(places):
                if self._left(places) <= 0:  # or else another one was first
                    yield
                    return

    def wrote(self, places: Iterable[str]) -> None:
        """Note that a command has written."""
        for place in places:
            self._free_from[place] = self._clock.monotonic() + _APART_SECONDS

    def _left(self, places: Iterable[str]) -> float:
        now = self._clock.monotonic()
        return max(0.0, *(self._free_from.get(place, now) - now for place in places))
