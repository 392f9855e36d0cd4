"""Keeps things of Core's as they should be: sends what changed, and all of it after an absence."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

from ..clock import Clock
from .errors import CoreAwayError
from .patience import retrying

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Mirror(Generic[_Key, _Value]):
    """What Core should show, by key, and its way there.

    Args:
        send: brings one thing to Core. It raises CoreAwayError when that is to be tried again.
        clock: waits between the tries.
        at_once: how many may be under way together.
        away: takes each error that makes it try again, and None when everything has arrived.
    """

    def __init__(
        self,
        send: Callable[[_Key, _Value], Awaitable[None]],
        clock: Clock,
        *,
        at_once: int,
        away: Callable[[CoreAwayError | None], None],
    ) -> None:
        self._send = send
        self._at_once = at_once
        self._away = away
        self._wanted: dict[_Key, _Value] = {}
        self._due: dict[_Key, None] = {}  # a set that keeps its order
        self._under_way: set[_Key] = set()
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
        self._due[key] = None
        self._changed.set()

    def resend(self) -> None:
        """Send everything again: Core may have lost it."""
        self._due = dict.fromkeys(self._wanted)
        self._changed.set()

    async def run(self) -> None:
        """Send whatever is due, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            async for attempt in self._attempts:
                with attempt:
                    await self._settle_and_tell()

    async def settle(self) -> None:
        """Send what is due now.

        Raises:
            CoreAwayError: not all of it arrived; what did not is still due.
        """
        workers = range(min(self._at_once, len(self._due)))
        outcomes = await asyncio.gather(*(self._send_due() for _ in workers))
        error = next(filter(None, outcomes), None)
        del outcomes
        if error is not None:
            try:
                raise error
            finally:
                del error  # whose traceback has this very frame

    async def _settle_and_tell(self) -> None:
        try:
            while self._due:  # more may have come meanwhile
                await self.settle()
        except CoreAwayError as error:
            self._away(error)
            raise
        self._away(None)

    async def _send_due(self) -> CoreAwayError | None:
        while (key := self._next()) is not None:
            self._under_way.add(key)
            del self._due[key]
            try:
                await self._send(key, self._wanted[key])
            except CoreAwayError as error:
                self._due.setdefault(key)
                return error
            finally:
                self._under_way.discard(key)
        return None

    def _next(self) -> _Key | None:
        """Choose what to send; not what is under way, or the older value might come in last."""
        return next((key for key in self._due if key not in self._under_way), None)
