"""That the hours of a gap fit what Core has around them, and are really there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from backfill.fake_statistics import FakeOwnership, FakeStatistics
from fake_clock import FakeClock
from redback.backfill.coverage import Hour, Stage
from redback.backfill.ends import NotYetError
from redback.backfill.gaps import Gap
from redback.backfill.hourly import Counted, Flowed, Measured, Summary
from redback.backfill.importer import Importer
from redback.core import CoreAwayError, Row, Series, Statistics
from redback.publishing.ownership import Ownership

HOUR = timedelta(hours=1)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
COUNTER = Series("sensor.redback_grid_import_total", "kWh", is_counter=True)
POWER = Series("sensor.redback_grid_power", "kW", is_counter=False)
NOW = DAY + 12 * HOUR


def key(series: Series) -> str:
    return series.entity_id.removeprefix("sensor.redback_")


def at(hour: float) -> datetime:
    return DAY + hour * HOUR


def gap(*hours: int, standing: Sequence[int] = (), past: bool = False, asked: bool = False) -> Gap:
    return Gap(
        "RB26030100000011",
        tuple(Hour(at(hour), Stage.FETCHED, asked=asked) for hour in hours),
        frozenset(map(at, standing)),
        past,
    )


def counted(hours: Mapping[int, Counted | None]) -> dict[datetime, Summary | None]:
    return {
        at(hour): None if one is None else Summary(measured={}, counted={key(COUNTER): one})
        for hour, one in hours.items()
    }


def flowed(hours: Mapping[int, Flowed]) -> dict[datetime, Summary | None]:
    return {at(hour): Summary({}, {}, {key(COUNTER): one}) for hour, one in hours.items()}


@pytest.fixture
def statistics() -> FakeStatistics:
    return FakeStatistics()


@pytest.fixture
def clock() -> FakeClock:
    return _Clock()


@pytest.fixture
def writer(statistics: FakeStatistics, clock: FakeClock) -> Importer:
    return Importer(cast("Statistics", statistics), clock, cast("Ownership", FakeOwnership()))


class _Clock(FakeClock):
    """Nobody moves it: to sleep takes no time."""

    def __init__(self) -> None:
        super().__init__(NOW)

    async def sleep(self, seconds: float) -> None:
        self._passed += seconds


async def write(
    writer: Importer,
    gap: Gap,
    series: Sequence[Series],
    summaries: Mapping[datetime, Summary | None],
    now: float | Mapping[datetime, float] | None = None,
) -> list[str]:
    """Write a gap; `now` is what the counter shows after it, or when, if the cloud has it."""

    async def shown(moment: datetime) -> dict[str, float]:
        value = now[moment] if isinstance(now, Mapping) else now
        return {} if value is None else {key(COUNTER): value}

    return await writer.write(gap, {key(one): one for one in series}, summaries, shown)


def growing(hours: Sequence[float], kw: float = 1.0) -> list[tuple[datetime, float]]:
    """Return the states of a counter that grows steadily, each minute of these hours."""
    return [
        (at(hour) + timedelta(minutes=minute), round(100 + (hour + (minute + 1) / 60) * kw, 6))
        for hour in hours
        for minute in range(60)
    ]


def true(hour: int) -> Counted:
    """Return what an hour of that counter was."""
    return Counted(round(100 + hour + 1 / 60, 6), 100.0 + hour + 1, round(59 / 60, 6))


def old(hour: int) -> Counted:
    """Return what an hour was of one that is a thousand further, so that hours may be negative."""
    return Counted(true(hour).first + 1000, true(hour).last + 1000, true(hour).gain)


def forget_after(
    statistics: FakeStatistics,
    before: Sequence[tuple[datetime, float]],
    after: Sequence[tuple[datetime, float]],
) -> None:
    """Write the rows of a counter that is a thousand further, as Core does after some weeks."""
    statistics.compile(COUNTER.entity_id, [(moment, state + 1000) for moment, state in before])
    rows = statistics.stored.pop(COUNTER.entity_id)
    statistics.short_term.clear()
    statistics.compile(COUNTER.entity_id, [(moment, state + 1000) for moment, state in after])
    statistics.stored[COUNTER.entity_id] |= rows


async def test_an_outage_is_put_back_into_its_hours(
    writer: Importer, statistics: FakeStatistics
) -> None:
    # From 3:30 to 6:00 nothing was published; Core has flat rows, and a lump at 6:00.
    lump = growing([1, 2, 3, 6, 7])
    statistics.compile(COUNTER.entity_id, [one for one in lump if not at(3.5) <= one[0] < at(6)])
    statistics.stored[COUNTER.entity_id][at(4)] = Row(at(4), state=103.5, sum=2.483333)
    assert (
        await write(writer, gap(3, 4, 5), [COUNTER], counted({h: true(h) for h in (3, 4, 5)})) == []
    )
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 8)] == pytest.approx([1.0] * 6, abs=1e-4)


async def test_of_an_entity_that_is_somebody_elses_nothing_is_written(
    statistics: FakeStatistics, clock: FakeClock
) -> None:
    ownership = cast("Ownership", FakeOwnership(COUNTER.entity_id))
    writer = Importer(cast("Statistics", statistics), clock, ownership)
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    before = dict(statistics.stored[COUNTER.entity_id])
    past = counted({hour: true(hour) for hour in (3, 4, 5)})
    assert await write(writer, gap(3, 4, 5, past=True), [COUNTER], past) == []
    assert statistics.stored[COUNTER.entity_id] == before
    assert not statistics.imported


async def test_the_past_begins_with_zero_and_moves_what_is_there(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    for hours in ([3, 4, 5], [1, 2], [1, 2]):  # newest first; and the same again changes nothing
        past = gap(*hours, past=True)
        assert await write(writer, past, [COUNTER], counted({h: true(h) for h in hours})) == []
    rows = statistics.stored[COUNTER.entity_id]
    assert rows[at(1)].sum == pytest.approx(59 / 60, abs=1e-4)
    assert rows[at(7)].sum == pytest.approx(7 - 1 / 60, abs=1e-4)
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 8)] == pytest.approx([1.0] * 6, abs=1e-4)
    assert statistics.short_term[COUNTER.entity_id][at(7)].sum == pytest.approx(6.07, abs=0.01)


@pytest.mark.parametrize("is_written", [True, False])
async def test_the_hour_of_the_first_reading_goes_on_from_that(
    writer: Importer, statistics: FakeStatistics, *, is_written: bool
) -> None:
    # The first reading is of 3:40, and nothing was published from 3:58 to 4:10.
    shown = [one for one in growing([3, 4, 5]) if one[0] >= at(3) + timedelta(minutes=40)]
    outage = at(3) + timedelta(minutes=58), at(4) + timedelta(minutes=10)
    shown = [one for one in shown if not outage[0] <= one[0] < outage[1]]
    statistics.compile(COUNTER.entity_id, shown)
    if not is_written:  # Core may have been away when the hour ended
        del statistics.stored[COUNTER.entity_id][at(3)]
    assert await write(writer, gap(3, 4), [COUNTER], counted({h: true(h) for h in (3, 4)})) == []
    rows = statistics.stored[COUNTER.entity_id]
    first = shown[0][1]
    for hour in (3, 4, 5):
        assert rows[at(hour)].sum == pytest.approx(101 + hour - first, abs=1e-4)
    # What is wanted of the past comes before it.
    past = gap(1, 2, past=True)
    assert await write(writer, past, [COUNTER], counted({h: true(h) for h in (1, 2)})) == []
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in (2, 3, 4, 5)] == pytest.approx([1.0] * 4, abs=1e-4)


async def test_what_core_had_before_the_first_reading_is_kept(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 4, 6, 7]))
    statistics.stored[POWER.entity_id] = {at(2): Row(at(2), mean=9.0, min=8.0, max=10.0)}
    before = dict(statistics.stored[COUNTER.entity_id])
    summaries: dict[datetime, Summary | None] = {
        at(hour): Summary({key(POWER): Measured(1, 1, 1)}, {key(COUNTER): true(hour)})
        for hour in (2, 3, 4, 5)
    }
    assert await write(writer, gap(2, 3, 4, 5, past=True), [COUNTER, POWER], summaries) == []
    assert {(entity, start) for entity, start in statistics.imported} == {
        (COUNTER.entity_id, at(3)),
        (COUNTER.entity_id, at(5)),
        (POWER.entity_id, at(3)),
        (POWER.entity_id, at(4)),
        (POWER.entity_id, at(5)),
    }
    after = statistics.stored[COUNTER.entity_id]
    assert all(after[start] == row for start, row in before.items())


async def test_what_comes_after_a_row_that_is_kept_is_moved_with_it(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([3, 6, 7]))
    hours = counted({h: true(h) for h in (1, 2, 3, 4, 5)})
    assert await write(writer, gap(1, 2, 3, 4, 5, past=True), [COUNTER], hours) == []
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 8)] == pytest.approx([1.0] * 6, abs=1e-4)


async def test_a_counter_that_the_cloud_does_not_have_is_spread_over_an_outage(
    writer: Importer, statistics: FakeStatistics
) -> None:
    lump = growing([1, 2, 3, 6, 7])
    published = [one for one in lump if not at(3.5) <= one[0] < at(6.5)]
    statistics.compile(COUNTER.entity_id, published)
    flows = {
        3: Flowed(0.0, 0.45, 0.45),
        4: Flowed(0.0, 0.9),
        5: Flowed(0.0, 0.9),
        6: Flowed(0.0, 0.9, 0.0),
    }
    assert await write(writer, gap(3, 4, 5, 6, standing=[6]), [COUNTER], flowed(flows)) == []
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 8)] == pytest.approx([1.0] * 6, abs=1e-4)
    assert (COUNTER.entity_id, at(6)) not in statistics.imported


async def test_hours_by_their_power_are_written_up_to_an_hour_whose_counter_is_known(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    summaries = flowed(dict.fromkeys((3, 4, 5), Flowed(0.0, 1.0))) | counted({6: true(6)})
    assert await write(writer, gap(3, 4, 5, 6, standing=[6]), [COUNTER], summaries) == []
    assert [start for _, start in statistics.imported] == [at(3), at(4), at(5)]
    changes = statistics.change(COUNTER.entity_id)
    assert sum(changes[at(hour)] for hour in (3, 4, 5, 6)) == pytest.approx(4.0)


async def test_a_row_without_a_state_is_no_end_for_the_hours_after_it(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 4, 5, 6]))
    rows = statistics.stored[COUNTER.entity_id]
    rows[at(3)] = replace(rows[at(3)], state=None)
    before = dict(rows)
    wanted = gap(3, 4, 5, standing=[3])
    assert await write(writer, wanted, [COUNTER], counted({h: true(h) for h in (3, 4, 5)})) == []
    assert {start: row.sum for start, row in rows.items()} == pytest.approx(
        {start: row.sum for start, row in before.items()}
    )


async def test_one_that_ends_in_nothing_is_left_alone(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    summaries = flowed(dict.fromkeys((3, 4, 5), Flowed(0.0, 0.9)))
    assert await write(writer, gap(3, 4, 5), [COUNTER], summaries) == []
    assert statistics.imported == []


async def test_an_hour_that_ends_well_keeps_its_counter_and_gets_its_mean(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 4]))
    summaries: dict[datetime, Summary | None] = {
        at(2): Summary({key(POWER): Measured(1.5, 0.5, 2.5)}, {key(COUNTER): true(2)})
    }
    await write(writer, gap(2, standing=[2]), [COUNTER, POWER], summaries)
    assert statistics.imported == [(POWER.entity_id, at(2))]
    assert statistics.stored[POWER.entity_id][at(2)] == Row(at(2), mean=1.5, min=0.5, max=2.5)


async def test_ends_that_do_not_meet_are_reported_and_nothing_is_written(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    rows = statistics.stored[COUNTER.entity_id]
    for hour in (6, 7):
        rows[at(hour)] = Row(
            at(hour), state=rows[at(hour)].state, sum=(rows[at(hour)].sum or 0) + 3
        )
    statistics.short_term.clear()
    (sentence,) = await write(
        writer, gap(3, 4, 5), [COUNTER], counted({h: true(h) for h in (3, 4, 5)})
    )
    assert sentence.startswith("sensor.redback_grid_import_total from 2026-03-02 03:00 UTC: ")
    assert statistics.imported == []


async def test_a_reset_in_the_gap_moves_what_comes_after_it(
    writer: Importer, statistics: FakeStatistics
) -> None:
    # At 4:00 the counter starts over from zero; nothing was published from 3:00 to 6:00.
    before = growing([1, 2])
    after = [(moment, round(state - 104, 6)) for moment, state in growing([6, 7])]
    statistics.compile(COUNTER.entity_id, before + after)
    hours = {
        3: true(3),
        4: Counted(round(1 / 60, 6), 1.0, round(59 / 60, 6), resets=0),
        5: Counted(round(1 + 1 / 60, 6), 2.0, round(59 / 60, 6)),
    }
    assert await write(writer, gap(3, 4, 5), [COUNTER], counted(hours)) == []
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 8)] == pytest.approx([1.0] * 6, abs=1e-4)
    # The same again changes nothing.
    assert await write(writer, gap(3, 4, 5), [COUNTER], counted(hours)) == []
    assert statistics.change(COUNTER.entity_id) == pytest.approx(changes)


@pytest.mark.parametrize("is_counted", [True, False])
async def test_after_an_outage_of_weeks_core_goes_on_from_where_it_was(
    writer: Importer, statistics: FakeStatistics, *, is_counted: bool
) -> None:
    # Core has forgotten its rows of five minutes, and begins with zero at 6:30.
    forget_after(statistics, growing([-301, -300]), [*growing([6])[30:], *growing([7])])
    hours_out = range(-299, 7)
    old_values = counted({hour: old(hour) for hour in hours_out})
    summaries = old_values if is_counted else flowed(dict.fromkeys(hours_out, Flowed(0.0, 1.0)))
    outage = gap(*range(-299, 7), standing=[6])
    for _ in range(2):  # the same again changes nothing
        assert await write(writer, outage, [COUNTER], summaries) == []
        changes = statistics.change(COUNTER.entity_id)
        hours = [changes[at(hour)] for hour in range(-300, 8)]
        assert hours == pytest.approx([1.0] * 308, abs=1e-4 if is_counted else 2e-3)


async def test_it_does_so_too_where_the_cloud_has_nothing_of_the_outage(
    writer: Importer, statistics: FakeStatistics
) -> None:
    forget_after(statistics, growing([-301, -300]), growing([6, 7]))
    hours: dict[int, Counted | None] = {**dict.fromkeys(range(-299, 6)), 6: old(6)}
    assert await write(writer, gap(*hours, standing=[6]), [COUNTER], counted(hours)) == []
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in (6, 7)] == pytest.approx([306, 1], abs=1e-3)
    assert statistics.imported == []


async def test_what_came_before_a_reset_within_one_hour_is_not_lost(
    writer: Importer, statistics: FakeStatistics
) -> None:
    # Nothing was published from 3:15 to 3:45; at 3:30 the counter starts over from zero.
    seen = [
        one if one[0] < at(3.5) else (one[0], round(one[1] - 103.5, 6))
        for one in growing([1, 2, 3, 4, 5])
        if not at(3.25) <= one[0] < at(3.75)
    ]
    statistics.compile(COUNTER.entity_id, seen)
    hour = Counted(true(3).first, 0.5, true(3).gain, resets=1)
    for _ in range(2):  # the same again changes nothing
        assert await write(writer, gap(3, standing=[3]), [COUNTER], counted({3: hour})) == []
    assert statistics.imported == []
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in (2, 3, 4, 5)] == pytest.approx([1.0] * 4, abs=1e-4)


async def test_an_hour_before_one_that_was_filled_is_filled_again_without_a_change(
    writer: Importer, statistics: FakeStatistics
) -> None:
    # Core was alone with the value of 3:00; at 4:00 the counter started over from zero.
    alone = [(at(3) + timedelta(minutes=minute), 103.0) for minute in range(180)]
    after = [(moment, round(state - 104, 6)) for moment, state in growing([6, 7])]
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + alone + after)
    hours = {hour: Counted(true(hour).first - 104, hour - 3.0, true(hour).gain) for hour in (4, 5)}
    outage = {3: true(3), **hours}
    assert await write(writer, gap(3, 4, 5), [COUNTER], counted(outage), now=3.0) == []
    once_more = gap(4, asked=True)
    assert await write(writer, once_more, [COUNTER], counted({4: hours[4]}), now=2.0) == []
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 8)] == pytest.approx([1.0] * 6, abs=1e-3)


async def test_a_reset_in_the_hour_after_the_gap_is_core_s_own(
    writer: Importer, statistics: FakeStatistics
) -> None:
    after = [(one[0], one[1] - 104.5 * (one[0] >= at(4.5))) for one in growing([4, 5])]
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + after)
    # Five minutes after the gap it had not started over yet.
    now = {at(4) + timedelta(minutes=5): 104.083333, at(5): 0.5}
    assert await write(writer, gap(3), [COUNTER], counted({3: true(3)}), now) == []
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 6)] == pytest.approx([1.0] * 4, abs=1e-3)


async def test_what_core_was_not_shown_yet_does_no_harm(
    writer: Importer, statistics: FakeStatistics
) -> None:
    # Core stays alone with the value of 3:00 until 6:40, with rows of it every five minutes.
    alone = [(at(3) + timedelta(minutes=minute), 103.0) for minute in range(220)]
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + alone)
    hours = counted({h: true(h) for h in (3, 4, 5)})
    assert await write(writer, gap(3, 4, 5), [COUNTER], hours, now=106.1) == []
    later = [one for one in growing([6, 7]) if one[0] >= at(6) + timedelta(minutes=40)]
    statistics.go_on(COUNTER.entity_id, later)
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 8)] == pytest.approx([1.0] * 6, abs=1e-4)


async def test_hours_that_the_cloud_does_not_have_are_flat(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    statistics.stored[COUNTER.entity_id][at(4)] = Row(at(4), state=103.0, sum=1.983333)
    await write(writer, gap(3, 4, 5), [COUNTER], counted({3: true(3), 4: None, 5: true(5)}))
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in (3, 4, 5, 6)] == pytest.approx([1, 0, 2, 1], abs=1e-4)


async def test_statistics_in_another_unit_are_left_alone(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    statistics.others = {COUNTER.entity_id}
    before = dict(statistics.stored[COUNTER.entity_id])
    summaries: dict[datetime, Summary | None] = {
        at(hour): Summary({key(POWER): Measured(1, 1, 1)}, {key(COUNTER): true(hour)})
        for hour in (4, 5)
    }
    (sentence,) = await write(writer, gap(4, 5, past=True), [COUNTER, POWER], summaries)
    assert sentence.endswith("sensor.redback_grid_import_total is another")
    assert statistics.stored[COUNTER.entity_id] == before
    assert len(statistics.stored[POWER.entity_id]) == 2


async def test_a_counter_whose_sums_core_does_not_move_is_left_alone(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    statistics.refuses_to_shift = {COUNTER.entity_id}
    before = dict(statistics.stored[COUNTER.entity_id])
    hours = counted({h: true(h) for h in (4, 5)})
    (sentence,) = await write(writer, gap(4, 5, past=True), [COUNTER], hours)
    assert sentence.endswith("sensor.redback_grid_import_total cannot be moved")
    assert statistics.stored[COUNTER.entity_id] == before


async def test_as_long_as_core_has_no_row_after_the_gap_it_waits(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([7, 8]))
    with pytest.raises(NotYetError):
        await write(writer, gap(9, 10), [COUNTER], counted({9: true(9), 10: true(10)}))
    assert statistics.imported == []


async def test_a_counter_of_which_core_writes_nothing_is_not_waited_for_for_ever(
    writer: Importer, statistics: FakeStatistics, clock: FakeClock
) -> None:
    statistics.stored[COUNTER.entity_id] = {}
    with pytest.raises(NotYetError):
        await write(writer, gap(9, 10), [COUNTER], counted({9: true(9), 10: true(10)}))
    await clock.sleep(20 * 60)
    (sentence,) = await write(writer, gap(9, 10), [COUNTER], counted({9: true(9), 10: true(10)}))
    assert "has no statistics to" in sentence


async def test_a_row_within_the_gap_makes_it_wait_no_longer_for_one_after_it(
    writer: Importer, statistics: FakeStatistics, clock: FakeClock
) -> None:
    statistics.stored[COUNTER.entity_id] = {}
    statistics.short_term[COUNTER.entity_id] = {at(9.5): Row(at(9.5), state=109.5, sum=0.5)}
    hours = counted({9: true(9), 10: true(10)})
    with pytest.raises(NotYetError):
        await write(writer, gap(9, 10), [COUNTER], hours)
    await clock.sleep(20 * 60)
    assert await write(writer, gap(9, 10), [COUNTER], hours) == []


async def test_a_row_of_five_minutes_is_enough_after_the_gap(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([7, 8]) + growing([11])[:30])
    del statistics.stored[COUNTER.entity_id][at(11)]
    await write(writer, gap(9, 10), [COUNTER], counted({9: true(9), 10: true(10)}))
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in (8, 9, 10)] == pytest.approx([1.0] * 3, abs=1e-4)


async def test_it_is_not_written_before_core_shows_it(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    statistics.delay = 5
    await write(writer, gap(3, 4, 5), [COUNTER], counted({h: true(h) for h in (3, 4, 5)}))
    assert at(4) in statistics.stored[COUNTER.entity_id]


async def test_a_core_that_never_shows_it_is_asked_again_later(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    statistics.delay = 10_000
    with pytest.raises(NotYetError):
        await write(writer, gap(3, 4, 5), [COUNTER], counted({h: true(h) for h in (3, 4, 5)}))


async def test_sums_that_a_busy_core_has_yet_to_move_are_not_moved_twice(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    statistics.delay = 1000  # more than an hour: its database is locked by a backup
    await write(writer, gap(4, 5, past=True), [COUNTER], counted({h: true(h) for h in (4, 5)}))
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in (5, 6, 7)] == pytest.approx([1.0] * 3, abs=1e-4)


async def test_cut_short_and_done_again_the_result_is_the_same(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    summaries: dict[datetime, Summary | None] = {
        at(hour): Summary({key(POWER): Measured(1, 1, 1)}, {key(COUNTER): true(hour)})
        for hour in (3, 4, 5)
    }
    statistics.takes = 1
    with pytest.raises(CoreAwayError):
        await write(writer, gap(3, 4, 5), [COUNTER, POWER], summaries)
    statistics.takes = None
    await write(writer, gap(3, 4, 5), [COUNTER, POWER], summaries)
    changes = statistics.change(COUNTER.entity_id)
    assert [changes[at(hour)] for hour in range(2, 8)] == pytest.approx([1.0] * 6, abs=1e-4)
    assert len(statistics.stored[POWER.entity_id]) == 3
