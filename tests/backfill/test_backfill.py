"""That whatever is missing is filled in the end, newest first, and nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from backfill.fake_statistics import FakeOwnership, FakeStatistics
from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from polling import stand_ins
from redback.backfill import Adjustments, Audit, Backfill, Backfills, Coverage, Fetcher, Importer
from redback.cloud import (
    AccessError,
    CloudError,
    Dynamic,
    NotFoundError,
    RedbackClient,
    RequestError,
    ThrottledError,
    TransientError,
)
from redback.core import Statistics, WebSocket
from redback.inverters.inverter import Inverter
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.ledger import Ledger, Meters
from redback.problems import AccountProblems, Kind, Problems
from redback.publishing.entity_ids import series as series_of
from redback.publishing.ownership import Ownership
from redback.sensors.counters import COUNTERS
from redback.sensors.details import Details
from redback.sensors.entities import Entities
from sqlite_file import opened

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KEY = "solar_generation_total"
ENERGY = f"sensor.redback_{KEY}"
BUSY = ThrottledError("slow down", method="GET", url="http://cloud/", retry_after=30)
BUSY_FOR_LONG = ThrottledError("slow down", method="GET", url="http://cloud/")
GONE = NotFoundError("not found", method="GET", url="http://cloud/")
DENIED = AccessError("forbidden", method="GET", url="http://cloud/")
BROKEN = TransientError("it is broken", method="GET", url="http://cloud/", status=500)
UNREACHED = TransientError("no answer", method="GET", url="http://cloud/")
UNFIT = RequestError("bad request", method="GET", url="http://cloud/")


def energy_at(moment: datetime) -> float:
    """Return what the counter shows: a kilowatt for ever."""
    return round(moment.timestamp() / 3600 - 490_000, 3)


def reading(moment: datetime) -> Dynamic:
    return dynamic(
        TimestampUtc=f"{moment:%Y-%m-%dT%H:%M:%SZ}", PvAllTimeEnergykWh=energy_at(moment)
    )


def without_counters(now: datetime) -> Inverter:
    """Return what is known after one reading, whose counters are not believed yet."""
    inverter = Inverter(
        SERIAL, "Redback", Entities(detailed=False), Details(static(), configuration())
    )
    inverter.entities.show(inverter.reading(Meters("", {}).believe(reading(now))))
    assert not any(series.is_counter for series in series_of(inverter).values())
    return inverter


class Cloud:
    """An account that knows the past since a moment."""

    def __init__(self, clock: FakeClock, since: datetime) -> None:
        self.clock = clock
        self.since = since
        self.asked: list[tuple[float, datetime]] = []
        # What the next questions get instead of an answer; None is an empty one.
        self.failing: list[CloudError | None] = []
        self.most_a_minute = 1000
        self.counted: list[float] = []
        # Hours, or other times, that it can never give; and minutes that it does not have.
        self.broken: set[datetime] = set()
        self.holes: set[datetime] = set()

    @property
    def hours(self) -> list[datetime]:
        """The whole hours that were asked for, in that order."""
        return [since for _, since in self.asked if since.minute == 0]

    def count(self) -> None:
        """Count a request, and refuse it if there were too many in the last minute."""
        now = self.clock.monotonic()
        self.counted = [moment for moment in self.counted if moment > now - 60]
        if len(self.counted) >= self.most_a_minute:
            raise BUSY_FOR_LONG
        self.counted.append(now)

    def history(self, _: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        self.asked.append((self.clock.monotonic(), since))
        self.count()
        if self.failing:
            error = self.failing.pop()
            if error is not None:
                raise error
            return ()
        if since in self.broken:
            raise BROKEN
        moments = [
            minute + timedelta(seconds=8)
            for minute in (since + n * MINUTE for n in range(60))
            if minute not in self.holes
        ]
        return tuple(reading(one) for one in moments if self.since <= one < until)


class Connection:
    """A WebSocket that connected long ago."""

    up_since: float | None = 0.0


class Alone:
    """A registry of one inverter."""

    names: Mapping[str, GivenName] = {SERIAL: GivenName("Redback", "Redback")}

    def __init__(self, world: "World") -> None:
        self._world = world

    def inverter(self, _: str) -> Inverter:
        return self._world.inverter

    known = inverter


class World:
    """A backfill with everything around it; Core has been shown the last hour and a half."""

    def __init__(
        self,
        folder: Path,
        clock: FakeClock,
        days: int,
        ledger: Ledger,
        adjustments: Adjustments,
    ) -> None:
        self.clock = clock
        self.now = clock.now()
        self.websocket = Connection()
        self.statistics = FakeStatistics()
        self.coverage = Coverage(folder / "history.db")
        self.cloud = Cloud(clock, self.now - timedelta(days=30))
        self.problems = Problems(clock)
        self.registry = Alone(self)
        entities = Entities(detailed=False)
        self.inverter = inverter = Inverter(
            SERIAL, "Redback", entities, Details(static(), configuration())
        )
        for minutes in (1, 0):
            entities.show(inverter.reading(reading(self.now - minutes * MINUTE)))
        counters = {one.key for one in entities.statistics() if one.quantity.is_counter}
        shown = dict(entities.numbers(inverter.reading(reading(self.now))))
        self.others = {one: shown[one] or 0.0 for one in counters - {KEY}}
        account = cast("RedbackClient", self.cloud)
        self.throttle = throttle = stand_ins.throttle(clock)
        statistics = cast("Statistics", self.statistics)
        websocket = cast("WebSocket", self.websocket)
        self.ledger, self.meters = ledger, Meters("Redback", {})
        importer = Importer(
            statistics, ledger, adjustments, clock, cast("Ownership", FakeOwnership())
        )
        self.backfill = Backfill(
            self.coverage,
            Fetcher(
                account,
                throttle,
                clock,
                self.coverage,
                ledger,
                reads=lambda _: True,
                seen=lambda *_: None,
            ),
            importer,
            websocket,
            clock,
            AccountProblems(self.problems, ""),
            registry=cast("Registry", self.registry),
            days=days,
        )
        self.audit = Audit(importer, self.coverage, websocket, clock, Backfills([self.backfill]))

    @property
    def failed(self) -> int:
        """How many hours could not be filled."""
        return self.coverage.failed(SERIAL, self.now - 60 * HOUR)

    def publish(self, since: datetime, until: datetime) -> None:
        """Show Core these minutes, and let it make its statistics of all that it was shown."""
        while since < until:
            self.coverage.note(SERIAL, since)
            self.meters.believe(reading(since), self.inverter.details)
            self.ledger.put(SERIAL, self.meters.ended)
            since += MINUTE
        shown = self.coverage.spans(SERIAL, until - timedelta(days=9), until)
        states = [
            (span.since + n * MINUTE, energy_at(span.since + n * MINUTE))
            for span in shown
            for n in range(int((span.until - span.since) / MINUTE) + 1)
        ]
        self.statistics.compile(ENERGY, states)
        for counter, value in self.others.items():
            self.statistics.compile(
                f"sensor.redback_{counter}", [(moment, value) for moment, _ in states]
            )

    @property
    def on_the_hour(self) -> datetime:
        return self.now.replace(minute=0)

    def lose(self, since: datetime, until: datetime) -> None:
        """Let Core lose its hourly rows of a time."""
        for rows in self.statistics.stored.values():
            for start in [start for start in rows if since <= start < until]:
                del rows[start]

    def energy(self) -> dict[datetime, float]:
        return self.statistics.change(ENERGY)


@pytest.fixture
def days() -> int:
    return 2


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock, days: int, ledger: Ledger) -> Iterator[World]:
    adjustments = Adjustments(tmp_path / "adjustments.db")
    world = World(tmp_path, clock, days, ledger, adjustments)
    yield world
    adjustments.close()
    world.coverage.close()


@pytest.fixture
async def running(world: World) -> AsyncIterator[World]:
    tasks = [asyncio.create_task(part.run()) for part in (world.backfill, world.audit)]
    yield world
    for task in tasks:
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
    progress = running.backfill.progress
    assert (progress.done, progress.left, running.failed) == (49, 0, 0)


async def test_what_is_missing_is_shown_while_it_is_paused(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.backfill.pause()
    await clock.advance(600)
    progress = running.backfill.progress
    assert (progress.is_known, progress.done, progress.left) == (True, 0, 49)
    assert not running.cloud.asked
    running.backfill.resume()
    await clock.advance(10)
    assert running.cloud.asked


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
    running.websocket.up_since = None
    await clock.advance(600)
    assert len(running.cloud.hours) == 49
    assert running.statistics.imported == []
    running.websocket.up_since = clock.monotonic()
    await clock.advance(500)
    assert running.statistics.imported == []  # Core makes up first for what it has missed
    await clock.advance(300)
    assert len(running.cloud.hours) == 49
    assert len(running.energy()) == 50


async def test_an_hour_that_cannot_be_read_again_is_fetched_again(
    running: World, clock: FakeClock, tmp_path: Path
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.websocket.up_since = None
    await clock.advance(600)
    with opened(tmp_path / "history.db") as other:
        other.execute("UPDATE hour SET summary = x'c1' WHERE start % 86400 = 0")
    asked = len(running.cloud.hours)
    running.websocket.up_since = 0.0
    await clock.advance(600)
    assert len(running.cloud.hours) == asked + 2
    assert len(running.energy()) == 50
    assert running.backfill.progress.left == 0


async def test_a_busy_cloud_is_asked_more_slowly(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.failing = [BUSY] * 3
    await clock.advance(1200)
    assert len(running.energy()) == 50
    assert running.problems.now == {}


async def test_what_the_cloud_does_not_have_is_left_out(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.since = running.now - 10 * HOUR
    await clock.advance(600)
    assert len(running.energy()) == pytest.approx(10, abs=1)
    assert running.backfill.progress.left == 0


@pytest.mark.parametrize("refusal", [GONE, DENIED, UNFIT, None])
async def test_what_alone_is_refused_counts_as_not_there(
    running: World, clock: FakeClock, refusal: CloudError | None
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(30)
    running.cloud.failing = [refusal]
    await clock.advance(600)
    assert running.backfill.progress.left == 0
    # What the counter showed at its end may be known from the hour after it.
    assert len(running.energy()) in {49, 50}
    assert sum([*running.energy().values()][:-1]) == pytest.approx(49, abs=0.001)


@pytest.mark.parametrize("refusal", [GONE, DENIED, UNFIT, None])
async def test_a_cloud_that_refuses_everything_for_a_while_costs_no_hour(
    running: World, clock: FakeClock, refusal: CloudError | None
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(30)
    running.cloud.failing = [refusal] * 10_000
    before = len(running.cloud.asked)
    await clock.advance(3600)
    assert len(running.cloud.asked) - before < 40  # less and less often
    assert (Kind.HISTORY_CLOUD, None) in running.problems.now
    running.cloud.failing.clear()
    await clock.advance(1200)
    assert len(running.energy()) == 50
    assert running.backfill.progress.left == 0
    assert running.problems.now == {}


async def test_where_nothing_is_to_be_filled_any_more_the_history_waits_for_nothing(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(30)
    running.cloud.failing = [GONE] * 10_000
    await clock.advance(3600)
    assert (Kind.HISTORY_CLOUD, None) in running.problems.now
    running.registry.names = {}
    await clock.advance(3600)
    assert running.problems.now == {}


async def test_that_the_cloud_has_nothing_costs_few_questions(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.since = running.now - 90 * MINUTE
    await clock.advance(600)
    assert running.backfill.progress.left == 0
    hours = len(running.cloud.hours)
    assert hours == 49
    # Each day begins with what was shown before it, and sometimes a known hour is fetched again.
    assert len(running.cloud.asked) - hours <= 3 + hours / 8


@pytest.mark.parametrize("days", [0])
async def test_an_outage_is_filled_when_it_is_over(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 6 * HOUR, running.now - 4 * HOUR)
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(600)
    energy = running.energy()
    assert len(energy) >= 5
    assert list(energy.values())[:-1] == pytest.approx([1.0] * (len(energy) - 1), abs=0.02)


@pytest.mark.parametrize("days", [0])
async def test_what_core_has_lost_is_filled_again(running: World, clock: FakeClock) -> None:
    running.publish(running.on_the_hour - 12 * HOUR, running.now + 6 * HOUR)
    await clock.advance(6 * 3600)
    before = dict([*running.energy().items()][:-1])  # without the hour that goes on
    running.lose(running.now - 6 * HOUR, running.now + 1 * HOUR)
    assert len(running.energy()) == len(before) + 1 - 7
    running.publish(running.now + 6 * HOUR, running.now + 32 * HOUR)
    running.lose(running.now - 6 * HOUR, running.now + 1 * HOUR)
    await clock.advance(25 * 3600)
    after = running.energy()
    assert {start: after[start] for start in before} == pytest.approx(before, abs=0.001)


@pytest.mark.parametrize("days", [0])
async def test_the_statistics_of_a_counter_that_somebody_has_deleted_are_written_again(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.on_the_hour - 12 * HOUR, running.now + 32 * HOUR)
    stored = running.statistics.stored.pop(ENERGY)
    await clock.advance(32 * 3600)
    assert running.cloud.asked == []  # the ledger knows them
    rebuilt = running.energy()
    assert len(rebuilt) > 30
    assert [*rebuilt.values()] == pytest.approx([1.0] * len(rebuilt), abs=0.02)
    assert len(stored) - len(rebuilt) < 5  # the newest are still to come


@pytest.mark.parametrize("days", [0])
async def test_where_core_makes_no_statistics_none_are_made(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.on_the_hour - 12 * HOUR, running.now + 32 * HOUR)
    running.statistics.stored.clear()
    running.statistics.short_term.clear()
    await clock.advance(32 * 3600)
    assert running.cloud.asked == []
    assert running.statistics.imported == []


async def test_hours_wait_until_the_first_counter_is_believed(
    running: World, clock: FakeClock
) -> None:
    believed = running.inverter
    running.inverter = without_counters(running.now)
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(300)
    assert running.cloud.asked == []
    running.inverter = believed
    await clock.advance(600)
    energy = running.energy()
    assert len(energy) == 50
    assert list(energy.values())[:-1] == pytest.approx([1.0] * 49, abs=0.001)


async def test_hours_wait_until_the_inverter_is_described(running: World, clock: FakeClock) -> None:
    described = running.inverter
    running.inverter = replace(described, details=replace(described.details, configuration=None))
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(300)
    assert running.cloud.asked == []
    running.inverter = described
    await clock.advance(600)
    assert len(running.energy()) == 50


async def test_where_there_are_no_counters_the_rest_is_filled_after_ten_minutes(
    running: World, clock: FakeClock
) -> None:
    running.inverter = without_counters(running.now)
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(600 + 300)
    assert running.backfill.progress.left == 0
    assert len(running.cloud.hours) == 49


async def test_an_hour_that_the_cloud_never_gives_is_set_aside(
    running: World, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    broken = running.now.replace(minute=0, second=0) - 30 * HOUR
    running.cloud.broken = {broken, broken + HOUR - timedelta(minutes=10)}
    await clock.advance(600)
    assert running.backfill.progress.left == 24  # the others go on
    await clock.advance(2 * 3600)
    assert running.cloud.hours.count(broken) == 3
    # What it is at its end is found out by the hour after it.
    assert len(running.energy()) == 49
    progress = running.backfill.progress
    assert (progress.left, running.failed) == (0, 1)
    assert "it is broken" in progress.rejections[-1]
    assert caplog.text.count(f" UTC of {SERIAL} failed: ") == 1
    await clock.advance(2 * 86400)
    assert running.cloud.hours.count(broken) == 4
    assert running.backfill.progress.left == 0


async def test_what_filling_waits_for_is_said_with_its_end(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.failing = [UNREACHED] * 3
    await clock.advance(30)
    hold = running.backfill.progress.hold
    assert hold is not None
    assert (hold.why, hold.may_retry) == ("no answer", True)
    assert hold.until is not None
    assert MINUTE / 2 <= hold.until - clock.now() <= MINUTE
    asked = len(running.cloud.asked)
    running.cloud.failing.clear()
    running.backfill.retry()
    await clock.advance(2)
    assert len(running.cloud.asked) > asked
    await clock.advance(3 * 60)
    assert running.backfill.progress.hold is None
    assert len(running.energy()) > 2


async def test_what_is_fetched_is_distinct_from_what_is_written(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.websocket.up_since = None
    await clock.advance(600)
    progress = running.backfill.progress
    assert (progress.done, progress.left, progress.fetched) == (0, 49, 49)
    assert progress.hold is not None
    assert progress.hold.why == "Home Assistant does not answer"
    running.websocket.up_since = clock.monotonic()
    hold = running.backfill.progress.hold
    assert hold is not None
    assert hold.until == (clock.now() + 10 * MINUTE).replace(microsecond=0)
    await clock.advance(800)
    progress = running.backfill.progress
    assert (progress.done, progress.left, progress.fetched) == (49, 0, 0)
    assert progress.hold is None


def break_an_hour(running: World) -> None:
    """Let readings arrive, and the cloud fail at an hour of the past."""
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.broken = {running.now.replace(minute=0, second=0) - 30 * HOUR}


async def test_an_hour_at_which_the_cloud_fails_says_when_it_is_tried_again(
    running: World, clock: FakeClock
) -> None:
    break_an_hour(running)
    await clock.advance(400)
    hold = running.backfill.progress.hold
    assert hold is not None
    assert (hold.why, hold.may_retry) == ("it is broken", True)
    assert hold.until is not None
    assert hold.until > clock.now()


async def test_an_hour_that_is_due_later_can_be_tried_now_and_that_counts_for_nothing(
    running: World, clock: FakeClock
) -> None:
    break_an_hour(running)
    (broken,) = running.cloud.broken
    await clock.advance(400)
    asked, hold = running.cloud.hours.count(broken), running.backfill.progress.hold
    for _ in range(4):
        running.backfill.retry()
        await clock.advance(10)
    assert running.cloud.hours.count(broken) == asked + 4
    assert running.backfill.progress.hold == hold
    running.cloud.broken.clear()
    running.backfill.retry()
    await clock.advance(30)
    assert running.backfill.progress.left == 0


async def test_nobody_needs_to_wait_for_core_to_catch_up(running: World, clock: FakeClock) -> None:
    running.websocket.up_since = clock.monotonic()
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(200)
    hold = running.backfill.progress.hold
    assert hold is not None
    assert (hold.why.startswith("Home Assistant has just connected"), hold.may_retry) == (
        True,
        True,
    )
    running.backfill.retry()
    await clock.advance(60)
    assert running.backfill.progress.left == 0
    assert len(running.energy()) == 50


async def test_an_hour_that_the_cloud_gives_a_day_later_is_filled_then(
    running: World, clock: FakeClock
) -> None:
    break_an_hour(running)
    await clock.advance(3 * 3600)
    running.cloud.broken.clear()
    await clock.advance(86400)
    assert len(running.energy()) == 50
    assert list(running.energy().values())[:-1] == pytest.approx([1.0] * 49, abs=0.001)


async def test_a_hiccup_of_one_hour_costs_nothing(running: World, clock: FakeClock) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    await clock.advance(30)
    running.cloud.failing = [BROKEN]
    await clock.advance(1200)
    assert len(running.energy()) == 50
    progress = running.backfill.progress
    assert (progress.left, running.failed, progress.rejections) == (0, 0, ())


async def test_a_hole_in_the_past_is_asked_for_again_and_then_no_more(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    hour = running.now.replace(minute=0, second=0) - 30 * HOUR
    running.cloud.holes = {hour + n * MINUTE for n in range(20, 40)}
    await clock.advance(1200)
    assert running.cloud.hours.count(hour) == 1
    await clock.advance(2 * 86400)
    assert running.cloud.hours.count(hour) == 4
    assert len(running.energy()) == 50


async def test_a_full_disk_is_logged_once_and_waited_for(
    running: World, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    with opened(tmp_path / "history.db") as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON hour BEGIN SELECT RAISE(FAIL, ''); END")
    await clock.advance(3600)
    assert len(running.cloud.asked) < 30
    counters = {f"sensor.redback_{row.key}" for row in COUNTERS}
    assert {entity_id for entity_id, _ in running.statistics.imported} <= counters
    assert caplog.text.count("waiting for the disk") == 1
    assert (Kind.HISTORY_DISK, None) in running.problems.now
    with opened(tmp_path / "history.db") as other:
        other.execute("DROP TRIGGER full")
    await clock.advance(1200)
    assert len(running.energy()) == 50
    assert running.problems.now == {}


async def test_a_disk_that_takes_nothing_once_hours_are_fetched_is_waited_for_too(
    running: World, clock: FakeClock, tmp_path: Path
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.websocket.up_since = None
    await clock.advance(600)
    with opened(tmp_path / "history.db") as other:
        other.execute("CREATE TRIGGER full BEFORE DELETE ON hour BEGIN SELECT RAISE(FAIL, ''); END")
    running.websocket.up_since = 0.0
    await clock.advance(3600)
    assert len(running.cloud.hours) == 49
    assert 0 < len(running.statistics.imported) < 20 * len(series_of(running.inverter).values())
    assert (Kind.HISTORY_DISK, None) in running.problems.now


@pytest.mark.parametrize("days", [7])
async def test_readings_of_now_do_not_wait_when_the_history_asks_too_much(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.cloud.most_a_minute = 40
    refused = 0
    for _ in range(15):
        await clock.advance(60)
        before = clock.monotonic()
        live = asyncio.create_task(running.throttle.ask(running.cloud.count))
        await clock.advance(0)
        assert live.done()
        assert clock.monotonic() == before
        refused += live.exception() is not None
    assert refused <= 1
    # Once it is known what the cloud lets pass, more is rarely tried.
    assert running.throttle.throttled <= 3
    assert len(running.cloud.hours) > 100


@pytest.mark.parametrize("days", [0])
async def test_what_an_inverter_sends_after_a_long_outage_is_filled_however_old_it_is(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 130 * HOUR, running.now - 121 * HOUR)
    running.publish(running.now - 90 * MINUTE, running.now)
    outage = {running.now.replace(second=0) - n * MINUTE for n in range(121 * 60)}
    running.cloud.holes = {minute for minute in outage if minute < running.now - 90 * MINUTE}
    await clock.advance(1200)
    assert running.backfill.progress.left == 0
    assert len(running.energy()) < 15
    await clock.advance(2 * 3600)
    running.cloud.holes.clear()
    await clock.advance(6 * 3600)
    energy = list(running.energy().values())[1:-1]
    assert energy == pytest.approx([1.0] * 128, abs=0.02)


async def test_what_core_refuses_is_logged_once_and_not_retried_for_ever(
    running: World, clock: FakeClock
) -> None:
    running.publish(running.now - 90 * MINUTE, running.now)
    running.statistics.others = {ENERGY}
    await clock.advance(600)
    progress = running.backfill.progress
    assert (progress.left, progress.done, running.failed) == (0, 49, 49)
    assert progress.rejections
    assert all(ENERGY in sentence for sentence in progress.rejections)
    known = running.coverage.hours(SERIAL, running.now - 60 * HOUR, running.now)
    assert {hour.why for hour in known.values()} <= {*progress.rejections}
    asked = len(running.cloud.asked)
    await clock.advance(600)
    assert len(running.cloud.asked) == asked
    assert running.problems.now == {}
