"""A publisher of devices, connected to a real broker and to a Core, as tests drive it."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from examples import SERIAL
from fake_clock import FakeClock
from house import until
from redback.core import HomeAssistant, open_session
from redback.options import Mqtt, Options
from redback.problems import Problems
from redback.publishing.components import Commands
from redback.publishing.delivery import Delivery
from redback.publishing.device import Device
from redback.publishing.mqtt import MqttPublisher
from redback.publishing.publisher import Way
from redback.publishing.ways import publisher
from redback.sensors.entities import Shown
from running import running
from standin.broker import HOST, Broker
from standin.client import Client
from standin.core import Core
from standin.supervisor import TOKEN, Supervisor

HOUSE = Device(SERIAL, "House")
CONFIG = f"homeassistant/device/redback_{SERIAL}/config"
STATE, STATUS, LIVE = (f"redback/{SERIAL}/{one}" for one in ("state", "status", "live"))
TOTAL = "grid_import_total"


class Home:
    """A publisher that is connected to a broker and to a Core."""

    def __init__(
        self,
        core: Core,
        broker: Broker,
        supervisor: Supervisor,
        clock: FakeClock,
        folder: Path,
    ) -> None:
        self.folder = folder
        self.core = core
        self.broker = broker
        self.clock = clock
        self.problems = Problems(clock)
        self.noted: dict[datetime, Collection[str]] = {}
        self.supervisor = supervisor

    @asynccontextmanager
    async def started(
        self, *, devices: bool = True, commands: Commands | None = None, own_broker: bool = True
    ) -> AsyncIterator[Way]:
        """Let one work, with a broker of people's own, or with the one that the Supervisor has."""
        async with open_session(TOKEN) as session:
            home_assistant = HomeAssistant(
                session, self.supervisor.url, TOKEN, self.clock, self.problems, prefix="redback"
            )
            mqtt = Mqtt(HOST, self.broker.port) if own_broker else Mqtt()
            own = Options("id", "secret", devices=devices, mqtt=mqtt)
            delivery = Delivery(self._note)
            way = publisher(own, self.folder, home_assistant, self.clock, self.problems, delivery)
            if commands is not None:
                assert isinstance(way, MqttPublisher)
                way.take_commands(commands)
            async with running(home_assistant, way):
                yield way

    def _note(self, _: str, moment: datetime, keys: Collection[str]) -> None:
        self.noted[moment] = keys

    async def retained(self) -> Mapping[str, Any]:
        """Return what the broker retains, by topic."""
        found = await self.broker.retained()
        return {
            topic: json.loads(payload) if payload.startswith(b"{") else payload.decode()
            for topic, payload in found.items()
        }

    async def has(self, condition: Callable[[Mapping[str, Any]], object]) -> Mapping[str, Any]:
        """Let time pass until the broker retains this, and return all of it."""

        async def is_so() -> object:
            await self.clock.advance(1)
            try:
                return condition(await self.retained())
            except KeyError:
                return False

        await until(is_so)
        return await self.retained()

    async def when(self, condition: Callable[[], object]) -> None:
        """Let time pass until something is so."""

        async def is_so() -> object:
            await self.clock.advance(1)
            return condition()

        await until(is_so)

    async def pushed(self, entity_id: str) -> None:
        """Let time pass until a state is there."""
        async with Client.of_core(self.core.url, self.core.token) as client:

            async def is_there() -> bool:
                await self.clock.advance(5)
                return (await client.request("GET", f"states/{entity_id}")).status == 200

            await until(is_there)

    def register(self, key: str, entity_id: str | None = None) -> str:
        """Let Core register an entity, as its integration does."""
        given = entity_id or f"sensor.house_{key}"
        self.core.registry.add(given, "mqtt", unique_id=f"redback_{SERIAL}_{key}")
        return given


def values(**given: float | str | datetime | None) -> list[Shown]:
    return [Shown(key, value) for key, value in given.items()]
