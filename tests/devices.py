"""A house with a real Core and a real broker, whose inverters may be devices over MQTT."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from house import House, house, until
from standin.broker import Broker, temporary_broker
from standin.errors import CommandError
from standin.real_core import RealCore, free_port, temporary_core

ALL = 43
NOTHING = {"unavailable", "unknown"}
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
        ours = [one for one in entries if str(one["unique_id"]).startswith("redback_")]
        return {one["entity_id"]: one for one in ours if one["platform"] == "mqtt"}

    async def is_whole(self, *, as_devices: bool) -> bool:
        """Whether all entities have values, and are registered as they should be."""
        try:
            states, registered = await self.states(), set(await self.registered())
        except (aiohttp.ClientError, CommandError):
            return False  # Core is starting
        there = {name for name, state in states.items() if state not in NOTHING}
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
async def place(
    *, more: str = "", second: Sequence[str] = (), **options: object
) -> AsyncIterator[Place]:
    """Start one with these options; `more` is added to Core's configuration.

    `second` is what a second account sees, if there is one.
    """
    async with (
        temporary_broker() as broker,
        temporary_core(broker=broker.address, more=more) as core,
        house(
            "st",
            core=core.address,
            second=second,
            panel_port=free_port(),
            panel_allow="127.0.0.1",
        ) as home,
    ):
        home.supervisor.broker = broker.address
        home.service.options(**options)
        await home.service.start()
        yield Place(home, core, broker)
