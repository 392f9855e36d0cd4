"""That the cloud is asked beside the event loop, and not while it has said to wait."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import pytest

from fake_clock import FakeClock, settle
from garbage import collected
from redback.cloud import CredentialsError, ThrottledError, TransientError
from redback.polling.throttle import Throttle
from redback.process import threads

_T = TypeVar("_T")
REFUSED = CredentialsError(
    "the credentials are refused", method="POST", url="http://cloud/token", token_refused=False
)


class Reported:
    def __init__(self) -> None:
        self.last = "nothing yet"

    def credentials_refused(self) -> None:
        self.last = "refused"

    def credentials_accepted(self) -> None:
        self.last = "accepted"


@pytest.fixture
def reported() -> Reported:
    return Reported()


@pytest.fixture
def throttle(clock: FakeClock, reported: Reported) -> Throttle:
    return Throttle(clock, reported)


def raising(error: Exception) -> object:
    raise error


async def test_an_answer_comes_back_from_another_thread(
    throttle: Throttle, reported: Reported
) -> None:
    assert await throttle.ask(threading.current_thread) is not threading.current_thread()
    assert reported.last == "accepted"


async def test_an_error_comes_back_as_it_is(throttle: Throttle) -> None:
    with pytest.raises(TransientError):
        await throttle.ask(lambda: raising(TransientError("no", method="GET", url="http://cloud/")))


async def test_an_error_leaves_nothing_behind(throttle: Throttle) -> None:
    def fail() -> None:
        raise TransientError("no", method="GET", url="http://cloud/")

    with collected() as kinds:
        for _ in range(3):
            with suppress(TransientError):
                await throttle.ask(fail)
    assert not kinds & {"TransientError", "Thread", "Future"}


async def test_a_question_that_hangs_does_not_hold_up_the_others(throttle: Throttle) -> None:
    forever = threading.Event()
    hanging = asyncio.create_task(throttle.ask(forever.wait))
    assert await throttle.ask(lambda: "answer") == "answer"
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    forever.set()


async def test_accounts_that_are_slow_leave_threads_to_another_one_and_to_files(
    clock: FakeClock, reported: Reported
) -> None:
    pool = threads(4)
    asyncio.get_running_loop().set_default_executor(pool)
    slow = threading.Event()
    hanging = [
        asyncio.create_task(throttle.ask(slow.wait))
        for throttle in (Throttle(clock, reported) for _ in range(3))
        for _ in range(20)
    ]
    await settle()
    try:
        async with asyncio.timeout(5):
            assert await Throttle(clock, reported).ask(lambda: "answer") == "answer"
            assert await asyncio.to_thread(lambda: "file") == "file"
    finally:
        slow.set()
        await asyncio.gather(*hanging)


async def test_a_token_that_is_refused_for_something_minor_holds_up_nothing(
    throttle: Throttle, reported: Reported
) -> None:
    error = CredentialsError("refused", method="GET", url="http://cloud/", token_refused=True)
    with pytest.raises(CredentialsError):
        await throttle.ask(lambda: raising(error))
    assert await throttle.ask(lambda: "answer") == "answer"
    assert reported.last == "accepted"


async def test_while_it_is_closed_nobody_asks(throttle: Throttle, clock: FakeClock) -> None:
    throttle.close(5 * 60)
    again = asyncio.create_task(throttle.ask(lambda: "answer"))
    await clock.advance(5 * 60 - 1)
    assert not again.done()
    await clock.advance(1)
    assert await again == "answer"


async def test_refused_credentials_are_reported_and_not_tried_again_for_a_quarter_of_an_hour(
    throttle: Throttle, reported: Reported, clock: FakeClock
) -> None:
    with pytest.raises(CredentialsError):
        await throttle.ask(lambda: raising(REFUSED))
    assert reported.last == "refused"
    again = asyncio.create_task(throttle.ask(lambda: "answer"))
    await clock.advance(15 * 60 - 1)
    assert not again.done()
    await clock.advance(1)
    assert await again == "answer"
    assert reported.last == "accepted"


async def test_refused_credentials_are_tried_again_by_one_request_alone(
    clock: FakeClock, reported: Reported
) -> None:
    asked = 0

    async def runner(work: Callable[[], _T]) -> _T:
        nonlocal asked
        asked += 1
        await clock.sleep(1)
        return work()

    throttle = Throttle(clock, reported, runner)
    asking = [asyncio.create_task(throttle.ask(lambda: raising(REFUSED)))]
    await clock.advance(5)
    asking += [asyncio.create_task(throttle.ask(lambda: raising(REFUSED))) for _ in range(3)]
    await clock.advance(15 * 60)
    assert asked == 2
    answer = asyncio.create_task(throttle.ask(lambda: "answer"))
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await clock.advance(15 * 60)
    assert await answer == "answer"
    assert reported.last == "accepted"


@pytest.mark.parametrize(("retry_after", "wait"), [(7.0, 7.0), (None, 45.0)])
async def test_a_cloud_that_throttles_is_left_alone(
    throttle: Throttle, clock: FakeClock, retry_after: float | None, wait: float
) -> None:
    error = ThrottledError("slow down", method="GET", url="http://cloud/", retry_after=retry_after)
    with pytest.raises(ThrottledError):
        await throttle.ask(lambda: raising(error))
    opened = asyncio.create_task(throttle.opened())
    await clock.advance(wait - 0.1)
    assert not opened.done()
    await clock.advance(0.2)
    assert opened.done()


async def test_what_cannot_wait_is_not_asked_later_once_it_has_a_slot(
    throttle: Throttle, clock: FakeClock
) -> None:
    throttle.close(600)
    for ask in (throttle.ask_now, throttle.ask_now_or_later):
        with pytest.raises(ThrottledError):
            await ask(lambda: "answer")
    throttle.reopen()
    slots = throttle._slots  # noqa: SLF001 - all are taken
    while not slots.locked():
        await slots.acquire()
    asking = [
        asyncio.create_task(ask(lambda: "answer"))
        for ask in (throttle.ask_now, throttle.ask_now_or_later)
    ]
    await clock.advance(1)
    throttle.close(600)
    slots.release()
    await clock.advance(1)
    for one in asking:
        with pytest.raises(ThrottledError):
            await one


@pytest.mark.parametrize("can_wait", [True, False])
async def test_what_can_wait_does_so_alone_when_asked_to_and_else_with_everything(
    throttle: Throttle, clock: FakeClock, *, can_wait: bool
) -> None:
    error = ThrottledError("slow down", method="GET", url="http://cloud/", retry_after=30)
    with pytest.raises(ThrottledError):
        await (throttle.ask_later if can_wait else throttle.ask)(lambda: raising(error))
    if can_wait:
        assert await throttle.ask(lambda: "answer") == "answer"
    later = asyncio.create_task(throttle.ask_later(lambda: "answer"))
    await clock.advance(29)
    assert not later.done()
    await clock.advance(1)
    assert await later == "answer"


async def test_no_more_than_eight_questions_are_asked_at_once(throttle: Throttle) -> None:
    busy, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def question() -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        go.wait(5)
        with lock:
            busy -= 1

    asking = [asyncio.create_task(throttle.ask(question)) for _ in range(20)]
    await settle()
    go.set()
    await asyncio.gather(*asking)
    assert most <= 8


async def test_who_waits_for_a_place_does_not_ask_after_the_cloud_has_said_to_wait(
    clock: FakeClock, reported: Reported
) -> None:
    asked = 0

    async def runner(work: Callable[[], _T]) -> _T:
        nonlocal asked
        asked += 1
        await clock.sleep(1)
        return work()

    throttle = Throttle(clock, reported, runner)
    error = ThrottledError("slow down", method="GET", url="http://cloud/", retry_after=30)
    asking = [asyncio.create_task(throttle.ask(lambda: raising(error))) for _ in range(50)]
    await clock.advance(25)
    assert asked == 8
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


@pytest.mark.parametrize("can_wait", [True, False])
async def test_somebody_who_does_not_want_to_wait_makes_all_ask_again_until_the_cloud_says_no(
    throttle: Throttle, clock: FakeClock, *, can_wait: bool
) -> None:
    error = ThrottledError("slow down", method="GET", url="http://cloud/", retry_after=30)
    ask = throttle.ask_later if can_wait else throttle.ask
    for _ in range(2):
        with pytest.raises(ThrottledError):
            await ask(lambda: raising(error))
        again = asyncio.create_task(ask(lambda: "answer"))
        await clock.advance(1)
        assert not again.done()
        throttle.reopen()
        await settle()
        assert await again == "answer"
    assert throttle.closed_s <= 0


async def test_what_is_not_asked_in_time_is_not_asked_at_all(
    throttle: Throttle, clock: FakeClock
) -> None:
    slots, asked = throttle._slots, []  # noqa: SLF001 - all are taken
    while not slots.locked():
        await slots.acquire()
    asking = asyncio.create_task(throttle.ask_now(lambda: asked.append(1), clock.monotonic() + 5))
    patient = asyncio.create_task(throttle.ask_now(lambda: "answer", clock.monotonic() + 9))
    await clock.advance(4)
    assert not asking.done()
    await clock.advance(1)
    with pytest.raises(TransientError):
        await asking
    slots.release()
    assert await patient == "answer"
    assert asked == []
    assert not slots.locked()  # the slot has been given back
