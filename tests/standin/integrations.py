"""An integration that has an entity of a name, in the stand-in Core or in a real one."""

import asyncio
from http import HTTPStatus
from typing import Any

from standin.client import Client
from standin.core import Core
from standin.real_core import FLOWS, AnyCore

PLATFORM = "random"
_FIRST_STATE_S = 15


class Integration:
    """Registers one sensor and writes it, as what a person has set up in Core does."""

    def __init__(self, core: AnyCore, entity_id: str, entry: str) -> None:
        self.entity_id = entity_id
        self._core = core
        self._entry = entry

    @classmethod
    async def set_up(cls, core: AnyCore, client: Client, name: str) -> "Integration":
        """Set it up; its entity is sensor.{name} if Core has no state of that id."""
        entity_id = f"sensor.{name}"
        if isinstance(core, Core):
            core.registry.add(entity_id, PLATFORM)
            core.write(entity_id, "7", {"friendly_name": name})
            return cls(core, entity_id, "")
        flow = (await client.request("POST", FLOWS, {"handler": PLATFORM})).body["flow_id"]
        await client.request("POST", f"{FLOWS}/{flow}", {"next_step_id": "sensor"})
        made = (await client.request("POST", f"{FLOWS}/{flow}", {"name": name})).body
        async with asyncio.timeout(_FIRST_STATE_S):
            while (await client.request("GET", f"states/{entity_id}")).status != HTTPStatus.OK:
                await asyncio.sleep(0.02)
        return cls(core, entity_id, made["result"]["entry_id"])

    async def write(self, client: Client) -> None:
        """Write its entity once more."""
        if isinstance(self._core, Core):
            self._core.write(self.entity_id, "8", {"friendly_name": "again"})
            return
        data: dict[str, Any] = {"entity_id": self.entity_id}
        await client.request("POST", "services/homeassistant/update_entity", data)

    async def rename(self, client: Client, entity_id: str) -> None:
        """Change the id of its entity, as a person does."""
        old, self.entity_id = self.entity_id, entity_id
        if isinstance(self._core, Core):
            self._core.registry.rename(old, entity_id)
            self._core.remove(old)
            self._core.write(entity_id, "7")
            return
        await _update(client, old, new_entity_id=entity_id)

    async def disable(self, client: Client) -> None:
        """Disable its entity, as a person does."""
        if isinstance(self._core, Core):
            self._core.registry.disable(self.entity_id)
            self._core.remove(self.entity_id)
            return
        await _update(client, self.entity_id, disabled_by="user")

    async def delete(self, client: Client) -> None:
        """Delete it, and with it its entity."""
        if isinstance(self._core, Core):
            self._core.registry.remove(self.entity_id)
            if self._core.states.get(self.entity_id) is not None:
                self._core.remove(self.entity_id)
            return
        await client.request("DELETE", f"config/config_entries/entry/{self._entry}")


async def _update(client: Client, entity_id: str, **changes: str) -> None:
    command = "config/entity_registry/update"
    await client.command({"type": command, "entity_id": entity_id, **changes})
