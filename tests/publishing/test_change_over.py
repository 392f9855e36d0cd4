"""That the change-over survives a kill at each step, with a Core whose integration obeys."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from publishing.devices_home import CONFIG, HOUSE, STATE, Home, values
from redback.core import Broker as Connection
from redback.core import Rest
from redback.publishing.identities import FILE
from standin.broker import Broker
from standin.core import Core

IDS = {"sensor.house_status", "sensor.house_grid_power"}
ALL = IDS | {"binary_sensor.house_online", "binary_sensor.house_problem"}


class Integration:
    """What Core's MQTT integration does with devices: it never takes an id that is in use."""

    def __init__(self, core: Core, broker: Broker) -> None:
        self._core = core
        self._broker = broker
        self._ids: dict[str, str] = {}  # by unique id
        self._forget = core.registry.remove
        core.registry.remove = self._remove  # type: ignore[method-assign]

    def start(self) -> None:
        """Let its entities have states again after a restart of Core."""
        for entity_id in self._ids.values():
            self._core.write(entity_id, "1")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let it work, also while its broker comes and goes."""
        task = asyncio.create_task(self._run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _run(self) -> None:
        while True:
            with suppress(Exception):
                async with self._broker.client() as client:
                    await client.subscribe("homeassistant/device/+/config", qos=1)
                    async for message in client.messages:
                        self._take(bytes(message.payload or b"").decode())
            await asyncio.sleep(0.1)

    def _take(self, payload: str) -> None:
        if not payload:
            for entity_id in [*self._ids.values()]:
                self._remove(entity_id)
            return
        for one in json.loads(payload)["cmps"].values():
            if one["uniq_id"] not in self._ids:
                self._ids[one["uniq_id"]] = self._add(one["default_entity_id"], one["uniq_id"])

    def _remove(self, entity_id: str) -> None:
        """Remove an entity with its state, also where somebody removes it from the registry."""
        self._ids = {key: one for key, one in self._ids.items() if one != entity_id}
        self._core.remove(entity_id)
        self._forget(entity_id)

    def _add(self, entity_id: str, unique_id: str) -> str:
        used = {state.entity_id for state in self._core.states}
        while entity_id in used:
            entity_id += "_2"
        self._core.registry.add(entity_id, "mqtt", unique_id=unique_id)
        self._core.write(entity_id, "1")
        return entity_id


@dataclass(frozen=True)
class Step:
    """A call at which the service is killed: before it, or when it was done.

    Attributes:
        as_devices: whether states become devices, or the other way round.
        owner: the class whose method is called.
        method: its name.
        topic: with which topic; empty = with whatever.
    """

    as_devices: bool
    owner: type
    method: str
    topic: str = ""
    is_done: bool = False

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
        """Let the call wait for ever, and return an event that tells when it does."""
        reached, original = asyncio.Event(), getattr(self.owner, self.method)

        async def halt(owner: object, *arguments: object) -> object:
            if self.topic and arguments[0] != self.topic:
                return await original(owner, *arguments)
            if self.is_done and not reached.is_set():
                await original(owner, *arguments)
            reached.set()
            return await asyncio.Event().wait()

        monkeypatch.setattr(self.owner, self.method, halt)
        return reached


STEPS = {
    "before the first value": Step(True, Connection, "publish", STATE),
    "before a state is removed": Step(True, Rest, "delete_state"),
    "after a state was removed": Step(True, Rest, "delete_state", is_done=True),
    "before the device is described": Step(True, Connection, "publish", CONFIG),
    "after the device was described": Step(True, Connection, "publish", CONFIG, is_done=True),
    "before the device is taken back": Step(False, Connection, "publish", CONFIG),
    "after the device was taken back": Step(False, Connection, "publish", CONFIG, is_done=True),
    "before a state is pushed": Step(False, Rest, "set_state"),
    "after a state was pushed": Step(False, Rest, "set_state", is_done=True),
}
MEANWHILE = ["nothing", "Core restarts", "the broker is away", "the broker forgets"]


class Service:
    """The publisher, started again and again at one home."""

    def __init__(self, home: Home) -> None:
        self.home = home

    async def settle(self, *, as_devices: bool) -> None:
        """Run until everything is there as it should be, each entity with its own id."""
        async with self.started(as_devices=as_devices):
            await self.home.when(lambda: self._is_whole(as_devices=as_devices))

    @asynccontextmanager
    async def started(self, *, as_devices: bool) -> AsyncIterator[None]:
        async with self.home.started(devices=as_devices) as way:
            way.offer(HOUSE, values(status="OK", grid_power=1.25))
            yield

    def found(self) -> tuple[set[str], set[str]]:
        """Return the entities that are registered, and those that have states."""
        core = self.home.core
        registered = {one["entity_id"] for one in core.registry.list({})}
        return registered, {state.entity_id for state in core.states}

    def _is_whole(self, *, as_devices: bool) -> bool:
        registered, there = self.found()
        assert not [one for one in registered | there if one.endswith("_2")]
        return (registered, there) == ((ALL, ALL) if as_devices else (set(), IDS))


@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("name", STEPS)
async def test_every_entity_gets_its_own_id_whenever_the_service_is_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, meanwhile: str
) -> None:
    step, service = STEPS[name], Service(home)
    integration = Integration(home.core, home.broker)
    async with integration.running():
        await service.settle(as_devices=not step.as_devices)
        with monkeypatch.context() as patch:
            reached = step.watch(patch)
            async with service.started(as_devices=step.as_devices):
                await home.when(reached.is_set)
        if meanwhile == "Core restarts":
            await home.core.restart()
            integration.start()
        elif meanwhile == "the broker forgets":
            await home.broker.kill()
            await home.broker.start()
        elif meanwhile == "the broker is away":
            await home.broker.stop()
            async with service.started(as_devices=step.as_devices):
                await home.clock.advance(60)
                await home.broker.start()
        await service.settle(as_devices=step.as_devices)


async def test_what_core_reads_from_a_broker_that_is_back_before_it_is_cleared_goes_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, integration = Service(home), Integration(home.core, home.broker)
    cleared, publish = asyncio.Event(), Connection.publish

    async def wait(broker: Connection, topic: str, payload: str) -> None:
        await cleared.wait()
        await publish(broker, topic, payload)

    async with integration.running():
        await service.settle(as_devices=True)
        await home.broker.stop()
        monkeypatch.setattr(Connection, "publish", wait)
        async with service.started(as_devices=False):
            await home.when(lambda: service.found() == (set(), IDS))
            await home.broker.start()
            # It finds the ids in use, by the states.
            second = {f"{one}_2" for one in IDS}
            await home.when(lambda: second <= service.found()[0])
            cleared.set()
            await home.when(lambda: service.found() == (set(), IDS))
            await home.when(lambda: not json.loads((home.folder / FILE).read_text()))
            assert not await home.retained()
            await home.clock.advance(120)
            assert service.found() == (set(), IDS)
            assert not home.problems.now
