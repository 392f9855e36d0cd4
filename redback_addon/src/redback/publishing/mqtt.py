"""Shows inverters as devices over MQTT."""

import asyncio
import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from ..clock import Clock
from ..core import Broker, CoreAwayError, CoreRefusedError, HomeAssistant, Registered, Sync, Will
from ..problems import Problems
from ..sensors.details import NO_DETAILS, Details
from ..sensors.entities import Shown
from ..sensors.table import find
from . import discovery
from .delivery import Delivery
from .device import Device
from .discovery import OFFLINE, ONLINE, STATUS_TOPIC, Topics
from .entity_ids import EntityIds, entity_id, unique_id
from .ownership import Ownership
from .publisher import LONGEST_STATE, text

_LOG = logging.getLogger(__name__)

WILL = Will(STATUS_TOPIC, OFFLINE)
# Core says there that it has started, and wants to know everything again.
_BIRTH_TOPIC = "homeassistant/status"
# Enough to hide the round trips, and not too many for a small broker.
_AT_ONCE = 8
_RETRY_SECONDS = 5.0
_STATUS, _LAST_READING = "status", "last_reading"
_FAULT = "FAULT"


@dataclass(slots=True)
class _Record:
    """One device.

    Attributes:
        shown: the last value of each of its sensors, by key.
        gone: the keys of sensors that it has no more.
        unforeseen: values that the sensor table does not have among a sensor's options, by key.
    """

    device: Device
    details: Details = NO_DETAILS
    shown: dict[str, Shown] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    unforeseen: dict[str, list[str]] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all its entities."""
        return (*self.shown, *discovery.BINARY_SENSORS)

    @property
    def is_known(self) -> bool:
        """Whether anything of it is known."""
        return any(one.is_available for one in self.shown.values())

    @property
    def is_live(self) -> bool:
        """Whether what it measures is known for the present."""
        return any(one.is_available and _lapses(one.key) for one in self.shown.values())


class MqttPublisher:
    """The devices that Core should show.

    Everything is retained: availability and values, which Core reads after each restart, and the
    description of each device, which is sent when Core's registry is known: none of its entities
    may get an id that is taken, since Core would choose another one.

    Args:
        home_assistant: has the registry and the states.
        broker: takes the messages.
        entity_ids: knows which entities are registered.
        clock: waits between attempts.
        problems: tell which inverters have one.
        delivery: notes which readings have arrived.

    Attributes:
        ownership: decides which ids may be taken.
        broker: takes the messages.
    """

    are_devices = True

    def __init__(
        self,
        home_assistant: HomeAssistant,
        broker: Broker,
        entity_ids: EntityIds,
        clock: Clock,
        problems: Problems,
        delivery: Delivery,
    ) -> None:
        self._home_assistant = home_assistant
        self.broker = broker
        self._entity_ids = entity_ids
        self._clock = clock
        self._problems = problems
        self._delivery = delivery
        self._records: dict[str, _Record] = {}  # by identity
        self.ownership = Ownership(
            home_assistant,
            entity_ids,
            clock,
            problems,
            lambda _: self._due.set(),
            registers=True,
        )
        self._sync = Sync[str, str](
            broker.publish, clock, at_once=_AT_ONCE, watcher=self, ready=broker.ready
        )
        # Something about the devices has changed.
        self._due = asyncio.Event()
        # The entities that tell which reading Core shows, and since which connection.
        self._followed: dict[str, _Record] = {}
        self._followed_since: float | None = None
        broker.listen(self, _BIRTH_TOPIC)
        entity_ids.watch(self)
        home_assistant.resend_on_connect(self)

    def describe(self, device: Device, details: Details) -> None:
        """Take what is known of an inverter apart from its values."""
        record = self._records.setdefault(device.identity, _Record(device))
        if record.details != details:
            record.details = details
            self._due.set()

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        """Show these values of an inverter; unchanged ones cost nothing."""
        record = self._records.setdefault(device.identity, _Record(device))
        shown = tuple(shown)
        if any(one.is_available for one in shown):
            if record.device != device:
                record.device = device
                self._due.set()
        elif record.device != device:
            return  # its predecessor, or its former name
        before = record.keys
        for one in shown:
            if one.is_gone:
                record.gone.add(one.key)
                record.shown.pop(one.key, None)
            else:
                record.gone.discard(one.key)
                record.shown[one.key] = one
                self._foresee(record, one)
        if record.keys != before:
            self._due.set()
        self._publish(record)

    def sent(self, device: Device, moment: datetime) -> None:
        """Note that all values of a reading have been offered."""
        self._delivery.sent(device, moment)

    def states(self, device: Device) -> Mapping[str, str]:
        """Return the states of an inverter that Core should show, by sensor key."""
        record = self._records.get(device.identity)
        return {} if record is None else {key: text(one) for key, one in record.shown.items()}

    def resend(self) -> None:
        """Check everything again: Core may have restarted."""
        self.ownership.recheck()
        self._due.set()

    def registry_changed(self) -> None:
        """Note that entities of ours were registered, renamed, disabled or removed."""
        self._due.set()

    def broker_connected(self) -> None:
        """Send everything again: the broker may have lost it."""
        self._sync.resend()

    def broker_message(self, topic: str, payload: str) -> None:
        """Send everything again when Core's integration has started."""
        if topic == _BIRTH_TOPIC and payload == ONLINE:
            self._sync.resend()

    async def run(self) -> None:
        """Publish whatever is due, until cancelled; then make everything unavailable."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self.ownership, self._sync, self.broker, self._entity_ids):
                tasks.create_task(part.run())
            tasks.create_task(self._announce_all())

    async def farewell(self, deadline: float) -> None:
        """Do nothing: the broker makes everything unavailable when the connection ends."""

    def arrived(self) -> None:
        """Note that the broker has everything; Core itself confirms what it shows, if it can."""
        if self._home_assistant.websocket.up_since is None:
            return
        for record in self._records.values():
            entry = self._entry(record, _LAST_READING)
            if entry is not None and entry.is_disabled:
                self._delivery.arrived_at(record.device, self._accepted(record.device))

    def failed(self, error: CoreAwayError) -> None:
        """Note that something has not arrived, and will be retried."""
        _LOG.debug("%s", error)

    def _foresee(self, record: _Record, shown: Shown) -> None:
        """Make a value an option, if Core is not to ignore it."""
        sensor, value = find(shown.key), shown.value
        options = None if sensor is None else sensor.quantity.options
        known = record.unforeseen.get(shown.key, [])
        if options is not None and isinstance(value, str) and value not in {*options, *known}:
            record.unforeseen[shown.key] = [*known, value]
            self._due.set()

    def _publish(self, record: _Record) -> None:
        topics = Topics(record.device.identity)
        if not record.is_known:
            self._sync.want(topics.status, OFFLINE)
            return
        # Nothing is to look unknown before it becomes unavailable, or available before it is known.
        if not record.is_live:
            self._sync.want(topics.live, OFFLINE)
        self._sync.want(topics.state, self._state(record))
        if record.is_live:
            self._sync.want(topics.live, ONLINE)
        self._sync.want(topics.status, ONLINE)
        self._sync.want(STATUS_TOPIC, ONLINE)

    def _state(self, record: _Record) -> str:
        serial = record.device.serial
        status = record.shown.get(_STATUS)
        has_problem = (status is not None and status.value == _FAULT) or any(
            serial in (one.subject, one.within) for one in self._problems.now.values()
        )
        values: dict[str, object] = {key: _value(one) for key, one in record.shown.items()}
        values[discovery.IS_ONLINE] = _on(is_on=record.is_live)
        values[discovery.HAS_PROBLEM] = _on(is_on=has_problem)
        return json.dumps(values)

    async def _announce_all(self) -> None:
        """Describe each device to Core, and again when anything about it changes."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self.ownership.ready()
            if not self._entity_ids.is_known:
                continue  # it will call
            try:
                for record in list(self._records.values()):
                    await self._announce(record)
                await self._follow()
            except CoreAwayError as error:
                _LOG.debug("%s", error)
                await self._clock.sleep(_RETRY_SECONDS)
                self._due.set()

    async def _announce(self, record: _Record) -> None:
        if not record.shown:
            return
        wanted = {key: self._wanted_id(record, key) for key in record.keys}
        free: dict[str, str] = {}
        for key, one in wanted.items():
            # Ours are claimed too, to know what the recorder leaves out.
            is_free = self.ownership.claim(one, has_value=True)
            if is_free or self._entry(record, key) is not None:
                free[key] = one
        if any(one in self.ownership.unchecked for one in wanted.values()):
            return  # it will call
        pushed = [one for one in free.values() if one in self.ownership.pushed]
        for one in pushed:
            # Core would give the entity another id, or none, beside a state that was pushed.
            await self._home_assistant.rest.delete_state(one)
            self.ownership.pushed.discard(one)
        message = discovery.discovery(
            record.device,
            record.details,
            free,
            record.gone,
            record.unforeseen,
            url=self._home_assistant.supervisor.panel_url,
        )
        send = self._sync.push if pushed else self._sync.want
        send(Topics(record.device.identity).config, json.dumps(message))

    def _wanted_id(self, record: _Record, key: str) -> str:
        entry = self._entry(record, key)
        if entry is not None:
            return entry.entity_id
        return entity_id(record.device.name, key, discovery.domain(key))

    def _entry(self, record: _Record, key: str) -> Registered | None:
        return self._entity_ids.registered.get(unique_id(record.device.identity, key))

    async def _follow(self) -> None:
        """Follow what Core shows of the entities that tell which reading it is."""
        since = self._home_assistant.websocket.up_since
        if since != self._followed_since:
            self._followed_since = since
            self._followed.clear()
        found: dict[str, _Record] = {}
        for record in self._records.values():
            entry = self._entry(record, _LAST_READING)
            if entry is not None and not entry.is_disabled:
                found[entry.entity_id] = record
        new = found.keys() - self._followed.keys()
        self._followed = found
        if new:
            try:
                await self._home_assistant.entities.follow(new, self._shown)
            except CoreRefusedError as error:
                _LOG.debug("%s", error)
                self._followed = {}

    def _shown(self, entity_id: str, state: str) -> None:
        """Note that a reading has arrived if Core shows its time."""
        record = self._followed.get(entity_id)
        if record is None:
            return
        moment = self._delivery.under_way(record.device)
        if moment is not None and state == moment.isoformat(timespec="seconds"):
            self._delivery.arrived_at(record.device, self._accepted(record.device))

    def _accepted(self, device: Device) -> Collection[str]:
        """Return the keys of an inverter's sensors that Core has."""
        record = self._records[device.identity]
        found = ((key, self._entry(record, key)) for key in record.shown)
        return frozenset(key for key, entry in found if entry is not None and not entry.is_disabled)


def _lapses(key: str) -> bool:
    sensor = find(key)
    return sensor is not None and sensor.lapses


def _value(shown: Shown) -> object:
    """Return a value as JSON has it; what is unavailable is unknown."""
    match shown.value:
        case date() as moment:  # or a datetime, which is one too
            return moment.isoformat()
        case str() as words:
            return words[:LONGEST_STATE]
        case value:
            return value


def _on(*, is_on: bool) -> str:
    return discovery.ON if is_on else discovery.OFF
