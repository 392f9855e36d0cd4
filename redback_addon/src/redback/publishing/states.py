"""Shows values as states over REST: sends changes, and everything after Core was away."""

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from ..clock import Clock
from ..core import UNAVAILABLE, UNKNOWN, CoreAwayError, CoreRefusedError, HomeAssistant, State, Sync
from ..problems import Kind, Problems
from ..sensors.entities import Shown
from ..sensors.labels import label
from ..sensors.table import find
from ..timeouts import timeout
from .delivery import Delivery
from .entity_ids import entity_id
from .ownership import Ownership
from .publisher import Device

# Enough to hide the two round trips of each push, and few enough for a small machine.
AT_ONCE = 4
# The Supervisor allows ten seconds from SIGTERM, the project itself five.
_FAREWELL_SECONDS = 2.5
_LONGEST_STATE = 255


class StatePublisher:
    """The states that Core should show.

    Args:
        home_assistant: shows them.
        clock: waits between retries.
        problems: get the states that Core rejects.
        delivery: notes which readings have arrived.

    Attributes:
        ownership: decides which entities may be written.
    """

    def __init__(
        self,
        home_assistant: HomeAssistant,
        clock: Clock,
        problems: Problems,
        delivery: Delivery,
    ) -> None:
        self._home_assistant = home_assistant
        self._problems = problems
        self._delivery = delivery
        self._states: dict[Device, dict[str, State]] = {}
        self.ownership = Ownership(
            home_assistant.entities, home_assistant.websocket, clock, problems, self._show
        )
        self._sync = Sync[str, State](
            self._send, clock, at_once=AT_ONCE, watcher=self, ready=self.ownership.ready
        )
        home_assistant.resend_on_connect(self)

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        """Show these values of an inverter; unchanged ones cost nothing."""
        states = self._states.setdefault(device, {})
        for one in shown:
            before = states.get(one.key)
            made = state(device.name, one) if before is None else _changed(before, one)
            states[one.key] = made
            if self.ownership.claim(made.entity_id, has_value=one.is_available):
                self._sync.want(made.entity_id, made)

    def sent(self, serial: str, moment: datetime) -> None:
        """Note that all values of a reading have been offered."""
        self._delivery.sent(serial, moment)

    def states(self, device: Device) -> Mapping[str, State]:
        """Return the states of an inverter that Core should show, by sensor key."""
        return self._states.get(device, {})

    def resend(self) -> None:
        """Send everything again: Core may have lost it."""
        self.ownership.recheck()
        self._sync.resend()

    async def run(self) -> None:
        """Send whatever is due, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self.ownership, self._sync):
                tasks.create_task(part.run())

    async def farewell(self) -> None:
        """Send the last values that were offered, within a short time."""
        # Those of an earlier run: nothing is known of them, and otherwise they keep their values.
        self._show(self.ownership.unchecked)
        with contextlib.suppress(CoreAwayError, TimeoutError):
            await asyncio.wait_for(self._sync.settle(), timeout(_FAREWELL_SECONDS))

    def arrived(self) -> None:
        """Note that all states have arrived."""
        self._delivery.arrived()
        self._home_assistant.arrived()

    def failed(self, error: CoreAwayError) -> None:
        """Note that a state has not arrived, and will be retried."""
        self._home_assistant.failed(error)

    def _show(self, entity_ids: Collection[str]) -> None:
        """Send the states of these, which may be written from now on."""
        for states in self._states.values():
            for state in states.values():
                if state.entity_id in entity_ids:
                    self._sync.push(state.entity_id, state)

    async def _send(self, entity_id: str, state: State) -> None:
        if self.ownership.is_taken(entity_id):
            return
        try:
            await self._home_assistant.rest.set_state(state)
        except CoreRefusedError as error:
            self._problems.raise_(Kind.ENTITY, entity_id, error, within=self._serial(entity_id))
        else:
            self._problems.clear(Kind.ENTITY, entity_id)

    def _serial(self, entity_id: str) -> str:
        """Return the inverter of an entity, by a search: Core rarely rejects one."""
        return next(
            device.serial
            for device, states in self._states.items()
            if any(one.entity_id == entity_id for one in states.values())
        )


def state(name: str, shown: Shown) -> State:
    """Return the state of a sensor of the inverter with this name."""
    return State(entity_id(name, shown.key), _text(shown), _attributes(name, shown.key))


def _changed(before: State, shown: Shown) -> State:
    """Return the next state of a sensor; the same object if nothing has changed."""
    text = _text(shown)
    return before if text == before.value else replace(before, value=text)


def _text(shown: Shown) -> str:
    if not shown.is_available:
        return UNAVAILABLE
    match shown.value:
        case None:
            return UNKNOWN
        case date() as moment:  # or a datetime, which is one too
            return moment.isoformat()
        case value:
            return str(value)[:_LONGEST_STATE]


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
