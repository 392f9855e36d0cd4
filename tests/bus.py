"""Fires commands on Core's event bus, hears the answers, and says what was written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from house import House
from standin.client import Client


class Bus:
    """Fires events on Core's bus, and hears those of one type."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def hear(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Listen all the time, or Core would hang up."""
        async for message in socket:
            if (content := message.json())["type"] == "event":
                self._heard.put_nowait(content["event"]["data"])

    async def fire(self, kind: str, data: object) -> None:
        answer = await self._client.request("POST", f"events/{kind}", data)
        assert answer.status == 200

    async def next(self, seconds: float = 45) -> dict[str, Any]:
        """Return the data of the next event."""
        async with asyncio.timeout(seconds):
            return await self._heard.get()


@asynccontextmanager
async def bus(home: House, hears: str) -> AsyncIterator[Bus]:
    async with home.client() as client, await client.connect() as socket:
        await socket.send_json({"id": 1, "type": "subscribe_events", "event_type": hears})
        assert (await socket.receive_json())["success"]
        heard = Bus(client)
        hearing = asyncio.create_task(heard.hear(socket))
        yield heard
        hearing.cancel()


def written(home: House) -> list[str]:
    """Return all that was asked of the cloud's controls, but for reading; and never of all."""
    asked = [f"{entry.method} {entry.path}" for entry in home.simulator.journal.entries]
    assert not any(path.endswith("/All") for path in asked)
    words = ("/Schedule/", "/OperatingEnvelope/")
    of_controls = [one for one in asked if any(word in one for word in words)]
    return [one for one in of_controls if not one.startswith("GET")]


async def ready(home: House) -> None:
    """Wait until the service knows its inverter."""
    await home.shows("redback_status")
    await home.shows("redback_battery_capacity")
