"""Keeps Core up to date: sends changes, and everything again after Core was away."""

import asyncio
import contextlib
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, KeysView
from typing import Generic, Protocol, TypeVar

from ..clock import Clock, wait
from .errors import CoreAwayError, CoreSilentError
from .websocket import retry

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")
# What Core did not answer in time may still land, after a newer value, and stand. So the value is
# sent again: soon, which is enough if Core was only slow, and after the 300 s that the Supervisor
# waits for Core, when nothing older can land any more.
_AGAIN_SECONDS = 15.0, 310.0


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
        # Keys to send again, and when, in monotonic seconds.
        self._again: list[tuple[float, _Key]] = []

    def want(self, key: _Key, value: _Value) -> None:
        """Show this in Core; nothing is sent where it is shown already."""
        if key not in self._wanted or self._wanted[key] != value:
            self.push(key, value)

    def push(self, key: _Key, value: _Value) -> None:
        """Show this in Core, and send it even if it was shown already."""
        self._wanted[key] = value
        self._mark_due(key)

    def drop(self, key: _Key) -> None:
        """Send this no more; what is shown stays."""
        self._wanted.pop(key, None)
        self._due.pop(key, None)

    @property
    def due(self) -> KeysView[_Key]:
        """The keys of what is still to be sent."""
        return self._due.keys()

    def resend(self) -> None:
        """Send everything again: Core may have lost it."""
        for key in self._wanted:
            self._mark_due(key)

    async def run(self) -> None:
        """Send whatever is due, until cancelled."""
        while True:
            next_again = min((moment for moment, _ in self._again), default=math.inf)
            await wait(self._clock, next_again - self._clock.monotonic(), self._changed)
            self._changed.clear()
            await retry(self._settle_watched, CoreAwayError, self._clock)

    async def finish(self, first: Iterable[_Key], *, at_once: int, deadline: float) -> int:
        """Send everything that is due, and return of how much Core has not confirmed it.

        Args:
            first: the order in which to send; whatever is not among these comes last.
            at_once: how many may be under way together from now on.
            deadline: when to give up, on the event loop's clock.
        """
        self._at_once = at_once
        ordered = [key for key in first if key in self._due]
        self._due = OrderedDict.fromkeys([*ordered, *self._due])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await retry(self.settle, CoreAwayError, self._clock)
                self._mark_again(math.inf)  # there is no later
                await retry(self.settle, CoreAwayError, self._clock)
        return len(self._due)

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
        self._mark_again(self._clock.monotonic())
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
        except (CoreSilentError, asyncio.CancelledError):
            self._under_way[key] = True
            now = self._clock.monotonic()
            self._again += [(now + seconds, key) for seconds in _AGAIN_SECONDS]
            raise
        except CoreAwayError:
            self._under_way[key] = True
            raise
        finally:
            if self._under_way.pop(key) and key in self._wanted:
                self._due[key] = None

    def _mark_again(self, now: float) -> None:
        """Mark as due what is to be sent again by now."""
        for moment, key in self._again:
            if moment <= now and key in self._wanted:
                self._mark_due(key)
        self._again = [one for one in self._again if one[0] > now]

    def _mark_due(self, key: _Key) -> None:
        """Mark this as due, but not while it is under way: the older value might arrive last."""
        if key in self._under_way:
            self._under_way[key] = True
        else:
            self._due[key] = None  # if it is due already, it keeps its position
        self._changed.set()
