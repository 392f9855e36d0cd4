"""Keeps things of Core's as they should be: sends what changed, and all of it after an absence."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, Protocol, TypeVar

from ..clock import Clock
from .errors import CoreAwayError
from .websocket import retrying

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Watcher(Protocol):
    """Takes in how it goes."""

    def arrived(self) -> None:
        """Take in that everything has arrived."""

    def failed(self, error: CoreAwayError) -> None:
        """Take in that something has not; it is tried again."""


class Sync(Generic[_Key, _Value]):
    """What Core should show, by key, and its way there.

    Args:
        send: brings one thing to Core. It raises CoreAwayError when that is to be tried again.
        clock: waits between the tries.
        at_once: how many may be under way together.
        watcher: takes in each failure that makes it try again, and when everything has arrived.
    """

    def __init__(
        self,
        send: Callable[[_Key, _Value], Awaitable[None]],
        clock: Clock,
        *,
        at_once: int,
        watcher: Watcher,
    ) -> None:
        self._send = send
        self._at_once = at_once
        self._watcher = watcher
        self._wanted: dict[_Key, _Value] = {}
        # A set that keeps its order; a plain dict's first key is found the later, the more keys
        # before it have been taken out.
        self._due: OrderedDict[_Key, None] = OrderedDict()
        self._under_way: set[_Key] = set()
        self._again: set[_Key] = set()  # what is under way, and due once it is not
        self._changed = asyncio.Event()
        # One for all: each would leave a cycle of references, which Python lets stand for hours.
        self._attempts = retrying(CoreAwayError, clock)

    @property
    def wanted(self) -> Mapping[_Key, _Value]:
        """What Core should show."""
        return self._wanted

    def want(self, key: _Key, value: _Value) -> None:
        """Let Core show this; nothing is sent where it does already."""
        if key in self._wanted and self._wanted[key] == value:
            return
        self._wanted[key] = value
        self._mark_due(key)

    def resend(self) -> None:
        """Send everything again: Core may have lost it."""
        for key in self._wanted:
            self._mark_due(key)

    async def run(self) -> None:
        """Send whatever is due, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            async for attempt in self._attempts:
                with attempt:
                    await self._settle_watched()

    async def settle(self) -> None:
        """Send what is due, and what becomes so meanwhile.

        Raises:
            CoreAwayError: not all of it arrived; what did not is still due.
        """
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
            errors.clear()  # their tracebacks have this very frame

    async def _settle_watched(self) -> None:
        try:
            while self._due:  # more may have come at the last moment
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
        self._under_way.add(key)
        try:
            await self._send(key, self._wanted[key])
        except (CoreAwayError, asyncio.CancelledError):
            # When it was cancelled nobody knows whether it has arrived.
            self._again.add(key)
            raise
        finally:
            self._under_way.discard(key)
            if key in self._again:
                self._again.discard(key)
                self._due[key] = None

    def _mark_due(self, key: _Key) -> None:
        """Have this sent, but not while it is under way, or the older value might come in last."""
        if key in self._under_way:
            self._again.add(key)
        else:
            self._due[key] = None  # what waits already keeps its place
        self._changed.set()
