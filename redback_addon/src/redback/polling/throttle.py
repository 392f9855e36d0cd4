"""Where the cloud is asked: beside the event loop, a few at a time, not while it said to wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from ..clock import Clock
from ..cloud import CloudError, CredentialsError, ThrottledError
from ..threads import in_thread

_T = TypeVar("_T")
_AT_ONCE = 8
# Asking more often with credentials that are refused would look like an attack.
_REFUSED_WAIT = 15 * 60.0
# Where the cloud does not say for how long: readings are to be there a minute after it is over.
_THROTTLED_WAIT = 45.0


class Runner(Protocol):
    """Runs what takes its time where it holds up nothing else."""

    def __call__(self, work: Callable[[], _T]) -> Awaitable[_T]:
        """Give what the work gives, or raise what it raises."""


class Watcher(Protocol):
    """Takes in whether the cloud accepts the credentials."""

    def credentials_refused(self) -> None:
        """Take in that it does not."""

    def credentials_accepted(self) -> None:
        """Take in that it does."""


class Throttle:
    """The one way from the event loop to the cloud.

    Args:
        clock: measures the waits.
        watcher: takes in whether the credentials are accepted, each time that this is known.
        runner: runs the questions; tests have one without threads.
    """

    def __init__(
        self,
        clock: Clock,
        watcher: Watcher,
        runner: Runner = in_thread,
    ) -> None:
        self._clock = clock
        self._watcher = watcher
        self._runner = runner
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._open_from = self._open_later_from = clock.monotonic()
        # How often the cloud has said to wait, to whomever.
        self.throttled = 0

    async def opened(self) -> None:
        """Wait until the cloud may be asked."""
        while (wait := self._open_from - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)

    async def ask(self, question: Callable[[], _T]) -> _T:
        """Ask the cloud, and give its answer.

        Raises:
            CloudError: as the question raised it.
        """
        return await self._ask(question, self.note)

    async def ask_later(self, question: Callable[[], _T]) -> _T:
        """Ask what can wait: the same, but if the cloud says to wait, only such questions do.

        Raises:
            CloudError: as the question raised it.
        """
        while (wait := self._open_later_from - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
        return await self._ask(question, self._note_later)

    async def _ask(self, question: Callable[[], _T], note: Callable[[CloudError], None]) -> _T:
        async with self._places:
            # Within the place: the one who had it before may have been told to wait.
            await self.opened()
            try:
                answer = await self._runner(question)
            except CloudError as error:
                note(error)
                raise
        self._watcher.credentials_accepted()
        return answer

    def _note_later(self, error: CloudError) -> None:
        if isinstance(error, ThrottledError):
            self.throttled += 1
            wait = error.retry_after or _THROTTLED_WAIT
            self._open_later_from = self._clock.monotonic() + wait
        else:
            self.note(error)

    def note(self, error: CloudError) -> None:
        """Take in an error that concerns the whole account, and let nobody ask for a while."""
        match error:
            case CredentialsError(token_refused=False):
                self.close(_REFUSED_WAIT)
                self._watcher.credentials_refused()
            case ThrottledError(retry_after=wait):
                self.throttled += 1
                self.close(wait or _THROTTLED_WAIT)

    def close(self, seconds: float) -> None:
        """Let nobody ask for so long."""
        self._open_from = max(self._open_from, self._clock.monotonic() + seconds)
