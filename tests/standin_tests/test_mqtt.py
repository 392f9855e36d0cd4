"""What a real Core makes of devices over MQTT, with a real broker: what the add-on relies on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from standin.broker import Broker, temporary_broker
from standin.client import Client
from standin.real_core import RealCore, temporary_core

pytestmark = [pytest.mark.broker, pytest.mark.core, pytest.mark.asyncio(loop_scope="module")]

Message = dict[str, Any]
WAIT_S = 30
VALUES = {"total": 5.5, "power": 1.2, "online": "ON"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[Broker]:
    """A broker that asks for a password."""
    async with temporary_broker(username="addons", password="made-up-password") as broker:
        yield broker


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def core(broker: Broker) -> AsyncIterator[RealCore]:
    """A Core that is connected to it."""
    async with temporary_core(broker=broker.address) as core:
        yield core


@pytest_asyncio.fixture(loop_scope="module")
async def client(core: RealCore) -> AsyncIterator[Client]:
    async with Client.of_core(core.url, core.token) as client:
        yield client


class Device:
    """An inverter of a name, with two sensors and a binary sensor."""

    def __init__(self, broker: Broker, client: Client, name: str) -> None:
        self.name = name
        self.total = f"sensor.{name}_total"
        self.all = {self.total, f"sensor.{name}_power", f"binary_sensor.{name}_online"}
        self._broker = broker
        self._client = client
        self._state = f"redback/{name}/state"
        self._status = f"redback/{name}/status"

    async def announce(self) -> None:
        """Publish its description, after its availability and its state."""
        await self.tell(VALUES)
        await self._broker.publish(self._status, "online", retain=True)
        description = {
            "dev": {"ids": [f"redback_{self.name}"], "name": self.name.title()},
            "o": {"name": "Redback"},
            "avty_t": self._status,
            "stat_t": self._state,
            "cmps": {
                "total": self._component(
                    "sensor", "total", dev_cla="energy", stat_cla="total_increasing", unit="kWh"
                ),
                "power": self._component(
                    "sensor", "power", dev_cla="power", stat_cla="measurement", unit="kW"
                ),
                "online": self._component("binary_sensor", "online", dev_cla="connectivity"),
            },
        }
        await self._broker.publish(self._discovery, json.dumps(description), retain=True)

    async def withdraw(self) -> None:
        """Remove it from Core, with everything that is retained of it."""
        for topic in (self._discovery, self._state, self._status):
            await self._broker.publish(topic, retain=True)

    async def tell(self, values: Message) -> None:
        """Publish its state."""
        await self._broker.publish(self._state, json.dumps(values), retain=True)

    async def registered(self) -> dict[str, str]:
        """Return the entity ids that Core has given it, by unique id."""
        entries = await self._client.command({"type": "config/entity_registry/list"})
        return {
            entry["unique_id"]: entry["entity_id"]
            for entry in entries
            if entry["platform"] == "mqtt" and f"_{self.name}_" in entry["unique_id"]
        }

    async def is_registered(self) -> bool:
        """Whether Core has all of it, each entity under the id that it asked for."""
        return {*(await self.registered()).values()} == self.all

    async def is_gone(self) -> bool:
        """Whether Core has nothing of it any more."""
        return not await self.registered()

    async def shows(self, state: str) -> bool:
        """Whether this is the state of its first sensor."""
        answer = await self._client.request("GET", f"states/{self.total}")
        return answer.status == 200 and bool(answer.body["state"] == state)

    @property
    def _discovery(self) -> str:
        return f"homeassistant/device/redback_{self.name}/config"

    def _component(self, platform: str, key: str, **more: str) -> Message:
        names = {"dev_cla": "dev_cla", "stat_cla": "stat_cla", "unit": "unit_of_meas"}
        return {
            "p": platform,
            "uniq_id": f"redback_{self.name}_{key}",
            "name": key.title(),
            "val_tpl": f"{{{{ value_json.{key} }}}}",
            "default_entity_id": f"{platform}.{self.name}_{key}",
            "object_id": f"{self.name}_{key}",
            **{names[name]: value for name, value in more.items()},
        }


@pytest_asyncio.fixture(loop_scope="module")
async def device(
    request: pytest.FixtureRequest, broker: Broker, client: Client
) -> AsyncIterator[Device]:
    """A device that no other test has."""
    name = request.function.__name__.removeprefix("test_").replace("_", "")[:20]
    device = Device(broker, client, name)
    yield device
    await device.withdraw()


async def until(happens: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await happens():
            await asyncio.sleep(0.05)


async def test_a_device_has_the_ids_that_it_asks_for(device: Device, client: Client) -> None:
    await device.announce()
    await until(device.is_registered)
    await until(lambda: device.shows("5.5"))
    for entity_id, state in zip(sorted(device.all), ("on", "1.2", "5.5"), strict=True):
        found = (await client.request("GET", f"states/{entity_id}")).body
        assert found["state"] == state
        key = entity_id.rpartition("_")[2].title()
        assert found["attributes"]["friendly_name"] == f"{device.name.title()} {key}"


async def test_an_id_that_somebody_has_changed_stays(device: Device, client: Client) -> None:
    await device.announce()
    await until(device.is_registered)
    change = {"type": "config/entity_registry/update", "entity_id": device.total}
    await client.command({**change, "new_entity_id": "sensor.my_own_id"})
    await device.announce()
    await device.tell({**VALUES, "total": 6})
    device.total = "sensor.my_own_id"
    await until(lambda: device.shows("6"))
    ids = await device.registered()
    assert ids[f"redback_{device.name}_total"] == "sensor.my_own_id"


async def test_a_pushed_state_makes_way_and_comes_back(device: Device, client: Client) -> None:
    await client.push(device.total, 5)
    await device.announce()
    unique_id = f"redback_{device.name}_total"
    await until(lambda: _is_in(unique_id, device.registered()))
    assert (await device.registered())[unique_id] == f"{device.total}_2"
    assert await device.shows("5")
    await device.withdraw()
    await until(device.is_gone)
    assert (await client.request("DELETE", f"states/{device.total}")).status == 200
    await device.announce()
    await until(device.is_registered)
    await until(lambda: device.shows("5.5"))
    await device.withdraw()
    await until(device.is_gone)
    assert (await client.request("GET", f"states/{device.total}")).status == 404
    assert (await client.push(device.total, 5)).status == 201


async def _is_in(key: str, found: Awaitable[dict[str, str]]) -> bool:
    return key in await found


async def test_after_a_restart_of_core_all_is_there_before_the_birth_message(
    core: RealCore, broker: Broker, device: Device
) -> None:
    await device.announce()
    await until(device.is_registered)
    async with broker.client() as listener:
        await listener.subscribe("homeassistant/status")
        await core.restart()
        await until(lambda: device.shows("5.5"))
        said = []
        async for message in listener.messages:
            said.append(message.payload)
            if said[-1] == b"online":
                break
    assert said == [b"offline", b"online"]
    assert await device.is_registered()


async def test_without_the_broker_it_is_unavailable_until_that_is_back(
    broker: Broker, device: Device
) -> None:
    await device.announce()
    await until(lambda: device.shows("5.5"))
    await broker.stop()
    await until(lambda: device.shows("unavailable"))
    await broker.start()
    await until(lambda: device.shows("5.5"))


async def test_a_state_pushed_before_mqtt_is_there_keeps_a_device_out_until_it_is_deleted(
    core: RealCore, broker: Broker, device: Device, client: Client
) -> None:
    await device.announce()
    await until(device.is_registered)
    await core.stop()
    await broker.stop()
    await core.start()
    restored = (await client.request("GET", f"states/{device.total}")).body
    assert (restored["state"], restored["attributes"]["restored"]) == ("unavailable", True)
    assert (await client.push(device.total, 7)).status == 200
    await broker.start()
    refusal = f"ID redback_{device.name}_total is already used"
    await until(lambda: _is_logged(core, refusal))
    await device.tell({**VALUES, "total": 8})
    await device.announce()
    assert await device.shows("7")
    assert (await client.request("DELETE", f"states/{device.total}")).status == 200
    await device.announce()
    await until(lambda: device.shows("5.5"))
    assert await device.is_registered()


async def _is_logged(core: RealCore, text: str) -> bool:
    return text in await asyncio.to_thread(core.log.read_text, encoding="utf-8")
