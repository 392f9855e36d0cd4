"""Somebody who looks at the panel of a house: asks for its data, and presses its buttons."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
from multidict import CIMultiDict

from house import House, eventually, house, until
from standin.real_core import free_port
from standin.users import OWNER

_TOKEN = re.compile(r'<meta name="redback-token" content="([^"]+)"')


class Visitor:
    """Somebody at the panel, or at the address below which something else shows it.

    At the panel itself they say who they are, as the Supervisor would.
    """

    def __init__(self, home: House, url: str = "", user: str = OWNER) -> None:
        self.home = home
        self._user = {"X-Remote-User-Id": user} if user else {}
        self._session = aiohttp.ClientSession(base_url=f"{url or home.panel_url}/")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def start(self) -> None:
        """Start the service, and wait until there is a panel."""
        await self.home.service.start()
        await until(self.answers)

    async def answers(self) -> bool:
        """Whether there is a panel."""
        try:
            async with self._session.get("health"):
                return True
        except aiohttp.ClientError:
            return False

    def get(self, path: str) -> Any:  # noqa: ANN401 - a context that has no name outside of aiohttp
        """Ask for whatever there is, relative to the page."""
        return self._session.get(path)

    async def data(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return one of the answers below data/."""
        async with self.get(f"data/{name}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def token(self) -> str:
        """Return what is in the page."""
        async with self.get("") as answer:
            found = _TOKEN.search(await answer.text())
        assert found is not None
        return found[1]

    async def post(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Press a button, and return the status and the sentence.

        Without headers those of the page itself are sent.
        """
        if headers is None:
            headers = {"X-Redback-Token": await self.token(), "Content-Type": "application/json"}
        text = body if isinstance(body, str) else json.dumps(body or {})
        async with self.send(path, text, headers) as answer:
            return answer.status, (await answer.json())["text"]

    def send(self, path: str, body: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - as `get`
        """Send whatever there is to a button."""
        sent = CIMultiDict(headers)
        if "X-Remote-User-Id" not in sent:
            sent.update(self._user)
        return self._session.post(f"do/{path}", data=body, headers=sent)

    async def until(
        self, name: str, is_so: Callable[[dict[str, Any]], object], *, seconds: float = 20
    ) -> dict[str, Any]:
        """Wait until one of the answers below data/ is as it should be, and return it."""
        last: dict[str, Any] = {}

        async def ask() -> dict[str, Any]:
            last.update(await self.data(name))
            return last

        try:
            return await eventually(ask, is_so, seconds)
        except TimeoutError:
            raise AssertionError(f"it has not come to that: {last}") from None

    async def first_notice(self, kind: str, *, seconds: float = 30) -> dict[str, Any]:
        """Wait until this is the first notice, and return it."""
        status = await self.until(
            "status",
            lambda status: [one["kind"] for one in status["notices"][:1]] == [kind],
            seconds=seconds,
        )
        first: dict[str, Any] = status["notices"][0]
        return first

    async def all_well(self, *, seconds: float = 30) -> dict[str, Any]:
        """Wait until there are readings and no notices, and return the status."""

        def is_well(status: dict[str, Any]) -> bool:
            inverters = status["inverters"]
            is_read = bool(inverters) and all(one["is_live"] for one in inverters)
            return is_read and not status["notices"]

        return await self.until("status", is_well, seconds=seconds)


@asynccontextmanager
async def visitor(*presets: str, **changes: Any) -> AsyncIterator[Visitor]:  # noqa: ANN401 - of `house`
    """Make a house whose panel may be looked at; its service is not yet started."""
    options = changes.pop("options", {})
    async with house(*presets, panel_port=free_port(), panel_allow="127.0.0.1", **changes) as home:
        home.service.options(**options)
        async with Visitor(home) as person:
            yield person


@asynccontextmanager
async def running(*presets: str, **changes: Any) -> AsyncIterator[Visitor]:  # noqa: ANN401 - of `house`
    """Make a house whose service runs, and whose panel answers."""
    async with visitor(*presets, **changes) as person:
        await person.start()
        yield person
