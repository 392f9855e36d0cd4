"""Takes devices back, so that their entities can be pushed as states instead."""

import asyncio
import contextlib
import logging

from ..clock import Clock, wait
from ..core import Broker, BrokerAwayError, CoreAwayError, CoreRefusedError, Entities
from .discovery import STATUS_TOPIC, Topics
from .entity_ids import EntityIds, identity_of

_LOG = logging.getLogger(__name__)
# How long Core may take to remove the entities, and a broker to answer, before they are removed
# from the registry itself.
_PATIENCE_SECONDS = 30.0


class Withdrawal:
    """Removes what was published over MQTT, as long as Core's registry has any of it.

    Core removes a device's entities when its description goes from the broker. Only then are their
    states pushed, with the same ids (`Ownership`). Entities that nothing published any more, or
    whose broker is gone, are removed from the registry.

    Args:
        broker: has the messages; it is connected to only for this.
        entities: Core's.
        entity_ids: knows which entities are registered.
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
        self._due = asyncio.Event()
        entity_ids.watch(self)

    def registry_changed(self) -> None:
        """Look whether there is anything to remove."""
        self._due.set()

    async def run(self) -> None:
        """Remove what there is, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            if self._entity_ids.registered:
                await self._withdraw()

    async def _withdraw(self) -> None:
        _LOG.info("Removing the devices: their entities become states again")
        until = self._clock.monotonic() + _PATIENCE_SECONDS
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(self._clear_broker())
            await self._removed(until)
            for entry in list(self._entity_ids.registered.values()):
                with contextlib.suppress(CoreAwayError, CoreRefusedError):
                    await self._entities.remove(entry.entity_id)
            work.cancel()

    async def _clear_broker(self) -> None:
        """Remove everything from the broker, as soon as it is there."""
        async with asyncio.TaskGroup() as tasks:
            connection = tasks.create_task(self.broker.run())
            identities = {identity_of(one) for one in self._entity_ids.registered}
            topics = [topic for each in identities for topic in Topics(each)]
            for topic in (*topics, STATUS_TOPIC):
                await self._clear(topic)
            connection.cancel()

    async def _clear(self, topic: str) -> None:
        while True:
            await self.broker.ready()
            try:
                return await self.broker.publish(topic, "")
            except BrokerAwayError as error:
                _LOG.debug("%s", error)

    async def _removed(self, until: float) -> None:
        """Wait until the registry has none of our entities, but no longer than this."""
        while self._entity_ids.registered and (left := until - self._clock.monotonic()) > 0:
            self._due.clear()
            await wait(self._clock, left, self._due)
