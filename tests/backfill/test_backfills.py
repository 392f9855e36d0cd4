"""That the history of one account does not wait for the cloud of another one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backfill.test_backfill import MINUTE, World
from fake_clock import FakeClock
from redback.backfill import Adjustments, Backfills, Hold, Progress
from redback.backfill.progress import together
from redback.cloud import CredentialsError, ThrottledError
from redback.ledger import FILE, Ledger

REFUSED = CredentialsError("refused", method="POST", url="", token_refused=False)
THROTTLED = ThrottledError("too many", method="GET", url="", retry_after=6 * 3600.0)


@pytest.fixture
async def worlds(tmp_path: Path, clock: FakeClock) -> AsyncIterator[tuple[World, World]]:
    """Two accounts with an inverter each, and the backfills that fill both."""
    with ExitStack() as stack:
        made = []
        for name in ("first", "second"):
            folder = tmp_path / name
            folder.mkdir()
            ledger = stack.enter_context(closing(Ledger(folder / FILE)))
            adjustments = stack.enter_context(closing(Adjustments(folder / "adjustments.db")))
            made.append(World(folder, clock, 2, ledger, adjustments))
            stack.enter_context(closing(made[-1].coverage))
        first, second = made
        task = asyncio.create_task(Backfills([first.backfill, second.backfill]).run())
        yield first, second
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("error", [REFUSED, THROTTLED], ids=["refused", "throttled"])
async def test_no_trouble_of_one_delays_the_history_of_the_other(
    worlds: tuple[World, World], clock: FakeClock, error: CredentialsError | ThrottledError
) -> None:
    troubled, other = worlds
    for world in worlds:
        world.publish(world.now - 90 * MINUTE, world.now)
    troubled.cloud.failing = [error]
    await clock.advance(600)
    assert len(other.cloud.hours) == 49
    assert other.backfill.progress.left == 0
    assert troubled.backfill.progress.left > 0


async def test_what_another_account_reads_now_is_not_waited_for(
    worlds: tuple[World, World], clock: FakeClock
) -> None:
    first, second = worlds
    reader = first
    for world in worlds:
        world.backfill._fetcher.reads = lambda _, world=world: reader is world  # type: ignore[misc] # noqa: SLF001
        world.publish(world.now - 90 * MINUTE, world.now)
    first.cloud.failing = [REFUSED] * 50
    await clock.advance(600)
    assert first.backfill.progress.hold is not None
    reader = second
    await clock.advance(3600)
    assert len(second.cloud.hours) == 49
    progress = together([world.backfill.progress for world in worlds])
    assert (progress.left, progress.hold) == (0, None)


NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_what_several_have_done_adds_up_and_the_slowest_says_when_it_ends() -> None:
    slow = Progress(
        is_known=True, found=10, done=4, left=6, rate=1.0, ends_at=NOW + timedelta(minutes=6)
    )
    fast = Progress(is_known=True, found=3, done=1, left=2, fetched=1, rate=2.0, ends_at=NOW)
    assert together([slow, fast]) == Progress(
        is_known=True,
        found=13,
        done=5,
        left=8,
        fetched=1,
        rate=3.0,
        ends_at=NOW + timedelta(minutes=6),
    )


def test_they_are_held_only_where_none_can_go_on() -> None:
    held = Progress(is_known=True, found=2, left=2, hold=Hold("the cloud failed"))
    running = Progress(is_known=True, found=2, left=2, rate=1.0, ends_at=NOW)
    done = Progress(is_known=True)
    assert together([held, running]).hold is None
    assert together([held, done]).hold == held.hold
    assert together([held, running]).ends_at is None  # nobody knows
    assert together([Progress(), done]).is_known
