"""Shows values as states over REST: sends changes, and everything after Core was away."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from ..clock import Clock
from ..core import (
    CoreAwayError,
    CoreError,
    CoreRefusedError,
    HomeAssistant,
    State,
    Sync,
)
from ..problems import Kind, Problems
from ..sensors.details import Details
from ..sensors.entities import Shown
from ..sensors.labels import label
from ..sensors.table import find
from .delivery import Delivery
from .device import Device
from .entity_ids import EntityIds, entity_id
from .ownership import Ownership
from .publisher import LAST_RESET, text
from .withdrawal import Withdrawal

_LOG = logging.getLogger(__name__)

# Enough to hide the two round trips of each push, and few enough for a small machine.
AT_ONCE = 4
# At the stop time is short: 41 entities take a second even where each takes 0.3 s. Twice as many
# together are hardly faster.
_FAREWELL_AT_ONCE = 32


class StatePublisher:
    """The states that Core should show.

    Args:
        home_assistant: shows them.
        clock: waits between retries.
        problems: get the states that Core rejects.
        delivery: notes which readings have arrived.
        ids: knows which entities are registered: none of them is pushed.
        withdrawal: takes them back, if they were devices before.

    Attributes:
        ownership: decides which entities may be written.
        broker: has what was published before, if these were devices.
    """

    are_devices = False

    def __init__(
        self,
        home_assistant: HomeAssistant,
        clock: Clock,
        problems: Problems,
        delivery: Delivery,
        ids: EntityIds,
        withdrawal: Withdrawal,
    ) -> None:
        self._home_assistant = home_assistant
        self._problems = problems
        self._delivery = delivery
        self._withdrawal = withdrawal
        self._parts = ids, withdrawal
        self.broker = withdrawal.broker
        self._states: dict[Device, dict[str, State]] = {}
        self._serials: dict[str, str] = {}  # by entity id
        # How many states Core had accepted when these entities, by their ids, began to fail.
        self._failing: dict[str, int] = {}
        self._rejected: set[str] = set()
        self.ownership = Ownership(home_assistant, ids, clock, problems, self._show)
        self._sync = Sync[str, State](
            self._send, clock, at_once=AT_ONCE, watcher=self, ready=self.ownership.ready
        )
        home_assistant.resend_on_connect(self)

    def describe(self, device: Device, details: Details) -> None:
        """Do nothing: a state says nothing of its device."""

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        """Show these values of an inverter; unchanged ones cost nothing."""
        states = self._states.setdefault(device, {})
        for one in shown:
            before = states.get(one.key)
            made = state(device.name, one) if before is None else _changed(device.name, before, one)
            states[one.key] = made
            self._serials[made.entity_id] = device.serial
            if self.ownership.claim(made.entity_id, has_value=one.is_available):
                self._sync.want(made.entity_id, made)

    def sent(self, device: Device, moment: datetime) -> None:
        """Note that all values of a reading have been offered."""
        self._delivery.sent(device, moment)

    def states(self, device: Device) -> Mapping[str, str]:
        """Return the states of an inverter that Core should show, by key."""
        return {key: one.value for key, one in self._states.get(device, {}).items()}

    def resend(self) -> None:
        """Send everything again: Core may have lost it."""
        self.ownership.recheck()
        self._sync.resend()

    async def run(self) -> None:
        """Send whatever is due, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self.ownership, self._sync, *self._parts):
                tasks.create_task(part.run())

    async def farewell(self, deadline: float) -> None:
        """Send the last values that were offered, the most important ones first.

        Args:
            deadline: when to give up, on the event loop's clock.
        """
        # Those of an earlier run: nothing is known of them, and otherwise they keep their values.
        # Not if they were devices: Core would not set those up any more.
        if not self._withdrawal.is_due:
            self._show(self.ownership.unchecked)
        left = await self._sync.finish(
            self._by_importance(), at_once=_FAREWELL_AT_ONCE, deadline=deadline
        )
        if left:
            _LOG.warning(
                "%d of %d entities could not be made unavailable in time;"
                " they may keep their last values until the next start",
                left,
                len(self._serials),
            )

    def _by_importance(self) -> list[str]:
        """Return all entity ids: those of counters first, and each in the sensors' own order."""
        ranked = [
            (not _is_counter(key), number, one.entity_id)
            for states in self._states.values()
            for number, (key, one) in enumerate(states.items())
        ]
        return [entity_id for *_, entity_id in sorted(ranked)]

    def arrived(self) -> None:
        """Note that all states have arrived."""
        self._delivery.arrived(self._accepted_keys)
        self._home_assistant.arrived()

    def failed(self, error: CoreAwayError) -> None:
        """Note that a state has not arrived, and will be retried."""
        if not self._failing.keys() <= self._rejected:
            self._home_assistant.failed(error)
        elif self._sync.due <= self._rejected:  # all others have arrived
            self._delivery.arrived(self._accepted_keys)

    def _accepted_keys(self, device: Device) -> Collection[str]:
        """Return the keys of an inverter's sensors whose states Core does not reject."""
        states = self._states[device].items()
        return frozenset(key for key, one in states if one.entity_id not in self._rejected)

    def _show(self, entity_ids: Collection[str]) -> None:
        """Send the states of these, which may be written from now on."""
        for states in self._states.values():
            for state in states.values():
                if state.entity_id in entity_ids:
                    self._sync.push(state.entity_id, state)

    async def _send(self, entity_id: str, state: State) -> None:
        if self.ownership.is_taken(entity_id) or entity_id in self.ownership.registered:
            return
        try:
            await self._home_assistant.rest.set_state(state)
        except CoreRefusedError as error:
            self._failing.pop(entity_id, None)
            self._reject(entity_id, error)
        except CoreAwayError as error:
            # As many were accepted since it first failed as can be under way with it, so at least
            # one of them was sent later: Core is there.
            accepted = self._home_assistant.rest.states
            if accepted - self._failing.setdefault(entity_id, accepted) >= AT_ONCE:
                self._reject(entity_id, error)
            raise
        else:
            self._failing.pop(entity_id, None)
            self._rejected.discard(entity_id)
            self._problems.clear(Kind.ENTITY, entity_id)

    def _reject(self, entity_id: str, error: CoreError) -> None:
        self._rejected.add(entity_id)
        self._problems.raise_(Kind.ENTITY, entity_id, error, within=self._serials[entity_id])


def state(name: str, shown: Shown) -> State:
    """Return the state of a sensor of the inverter with this name."""
    attributes = _attributes(name, shown.key)
    if shown.since is not None:
        attributes[LAST_RESET] = shown.since.isoformat()
    return State(entity_id(name, shown.key), text(shown), attributes)


def _changed(name: str, before: State, shown: Shown) -> State:
    """Return the next state of a sensor; the same object if nothing has changed."""
    since = None if shown.since is None else shown.since.isoformat()
    if since != before.attributes.get(LAST_RESET):
        return state(name, shown)
    value = text(shown)
    if value == before.value:
        return before
    return State(before.entity_id, value, before.attributes)


def _attributes(name: str, key: str) -> dict[str, object]:
    """Return attributes that never change, since Core stores each new set of them."""
    sensor = find(key)
    if sensor is None:  # of another version
        return {"friendly_name": f"{name} {label(key)}"}
    quantity = sensor.quantity
    attributes = {
        "friendly_name": f"{name} {sensor.name}",
        "unit_of_measurement": quantity.unit,
        "device_class": quantity.device_class,
        "state_class": quantity.state_class,
        "options": quantity.options and list(quantity.options),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _is_counter(key: str) -> bool:
    sensor = find(key)
    return sensor is not None and sensor.quantity.is_counter
