"""Inverters as devices over MQTT, with a real broker and a real Core: there, back, and restarts."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from house import House, eventually, house, until
from standin.broker import Broker, temporary_broker
from standin.real_core import RealCore, temporary_core

pytestmark = [pytest.mark.broker, pytest.mark.core, pytest.mark.timeout(600)]

ALL = 43
# What only devices have.
ADDED = {"binary_sensor.redback_online", "binary_sensor.redback_problem"}
TOTAL = "sensor.redback_grid_import_total"


@dataclass
class Place:
    """A house with a broker, whose inverters may be devices."""

    home: House
    core: RealCore
    broker: Broker

    async def states(self) -> dict[str, str]:
        """Return the states of our entities, whatever they are."""
        found = {one["entity_id"]: one["state"] for one in await self.core.states()}
        return {name: state for name, state in found.items() if ".redback_" in name}

    async def registered(self) -> dict[str, Any]:
        """Return our entities in the registry, by id."""
        entries = await self.core.command({"type": "config/entity_registry/list"})
        return {one["entity_id"]: one for one in entries if one["platform"] == "mqtt"}

    async def is_whole(self, *, as_devices: bool) -> bool:
        """Whether all entities have values, and are registered as they should be."""
        states = await self.states()
        there = {name for name, state in states.items() if state != "unavailable"}
        registered = set(await self.registered())
        if as_devices:
            return len(there) == ALL + len(ADDED) and registered == set(states)
        return len(there) == len(states) == ALL and not registered

    async def change(self, *, as_devices: bool) -> None:
        """Change the option, as people do, and wait until everything is there."""
        assert await self.home.service.stop() == 0
        self.home.service.options(devices=as_devices)
        await self.home.service.start()
        await self.settle(as_devices=as_devices)

    async def settle(self, *, as_devices: bool, seconds: float = 40) -> None:
        """Wait until everything is there, with the ids that people know."""
        await until(lambda: self.is_whole(as_devices=as_devices), seconds)
        assert not [name for name in await self.states() if name.endswith("_2")]

    async def agrees(self) -> None:
        """See that Core shows what the inverter says."""
        serial = self.home.inverters[0]

        async def is_so() -> bool:
            shown = await self.states()
            record = self.home.simulator.truth(serial, time.time())
            return record is not None and float(shown[TOTAL]) == pytest.approx(
                record["ImportAllTimeEnergykWh"], abs=0.2
            )

        await until(is_so)


@asynccontextmanager
async def place(**options: object) -> AsyncIterator[Place]:
    async with (
        temporary_broker() as broker,
        temporary_core(broker=broker.address) as core,
        house("st", core=core.address) as home,
    ):
        home.supervisor.broker = broker.address
        home.service.options(**options)
        await home.service.start()
        yield Place(home, core, broker)


async def test_states_become_devices_and_states_again(measured: Callable[[str], None]) -> None:
    async with place() as here:
        await here.settle(as_devices=False)
        before = set(await here.states())
        await here.change(as_devices=True)
        assert set(await here.states()) == before | ADDED
        await here.agrees()
        await check_device(here)
        await check_restarts(here, measured)
        await here.change(as_devices=False)
        assert set(await here.states()) == before
        await here.agrees()
        assert await here.broker.retained("redback/#") == {}
        assert await here.broker.retained("homeassistant/#") == {}
        await here.change(as_devices=True)
        assert set(await here.states()) == before | ADDED
        assert await here.home.service.stop() == 0
        assert set((await here.states()).values()) == {"unavailable"}


async def check_device(here: Place) -> None:
    """There is one device, which says what it is, and whose entities have unique ids."""
    devices = await here.core.command({"type": "config/device_registry/list"})
    [device] = [one for one in devices if one["manufacturer"] == "Redback Technologies"]
    serial = here.home.inverters[0]
    assert device["serial_number"] == serial
    assert device["model"]
    assert device["name"] == "Redback"
    registered = await here.registered()
    assert {one["unique_id"] for one in registered.values()} == {
        f"redback_{serial}_{name.partition('.redback_')[2]}" for name in registered
    }
    [state] = [one for one in await here.core.states() if one["entity_id"] == TOTAL]
    assert state["attributes"] == {
        "state_class": "total_increasing",
        "unit_of_measurement": "kWh",
        "device_class": "energy",
        "friendly_name": "Redback Grid Import Total",
    }


async def check_restarts(here: Place, measured: Callable[[str], None]) -> None:
    """Everything is back soon after Core was restarted, and after the broker was."""
    await here.core.stop()
    await asyncio.sleep(3)
    await here.core.start()
    began = time.monotonic()
    await here.settle(as_devices=True, seconds=3)
    measured(f"all entities back {time.monotonic() - began:.1f} s after Core's restart")
    await here.broker.kill()
    gone = {"unavailable"}
    await eventually(here.states, lambda states: set(states.values()) == gone, 10)
    await asyncio.sleep(3)
    await here.broker.start()
    began = time.monotonic()
    await here.settle(as_devices=True, seconds=10)
    measured(f"all entities back {time.monotonic() - began:.1f} s after the broker's restart")


@dataclass(frozen=True)
class Step:
    """A step of the change-over, as it shows outside."""

    as_devices: bool
    is_reached: Callable[[Place], Awaitable[object]]

    async def reach(self, here: Place) -> None:
        """Change the option, and kill the service when the step is reached."""
        assert await here.home.service.stop() == 0
        here.home.service.options(devices=self.as_devices)
        await here.home.service.start()
        await until(lambda: self.is_reached(here), 60, every=0.005)
        await here.home.service.kill()


async def _values_are_published(here: Place) -> object:
    return await here.broker.retained("redback/+/state")


async def _states_are_being_removed(here: Place) -> object:
    return len(await here.states()) < ALL


async def _device_is_described(here: Place) -> object:
    return await here.broker.retained("homeassistant/device/#")


async def _device_is_registered(here: Place) -> object:
    return await here.registered()


async def _description_is_gone(here: Place) -> object:
    return not await here.broker.retained("homeassistant/device/#")


async def _registry_is_empty(here: Place) -> object:
    return not await here.registered()


async def _states_are_being_pushed(here: Place) -> object:
    return not await here.registered() and await here.states()


async def _nothing(_: Place) -> None:
    """Let the service start again at once."""


async def _core_restarts(here: Place) -> None:
    await here.core.stop()
    await here.core.start()


async def _broker_is_away(here: Place) -> None:
    """Let the service find no broker when it starts, for longer than it waits for one."""
    await here.broker.stop()


_STEPS = {
    "values": Step(as_devices=True, is_reached=_values_are_published),
    "description": Step(as_devices=False, is_reached=_description_is_gone),
    "delete": Step(as_devices=True, is_reached=_states_are_being_removed),
    "registry": Step(as_devices=False, is_reached=_registry_is_empty),
    "discovery": Step(as_devices=True, is_reached=_device_is_described),
    "push": Step(as_devices=False, is_reached=_states_are_being_pushed),
    "registered": Step(as_devices=True, is_reached=_device_is_registered),
}
_AWAY_SECONDS = 35  # longer than devices that are taken back wait for their broker


@pytest.mark.parametrize("meanwhile", [_nothing, _core_restarts, _broker_is_away])
async def test_the_change_over_survives_a_kill_at_each_step(
    meanwhile: Callable[[Place], Awaitable[None]],
) -> None:
    async with place() as here:
        await here.settle(as_devices=False)
        before = set(await here.states())
        for name, step in _STEPS.items():
            await step.reach(here)
            await meanwhile(here)
            await here.home.service.start()
            if meanwhile is _broker_is_away:
                await asyncio.sleep(_AWAY_SECONDS)
                await here.broker.start()
            await here.settle(as_devices=step.as_devices, seconds=60)
            expected = before | ADDED if step.as_devices else before
            assert set(await here.states()) == expected, name
            await here.agrees()
