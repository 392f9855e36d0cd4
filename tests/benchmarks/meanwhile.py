"""Lets something go on beside a measurement, which is worth nothing once that has ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager


@asynccontextmanager
async def meanwhile(what: str, work: Awaitable[object]) -> AsyncIterator[None]:
    """Do `work` as long as the context is open.

    Args:
        what: it is, for people.
        work: has no end; if it ends or fails nevertheless, so does the context, at once.

    Raises:
        ExceptionGroup: what went wrong, with the work or within the context.
    """
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_without_end(what, work))
        yield
        task.cancel()


async def _without_end(what: str, work: Awaitable[object]) -> None:
    told = await work
    raise RuntimeError(f"{what} has ended: {told}")
