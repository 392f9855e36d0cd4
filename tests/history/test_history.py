"""That whatever is missing is filled in the end, newest first, and nothing is done twice."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from history.fake_statistics import FakeStatistics
from redback.cloud import Account, CloudError, Dynamic, NotFoundError, ThrottledError
from redback.core import CoreLink, Statistics
from redback.desk import Desk
from redback.entities import Entities
from redback.faults import Faults
from redback.history import Coverage, Fetcher, History, Writer
from redback.known import Known

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ENERGY = "sensor.redback_solar_generation_total"
BUSY = ThrottledError("slow down", method="GET", url="http://cloud/", retry_after=30)
GONE = NotFoundError("not found", method="GET", url="http://cloud/")


def energy_at(moment: datetime) -> float:
    """Give what the counter shows: a kilowatt for ever."""
    return round(moment.timestamp() / 3600 - 490_000, 3)


def reading(moment: datetime) -> Dynamic:
    return dynamic(
        TimestampUtc=f"{moment:%Y-%m-%dT%H:%M:%SZ}", PvAllTimeEnergykWh=energy_at(moment)
    )


class Cloud:
    """An account that knows the past since a moment."""

    def __init__(self, clock: FakeClock, since: datetime) -> None:
        self.clock = clock
        self.since = since
        self.asked: list[tuple[float, datetime]] = []
        self.failing: list[CloudError] = []

    @property
    def hours(self) -> list[datetime]:
        """The whole hours that were asked for, in that order."""
        return [since for _, since in self.asked if since.minute == 0]

    def history(self, _: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        self.asked.append((self.clock.monotonic(), since))
        if self.failing:
            raise self.failing.pop()
        moments = [since + timedelta(seconds=8) + n * MINUTE for n in range(60)]
        return tuple(reading(one) for one in moments if self.since <= one < until)


class Link:
    """A link to Core that was made long ago."""

    up_since: float | None = 0.0


class World:
    """A history with everything around it; Core has been shown the last hour and a half."""

    def __init__(self, folder: Path, clock: FakeClock, days: int) -> None:
        self.clock = clock
        self.now = clock.now()
        self.link = Link()
        self.statistics = FakeStatistics()
        self.coverage = Coverage(folder / "history.db")
        self.cloud = Cloud(clock, self.now - timedelta(days=30))
        self.faults = Faults(clock)
        entities = Entities("Redback", detailed=False)
        known = Known(SERIAL, "Redback", entities, static(), configuration())
        for minutes in (1, 0):
            entities.states(known.reading(reading(self.now - minutes * MINUTE)))
        counters = {one.entity_id for one in entities.series if one.is_counter}
        shown = dict(entities.numbers(known.reading(reading(self.now))))
        self.others = {one: shown[one] or 0.0 for one in counters - {ENERGY}}
        account = cast("Account", self.cloud)
        desk = Desk(clock, lambda _: None, runner=at_once)
        self.history = History(
            self.coverage,
            Fetcher(account, desk, clock, seen=lambda *_: None),
            Writer(cast("Statistics", self.statistics), clock),
            cast("CoreLink", self.link),
            clock,
            self.faults,
            known=lambda _: known,
            days=days,
        )
        self.history.watch([SERIAL])

    def publish(self, since: datetime, until: datetime) -> None:
        """Show Core these minutes, and let it make its statistics of all that it was shown."""
        while since < until:
            self.coverage.note(SERIAL, since)
            since += MINUTE
        shown = self.coverage.spans(SERIAL, until - timedelta(days=9), until)
        states = [
            (span.since + n * MINUTE, energy_at(span.since + n * MINUTE))
            for span in shown
            for n in range(int((span.until - span.since) / MINUTE) + 1)
        ]
        self.statistics.compile(ENERGY, states)
        for counter, value in self.others.items():
            self.statistics.compile(counter, [(moment, value) for moment, _ in states])

    def energy(self) -> dict[datetime, float]:
        return self.statistics.change(ENERGY)


async def at_once(work):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - as a Runner
    """Run without a thread, so that a fake clock tells all the time there is."""
    return work()


@pytest.fixture
def days() -> int:
    return 2


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock, days: int) -> Iterator[World]:
    world = World(tmp_path, clock, days)
    yield world
    world.coverage.close()


@pytest.fixture
async def running(world: World) -> AsyncIterator[World]:
    task = asyncio.create_task(world.history.run())
    yield world
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_past_is_filled_newest_first(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(600)
    hours = running.cloud.hours
    assert len(hours) == 49
    # Each day is asked for from its beginning, since an hour begins with what was shown before it.
    days = [hours[:1], hours[1:25], hours[25:]]
    assert hours == [hour for day in days for hour in sorted(day)]
    assert [day[0] for day in days] == sorted((day[0] for day in days), reverse=True)
    energy = running.energy()
    assert len(energy) == 50  # of these the last one has not ended
    assert list(energy.values())[:-1] == pytest.approx([1.0] * 49, abs=0.001)
    progress = running.history.progress
    assert (progress.done, progress.left, progress.failed) == (49, 0, 0)


async def test_the_cloud_is_asked_once_a_second_at_most(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(600)
    moments = [moment for moment, _ in running.cloud.asked]
    assert min(after - before for before, after in pairwise(moments)) >= 1


async def test_what_is_filled_is_not_asked_for_again(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(600)
    asked = len(running.cloud.asked)
    imported = len(running.statistics.imported)
    await clock.advance(600)
    assert (len(running.cloud.asked), len(running.statistics.imported)) == (asked, imported)


async def test_without_core_it_fetches_and_writes_later(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.link.up_since = None
    await clock.advance(600)
    assert len(running.cloud.hours) == 49
    assert running.statistics.imported == []
    running.link.up_since = clock.monotonic()
    await clock.advance(500)
    assert running.statistics.imported == []  # Core makes up first for what it has missed
    await clock.advance(300)
    assert len(running.cloud.hours) == 49
    assert len(running.energy()) == 50


async def test_an_hour_that_cannot_be_read_again_is_fetched_again(
    running: World, clock: FakeClock, tmp_path: Path
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.link.up_since = None
    await clock.advance(600)
    with sqlite3.connect(tmp_path / "history.db") as other:
        other.execute("UPDATE hour SET summary = x'c1' WHERE start % 86400 = 0")
    asked = len(running.cloud.hours)
    running.link.up_since = 0.0
    await clock.advance(600)
    assert len(running.cloud.hours) == asked + 2
    assert len(running.energy()) == 50
    assert running.history.progress.left == 0


async def test_a_busy_cloud_is_asked_more_slowly(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.failing = [BUSY] * 3
    await clock.advance(1200)
    assert len(running.energy()) == 50
    assert running.faults.now == {}


async def test_what_the_cloud_does_not_have_is_left_out(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.since = running.now - 10 * HOUR
    await clock.advance(600)
    assert len(running.energy()) == pytest.approx(10, abs=1)
    assert running.history.progress.left == 0


async def test_what_is_refused_counts_as_not_there(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.failing = [GONE]
    await clock.advance(600)
    assert running.history.progress.left == 0


@pytest.mark.parametrize("days", [0])
async def test_an_outage_is_filled_when_it_is_over(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 6 * HOUR, running.now - 4 * HOUR)
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(600)
    energy = running.energy()
    assert len(energy) >= 5
    assert list(energy.values())[:-1] == pytest.approx([1.0] * (len(energy) - 1), abs=0.02)


async def test_what_core_refuses_is_told_once_and_not_tried_for_ever(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.statistics.refuses_to_shift = {ENERGY}
    await clock.advance(600)
    progress = running.history.progress
    assert (progress.left, progress.done, progress.failed) == (0, 49, 48)
    assert progress.objections
    assert all(ENERGY in sentence for sentence in progress.objections)
    asked = len(running.cloud.asked)
    await clock.advance(600)
    assert len(running.cloud.asked) == asked
    assert running.faults.now == {}
