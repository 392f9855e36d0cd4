"""Entity ids: as Core's registry has them, or else as they follow from names and keys."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Protocol

from slugify import slugify

from ..clock import Clock
from ..core import CoreAwayError, CoreRefusedError, HomeAssistant, Message, Registered, Series
from ..sensors.entities import Entities as Sensors
from .components import BINARY_SENSOR, BINARY_SENSORS, SENSOR, domain
from .device import Device
from .identities import Identities

_LOG = logging.getLogger(__name__)
_PLATFORM = "mqtt"
_PREFIX = "redback_"
_SENSORS = frozenset({SENSOR, BINARY_SENSOR})
_NONE: Mapping[str, Registered] = {}
# A device's entities are registered one after the other.
_PAUSE_SECONDS = 0.3
_RETRY_SECONDS = 60.0


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


def entity_id(name: str, key: str, domain: str = SENSOR) -> str:
    """Return the id that an entity is first given, such as sensor.redback_grid_import_total."""
    return f"{domain}.{slugify(f'{name} {key}', separator='_')}"


@cache
def slug(name: str) -> str:
    """Return what entity ids have of an inverter's name; equal slugs have the same ids."""
    return slugify(name)


def unique_id(identity: str | None, key: str) -> str:
    """Return what an entity is known by in Core's registry, whatever people call it."""
    return f"{_PREFIX}{identity}_{key}"


def identity_of(entry: Registered) -> str | None:
    """Return the identity of the device that an entry is of; None if it cannot be one of ours."""
    unique_id = entry.unique_id
    if entry.platform != _PLATFORM or not isinstance(unique_id, str):
        return None
    if not unique_id.startswith(_PREFIX):
        return None
    return unique_id.removeprefix(_PREFIX).partition("_")[0]


def _commanded(entries: Iterable[Registered]) -> dict[str, dict[str, str]]:
    """Return the kinds of the entities that are no sensors, by identity and key."""
    found: dict[str, dict[str, str]] = {}
    for one in entries:
        kind = one.entity_id.partition(".")[0]
        if kind not in _SENSORS:
            identity, _, key = str(one.unique_id).removeprefix(_PREFIX).partition("_")
            found.setdefault(identity, {})[key] = kind
    return found


def entity_ids(
    inverter: Inverter,
    registered: Mapping[str, Registered] = _NONE,
    identity: str | None = None,
) -> dict[str, str]:
    """Return the ids of an inverter's sensors that exist so far, by key.

    Args:
        inverter: whose they are.
        registered: ours that are in Core's registry, by unique id; a disabled one is left out.
        identity: of the inverter's device, which has its binary sensors too; None = no device.
    """
    ids: dict[str, str] = {}
    for key in (*inverter.entities.sensors, *(BINARY_SENSORS if identity else ())):
        entry = registered.get(unique_id(identity, key))
        if entry is None:
            ids[key] = entity_id(inverter.name, key, domain(key))
        elif not entry.is_disabled:
            ids[key] = entry.entity_id
    return ids


def series(inverter: Inverter, ids: Mapping[str, str] | None = None) -> dict[str, Series]:
    """Return the statistics that Core makes of an inverter's sensors, by key.

    `ids` are those of its entities; by default they follow from its name.
    """
    ids = entity_ids(inverter) if ids is None else ids
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
        identities: say which devices are ours.
        clock: waits between attempts.
    """

    def __init__(self, home_assistant: HomeAssistant, identities: Identities, clock: Clock) -> None:
        self.identities = identities
        self._entities = home_assistant.entities
        self._websocket = home_assistant.websocket
        self._clock = clock
        # What looks like ours, and what is, by unique id.
        self._similar: dict[str, Registered] = {}
        self._registered: dict[str, Registered] = {}
        self._registered_ids: frozenset[str] = frozenset()
        self._commanded: Mapping[str, Mapping[str, str]] = {}
        self._due = asyncio.Event()
        self._known_since: float | None = None
        self._watchers: list[Changed] = []
        self._websocket.subscribe("entity_registry_updated", self._updated)
        home_assistant.resend_on_connect(self)

    def watch(self, watcher: Changed) -> None:
        """Call the watcher on each change, and after each new connection once all is read."""
        self._watchers.append(watcher)

    @property
    def is_known(self) -> bool:
        """Whether the registry was read since Core is connected."""
        return self._known_since is not None and self._known_since == self._websocket.up_since

    @property
    def registered(self) -> Mapping[str, Registered]:
        """Our entities in the registry, by unique id."""
        return self._registered

    @property
    def registered_ids(self) -> frozenset[str]:
        """The ids of all of them."""
        return self._registered_ids

    def commanded(self, identity: str) -> Mapping[str, str]:
        """Return the kinds of a device's registered entities that are no sensors, by key."""
        return self._commanded.get(identity, {})

    def ids(self, inverter: Inverter) -> dict[str, str]:
        """Return the ids of an inverter's sensors that exist so far, by key."""
        return entity_ids(inverter, self._registered, self.identities.of(inverter.device.serial))

    def is_ours(self, entry: Registered) -> bool:
        """Whether an entry of the registry is an entity of one of our devices."""
        return identity_of(entry) in self.identities.published

    def resend(self) -> None:
        """Read the registry again: Core may have restarted."""
        self._due.set()

    def refresh(self) -> None:
        """Work out again what is ours: there are new identities."""
        self._registered = {key: one for key, one in self._similar.items() if self.is_ours(one)}
        self._registered_ids = frozenset(one.entity_id for one in self._registered.values())
        self._commanded = _commanded(self._registered.values())

    def _updated(self, event: Message) -> None:
        data = event["data"]
        ids = {data.get("entity_id"), data.get("old_entity_id")}
        if data.get("action") == "create" or ids & self._registered_ids:
            self._due.set()

    async def run(self) -> None:
        """Read the registry whenever it has changed, until cancelled."""
        while True:
            await self._due.wait()
            await self._clock.sleep(_PAUSE_SECONDS)
            self._due.clear()
            since = self._websocket.up_since
            if since is None:
                continue  # the next connection makes it due
            try:
                found = await self._entities.registered()
            except CoreAwayError as error:
                _LOG.debug("%s", error)
                await self._read_again()
            except CoreRefusedError as error:
                _LOG.warning("It is unknown which ids the entities have: %s", error)
                await self._read_again()
            else:
                self._take(found, since)

    async def _read_again(self) -> None:
        await self._clock.sleep(_RETRY_SECONDS)
        self._due.set()

    def _take(self, found: Iterable[Registered], since: float) -> None:
        before = self._registered, self._known_since
        self._similar = {str(one.unique_id): one for one in found if identity_of(one) is not None}
        self._known_since = since
        self.refresh()
        if before != (self._registered, since):
            for watcher in self._watchers:
                watcher.registry_changed()
