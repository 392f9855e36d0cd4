"""Reads the minutes before the first reading, which show at once which counters to believe."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from ..clock import Clock
from ..cloud import CloudError, RedbackClient
from ..inverters.registry import Registry
from .throttle import Throttle

_LOG = logging.getLogger(__name__)
_REACH = timedelta(minutes=10)
_PACE_SECONDS = 1.0
# If it fails it is retried, until live readings have confirmed the counters too.
_TRIES = 10
_AGAIN_SECONDS = 60.0


@dataclass(eq=False)
class WarmUp:
    """Reads the last minutes of each new inverter."""

    _client: RedbackClient
    _throttle: Throttle
    _clock: Clock
    _registry: Registry
    _seen: set[str] = field(default_factory=set)
    # With the number of tries that are left.
    _new: asyncio.Queue[tuple[str, int]] = field(default_factory=asyncio.Queue)

    def watch(self, serials: Iterable[str]) -> None:
        """Warm up the new ones of these inverters."""
        for serial in serials:
            if serial not in self._seen:
                self._seen.add(serial)
                self._new.put_nowait((serial, _TRIES))

    async def run(self) -> None:
        """Warm up one inverter after the other, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                serial, tries = await self._new.get()
                if self._registry.believed(serial):
                    continue
                if not await self._warm_up(serial) and tries > 1:
                    tasks.create_task(self._put_back(serial, tries - 1))
                await self._clock.sleep(_PACE_SECONDS)

    async def _put_back(self, serial: str, tries: int) -> None:
        """Retry one after a while, without delaying the others."""
        await self._clock.sleep(_AGAIN_SECONDS)
        self._new.put_nowait((serial, tries))

    async def _warm_up(self, serial: str) -> bool:
        """Warm one up; return whether there were readings."""
        now = self._clock.now()
        try:
            readings = await self._throttle.ask(
                lambda: self._client.history(serial, now - _REACH, now)
            )
        except CloudError as error:
            _LOG.debug("The last minutes of %s cannot be read: %s.", serial, error)
            return False
        self._registry.warm_up(serial, readings)
        return bool(readings)
