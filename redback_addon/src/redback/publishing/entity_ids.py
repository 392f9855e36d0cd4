"""Entity ids: as Core's registry has them, or else as they follow from names and keys."""

import asyncio
import logging
from collections.abc import Mapping
from functools import cache
from typing import Protocol

from slugify import slugify

from ..clock import Clock
from ..core import CoreAwayError, CoreRefusedError, HomeAssistant, Message, Registered, Series
from ..sensors.entities import Entities as Sensors
from .device import Device

_LOG = logging.getLogger(__name__)
_PLATFORM = "mqtt"
_PREFIX = "redback_"
_NONE: Mapping[str, Registered] = {}
# A device's entities are registered one after the other.
_PAUSE_SECONDS = 0.3


class Inverter(Protocol):
    """An inverter, as far as entity ids depend on it."""

    @property
    def name(self) -> str:
        """The name that people read."""

    @property
    def device(self) -> Device:
        """The inverter as Home Assistant shows it."""

    @property
    def entities(self) -> Sensors:
        """Its sensors that exist so far."""


def entity_id(name: str, key: str, domain: str = "sensor") -> str:
    """Return the id that an entity is first given, such as sensor.redback_grid_import_total."""
    return f"{domain}.{slugify(f'{name} {key}', separator='_')}"


@cache
def slug(name: str) -> str:
    """Return what entity ids have of an inverter's name; equal slugs have the same ids."""
    return slugify(name)


def unique_id(identity: str, key: str) -> str:
    """Return what an entity is known by in Core's registry, whatever people call it."""
    return f"{_PREFIX}{identity}_{key}"


def identity_of(unique_id: str) -> str:
    """Return the serial number in a unique id of ours."""
    return unique_id.removeprefix(_PREFIX).partition("_")[0]


def is_ours(entry: Registered) -> bool:
    """Whether an entry of the registry is an entity of one of our devices."""
    return entry.platform == _PLATFORM and entry.unique_id.startswith(_PREFIX)


def entity_ids(inverter: Inverter, registered: Mapping[str, Registered] = _NONE) -> dict[str, str]:
    """Return the ids of an inverter's sensors that exist so far, by key.

    Args:
        inverter: whose they are.
        registered: ours that are in Core's registry, by unique id; a disabled one is left out.
    """
    ids: dict[str, str] = {}
    for key in inverter.entities.sensors:
        entry = registered.get(unique_id(inverter.device.identity, key))
        if entry is None:
            ids[key] = entity_id(inverter.name, key)
        elif not entry.is_disabled:
            ids[key] = entry.entity_id
    return ids


def series(inverter: Inverter, registered: Mapping[str, Registered] = _NONE) -> dict[str, Series]:
    """Return the statistics that Core makes of an inverter's sensors, by key."""
    ids = entity_ids(inverter, registered)
    return {
        sensor.key: Series(
            ids[sensor.key], sensor.quantity.unit, is_counter=sensor.quantity.is_counter
        )
        for sensor in inverter.entities.statistics()
        if sensor.key in ids
    }


class Changed(Protocol):
    """Is called with changes of the registry."""

    def registry_changed(self) -> None:
        """Note that entities of ours were registered, renamed, disabled or removed."""


class EntityIds:
    """Knows the ids of all entities.

    States that are pushed have the ids that follow from names. Entities of devices are registered:
    there people may give them other ids, or disable them.

    Args:
        home_assistant: has the registry, and tells of changes.
        clock: waits between attempts.
    """

    def __init__(self, home_assistant: HomeAssistant, clock: Clock) -> None:
        self._entities = home_assistant.entities
        self._websocket = home_assistant.websocket
        self._clock = clock
        # Ours, by unique id.
        self._registered: dict[str, Registered] = {}
        self._due = asyncio.Event()
        self._known_since: float | None = None
        self._watchers: list[Changed] = []
        self._websocket.subscribe("entity_registry_updated", self._updated)
        home_assistant.resend_on_connect(self)

    def watch(self, watcher: Changed) -> None:
        """Tell of each change, and when the registry was read after each new connection."""
        self._watchers.append(watcher)

    @property
    def is_known(self) -> bool:
        """Whether the registry was read since Core is connected."""
        return self._known_since is not None and self._known_since == self._websocket.up_since

    @property
    def registered(self) -> Mapping[str, Registered]:
        """Our entities in the registry, by unique id."""
        return self._registered

    def resend(self) -> None:
        """Read the registry again: Core may have restarted."""
        self._due.set()

    def _updated(self, event: Message) -> None:
        data = event["data"]
        ids = {data.get("entity_id"), data.get("old_entity_id")}
        is_ours = any(one.entity_id in ids for one in self._registered.values())
        if is_ours or data.get("action") == "create":
            self._due.set()

    async def run(self) -> None:
        """Read the registry whenever it has changed, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self._clock.sleep(_PAUSE_SECONDS)
            since = self._websocket.up_since
            try:
                found = await self._entities.registered()
            except CoreAwayError as error:
                _LOG.debug("%s", error)  # the next connection makes it due
                continue
            except CoreRefusedError as error:
                _LOG.warning("It is unknown which ids the entities have: %s", error)
                continue
            before = self._registered, self._known_since
            ours = {one.unique_id: one for one in found if is_ours(one)}
            self._registered, self._known_since = ours, since
            if before != (ours, since):
                for watcher in self._watchers:
                    watcher.registry_changed()
