"""Whose turn it is: one writes at a time, and not again within ten seconds.

That is so with each inverter, and with each site: its limits are of all its inverters.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from ..clock import Clock
from ..inverters.registry import Registry
from .book import Book, Own

_APART_SECONDS = 10.0


class Turns:
    """The turns of all inverters and sites.

    To write an inverter's limits takes its site's turn too. `places` are serial numbers and ids of
    sites.
    """

    def __init__(self, book: Book, registry: Registry, clock: Clock) -> None:
        self._book = book
        self._registry = registry
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        # In monotonic seconds.
        self._free_from: dict[str, float] = {}

    def _places(self, serial: str, *, with_limits: bool) -> tuple[str, ...]:
        """Return what has to be held to write schedules, or limits as well, in one order for all.

        The inverter comes first, then its site, and that of limits from before it had this site.
        """
        if not with_limits:
            return (serial,)
        sites = {one.site_id for one in self._book.own if one.serial == serial}
        sites.add(self._registry.details(serial).site_id or "")
        return (serial, *sorted(sites - {"", serial}))

    def is_taken(self, serial: str, *, with_limits: bool) -> bool:
        """Whether something is being written there now."""
        places = self._places(serial, with_limits=with_limits)
        return any(self._locks[place].locked() for place in places)

    def is_making(self, one: Own) -> bool:
        """Whether what is not made yet may be just being made; its inverter may be gone."""
        return any(self._locks[place].locked() for place in (one.serial, one.place))

    @asynccontextmanager
    async def held(self, serial: str, *, with_limits: bool) -> AsyncIterator[None]:
        """Hold what has to be held to write."""
        async with self._held(self._places(serial, with_limits=with_limits)):
            yield

    @asynccontextmanager
    async def _held(self, places: Iterable[str]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for place in places:
                await stack.enter_async_context(self._locks[place])
            yield

    @asynccontextmanager
    async def taken(self, serial: str, *, with_limits: bool) -> AsyncIterator[None]:
        """Wait until a command may write again, and hold what has to be held."""
        places = self._places(serial, with_limits=with_limits)
        while True:
            if (left := self._left(places)) > 0:
                await self._clock.sleep(left)
            async with self._held(places):
                if self._left(places) <= 0:  # or else another one was first
                    yield
                    return

    def wrote(self, serial: str, *, with_limits: bool) -> None:
        """Note that a command has written."""
        for place in self._places(serial, with_limits=with_limits):
            self._free_from[place] = self._clock.monotonic() + _APART_SECONDS

    def _left(self, places: Iterable[str]) -> float:
        now = self._clock.monotonic()
        return max(0.0, *(self._free_from.get(place, now) - now for place in places))
