"""Persistent notifications, each shown while it applies."""

from ..clock import Clock
from ..problems import Kind, Problems
from .errors import CoreRefusedError
from .rest import Rest
from .sync import Sync, Watcher


class Notices:
    """The notifications that Core should show, each under a key that ends its id."""

    def __init__(
        self,
        rest: Rest,
        clock: Clock,
        problems: Problems,
        *,
        prefix: str,
        watcher: Watcher,
    ) -> None:
        self._rest = rest
        self._problems = problems
        self._prefix = prefix
        self._sync = Sync[str, dict[str, str] | None](self._send, clock, at_once=1, watcher=watcher)

    def show(self, key: str, title: str, message: str) -> None:
        """Show a notification, in place of an earlier one with this key."""
        self._sync.want(key, {"title": title, "message": message})

    def withdraw(self, key: str) -> None:
        """Withdraw a notification, including one left by an earlier run."""
        self._sync.want(key, None)

    def resend(self) -> None:
        """Show everything again: Core may have lost it."""
        self._sync.resend()

    async def run(self) -> None:
        """Keep Core's notifications up to date, until cancelled."""
        await self._sync.run()

    async def _send(self, key: str, notice: dict[str, str] | None) -> None:
        service = "dismiss" if notice is None else "create"
        data = {"notification_id": f"{self._prefix}_{key}"} | (notice or {})
        try:
            await self._rest.call_service("persistent_notification", service, data)
        except CoreRefusedError as error:
            self._problems.raise_(Kind.NOTIFICATION, key, error)
        else:
            self._problems.clear(Kind.NOTIFICATION, key)
