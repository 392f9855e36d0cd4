"""Facts that the cloud client has learned about the account, kept over a restart."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

import msgspec


class RememberedRoute(msgspec.Struct, frozen=True):
    """The route that last gave readings, since when or since a better one was looked for, UTC."""

    route: str
    since: Annotated[datetime, msgspec.Meta(tz=True)]


class Remembered(msgspec.Struct, frozen=True):
    """The facts that should outlive a restart; losing them costs a few requests."""

    token_endpoint: str | None = None
    routes: Mapping[str, RememberedRoute] = {}


class RememberedHolder:
    """Holds the facts, and reports each change; may be used from several threads.

    `on_change` is called with the new facts after each change, in the order of the changes, in the
    thread that made it. It must not raise.
    """

    def __init__(
        self,
        current: Remembered | None = None,
        on_change: Callable[[Remembered], None] = lambda _: None,
    ) -> None:
        self._lock = threading.Lock()
        self.current = current or Remembered()
        self._on_change = on_change

    def remember_endpoint(self, name: str) -> None:
        """Remember which token endpoint accepts the credentials."""
        with self._lock:
            self._become(msgspec.structs.replace(self.current, token_endpoint=name))

    def remember_routes(self, routes: Mapping[str, RememberedRoute]) -> None:
        """Remember the routes to the readings of some inverters, by serial number."""
        with self._lock:
            routes = {**self.current.routes, **routes}
            self._become(msgspec.structs.replace(self.current, routes=routes))

    def _become(self, changed: Remembered) -> None:
        if changed != self.current:
            self.current = changed
            self._on_change(changed)
