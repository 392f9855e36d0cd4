"""A customer of the simulated cloud, as small as a test can have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from simulator.tokens import NEW_PATH, OLD_PATH, SCOPE
from simulator.world import CLIENT_ID, CREDENTIAL


@dataclass(frozen=True)
class Answer:
    """A status, its headers and what was in the body (None if that was no JSON)."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def data(self) -> Any:  # noqa: ANN401 -- whatever the simulator sends
        """The member every envelope has."""
        return self.body["Data"]


class Customer:
    """Signs in, and asks."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        client_id: str = CLIENT_ID,
        credential: str = CREDENTIAL,
    ) -> None:
        self.session = session
        self._form = {"client_id": client_id, "client_secret": credential}
        self.token = ""

    async def sign_in(self, endpoint: str = "old", **changes: str) -> Answer:
        """Ask a token endpoint ("old" or "new"); `changes` replace form fields, "" drops one."""
        new = {"grant_type": "client_credentials", "scope": SCOPE} if endpoint == "new" else {}
        form = {name: text for name, text in {**self._form, **new, **changes}.items() if text}
        path = NEW_PATH if endpoint == "new" else OLD_PATH
        answer = await self.ask("POST", path, data=form)
        if answer.status == 200:
            self.token = answer.body["access_token"]
        return answer

    async def get(self, path: str, **query: str) -> Answer:
        """Ask for data."""
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, body: object) -> Answer:
        """Send JSON."""
        return await self.ask("POST", path, json=body)

    async def delete(self, path: str) -> Answer:
        """Delete something."""
        return await self.ask("DELETE", path)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        json: object = None,
    ) -> Answer:
        """Send a request, with the token if there is one and no other headers are given."""
        if headers is None and self.token:
            headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(
            method, path, headers=headers, params=params, data=data, json=json
        ) as response:
            is_json = response.content_type == "application/json"
            body = await response.json() if is_json else await response.read() and None
            return Answer(response.status, response.headers, body)
