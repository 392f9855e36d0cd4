"""Persistent notifications: what people should be told, shown for as long as it holds."""

from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from .errors import CoreAwayError, CoreRefusedError
from .rest import CoreRest
from .sync import Sync


@dataclass(frozen=True, slots=True)
class _Notice:
    title: str
    message: str


class Notices:
    """The notifications that should be there, each under a key of its own.

    Args:
        core: shows them.
        clock: waits between the tries.
        prefix: of their ids.
        away: takes each error that makes it try again, and None when everything has arrived.
        refused: takes the error when Core does not take a notification.
    """

    def __init__(
        self,
        core: CoreRest,
        clock: Clock,
        *,
        prefix: str,
        away: Callable[[CoreAwayError | None], None],
        refused: Callable[[CoreRefusedError], None],
    ) -> None:
        self._core = core
        self._prefix = prefix
        self._refused = refused
        self._sync = Sync[str, _Notice | None](self._send, clock, at_once=1, away=away)

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
            await self._core.call_service("persistent_notification", service, identity | text)
        except CoreRefusedError as error:
            self._refused(error)
