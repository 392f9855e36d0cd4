"""Persistent notifications: what people should be told, shown for as long as it holds."""

from dataclasses import dataclass

from ..clock import Clock
from ..problems import Kind, Problems
from .errors import CoreRefusedError
from .rest import Rest
from .sync import Sync, Watcher


@dataclass(frozen=True, slots=True)
class _Notice:
    title: str
    message: str


class Notices:
    """The notifications that should be there, each under a key of its own.

    Args:
        rest: shows them.
        clock: waits between the tries.
        problems: get those that Core does not take.
        prefix: of their ids.
        watcher: takes in whether they arrive.
    """

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
        self._sync = Sync[str, _Notice | None](self._send, clock, at_once=1, watcher=watcher)

    def show(self, key: str, title: str, message: str) -> None:
        """Show a notification, in the place of an earlier one with this key."""
        self._sync.want(key, _Notice(title, message))

    def withdraw(self, key: str) -> None:
        """Take a notification away, also one that an earlier run of the program has left."""
        self._sync.want(key, None)

    def resend(self) -> None:
        """Show everything again: Core may have lost it."""
        self._sync.resend()

    async def run(self) -> None:
        """Keep Core's notifications as they should be, for ever."""
        await self._sync.run()

    async def _send(self, key: str, notice: _Notice | None) -> None:
        identity = {"notification_id": f"{self._prefix}_{key}"}
        text = {} if notice is None else {"title": notice.title, "message": notice.message}
        service = "dismiss" if notice is None else "create"
        try:
            await self._rest.call_service("persistent_notification", service, identity | text)
        except CoreRefusedError as error:
            self._problems.raise_(Kind.NOTIFICATION, key, error)
        else:
            self._problems.clear(Kind.NOTIFICATION, key)
