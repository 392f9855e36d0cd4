"""That Core comes to show what it should, through every absence."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from fake_clock import FakeClock, settle
from garbage import collected
from redback.core import CoreAwayError
from redback.core.errors import CoreSilentError
from redback.core.sync import Sync
from running import running


class Core:
    """Takes what it is sent, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.shows: dict[str, int] = {}
        self.calls = 0
        self.most_at_once = 0
        self._busy = 0

    async def take(self, key: str, value: int) -> None:
        self.calls += 1
        self._busy += 1
        self.most_at_once = max(self.most_at_once, self._busy)
        await asyncio.sleep(0)
        self._busy -= 1
        if self.away:
            raise CoreAwayError("POST", "/", 502, "away")
        self.shows[key] = value

    def restart(self) -> None:
        self.shows.clear()


@pytest.fixture
def core() -> Core:
    return Core()


class Reported(list[CoreAwayError | None]):
    """Each failure, and None each time that everything has arrived."""

    def arrived(self) -> None:
        self.append(None)

    def failed(self, error: CoreAwayError) -> None:
        self.append(error)


@pytest.fixture
def reported() -> Reported:
    return Reported()


@pytest.fixture
async def sync(core: Core, clock: FakeClock, reported: Reported) -> AsyncIterator[Sync[str, int]]:
    sync = Sync[str, int](core.take, clock, at_once=4, watcher=reported)
    async with running(sync):
        yield sync


async def test_to_show_something_leaves_nothing_behind(sync: Sync[str, int]) -> None:
    with collected() as kinds:
        for value in range(3):
            sync.want("a", value)
            await settle()
    assert "RetryCallState" not in kinds


async def test_an_absence_leaves_nothing_behind(
    sync: Sync[str, int],
    core: Core,
    clock: FakeClock,
    reported: Reported,
) -> None:
    with collected() as kinds:
        core.away = True
        for key in "abcdef":
            sync.want(key, 1)
        await clock.advance(60)
        core.away = False
        await clock.advance(60)
        assert reported[0] is not None
        reported.clear()
    assert not kinds & {"CoreAwayError", "RetryCallState"}


async def test_what_is_wanted_is_shown(sync: Sync[str, int], core: Core) -> None:
    sync.want("a", 1)
    sync.want("b", 2)
    await settle()
    assert core.shows == {"a": 1, "b": 2}


async def test_what_has_not_changed_is_not_sent_again(sync: Sync[str, int], core: Core) -> None:
    sync.want("a", 1)
    await settle()
    sync.want("a", 1)
    await settle()
    assert core.calls == 1


async def test_everything_is_sent_again_when_core_may_have_lost_it(
    sync: Sync[str, int], core: Core
) -> None:
    sync.want("a", 1)
    sync.want("b", 2)
    await settle()
    core.restart()
    sync.resend()
    await settle()
    assert core.shows == {"a": 1, "b": 2}


async def test_what_changes_while_core_is_away_arrives_within_five_seconds_of_its_return(
    sync: Sync[str, int], core: Core, clock: FakeClock
) -> None:
    core.away = True
    for value in range(20):
        sync.want("a", value)
        await clock.advance(30)
    core.away = False
    await clock.advance(5)
    assert core.shows == {"a": 19}


async def test_a_core_that_is_away_is_not_hammered(
    sync: Sync[str, int], core: Core, clock: FakeClock
) -> None:
    core.away = True
    for number in range(50):
        sync.want(str(number), 1)
    await clock.advance(600)
    assert core.calls < 1200


async def test_what_changes_on_its_way_is_sent_again(sync: Sync[str, int], core: Core) -> None:
    sync.want("a", 1)
    await asyncio.sleep(0)
    sync.want("a", 2)
    await settle()
    assert core.shows == {"a": 2}


async def test_no_more_are_under_way_together_than_the_limit(
    sync: Sync[str, int], core: Core
) -> None:
    for number in range(50):
        sync.want(str(number), number)
    await settle()
    assert len(core.shows) == 50
    assert core.most_at_once == 4


async def test_what_waits_is_sent_in_its_order_and_with_its_newest_value(
    sync: Sync[str, int], core: Core
) -> None:
    sync.want("a", 1)
    sync.want("b", 2)
    sync.want("c", 3)
    sync.want("a", 4)
    await settle()
    assert list(core.shows.items()) == [("a", 4), ("b", 2), ("c", 3)]


async def test_twenty_times_as_much_takes_little_more_than_twenty_times_as_long(
    clock: FakeClock,
) -> None:
    async def send(_: int, __: int) -> None:
        pass

    async def seconds(count: int) -> float:
        sync = Sync[int, int](send, clock, at_once=4, watcher=Reported())
        for number in range(count):
            sync.want(number, number)
        started = time.process_time()
        await sync.settle()
        return time.process_time() - started

    few = min([await seconds(3_000) for _ in range(5)])
    assert min([await seconds(60_000) for _ in range(2)]) < 3 * 20 * few


async def test_what_is_cancelled_on_its_way_is_still_due(clock: FakeClock) -> None:
    arrived: list[int] = []

    async def take(_: str, value: int) -> None:
        await clock.sleep(10)
        arrived.append(value)

    sync = Sync[str, int](take, clock, at_once=4, watcher=Reported())
    sync.want("a", 1)
    task = asyncio.create_task(sync.run())
    await settle()
    task.cancel()
    await settle()
    sync.want("a", 1)
    last = asyncio.create_task(sync.settle())
    await clock.advance(10)
    assert last.done()
    assert arrived == [1]


async def test_what_comes_in_while_one_is_slow_is_sent_by_all_the_others(
    clock: FakeClock, reported: Reported
) -> None:
    under_way: set[int] = set()
    most: list[int] = []

    async def take(key: int, _: int) -> None:
        under_way.add(key)
        most.append(len(under_way))
        await clock.sleep(100 if key == 0 else 1)
        under_way.remove(key)

    sync = Sync[int, int](take, clock, at_once=4, watcher=reported)
    async with running(sync):
        sync.want(0, 0)
        await clock.advance(1)
        for key in range(1, 31):
            sync.want(key, key)
        await clock.advance(10)
        assert under_way == {0}
        assert max(most) == 4
        assert reported == []
        await clock.advance(90)
        assert reported == [None]


async def test_that_core_is_away_is_reported_and_that_it_is_back_too(
    sync: Sync[str, int], core: Core, clock: FakeClock, reported: Reported
) -> None:
    core.away = True
    sync.want("a", 1)
    await settle()
    assert isinstance(reported[-1], CoreAwayError)
    core.away = False
    await clock.advance(5)
    assert reported[-1] is None


async def test_an_old_value_that_is_slow_never_comes_in_after_a_new_one(clock: FakeClock) -> None:
    arrived: list[int] = []

    async def take(_: str, value: int) -> None:
        # The first takes its time, the second none.
        await clock.sleep(10 if value == 1 else 0)
        arrived.append(value)

    sync = Sync[str, int](take, clock, at_once=4, watcher=Reported())
    async with running(sync):
        sync.want("a", 1)
        sync.want("b", 3)
        await settle()
        sync.want("a", 2)
        await clock.advance(30)
        assert arrived == [3, 1, 2]


def after(turns: int, work: Callable[[], None]) -> None:
    """Do it some turns of the event loop later."""
    if turns == 0:
        work()
    else:
        asyncio.get_running_loop().call_soon(after, turns - 1, work)


@pytest.mark.parametrize("turns", range(10))
async def test_all_has_arrived_when_that_is_reported_whenever_more_comes(
    clock: FakeClock, turns: int
) -> None:
    wanted: set[str] = set()
    shown: set[str] = set()
    missing: list[set[str]] = []

    async def take(key: str, _: int) -> None:
        await asyncio.sleep(0)
        shown.add(key)
        if key == "first":
            after(turns, lambda: want("second"))

    class Missing(Reported):
        def arrived(self) -> None:
            missing.append(wanted - shown)

    def want(key: str) -> None:
        wanted.add(key)
        queue.want(key, 1)

    queue = Sync[str, int](take, clock, at_once=4, watcher=Missing())
    async with running(queue):
        want("first")
        await settle()
        assert shown == {"first", "second"}
        assert missing
        assert not any(missing)


async def test_nothing_is_sent_until_it_may_be_but_at_the_end(core: Core, clock: FakeClock) -> None:
    may = asyncio.Event()

    async def ready() -> None:
        await may.wait()

    sync = Sync[str, int](core.take, clock, at_once=4, watcher=Reported(), ready=ready)
    async with running(sync):
        sync.want("a", 1)
        await clock.advance(60)
        assert not core.shows
        may.set()
        await clock.advance(0)
        assert core.shows == {"a": 1}
        may.clear()
        sync.want("a", 2)
        await clock.advance(60)
    assert core.shows == {"a": 1}
    await sync.settle()
    assert core.shows == {"a": 2}


async def test_what_has_not_changed_is_sent_again_where_it_was_overwritten(
    sync: Sync[str, int], core: Core, clock: FakeClock
) -> None:
    sync.want("a", 1)
    await clock.advance(0)
    core.shows["a"] = 7
    sync.want("a", 1)
    await clock.advance(0)
    assert core.shows == {"a": 7}
    sync.push("a", 1)
    await clock.advance(0)
    assert core.shows == {"a": 1}


@pytest.mark.parametrize("late", [10, 290])
async def test_what_core_did_not_answer_in_time_never_stands_in_place_of_a_newer_value(
    clock: FakeClock, late: float
) -> None:
    shows: dict[str, int] = {}
    landing: set[asyncio.Task[None]] = set()

    async def land(key: str, value: int) -> None:
        await clock.sleep(late)
        shows[key] = value

    async def take(key: str, value: int) -> None:
        if value == 1:
            landing.add(asyncio.create_task(land(key, value)))
            await clock.sleep(4)
            raise CoreSilentError("POST", "/", None, "silent")
        shows[key] = value

    sync = Sync[str, int](take, clock, at_once=4, watcher=Reported())
    async with running(sync):
        sync.want("a", 1)
        await clock.advance(1)
        sync.want("a", 2)
        await clock.advance(late + 5)
        await clock.advance(25)
        assert shows == {"a": 2}


async def test_what_was_answered_is_sent_once(
    sync: Sync[str, int], core: Core, clock: FakeClock
) -> None:
    core.away = True
    sync.want("a", 1)
    await settle()
    core.away = False
    await clock.advance(5)
    calls = core.calls
    await clock.advance(600)
    assert core.calls == calls


async def test_what_was_cancelled_on_its_way_cannot_stand_after_the_last_value(
    clock: FakeClock,
) -> None:
    arrived: list[tuple[str, int]] = []

    async def take(key: str, value: int) -> None:
        await clock.sleep(1)
        arrived.append((key, value))

    sync = Sync[str, int](take, clock, at_once=4, watcher=Reported())
    sync.want("a", 1)
    task = asyncio.create_task(sync.run())
    await settle()
    task.cancel()
    await settle()
    sync.want("a", 2)
    sync.want("b", 2)
    deadline = asyncio.get_running_loop().time() + 60
    last = asyncio.create_task(sync.finish("ba", at_once=1, deadline=deadline))
    await clock.advance(5)
    assert last.done()
    assert arrived == [("b", 2), ("a", 2), ("a", 2)]
