"""Takes devices back, so that their entities can be pushed as states instead."""

import asyncio
import logging
from contextlib import suppress

from ..clock import Clock, wait
from ..core import Broker, BrokerAwayError, CoreError, Entities
from .discovery import STATUS_TOPIC, Topics
from .entity_ids import EntityIds

_LOG = logging.getLogger(__name__)
# How long Core may take to remove the entities, and a broker to answer, before they are removed
# from the registry itself.
_PATIENCE_SECONDS = 30.0
_AGAIN_SECONDS = 60.0
_RETRY_SECONDS = 1.0


class Withdrawal:
    """Removes what was published over MQTT, until nothing is left of it.

    Core removes a device's entities when its description goes from the broker. Only then are their
    states pushed, with the same ids (`Ownership`). Entities whose broker is gone are removed from
    the registry.

    Args:
        broker: has the messages; it is connected to only for this.
        entities: Core's.
        entity_ids: knows which devices were published, and what is registered of them.
        clock: the time.

    Attributes:
        broker: the same.
    """

    def __init__(
        self, broker: Broker, entities: Entities, entity_ids: EntityIds, clock: Clock
    ) -> None:
        self.broker = broker
        self._entities = entities
        self._entity_ids = entity_ids
        self._clock = clock
        self._is_clear = False
        self._changed = asyncio.Event()
        entity_ids.watch(self)

    @property
    def is_due(self) -> bool:
        """Whether there is something left."""
        return bool(self._entity_ids.identities.published)

    def registry_changed(self) -> None:
        """Look whether Core has removed everything."""
        self._changed.set()

    async def run(self) -> None:
        """Remove what there is."""
        if not self.is_due:
            return
        _LOG.info("Removing the devices: their entities become states again")
        async with asyncio.TaskGroup() as tasks:
            # What a broker that is away retains is removed as soon as it is back: Core would make
            # entities of it, beside the states.
            tasks.create_task(self._clear_broker())
            await self._wait(_PATIENCE_SECONDS)
            while not self._is_done:
                for entry in list(self._entity_ids.registered.values()):
                    with suppress(CoreError):
                        await self._entities.remove(entry.entity_id)
                await self._wait(_AGAIN_SECONDS)
        self._entity_ids.identities.clear()

    @property
    def _is_done(self) -> bool:
        return self._is_clear and self._entity_ids.is_known and not self._entity_ids.registered

    async def _clear_broker(self) -> None:
        """Remove everything from the broker, as soon as it is there."""
        async with asyncio.TaskGroup() as tasks:
            connection = tasks.create_task(self.broker.run())
            identities = self._entity_ids.identities.published
            topics = [topic for each in sorted(identities) for topic in Topics(each)]
            for topic in (*topics, STATUS_TOPIC):
                await self._clear(topic)
            connection.cancel()
        self._is_clear = True
        self._changed.set()

    async def _clear(self, topic: str) -> None:
        while True:
            await self.broker.ready()
            try:
                return await self.broker.publish(topic, "")
            except BrokerAwayError as error:
                _LOG.debug("%s", error)
                await self._clock.sleep(_RETRY_SECONDS)

    async def _wait(self, seconds: float) -> None:
        """Wait until nothing is left, and no longer than this."""
        until = self._clock.monotonic() + seconds
        while not self._is_done and (left := until - self._clock.monotonic()) > 0:
            self._changed.clear()
            await wait(self._clock, left, self._changed)
