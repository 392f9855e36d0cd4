"""Keeps Core up to date: sends changes, and everything again after Core was away."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Protocol, TypeVar

from ..clock import Clock
from .errors import CoreAwayError
from .websocket import retry

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Watcher(Protocol):
    """Is called with each outcome."""

    def arrived(self) -> None:
        """Note that everything has arrived."""

    def failed(self, error: CoreAwayError) -> None:
        """Note that something has not arrived, and will be retried."""


class Sync(Generic[_Key, _Value]):
    """The values that Core should show, by key.

    `send` sends one, `at_once` at most together; a CoreAwayError means that it is to be retried.
    The watcher is called with each failure, and when everything has arrived. `run` sends nothing
    until it is `ready`.
    """

    def __init__(
        self,
        send: Callable[[_Key, _Value], Awaitable[None]],
        clock: Clock,
        *,
        at_once: int,
        watcher: Watcher,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._send = send
        self._at_once = at_once
        self._watcher = watcher
        self._ready = ready
        self._wanted: dict[_Key, _Value] = {}
        # An ordered set; popping a plain dict's first key is O(deleted keys).
        self._due: OrderedDict[_Key, None] = OrderedDict()
        self._under_way: dict[_Key, bool] = {}  # with whether each is due again afterwards
        self._changed = asyncio.Event()
        self._clock = clock

    def want(self, key: _Key, value: _Value) -> None:
        """Show this in Core; nothing is sent where it is shown already."""
        if key not in self._wanted or self._wanted[key] != value:
            self.push(key, value)

    def push(self, key: _Key, value: _Value) -> None:
        """Show this in Core, and send it even if it was shown already."""
        self._wanted[key] = value
        self._mark_due(key)

    def resend(self) -> None:
        """Send everything again: Core may have lost it."""
        for key in self._wanted:
            self._mark_due(key)

    async def run(self) -> None:
        """Send whatever is due, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await retry(self._settle_watched, CoreAwayError, self._clock)

    async def settle(self) -> None:
        """Send all that is due, or becomes due meanwhile; the rest is still due if Core is away."""
        errors: list[CoreAwayError] = []
        async with asyncio.TaskGroup() as tasks:
            workers: list[asyncio.Task[None]] = []
            while not errors:
                self._changed.clear()
                workers = [worker for worker in workers if not worker.done()]
                for _ in range(min(self._at_once - len(workers), len(self._due))):
                    workers.append(tasks.create_task(self._send_due(errors)))
                if not workers:
                    return
                await self._changed.wait()
        try:
            raise errors[0]
        finally:
            errors.clear()  # their tracebacks hold this frame (a cycle)

    async def _settle_watched(self) -> None:
        if self._ready is not None:
            await self._ready()
        try:
            while self._due:  # more may have become due at the last moment
                await self.settle()
        except CoreAwayError as error:
            self._watcher.failed(error)
            raise
        self._watcher.arrived()

    async def _send_due(self, errors: list[CoreAwayError]) -> None:
        """Send one after the other until nothing is due, or Core is away."""
        try:
            while self._due:
                await self._send_next()
        except CoreAwayError as error:
            errors.append(error)
        finally:
            self._changed.set()

    async def _send_next(self) -> None:
        key, _ = self._due.popitem(last=False)
        self._under_way[key] = False
        try:
            await self._send(key, self._wanted[key])
        except (CoreAwayError, asyncio.CancelledError):
            # After a cancellation nobody knows whether it has arrived.
            self._under_way[key] = True
            raise
        finally:
            if self._under_way.pop(key):
                self._due[key] = None

    def _mark_due(self, key: _Key) -> None:
        """Mark this as due, but not while it is under way: the older value might arrive last."""
        if key in self._under_way:
            self._under_way[key] = True
        else:
            self._due[key] = None  # if it is due already, it keeps its position
        self._changed.set()
