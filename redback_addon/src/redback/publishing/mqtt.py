"""Shows inverters as devices over MQTT."""

import asyncio
import json
import logging
import math
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from ..clock import Clock, wait
from ..core import (
    UNAVAILABLE,
    Broker,
    CoreAwayError,
    CoreError,
    HomeAssistant,
    Registered,
    Sync,
    Will,
)
from ..problems import Kind, Problems
from ..sensors.details import NO_DETAILS, Details
from ..sensors.entities import Shown
from ..sensors.table import find
from . import discovery
from .components import (
    BINARY_SENSORS,
    HAS_PROBLEM,
    IS_ONLINE,
    SENSOR,
    Commands,
    Component,
    domain,
)
from .delivery import Delivery
from .device import Device
from .discovery import OFFLINE, ONLINE, STATUS_TOPIC, Topics
from .entity_ids import EntityIds, entity_id, unique_id
from .ownership import Ownership, listed
from .publisher import LAST_RESET, plain, text

_LOG = logging.getLogger(__name__)

WILL = Will(STATUS_TOPIC, OFFLINE)
# Core says there that it has started, and wants to know everything again.
_BIRTH_TOPIC = "homeassistant/status"
# Enough to hide the round trips, and not too many for a small broker.
_AT_ONCE = 8
_RETRY_SECONDS = 5.0
# A disk that is full may be so for long.
_SAVE_SECONDS = 60.0
_INTEGRATION = "mqtt"
_STATUS, _LAST_READING = "status", "last_reading"
_FAULT = "FAULT"
# How long Core may take to remove an entity, before that is removed from the registry itself.
_PATIENCE_SECONDS = 10.0
# How long Core may take to make a device of its description.
_TAKEN_SECONDS = 60.0
_LOOK_SECONDS = 5.0


@dataclass(slots=True)
class _Record:
    """One device.

    Attributes:
        identity: by which it is known for good.
        shown: the last value of each of its sensors, by key.
        gone: the keys of sensors that it has no more.
        is_due: whether its description may have changed.
        unforeseen: values that the sensor table does not have among a sensor's options, by key.
        components: its entities that take commands, by key; None = not known yet.
        wanted: the ids that its entities have or are to get.
        is_described: whether Core has been told of any of its entities.
        is_registered: whether Core had any of its entities when that was last looked at.
        is_deleted: whether somebody has deleted it in Core, and Core has not taken it again.
        missing_since: when (monotonic seconds) it was found that Core does not have it.
    """

    device: Device
    identity: str
    shown: dict[str, Shown] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    unforeseen: dict[str, list[str]] = field(default_factory=dict)
    components: Mapping[str, Component] | None = None
    wanted: frozenset[str] = frozenset()
    is_due: bool = True
    is_described: bool = False
    is_registered: bool = False
    is_deleted: bool = False
    missing_since: float | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all its entities."""
        return (*self.shown, *BINARY_SENSORS, *(self.components or ()))

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
        self._troubled = problems.subjects
        self._delivery = delivery
        self._identities = entity_ids.identities
        self._records: dict[str, _Record] = {}  # by identity
        # By serial number; they may be found before anything else is known of an inverter.
        self._details: dict[str, Details] = {}
        self.ownership = Ownership(
            home_assistant,
            entity_ids,
            clock,
            problems,
            lambda _: self._look_again(),
            registers=True,
        )
        self._sync = Sync[str, str](
            broker.publish, clock, at_once=_AT_ONCE, watcher=self, ready=broker.ready
        )
        # Something about the devices has changed.
        self._due = asyncio.Event()
        self._commands: Commands | None = None
        # There are entities that Core has been asked to remove.
        self._leaving = asyncio.Event()
        # The entities that tell which reading Core shows, and since which connection.
        self._followed: dict[str, _Record] = {}
        self._followed_since: float | None = None
        # Whether Core has the integration, and when (monotonic seconds) entities last changed.
        self._has_integration = False
        self._changed_at = 0.0
        broker.listen(self, _BIRTH_TOPIC, STATUS_TOPIC)
        entity_ids.watch(self)
        problems.follow(self._problems_changed)
        home_assistant.resend_on_connect(self)

    @property
    def is_heard(self) -> bool:
        """Whether both the broker and Core are there."""
        return self.broker.is_up and self._home_assistant.websocket.up_since is not None

    def take_commands(self, commands: Commands) -> None:
        """Show entities that take commands too, and pass those on, from the start on."""
        self._commands = commands
        self.broker.listen(self, _BIRTH_TOPIC, STATUS_TOPIC, discovery.COMMANDS)

    def show_controls(self, serial: str) -> None:
        """Show what an inverter's entities that take commands show now."""
        record = self._records.get(self._identities.of(serial) or "")
        if record is not None:
            self._publish_controls(record)

    async def answer(self, serial: str, answer: Mapping[str, object]) -> None:
        """Send what became of a command to whoever listens.

        Raises:
            BrokerAwayError: it may not have arrived.
        """
        identity = self._identities.of(serial)
        if identity is not None:
            await self.broker.tell(Topics(identity).answer, json.dumps(answer))

    def describe(self, device: Device, details: Details) -> None:
        """Take what is known of an inverter apart from its values."""
        before, self._details[device.serial] = self._details.get(device.serial), details
        record = self._record(device)
        if record is not None and (before is None or before.static != details.static):
            self._look_again(record)

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        """Show these values of an inverter; unchanged ones cost nothing."""
        shown = tuple(shown)
        if any(one.is_available for one in shown):
            record = self._make(device)
        else:
            found = self._record(device)
            if found is None or found.device != device:
                return  # nothing is known of it, or it has its former name, or a successor
            record = found
        before = record.keys, record.is_known
        for one in shown:
            if one.is_gone:
                record.gone.add(one.key)
                record.shown.pop(one.key, None)
            else:
                record.gone.discard(one.key)
                record.shown[one.key] = one
                self._foresee(record, one)
        self._equip(record)
        if (record.keys, record.is_known) != before:
            self._look_again(record)
        self._publish(record)

    def _record(self, device: Device) -> _Record | None:
        identity = self._identities.of(device.serial)
        return None if identity is None else self._records.get(identity)

    def _make(self, device: Device) -> _Record:
        """Return the record of an inverter of which something is known."""
        if not self._records:
            # What they showed in an earlier run is not to look like the present.
            for one in self._identities.published:
                self._sync.want(Topics(one).status, OFFLINE)
        identity = self._identities.give(device)
        record = self._records.setdefault(identity, _Record(device, identity))
        if record.device != device:
            record.device = device
            self._look_again(record)
        return record

    def _look_again(self, *records: _Record) -> None:
        """Describe these again, or all, if anything about them has changed."""
        for record in records or self._records.values():
            record.is_due = True
        self._due.set()

    def sent(self, device: Device, moment: datetime) -> None:
        """Note that all values of a reading have been offered."""
        self._delivery.sent(device, moment)

    def states(self, device: Device) -> Mapping[str, str]:
        """Return the states of an inverter that Core should show, by key."""
        record = self._record(device)
        if record is None:
            return {}
        binary = self._binary(record) if record.is_known else {}
        return {
            **{key: text(one) for key, one in record.shown.items()},
            **{key: binary.get(key, UNAVAILABLE).lower() for key in BINARY_SENSORS},
        }

    def resend(self) -> None:
        """Check everything again: Core may have restarted."""
        self.ownership.recheck()
        self._look_again()

    def registry_changed(self) -> None:
        """Note that entities of ours were registered, renamed, disabled or removed."""
        self._changed_at = self._clock.monotonic()
        self._look_again()

    def broker_connected(self) -> None:
        """Send everything again: the broker may have lost it."""
        self._sync.resend()
        self._look_again()

    def broker_message(self, topic: str, payload: str) -> None:
        """Send again what is lost: all when Core's integration has started.

        The last will of a connection that broke unnoticed may come when there is another one.
        """
        if topic == _BIRTH_TOPIC and payload == ONLINE:
            self._sync.resend()
        elif topic == STATUS_TOPIC and payload == OFFLINE and self._records:
            self._sync.push(STATUS_TOPIC, ONLINE)
        elif (commanded := discovery.commanded(topic)) is not None and self._commands is not None:
            identity, key = commanded
            if (serial := self._identities.serial(identity)) is not None:
                self._commands.command(serial, key, payload)

    async def run(self) -> None:
        """Publish whatever is due, until cancelled; then make everything unavailable."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self.ownership, self._sync, self.broker, self._entity_ids):
                tasks.create_task(part.run())
            tasks.create_task(self._announce_all())
            tasks.create_task(self._remove_leftovers())
            tasks.create_task(self._tell_what_is_missing())
            tasks.create_task(self._link())

    async def farewell(self, deadline: float) -> None:
        """Do nothing: the broker makes everything unavailable when the connection ends."""

    def arrived(self) -> None:
        """Note that the broker has everything; Core itself confirms what it shows, if it can."""
        if self._home_assistant.websocket.up_since is None:
            return
        for record in self._records.values():
            entry = self._entry(record, _LAST_READING)
            accepted = self._accepted(record)
            if accepted and (entry is None or entry.is_disabled):
                self._delivery.arrived_at(record.device, accepted)

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
            self._look_again(record)

    def _problems_changed(self) -> None:
        """Show at once which inverters have a problem, not with their next reading."""
        before, self._troubled = self._troubled, self._problems.subjects
        if changed := before ^ self._troubled:
            for record in self._records.values():
                if record.device.serial in changed:
                    self._publish(record)

    def _equip(self, record: _Record) -> None:
        """Let it have the entities that take commands; without any commands it has none."""
        serial = record.device.serial
        found = {} if self._commands is None else self._commands.components(serial)
        if found is not None and found != record.components:
            record.components = found
            self._look_again(record)

    def _publish_controls(self, record: _Record) -> None:
        if self._commands is not None and record.components:
            values = self._commands.values(record.device.serial)
            self._sync.want(Topics(record.identity).controls, json.dumps(values))

    def _publish(self, record: _Record) -> None:
        topics = Topics(record.identity)
        if not record.is_known:
            self._sync.want(topics.status, OFFLINE)
            return
        # Nothing is to look unknown before it becomes unavailable, or available before it is known.
        if not (is_live := record.is_live):
            self._sync.want(topics.live, OFFLINE)
        self._sync.want(topics.state, self._state(record))
        self._publish_controls(record)
        if is_live:
            self._sync.want(topics.live, ONLINE)
        self._sync.want(topics.status, ONLINE)
        self._sync.want(STATUS_TOPIC, ONLINE)

    def _state(self, record: _Record) -> str:
        values = {key: plain(one) for key, one in record.shown.items()}
        since = next(filter(None, (one.since for one in record.shown.values())), None)
        reset = {} if since is None else {LAST_RESET: since.isoformat()}
        return json.dumps({**values, **self._binary(record), **reset})

    def _binary(self, record: _Record) -> Mapping[str, str]:
        """Return what those of a device that are no sensors show, by key."""
        status = record.shown.get(_STATUS)
        is_faulty = status is not None and status.value == _FAULT
        has_problem = is_faulty or record.device.serial in self._troubled
        return {IS_ONLINE: _on(is_on=record.is_live), HAS_PROBLEM: _on(is_on=has_problem)}

    async def _announce_all(self) -> None:
        """Describe each device to Core, and again when anything about it changes."""
        while True:
            again = math.inf if self._identities.is_saved else _SAVE_SECONDS
            await wait(self._clock, again, self._due)
            self._due.clear()
            if self._identities.save():
                self._entity_ids.refresh()
            await self.ownership.ready()
            if not (self._entity_ids.is_known and self.broker.is_up):
                continue  # they will call
            try:
                if await self._may_register():
                    for record in [one for one in self._records.values() if one.is_due]:
                        await self._announce(record)
                        await asyncio.sleep(0)  # a thousand of them take a while
                    await self._follow()
            except CoreError as error:
                _LOG.debug("%s", error)
                await self._clock.sleep(_RETRY_SECONDS)
                self._look_again()

    async def _link(self) -> None:
        """Have each device's page lead to the panel, once it is known where that is."""
        await self._home_assistant.supervisor.answered()
        self._look_again()

    async def _may_register(self) -> bool:
        """Whether Core has the integration that makes entities of our messages."""
        self._has_integration = _INTEGRATION in (await self._home_assistant.config()).components
        if self._has_integration:
            self._problems.clear(Kind.INTEGRATION)
            return True
        self._problems.raise_(Kind.INTEGRATION)
        await self._clock.sleep(_RETRY_SECONDS)
        self._due.set()
        return False

    async def _announce(self, record: _Record) -> None:
        record.is_due = False
        self._look_for(record)
        topics = Topics(record.identity)
        if record.is_deleted and not record.is_known:
            # Nobody reads the inverter, so this is how people get rid of its device.
            record.is_described = False
            self._want(record, ())
            self._sync.want(topics.config, "")
            return
        wanted = {key: self._wanted_id(record, key) for key in record.keys}
        self._want(record, wanted.values())
        free: dict[str, str] = {}
        occupied: list[str] = []
        for key, one in wanted.items():
            # Ours are claimed too, to know what the recorder leaves out.
            is_free = self.ownership.claim(one, has_value=True)
            is_anothers = one in self._entity_ids.registered_ids
            if self._entry(record, key) is not None or (is_free and not is_anothers):
                free[key] = one
            elif is_anothers:
                occupied.append(one)
        if self.ownership.has_unchecked(wanted.values()):
            return  # it will call
        # Another one of ours has these.
        self._problems.keep(Kind.OCCUPIED, record.device.serial, listed(occupied))
        # Others whose commands pass the Supervisor look like us; such entities are never pushed.
        commanded = record.components or {}
        sensors = [one for key, one in free.items() if key not in commanded]
        pushed = [one for one in sensors if one in self.ownership.pushed]
        for one in pushed:
            # Core would give the entity another id, or none, beside a state that was pushed.
            await self._home_assistant.rest.delete_state(one)
            self.ownership.pushed.discard(one)
        leftovers = self._leftovers(record)
        message = discovery.discovery(
            record.device,
            record.identity,
            self._details.get(record.device.serial, NO_DETAILS),
            free,
            gone={**dict.fromkeys(record.gone, SENSOR), **leftovers},
            others=commanded,
            options=record.unforeseen,
            url=self._home_assistant.panel_url,
        )
        # What somebody has deleted is gone from the broker too.
        send = self._sync.push if pushed or record.is_deleted else self._sync.want
        send(topics.config, json.dumps(message))
        record.is_described = bool(free)
        if leftovers:
            self._leaving.set()
            if not record.components:
                self._sync.want(topics.controls, "")
        if pushed or record.unforeseen:
            # What Core could not make a state of until now.
            self._sync.push(topics.state, self._state(record))

    def _look_for(self, record: _Record) -> None:
        """Find out whether Core has a device, or somebody has deleted it there."""
        is_registered = any(self._entry(record, key) is not None for key in record.keys)
        record.is_deleted = not is_registered and (record.is_registered or record.is_deleted)
        record.is_registered = is_registered

    def _want(self, record: _Record, wanted: Iterable[str]) -> None:
        """Note which ids a device has or is to get; what no device wants any more is forgotten."""
        before, record.wanted = record.wanted, frozenset(wanted)
        if given_up := before - record.wanted:
            others = (one.wanted for one in self._records.values())
            self.ownership.give_up(given_up.difference(*others))

    async def _tell_what_is_missing(self) -> None:
        """Report the devices that Core does not make of their descriptions."""
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            if self.broker.is_up and self._entity_ids.is_known and self._has_integration:
                missing = [one for one in self._records.values() if self._is_missing(one)]
                names = listed(sorted(one.device.name for one in missing))
                whence = f" from what the MQTT broker {self.broker.address} has"
                self._problems.keep(Kind.NOT_TAKEN, None, names and names + whence)
            else:  # another problem tells why
                self._problems.drop(Kind.NOT_TAKEN)
                for record in self._records.values():
                    record.missing_since = None

    def _is_missing(self, record: _Record) -> bool:
        """Whether Core has had time enough to make a device of its description, and has not."""
        is_sent = record.is_described and Topics(record.identity).config not in self._sync.due
        if record.is_registered or not record.is_known or not is_sent:
            record.missing_since = None
            return False
        now = self._clock.monotonic()
        if record.missing_since is None:
            record.missing_since = now
        # It takes many devices one after the other.
        return now - max(record.missing_since, self._changed_at) >= _TAKEN_SECONDS

    def _wanted_id(self, record: _Record, key: str) -> str:
        entry = self._entry(record, key)
        if entry is not None:
            return entry.entity_id
        component = (record.components or {}).get(key)
        if component is not None:
            return entity_id(record.device.name, component.name, component.platform)
        return entity_id(record.device.name, key, domain(key))

    def _entry(self, record: _Record, key: str) -> Registered | None:
        return self._entity_ids.registered.get(unique_id(record.identity, key))

    def _leftovers(self, record: _Record) -> Mapping[str, str]:
        """Return the kinds of entities that took commands and are to go, by key."""
        if record.components is None:
            return {}
        found = self._entity_ids.commanded(record.identity)
        return {key: kind for key, kind in found.items() if key not in record.components}

    async def _remove_leftovers(self) -> None:
        """Remove from the registry what Core has not removed, as it knows only the entry of it."""
        while True:
            await self._leaving.wait()
            await self._clock.sleep(_PATIENCE_SECONDS)
            self._leaving.clear()
            for record in list(self._records.values()):
                for key in self._leftovers(record):
                    if (entry := self._entry(record, key)) is not None:
                        with suppress(CoreError):
                            await self._home_assistant.entities.remove(entry.entity_id)

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
        before, self._followed = self._followed.keys(), found
        if new := found.keys() - before:
            try:
                await self._home_assistant.entities.follow(new, self._shown)
            except CoreError:
                self._followed = {}
                raise

    def _shown(self, entity_id: str, state: str) -> None:
        """Note that a reading has arrived if Core shows its time."""
        record = self._followed.get(entity_id)
        if record is None:
            return
        moment = self._delivery.under_way(record.device)
        if moment is not None and state == moment.isoformat(timespec="seconds"):
            self._delivery.arrived_at(record.device, self._accepted(record))

    def _accepted(self, record: _Record) -> Collection[str]:
        """Return the keys of an inverter's sensors that Core has."""
        found = ((key, self._entry(record, key)) for key in record.shown)
        return frozenset(key for key, entry in found if entry is not None and not entry.is_disabled)


def _lapses(key: str) -> bool:
    sensor = find(key)
    return sensor is not None and sensor.lapses


def _on(*, is_on: bool) -> str:
    return discovery.ON if is_on else discovery.OFF
