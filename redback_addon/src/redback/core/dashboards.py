"""Core's own dashboards: one is created once, and belongs to its user from then on."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from .errors import CoreRefusedError
from .websocket import WebSocket


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard at a path with a hyphen; its config is as Core's own editor writes it."""

    url_path: str
    title: str
    icon: str
    config: Mapping[str, Any]


class _Listed(msgspec.Struct, frozen=True):
    url_path: str
    mode: str


class Dashboards:
    """The dashboards of one Core; every call raises as `WebSocket.command` does."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._making = asyncio.Lock()

    async def has(self, url_path: str) -> bool:
        """Whether this dashboard exists, with content that its user may have made."""
        listed = await self._listed(url_path)
        if listed is None:
            return False
        return listed.mode != "storage" or await self._config(url_path) is not None

    async def make(self, dashboard: Dashboard) -> bool:
        """Create a dashboard unless it exists, and return whether; an existing one stays unchanged.

        Raises:
            CoreRefusedError: with the code not_taken if it is missing afterwards.
        """
        async with self._making:
            if await self.has(dashboard.url_path):
                return False
            # An earlier attempt may have created it, and lost the connection before filling it.
            if await self._listed(dashboard.url_path) is None:
                await self._create(dashboard)
            save = "lovelace/config/save"
            await self._websocket.command(
                {"type": save, "url_path": dashboard.url_path, "config": dashboard.config}
            )
            if await self._config(dashboard.url_path) is None:
                raise CoreRefusedError.of_command(save, "what was saved is not there", "not_taken")
            return True

    async def _create(self, dashboard: Dashboard) -> None:
        await self._websocket.command(
            {
                "type": "lovelace/dashboards/create",
                "url_path": dashboard.url_path,
                "title": dashboard.title,
                "icon": dashboard.icon,
                "mode": "storage",
                "show_in_sidebar": True,
                "require_admin": False,
            }
        )

    async def _listed(self, url_path: str) -> _Listed | None:
        listed = await self._websocket.ask({"type": "lovelace/dashboards/list"}, list[_Listed])
        return next((one for one in listed if one.url_path == url_path), None)

    async def _config(self, url_path: str) -> object | None:
        """Return its views; None if it has none, so that Core generates them."""
        try:
            question = {"type": "lovelace/config", "url_path": url_path}
            return await self._websocket.ask(question, object)
        except CoreRefusedError as error:
            if error.code != "config_not_found":
                raise
            return None
