"""Limits the requests to the cloud: a few at a time, in threads, none while it said to wait."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Protocol, TypeVar

from ..clock import Clock, wait
from ..cloud import CloudError, CredentialsError, ThrottledError, TransientError

_T = TypeVar("_T")
_AT_ONCE = 8
# More frequent requests with refused credentials would look like an attack.
_REFUSED_WAIT = 15 * 60.0
# If the cloud does not say how long: readings must be back within a minute of its end.
_THROTTLED_WAIT = 45.0


class Runner(Protocol):
    """Runs blocking work beside the event loop."""

    def __call__(self, work: Callable[[], _T], /) -> Awaitable[_T]:
        """Return what the work returns, or raise what it raises."""


class Watcher(Protocol):
    """Learns each time whether the cloud accepts the credentials."""

    def credentials_refused(self) -> None:
        """Note that it does not."""

    def credentials_accepted(self) -> None:
        """Note that it does."""


class Throttle:
    """The only way from the event loop to the cloud; tests pass a runner without threads."""

    def __init__(self, clock: Clock, watcher: Watcher, runner: Runner = asyncio.to_thread) -> None:
        self._clock = clock
        self._watcher = watcher
        self._runner = runner
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._open_from = self._open_later_from = clock.monotonic()
        self._reopened = asyncio.Event()
        # How often the cloud has said to wait.
        self.throttled = 0
        # Whether the credentials were refused the last time, and whose turn it is to try them.
        self._is_refused = False
        self._trial = asyncio.Lock()

    async def opened(self) -> None:
        """Wait until requests are allowed."""
        while (left := self._open_from - self._clock.monotonic()) > 0:
            await wait(self._clock, left, self._reopened)

    @property
    def is_closed(self) -> bool:
        """Whether a request would have to wait."""
        return self.shut_s > 0

    @property
    def shut_s(self) -> float:
        """For how long every request has to wait, s."""
        return self._open_from - self._clock.monotonic()

    @property
    def closed_s(self) -> float:
        """For how long a request that can wait has to, s."""
        return max(self._open_from, self._open_later_from) - self._clock.monotonic()

    async def ask(self, question: Callable[[], _T]) -> _T:
        """Make a request, and return its answer or raise its CloudError."""
        return await self._ask(question, self.note)

    async def ask_later(self, question: Callable[[], _T]) -> _T:
        """Make a request that can wait: if the cloud says to wait, only such requests do."""
        while (left := self._open_later_from - self._clock.monotonic()) > 0:
            await wait(self._clock, left, self._reopened)
        return await self._ask(question, self._note_later)

    async def ask_now(self, question: Callable[[], _T], until: float = math.inf) -> _T:
        """Make a request, or raise a ThrottledError where the cloud has said to wait.

        Raises:
            TransientError: others made too many requests for it to have its turn before `until`,
                in monotonic seconds; nothing was asked.
        """
        self._require_open(self._open_from)
        return await self._ask(question, self.note, can_wait=False, until=until)

    async def ask_now_or_later(self, question: Callable[[], _T]) -> _T:
        """Do so with one that can wait: if the cloud says to wait, only such requests do."""
        self._require_open(max(self._open_from, self._open_later_from))
        return await self._ask(question, self._note_later, can_wait=False)

    def _require_open(self, moment: float) -> None:
        if moment > self._clock.monotonic():
            raise ThrottledError("it asked to wait", method="", url="")

    async def _ask(
        self,
        question: Callable[[], _T],
        note: Callable[[CloudError], None],
        *,
        can_wait: bool = True,
        until: float = math.inf,
    ) -> _T:
        async with self._within(self._slots, until):
            # Only once it has a slot: whoever had it before may have been throttled.
            await self._opened(can_wait=can_wait)
            # All that have waited wake up at once: one tries, and the others wait for its answer.
            async with self._within(self._trial, until) if self._is_refused else nullcontext():
                await self._opened(can_wait=can_wait)
                try:
                    answer = await self._runner(question)
                except CloudError as error:
                    self._is_refused = False
                    note(error)
                    raise
        self._is_refused = False
        self._watcher.credentials_accepted()
        return answer

    @asynccontextmanager
    async def _within(
        self, lock: asyncio.Semaphore | asyncio.Lock, until: float
    ) -> AsyncIterator[None]:
        """Hold a lock; raise a TransientError if it does not come before a moment."""
        if lock.locked() and until < math.inf:
            await self._acquire(lock, until)
        else:
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()

    async def _acquire(self, lock: asyncio.Semaphore | asyncio.Lock, until: float) -> None:
        acquiring = asyncio.ensure_future(lock.acquire())
        waiting = asyncio.ensure_future(self._clock.sleep(until - self._clock.monotonic()))
        try:
            await asyncio.wait({acquiring, waiting}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if acquiring.done():
                lock.release()
            raise
        finally:
            waiting.cancel()
            if not (is_acquired := acquiring.done()):
                acquiring.cancel()
        if not is_acquired:
            raise TransientError("there was no time left to ask", method="", url="")

    async def _opened(self, *, can_wait: bool) -> None:
        if can_wait:
            await self.opened()
        else:
            self._require_open(self._open_from)

    def _note_later(self, error: CloudError) -> None:
        if isinstance(error, ThrottledError):
            self.throttled += 1
            self._reopened.clear()
            seconds = error.retry_after or _THROTTLED_WAIT
            self._open_later_from = self._clock.monotonic() + seconds
        else:
            self.note(error)

    def note(self, error: CloudError) -> None:
        """Stop all requests for a while where an error concerns the whole account."""
        match error:
            case CredentialsError(token_refused=False):
                self._is_refused = True
                self.close(_REFUSED_WAIT)
                self._watcher.credentials_refused()
            case ThrottledError(retry_after=seconds):
                self.throttled += 1
                self.close(seconds or _THROTTLED_WAIT)

    def close(self, seconds: float) -> None:
        """Allow no request for this long."""
        self._reopened.clear()
        self._open_from = max(self._open_from, self._clock.monotonic() + seconds)

    def reopen(self) -> None:
        """Allow requests again at once: somebody does not want to wait."""
        self._open_from = self._open_later_from = self._clock.monotonic()
        self._reopened.set()
