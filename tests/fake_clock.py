"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeVar

_T = TypeVar("_T")
START = datetime(2026, 3, 2, 1, 2, 8, tzinfo=UTC)
# How often the event loop turns at most, for everything that a wake-up starts to come to its rest.
_TURNS = 50
# At rest nothing is ready in so many turns one after the other; each looks at sockets too.
_RESTING = 3


class FakeClock:
    """Wall time and monotonic time that move together, and wake those who sleep."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return 1000.0 + self._passed

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        moment = self._passed + max(seconds, 0.0)
        heapq.heappush(self._sleepers, (moment, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, and everything happen that is due in it, in its order."""
        end = self._passed + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            moment, _, sleeper = heapq.heappop(self._sleepers)
            if sleeper.done():
                continue
            self._passed = max(self._passed, moment)
            sleeper.set_result(None)
            await settle()
        self._passed = max(self._passed, end)  # work may have skipped further
        await settle()

    def skip(self, seconds: float) -> None:
        """Let time pass unnoticed: who sleeps is woken by the next `advance`."""
        self._passed += seconds

    def set_wall(self, moment: datetime) -> None:
        """Set the wall clock, as a time server does: monotonic time does not notice."""
        self._start = moment - timedelta(seconds=self._passed)


async def at_once(work: Callable[[], _T]) -> _T:
    """Run without a thread, so that a fake clock decides all times."""
    return work()


async def settle() -> None:
    """Let everything run that can run now."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # noqa: SLF001
    resting = 0
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        resting = 0 if ready else resting + 1
        if resting == _RESTING:
            return
