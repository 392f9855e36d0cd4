"""Persistent notifications, each shown while it applies; one that comes back waits for an hour."""

import asyncio

from ..clock import Clock, wait
from ..problems import Kind, Problems
from .errors import CoreRefusedError
from .rest import Rest
from .sync import Sync, Watcher

# A notification that comes and goes is shown once in this time: people are notified each time.
_SHOWN_EVERY_SECONDS = 60 * 60.0
# Another text in place of one that is shown notifies nobody anew, but automations may follow it.
_CHANGED_EVERY_SECONDS = 5 * 60.0

_Notice = dict[str, str]


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
        self._clock = clock
        self._problems = problems
        self._prefix = prefix
        self._sync = Sync[str, _Notice | None](self._send, clock, at_once=1, watcher=watcher)
        self._shown: dict[str, _Notice] = {}
        self._shown_at: dict[str, float] = {}  # since the process started, monotonic
        self._held: dict[str, _Notice] = {}
        self._something_held = asyncio.Event()
        self._told: dict[str, _Notice] = {}  # until Core has it

    def show(self, key: str, title: str, message: str) -> bool:
        """Show a notification, in place of an earlier one with this key; return whether at once.

        One that comes back within an hour has to wait, and so has another text within minutes; it
        is not shown at all if it is withdrawn until then.
        """
        notice = {"title": title, "message": message}
        self._held.pop(key, None)
        if self._shown.get(key) == notice:
            return False
        if self._wait(key) <= 0:
            self._present(key, notice)
            return True
        self._held[key] = notice
        self._something_held.set()
        return False

    def tell(self, key: str, title: str, message: str) -> None:
        """Show a notification once: whoever dismisses it does not see it again."""
        self._told[key] = {"title": title, "message": message}
        self._sync.push(key, self._told[key])

    def withdraw(self, key: str) -> None:
        """Withdraw a notification, including one left by an earlier run."""
        self._held.pop(key, None)
        self._shown.pop(key, None)
        self._sync.want(key, None)

    def resend(self) -> None:
        """Show all that applies again: Core may have lost it."""
        self._sync.resend()

    async def run(self) -> None:
        """Keep Core's notifications up to date, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sync.run())
            tasks.create_task(self._release())

    async def _release(self) -> None:
        """Show each that had to wait, as soon as it may be."""
        while True:
            first = min(map(self._wait, self._held), default=_SHOWN_EVERY_SECONDS)
            await wait(self._clock, first, self._something_held)
            self._something_held.clear()
            for key in [key for key in self._held if self._wait(key) <= 0]:
                self._present(key, self._held.pop(key))

    def _wait(self, key: str) -> float:
        """Return in how many seconds this may be shown anew."""
        if (last := self._shown_at.get(key)) is None:
            return 0.0
        every = _CHANGED_EVERY_SECONDS if key in self._shown else _SHOWN_EVERY_SECONDS
        return last + every - self._clock.monotonic()

    def _present(self, key: str, notice: _Notice) -> None:
        self._shown[key], self._shown_at[key] = notice, self._clock.monotonic()
        self._sync.want(key, notice)

    async def _send(self, key: str, notice: _Notice | None) -> None:
        service = "dismiss" if notice is None else "create"
        data = {"notification_id": f"{self._prefix}_{key}"} | (notice or {})
        try:
            await self._rest.call_service("persistent_notification", service, data)
        except CoreRefusedError as error:
            if notice is None:
                # There is none any more that Core does not take.
                self._problems.drop(Kind.NOTIFICATION, key)
            else:
                self._problems.raise_(Kind.NOTIFICATION, key, error)
        else:
            self._problems.clear(Kind.NOTIFICATION, key)
            if notice is not None and self._told.get(key) is notice:
                del self._told[key]
                self._sync.drop(key)
