"""States and services over REST: the one place that makes a request to Core."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import aiohttp

from ..timeouts import timeout
from .errors import CoreAwayError, CoreRefusedError, CoreSilentError

UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"
# All states must be there ten seconds after Core answers again, so this and the longest wait before
# another attempt must be less than that.
_TIME_OUT = 4
_NOT_FOUND = 404
# Retry later: Core is down, starting or busy, or does not accept our token yet (401, 403).
_AWAY = frozenset({401, 403, 408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class State:
    """One entity's state, at most 255 characters.

    Core stores each new set of attributes, so they are the same at nearly every push.
    """

    entity_id: str
    value: str
    attributes: Mapping[str, object]


class Rest:
    """Core's REST API below `<supervisor_url>/core/api`; the session is closed by its owner."""

    def __init__(self, session: aiohttp.ClientSession, supervisor_url: str) -> None:
        self._session = session
        self._base = supervisor_url
        self._limit = aiohttp.ClientTimeout(total=timeout(_TIME_OUT))
        # The number of accepted states.
        self.states = 0

    async def set_state(self, state: State) -> None:
        """Make or update one entity.

        Raises:
            CoreAwayError: Core is not there now, or does not accept our token.
            CoreRefusedError: Core refuses this state.
        """
        await self._post(
            f"/core/api/states/{state.entity_id}",
            {"state": state.value, "attributes": state.attributes},
        )
        self.states += 1

    async def delete_state(self, entity_id: str) -> None:
        """Remove an entity's state, if there is one; raise as `set_state` does."""
        await self._request("DELETE", f"/core/api/states/{entity_id}", accepted=(_NOT_FOUND,))

    async def call_service(self, domain: str, service: str, data: Mapping[str, object]) -> None:
        """Call one of Core's services; raise as `set_state` does."""
        await self._post(f"/core/api/services/{domain}/{service}", data)

    async def fire_event(self, event_type: str, data: Mapping[str, object]) -> None:
        """Fire an event on Core's bus; raise as `set_state` does."""
        await self._post(f"/core/api/events/{event_type}", data)

    async def _post(self, path: str, body: Mapping[str, object]) -> None:
        await self._request("POST", path, body)

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        accepted: Collection[int] = (),
    ) -> None:
        """Make a request; these statuses are as good as success."""
        try:
            async with self._session.request(
                method, self._base + path, json=body, timeout=self._limit
            ) as answer:
                await answer.read()  # to the end, so that the connection is kept alive
                status = answer.status
        except TimeoutError:
            raise CoreSilentError(method, path, None, "Core does not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise CoreAwayError(method, path, None, type(error).__name__) from None
        if status in _AWAY:
            raise CoreAwayError(method, path, status, "Core is not ready")
        if not 200 <= status < 300 and status not in accepted:  # noqa: PLR2004 - HTTP's own range of success
            raise CoreRefusedError(method, path, status, f"HTTP status {status}")
