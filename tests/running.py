"""Whatever runs for ever, while a test looks at it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol


class Part(Protocol):
    """Something with work of its own."""

    def run(self) -> Coroutine[Any, Any, object]:
        """Work for ever."""


@asynccontextmanager
async def running(*parts: Part) -> AsyncIterator[None]:
    """Let these work; one that has ended by itself, or failed, fails the test."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    yield
    for task in tasks:
        assert task.cancel(), "it has ended"
        with suppress(asyncio.CancelledError):
            await task
