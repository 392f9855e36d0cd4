"""Work in daemon threads, which do not delay the end of the process."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def in_thread(work: Callable[[], _T]) -> _T:
    """Run this in a daemon thread; return what it returns, or raise what it raises."""
    # Do not bind the future: it holds the exception, whose traceback holds this frame (a cycle).
    return await _start(work)


def _start(work: Callable[[], _T]) -> asyncio.Future[_T]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()
    threading.Thread(target=_run, args=(work, loop, future), name="redback", daemon=True).start()
    return future


def _run(
    work: Callable[[], _T], loop: asyncio.AbstractEventLoop, future: asyncio.Future[_T]
) -> None:
    answer, failure = None, None
    try:
        answer = work()
    except BaseException as error:  # noqa: BLE001 - it is raised where the work was asked for
        failure = error
    try:
        loop.call_soon_threadsafe(_settle, future, answer, failure)
    except RuntimeError:
        return  # the loop has ended, and nobody waits any more
    finally:
        del future, failure  # this frame too is in the error's traceback


def _settle(future: asyncio.Future[_T], answer: _T | None, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)  # type: ignore[arg-type] # without an error there is an answer
