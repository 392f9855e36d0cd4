"""That Core's rows come to say what the ledger knows, and what they must not lose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from backfill.fake_statistics import FakeOwnership, FakeStatistics
from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from redback.backfill.adjustments import FILE, Adjustments, AdjustmentStage
from redback.backfill.agreement import Shift, Why
from redback.backfill.coverage import Hour, Stage
from redback.backfill.gaps import Gap
from redback.backfill.importer import Importer, Part
from redback.backfill.refill import RefillError
from redback.backfill.writer import NotYetError, Writer
from redback.core import ROWS_TO_PUT, CoreAwayError, Row, Series, Statistics
from redback.inverters.hourly import Measured, Summary
from redback.inverters.inverter import Inverter
from redback.ledger import HourEnd, How, Ledger, step
from redback.publishing.ownership import Ownership
from redback.sensors.details import Details
from redback.sensors.entities import Entities

HOUR = timedelta(hours=1)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
KEY = "grid_import_total"
COUNTER = Series(f"sensor.redback_{KEY}", "kWh", is_counter=True)
POWER = Series("sensor.redback_solar_generation", "kW", is_counter=False)
NOW = DAY + 12 * HOUR
MEASURED = {"solar_generation": Measured(1.5, 0.5, 2.5)}


def at(hour: float) -> datetime:
    return DAY + hour * HOUR


def gap(*hours: int, past: bool = False, asked: bool = False) -> Gap:
    return Gap(
        SERIAL,
        tuple(Hour(at(hour), Stage.FETCHED, asked=asked) for hour in hours),
        past,
        border=at(hours[-1] + 1) if past else at(-1000),
    )


def inverter() -> Inverter:
    """Return one that has a counter and a measurement."""
    entities = Entities(detailed=False)
    made = Inverter(SERIAL, "Redback", entities, Details(static(), configuration()))
    made_of = dynamic(ImportAllTimeEnergykWh=100.0, PvPowerInstantaneouskW=1.0)
    entities.show(made.reading(made_of))
    return made


@pytest.fixture
def statistics() -> FakeStatistics:
    return FakeStatistics()


@pytest.fixture
def clock() -> FakeClock:
    return _Clock()


@pytest.fixture
def adjustments(tmp_path: Path) -> Iterator[Adjustments]:
    adjustments = Adjustments(tmp_path / FILE)
    yield adjustments
    adjustments.close()


def importer(
    statistics: FakeStatistics,
    ledger: Ledger,
    adjustments: Adjustments,
    clock: FakeClock,
    *others: str,
    ownership: FakeOwnership | None = None,
) -> Importer:
    """Return an importer, to which some entities are not ours."""
    owned = cast("Ownership", ownership or FakeOwnership(*others))
    return Importer(cast("Statistics", statistics), ledger, adjustments, clock, owned)


@pytest.fixture
def ownership() -> FakeOwnership:
    return FakeOwnership()


@pytest.fixture
def writer(
    statistics: FakeStatistics,
    ledger: Ledger,
    adjustments: Adjustments,
    clock: FakeClock,
    ownership: FakeOwnership,
) -> Importer:
    return importer(statistics, ledger, adjustments, clock, ownership=ownership)


class _Clock(FakeClock):
    """Nobody moves it: to sleep takes no time."""

    def __init__(self) -> None:
        super().__init__(NOW)

    async def sleep(self, seconds: float) -> None:
        self._passed += seconds


def know(ledger: Ledger, states: Mapping[int, float | None], flow: float | None = None) -> None:
    """Enter what the counter showed at the end of some hours; None = only what flowed."""
    ends = [
        HourEnd(at(hour), state, flow=flow, how=How.READ if state is not None else How.UNKNOWN)
        for hour, state in states.items()
    ]
    ledger.put(SERIAL, {KEY: ends})


async def write(
    writer: Importer, gap: Gap, summaries: Mapping[datetime, Summary | None] | None = None
) -> list[str]:
    return await writer.write(gap, inverter(), summaries or {})


async def agree(writer: Importer, since: int, until: int) -> None:
    await writer.agree(Part(inverter(), at(since), at(until), border=at(-1000)))


def growing(hours: Sequence[float], kw: float = 1.0) -> list[tuple[datetime, float]]:
    """Return the states of a counter that grows steadily, each minute of these hours."""
    return [
        (at(hour) + timedelta(minutes=minute), round(100 + (hour + (minute + 1) / 60) * kw, 6))
        for hour in hours
        for minute in range(60)
    ]


def true(*hours: int) -> dict[int, float | None]:
    """Return what that counter showed at the end of these hours."""
    return {hour: 101.0 + hour for hour in hours}


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


def assert_changes(
    statistics: FakeStatistics, hours: Sequence[int], *energies: float, within: float = 1e-3
) -> None:
    changes = statistics.change(COUNTER.entity_id)
    wanted = energies or [1.0] * len(hours)
    assert [changes[at(hour)] for hour in hours] == pytest.approx(wanted, abs=within)


async def test_an_outage_is_put_back_into_its_hours(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # From 3:30 to 6:00 nothing was published; Core has flat rows, and a lump at 6:00.
    lump = growing([1, 2, 3, 6, 7])
    statistics.compile(COUNTER.entity_id, [one for one in lump if not at(3.5) <= one[0] < at(6)])
    statistics.stored[COUNTER.entity_id][at(4)] = Row(at(4), state=103.5, sum=2.483333)
    know(ledger, true(2, 3, 4, 5, 6))
    assert await write(writer, gap(3, 4, 5)) == []
    assert_changes(statistics, range(2, 8))


@pytest.mark.parametrize("more", [2.0, 3000.0, -95.0], ids=["near", "jump", "fall"])
async def test_the_step_to_another_inverter_is_no_energy(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, more: float
) -> None:
    successor = replace(inverter(), formers=("RB0",))
    other = [(moment, state + more) for moment, state in growing([4, 5, 6])]
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3]) + other)
    know(ledger, {hour: 101.0 + hour + more for hour in (4, 5, 6)}, flow=1.0)
    for _ in range(2):
        await writer.agree(Part(successor, at(1), at(7), border=at(4)))
        assert_changes(statistics, range(2, 7))


async def test_of_an_entity_that_is_somebody_elses_nothing_is_written(
    statistics: FakeStatistics, ledger: Ledger, adjustments: Adjustments, clock: FakeClock
) -> None:
    writer = importer(statistics, ledger, adjustments, clock, COUNTER.entity_id)
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    before = dict(statistics.stored[COUNTER.entity_id])
    know(ledger, true(3, 4, 5, 6))
    assert await write(writer, gap(3, 4, 5, past=True)) == []
    assert statistics.stored[COUNTER.entity_id] == before
    assert not statistics.imported


async def test_the_past_goes_before_what_is_there(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    know(ledger, true(1, 2, 3, 4, 5, 6))
    for hours in ([3, 4, 5], [1, 2], [1, 2]):  # newest first; and the same again changes nothing
        assert await write(writer, gap(*hours, past=True)) == []
    assert_changes(statistics, range(2, 8))


@pytest.mark.parametrize("is_written", [True, False])
async def test_the_hour_of_the_first_reading_goes_on_from_that(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, *, is_written: bool
) -> None:
    # The first reading is of 3:40, and nothing was published from 3:58 to 4:10.
    shown = [one for one in growing([3, 4, 5]) if one[0] >= at(3) + timedelta(minutes=40)]
    outage = at(3) + timedelta(minutes=58), at(4) + timedelta(minutes=10)
    shown = [one for one in shown if not outage[0] <= one[0] < outage[1]]
    statistics.compile(COUNTER.entity_id, shown)
    if not is_written:  # Core may have been away when the hour ended
        del statistics.stored[COUNTER.entity_id][at(3)]
    know(ledger, true(3, 4, 5))
    assert await write(writer, gap(3, 4)) == []
    # What is wanted of the past comes before it.
    know(ledger, true(1, 2))
    assert await write(writer, gap(1, 2, past=True)) == []
    assert_changes(statistics, range(2, 6))


async def test_what_core_had_before_the_first_reading_is_kept(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 4, 6, 7]))
    statistics.stored[POWER.entity_id] = {at(2): Row(at(2), mean=9.0, min=8.0, max=10.0)}
    before = dict(statistics.stored[COUNTER.entity_id])
    know(ledger, true(2, 3, 4, 5))
    summaries = {at(hour): MEASURED for hour in (2, 3, 4, 5)}
    assert await write(writer, gap(2, 3, 4, 5, past=True), summaries) == []
    assert {(entity, start) for entity, start in statistics.imported} == {
        (COUNTER.entity_id, at(3)),
        (COUNTER.entity_id, at(5)),
        (POWER.entity_id, at(3)),
        (POWER.entity_id, at(4)),
        (POWER.entity_id, at(5)),
    }
    after = statistics.stored[COUNTER.entity_id]
    assert all(after[start] == row for start, row in before.items())


async def test_what_comes_after_a_row_that_is_kept_goes_on_from_it(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([3, 6, 7]))
    know(ledger, true(1, 2, 3, 4, 5))
    assert await write(writer, gap(1, 2, 3, 4, 5, past=True)) == []
    assert_changes(statistics, range(2, 8))


async def test_a_counter_that_the_cloud_does_not_have_is_spread_by_the_power(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    lump = growing([1, 2, 3, 6, 7])
    published = [one for one in lump if not at(3.5) <= one[0] < at(6.5)]
    statistics.compile(COUNTER.entity_id, published)
    know(ledger, true(2))
    know(ledger, {3: None, 4: None, 5: None}, flow=0.9)
    know(ledger, true(6), flow=0.9)
    assert await write(writer, gap(3, 4, 5, 6)) == []
    assert_changes(statistics, range(2, 8))
    assert (COUNTER.entity_id, at(6)) not in statistics.imported


async def test_the_past_of_a_counter_that_the_cloud_does_not_have_comes_from_the_power(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    know(ledger, {3: None, 4: None, 5: None}, flow=1.0)
    know(ledger, true(6), flow=1.0)
    assert await write(writer, gap(3, 4, 5, past=True)) == []
    assert_changes(statistics, range(4, 8))


async def test_a_row_without_a_state_is_written_again(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 4, 5, 6]))
    rows = statistics.stored[COUNTER.entity_id]
    rows[at(3)] = replace(rows[at(3)], state=None)
    before = dict(rows)
    know(ledger, true(2, 3, 4, 5))
    assert await write(writer, gap(3, 4, 5)) == []
    assert {start: row.sum for start, row in rows.items()} == pytest.approx(
        {start: row.sum for start, row in before.items()}
    )


async def test_an_hour_of_which_nothing_is_known_is_left_alone(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    assert await write(writer, gap(3, 4, 5)) == []
    assert statistics.imported == []


async def test_an_hour_that_ends_well_keeps_its_counter_and_gets_its_mean(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 4]))
    know(ledger, true(2))
    await write(writer, gap(2), {at(2): MEASURED})
    assert statistics.imported == [(POWER.entity_id, at(2))]
    assert statistics.stored[POWER.entity_id][at(2)] == Row(at(2), mean=1.5, min=0.5, max=2.5)


async def test_a_correction_that_somebody_made_stays(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 4, 5]))
    for amount in (3.0, -30.0):
        await statistics.shift(COUNTER.entity_id, at(3), amount, "kWh")
        assert await statistics.backlog() == 0
        before = statistics.change(COUNTER.entity_id)
        know(ledger, true(1, 2, 3, 4, 5))
        await agree(writer, 1, 6)
        assert statistics.change(COUNTER.entity_id) == before
        assert statistics.imported == []


async def test_a_reset_in_the_gap_moves_what_comes_after_it(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # At 4:00 the counter starts over from zero; nothing was published from 3:00 to 6:00.
    before = growing([1, 2])
    after = [(moment, round(state - 104, 6)) for moment, state in growing([6, 7])]
    statistics.compile(COUNTER.entity_id, before + after)
    know(ledger, {2: 103.0, 3: 104.0})
    ledger.put(SERIAL, {KEY: [HourEnd(at(4), 1.0, energy=1.0)]})
    know(ledger, {5: 2.0, 6: 3.0})
    for _ in range(2):  # the same again changes nothing
        assert await write(writer, gap(3, 4, 5)) == []
        assert_changes(statistics, range(2, 8))


@pytest.mark.parametrize("is_counted", [True, False])
async def test_after_an_outage_of_weeks_core_goes_on_from_where_it_was(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, *, is_counted: bool
) -> None:
    # Core has forgotten its rows of five minutes, and begins with zero at 6:30.
    forget_after(statistics, growing([-301, -300]), [*growing([6])[30:], *growing([7])])
    hours_out = range(-299, 7)
    know(ledger, {-300: 801.0, 6: 1107.0, 7: 1108.0}, flow=1.0)
    know(ledger, {hour: 1101.0 + hour if is_counted else None for hour in hours_out[:-1]}, flow=1.0)
    for _ in range(2):  # the same again changes nothing
        assert await write(writer, gap(*hours_out)) == []
        assert_changes(statistics, range(-300, 8))


async def test_it_does_so_too_where_the_cloud_has_nothing_of_the_outage(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    forget_after(statistics, growing([-301, -300]), growing([6, 7]))
    know(ledger, {-300: 801.0, 6: 1107.0, 7: 1108.0})
    assert await write(writer, gap(*range(-299, 7))) == []
    assert_changes(statistics, (6, 7), 306, 1)
    assert statistics.imported == []


async def test_what_came_before_a_reset_within_one_hour_is_not_lost(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # Nothing was published from 3:15 to 3:45; at 3:30 the counter starts over from zero.
    seen = [
        one if one[0] < at(3.5) else (one[0], round(one[1] - 103.5, 6))
        for one in growing([1, 2, 3, 4, 5])
        if not at(3.25) <= one[0] < at(3.75)
    ]
    statistics.compile(COUNTER.entity_id, seen)
    know(ledger, true(2))
    ledger.put(SERIAL, {KEY: [HourEnd(at(3), 0.5, energy=1.0, misread=0.0)]})
    for _ in range(2):  # the same again changes nothing
        assert await write(writer, gap(3)) == []
    assert statistics.imported == []
    assert_changes(statistics, (2, 3, 4, 5))


async def test_an_hour_with_a_reset_is_not_replaced_before_its_energy_is_known(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # At 3:30 the counter starts over, and the ledger does not know the hour before yet. The last
    # minute was not published.
    seen = [
        one if one[0] < at(3.5) else (one[0], round(one[1] - 103.5, 6))
        for one in growing([1, 2, 3, 4, 5])
        if not at(3.98) <= one[0] < at(4)
    ]
    statistics.compile(COUNTER.entity_id, seen)
    know(ledger, {3: 0.5, 4: 1.5})
    await agree(writer, 1, 5)
    assert_changes(statistics, (3, 4), 1.0, 1.0, within=0.02)
    know(ledger, true(2))
    ledger.put(SERIAL, {KEY: [HourEnd(at(3), 0.5, energy=1.0, misread=0.0)]})
    await agree(writer, 1, 5)
    assert_changes(statistics, (2, 3, 4))


@pytest.mark.parametrize(("before", "after"), [(103.5, 900.0), (103.5, 50.0), (103.5, 98.0)])
async def test_a_step_that_core_took_for_energy_is_taken_off_again(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, before: float, after: float
) -> None:
    seen = [
        one if one[0] < at(3.5) else (one[0], round(one[1] - before + after, 6))
        for one in growing([1, 2, 3, 4, 5])
    ]
    statistics.compile(COUNTER.entity_id, seen)
    offset = after - before
    know(ledger, {2: 103.0})
    ledger.put(
        SERIAL, {KEY: [HourEnd(at(3), 104.0 + offset, energy=1.0, misread=step(before, after))]}
    )
    know(ledger, {4: 105.0 + offset})
    for _ in range(2):  # the same again changes nothing
        await agree(writer, 1, 5)
        assert_changes(statistics, (2, 3, 4, 5), within=0.02)


@pytest.mark.parametrize("amount", [-3.5, 400.0, 1200.0])
async def test_somebodys_correction_stays_where_a_step_is_taken_off(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, amount: float
) -> None:
    step_by_900(statistics, ledger)
    await statistics.shift(COUNTER.entity_id, at(3), amount, "kWh")
    for _ in range(2):  # the same again changes nothing
        await agree(writer, 1, 5)
        assert_changes(statistics, (2, 3, 4), 1.0, 1.0 + amount, 1.0)


async def test_what_core_was_not_shown_yet_does_no_harm(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # Core stays alone with the value of 3:00 until 6:40, with rows of it every five minutes.
    alone = [(at(3) + timedelta(minutes=minute), 103.0) for minute in range(220)]
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + alone)
    del statistics.stored[COUNTER.entity_id][at(6)]
    know(ledger, true(2, 3, 4, 5))
    with pytest.raises(NotYetError):
        await write(writer, gap(3, 4, 5))
    later = [one for one in growing([6, 7]) if one[0] >= at(6) + timedelta(minutes=40)]
    statistics.go_on(COUNTER.entity_id, later)
    know(ledger, true(6))
    assert await write(writer, gap(3, 4, 5)) == []
    assert_changes(statistics, range(2, 8))


async def test_what_core_counted_in_an_hour_that_is_not_known_yet_is_not_taken_off(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, clock: FakeClock
) -> None:
    # At 11:00 another meter was read, and that was no glitch until 11:05.
    other = [(at(11) + timedelta(minutes=minute), 50.0 + minute / 60) for minute in range(5)]
    statistics.compile(COUNTER.entity_id, growing([8, 9, 10]) + other + growing([11])[5:])
    know(ledger, true(8, 9))
    ledger.put(SERIAL, {KEY: [HourEnd(at(10), 50.0, energy=1.0)]})
    for _ in range(2):
        with pytest.raises(NotYetError):
            await write(writer, gap(10))
        await clock.sleep(8 * 60)
    assert statistics.imported == []
    # What Core has misread is not known from the past.
    ledger.put(SERIAL, {KEY: [HourEnd(at(11), 112.0, energy=1.0, misread=61.0)]})
    assert await write(writer, gap(10)) == []
    assert_changes(statistics, (9, 10, 11))


async def test_hours_that_the_cloud_does_not_have_are_flat(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    statistics.stored[COUNTER.entity_id][at(4)] = Row(at(4), state=103.0, sum=1.983333)
    know(ledger, true(2, 3, 5, 6))
    await write(writer, gap(3, 4, 5))
    assert_changes(statistics, (3, 4, 5, 6), 1, 0, 2, 1)


async def test_rows_of_a_restored_database_are_put_right(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # Core was restored to what it had at 3:00, and wrote flat rows for what it had missed.
    statistics.compile(COUNTER.entity_id, growing([1, 2]))
    flat = [(at(hour) + timedelta(minutes=59), 103.0) for hour in (3, 4, 5)]
    statistics.go_on(COUNTER.entity_id, [*flat, *growing([6, 7])])
    know(ledger, true(1, 2, 3, 4, 5, 6))
    await agree(writer, 1, 7)
    assert_changes(statistics, range(2, 8))


async def test_what_another_writer_left_is_taken_off(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    other = [(at(3) + timedelta(minutes=minute), 191000.0 + minute % 2) for minute in range(60)]
    statistics.compile(COUNTER.entity_id, [*growing([1, 2]), *other, *growing([4, 5])])
    know(ledger, true(1, 2, 3, 4))
    await agree(writer, 1, 5)
    assert_changes(statistics, range(2, 6))


async def test_a_row_is_not_replaced_by_less_knowledge(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 4, 5]))
    know(ledger, true(2, 4))
    end = HourEnd(at(3), 103.2, how=How.INCOMPLETE)  # the cloud has only the first minutes
    ledger.put(SERIAL, {KEY: [end]})
    assert await write(writer, gap(3, asked=True)) == []
    assert_changes(statistics, range(2, 6))


async def test_nothing_above_what_can_flow_is_ever_energy(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    know(ledger, true(2) | {3: 20000.0} | true(4, 5, 6), flow=1.0)
    assert await write(writer, gap(3, 4, 5)) == []
    assert max(statistics.change(COUNTER.entity_id).values()) < 31
    assert min(statistics.change(COUNTER.entity_id).values()) >= 0


async def test_a_row_that_core_did_not_see_is_no_beginning(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # From 3:00 to 6:00 Core had an old value, and only the last two hours are asked for.
    flat = [(at(hour) + timedelta(minutes=59), 103.0) for hour in (3, 4, 5)]
    statistics.compile(COUNTER.entity_id, [*growing([1, 2]), *flat, *growing([6, 7])])
    know(ledger, true(2, 3, 4, 5, 6))
    assert await write(writer, gap(5)) == []
    assert_changes(statistics, range(2, 8))


async def test_statistics_in_another_unit_are_left_alone(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    statistics.others = {COUNTER.entity_id}
    before = dict(statistics.stored[COUNTER.entity_id])
    know(ledger, true(4, 5, 6))
    summaries = {at(hour): MEASURED for hour in (4, 5)}
    (sentence,) = await write(writer, gap(4, 5, past=True), summaries)
    assert sentence.endswith("sensor.redback_grid_import_total is another")
    assert statistics.stored[COUNTER.entity_id] == before
    assert len(statistics.stored[POWER.entity_id]) == 2


async def test_a_counter_whose_sums_core_does_not_move_is_left_alone(
    writer: Importer,
    statistics: FakeStatistics,
    ledger: Ledger,
    adjustments: Adjustments,
) -> None:
    after = [(moment, round(state - 104, 6)) for moment, state in growing([6, 7])]
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + after)
    statistics.refuses_to_shift = {COUNTER.entity_id}
    before = dict(statistics.stored[COUNTER.entity_id])
    know(ledger, {2: 103.0, 3: 104.0, 4: 1.0, 5: 2.0, 6: 3.0}, flow=1.0)
    (sentence,) = await write(writer, gap(3, 4, 5))
    assert sentence.endswith("sensor.redback_grid_import_total cannot be moved")
    assert statistics.stored[COUNTER.entity_id] == before
    assert adjustments.latest(9) == []


async def test_as_long_as_core_has_no_row_after_the_gap_it_waits(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([7, 8]))
    know(ledger, true(8, 9, 10))
    with pytest.raises(NotYetError):
        await write(writer, gap(9, 10))
    assert statistics.imported == []


async def test_a_counter_of_which_core_writes_nothing_is_not_waited_for_for_ever(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, clock: FakeClock
) -> None:
    statistics.stored[COUNTER.entity_id] = {}
    know(ledger, true(9, 10))
    with pytest.raises(NotYetError):
        await write(writer, gap(9, 10))
    await clock.sleep(20 * 60)
    (sentence,) = await write(writer, gap(9, 10))
    assert "has no statistics to" in sentence


async def test_a_row_of_five_minutes_is_enough_after_the_gap(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([7, 8]) + growing([11])[:30])
    del statistics.stored[COUNTER.entity_id][at(11)]
    know(ledger, true(8, 9, 10))
    await write(writer, gap(9, 10))
    assert_changes(statistics, (8, 9, 10))


async def test_an_hour_of_which_only_the_power_is_known_is_counted_once(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, adjustments: Adjustments
) -> None:
    # Core's row of five minutes has already what flowed at 10:00, and that is not taken for more.
    statistics.compile(COUNTER.entity_id, growing([7, 8]) + growing([11])[:30])
    del statistics.stored[COUNTER.entity_id][at(11)]
    know(ledger, true(8, 9))
    know(ledger, {10: None}, flow=1.0)
    await write(writer, gap(9, 10))
    assert_changes(statistics, (8, 9, 10))
    assert adjustments.latest(9) == []


async def test_it_is_not_written_before_core_shows_it(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    statistics.delay = 5
    know(ledger, true(2, 3, 4, 5, 6))
    await write(writer, gap(3, 4, 5))
    assert at(4) in statistics.stored[COUNTER.entity_id]


async def test_a_core_that_never_shows_it_is_asked_again_later(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    statistics.delay = 10_000
    know(ledger, true(2, 3, 4, 5, 6))
    with pytest.raises(NotYetError):
        await write(writer, gap(3, 4, 5))


class Slow(FakeStatistics):
    """A Core that has written nothing until a moment; it counts the rows that are read."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.written_at = 0.0
        self.read = 0
        self.loses: tuple[str, datetime] | None = None
        self._clock = clock

    async def rows(self, *arguments: Any, **period: Any) -> dict[str, list[Row]]:  # noqa: ANN401 - as Core
        found = await super().rows(*arguments, **period)
        if self._clock.monotonic() < self.written_at:
            return {entity_id: [] for entity_id in found}
        self.read += sum(map(len, found.values()))
        return {
            entity_id: [row for row in rows if (entity_id, row.start) != self.loses]
            for entity_id, rows in found.items()
        }


class TestReadingBack:
    """Core writes all rows of a command or none."""

    ROWS = tuple(Row(at(hour), mean=1.5, min=0.5, max=2.5) for hour in range(2 * ROWS_TO_PUT + 99))

    @pytest.fixture
    def slow(self, clock: FakeClock) -> Slow:
        return Slow(clock)

    async def confirm(self, slow: Slow, adjustments: Adjustments, clock: FakeClock) -> None:
        core = cast("Statistics", slow)
        assert not await Writer(core, adjustments, clock).write({POWER: self.ROWS}, {})

    async def test_years_are_confirmed_by_the_ends_of_each_command(
        self, slow: Slow, adjustments: Adjustments, clock: FakeClock
    ) -> None:
        await self.confirm(slow, adjustments, clock)
        assert slow.read < 10

    @pytest.mark.parametrize(
        "lost", [0, ROWS_TO_PUT - 1, ROWS_TO_PUT, 2 * ROWS_TO_PUT - 1, 2 * ROWS_TO_PUT, -1]
    )
    async def test_each_end_must_be_there(
        self, slow: Slow, adjustments: Adjustments, clock: FakeClock, lost: int
    ) -> None:
        slow.loses = POWER.entity_id, self.ROWS[lost].start
        with pytest.raises(NotYetError):
            await self.confirm(slow, adjustments, clock)

    @pytest.mark.parametrize("seconds", [1.0, 40.0])
    async def test_it_goes_on_soon_after_core_has_written(
        self, slow: Slow, adjustments: Adjustments, clock: FakeClock, seconds: float
    ) -> None:
        began = clock.monotonic()
        slow.written_at = began + seconds
        await self.confirm(slow, adjustments, clock)
        assert clock.monotonic() - began <= 1.05 * seconds + 0.11


async def test_a_past_before_all_rows_is_not_looked_at(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each month of an import would be compared with all others."""
    looked: list[datetime] = []
    hours = ledger.hours

    def noted(serial: str, key: str, since: datetime, until: datetime) -> list[HourEnd]:
        looked.append(since)
        return hours(serial, key, since, until)

    monkeypatch.setattr(ledger, "hours", noted)
    statistics.compile(COUNTER.entity_id, growing([6, 7]))
    know(ledger, true(3, 4, 5, 6))
    assert not await write(writer, gap(3, 4, 5, past=True))
    assert min(looked) >= at(-48)


async def test_a_shift_that_core_was_sent_before_a_restart_is_not_sent_twice(
    writer: Importer,
    statistics: FakeStatistics,
    ledger: Ledger,
    adjustments: Adjustments,
    clock: FakeClock,
) -> None:
    after = [(moment, round(state - 104, 6)) for moment, state in growing([6, 7])]
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + after)
    know(ledger, {2: 103.0, 3: 104.0, 4: 1.0, 5: 2.0, 6: 3.0}, flow=1.0)
    statistics.is_locked = True  # its database, by a backup
    with pytest.raises(NotYetError):
        await write(writer, gap(3, 4, 5))
    again = importer(statistics, ledger, adjustments, clock)
    with pytest.raises(NotYetError):
        await write(again, gap(3, 4, 5))
    statistics.is_locked = False
    assert await write(again, gap(3, 4, 5)) == []
    assert_changes(statistics, range(2, 8))
    assert len(adjustments.latest(9)) == 1


async def test_it_is_not_repeated_either_where_the_disk_could_not_be_written(
    statistics: FakeStatistics, ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    after = [(moment, round(state - 104, 6)) for moment, state in growing([6, 7])]
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + after)
    know(ledger, {2: 103.0, 3: 104.0, 4: 1.0, 5: 2.0, 6: 3.0}, flow=1.0)
    statistics.is_locked = True
    adjustments = Adjustments(tmp_path / "forgotten" / "adjustments.db")  # in memory
    await statistics.shift(COUNTER.entity_id, at(4), 4.0, "kWh")
    again = importer(statistics, ledger, adjustments, clock)
    with pytest.raises(NotYetError):
        await write(again, gap(3, 4, 5))
    assert statistics.imported == []
    adjustments.close()


async def test_a_shift_that_core_never_got_is_sent_again(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    after = [(moment, round(state - 104, 6)) for moment, state in growing([6, 7])]
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + after)
    know(ledger, {2: 103.0, 3: 104.0, 4: 1.0, 5: 2.0, 6: 3.0}, flow=1.0)
    statistics.is_away = True
    with pytest.raises(CoreAwayError):
        await write(writer, gap(3, 4, 5))
    statistics.is_away = False
    assert await write(writer, gap(3, 4, 5)) == []
    assert_changes(statistics, range(2, 8))


async def test_cut_short_and_done_again_the_result_is_the_same(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 6, 7]))
    know(ledger, true(2, 3, 4, 5, 6))
    summaries = {at(hour): MEASURED for hour in (3, 4, 5)}
    statistics.takes = 1
    with pytest.raises(CoreAwayError):
        await write(writer, gap(3, 4, 5), summaries)
    statistics.takes = None
    await write(writer, gap(3, 4, 5), summaries)
    assert_changes(statistics, range(2, 8))
    assert len(statistics.stored[POWER.entity_id]) == 3


def step_by_900(statistics: FakeStatistics, ledger: Ledger) -> None:
    """Let the counter go up by 900 kWh at 3:30, which Core takes for energy."""
    seen = [one if one[0] < at(3.5) else (one[0], one[1] + 900) for one in growing([1, 2, 3, 4])]
    statistics.compile(COUNTER.entity_id, seen)
    know(ledger, {2: 103.0})
    ledger.put(SERIAL, {KEY: [HourEnd(at(3), 1004.0, energy=1.0, misread=900.0)]})
    know(ledger, {4: 1005.0})


async def test_a_shift_that_somebody_takes_back_stays_so(
    writer: Importer,
    statistics: FakeStatistics,
    ledger: Ledger,
    adjustments: Adjustments,
) -> None:
    step_by_900(statistics, ledger)
    before = statistics.change(COUNTER.entity_id)
    await agree(writer, 1, 5)
    (adjustment,) = adjustments.latest(9)
    assert adjustment.shift.why is Why.STEP
    assert adjustment.shift.amount == pytest.approx(-900)
    assert_changes(statistics, (2, 3, 4))
    await writer.take_back(adjustment.number)
    assert statistics.change(COUNTER.entity_id) == pytest.approx(before)
    await agree(writer, 1, 5)
    assert statistics.change(COUNTER.entity_id) == pytest.approx(before)
    with pytest.raises(RefillError, match="already"):
        await writer.take_back(adjustment.number)


@pytest.fixture
async def number(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger, adjustments: Adjustments
) -> int:
    """Let a step of 900 kWh be taken out again; return the number of that correction."""
    step_by_900(statistics, ledger)
    await agree(writer, 1, 5)
    (adjustment,) = adjustments.latest()
    return adjustment.number


async def test_a_shift_can_be_taken_back_after_a_later_one_has_moved_its_row(
    writer: Importer, statistics: FakeStatistics, adjustments: Adjustments, number: int
) -> None:
    await statistics.shift(COUNTER.entity_id, at(1), 50.0, "kWh")
    await writer.take_back(number)
    assert statistics.change(COUNTER.entity_id)[at(3)] == pytest.approx(901, abs=0.02)
    assert [one.stage for one in adjustments.latest()] == [AdjustmentStage.UNDONE]


async def test_a_shift_is_taken_back_once_core_can_write_again(
    writer: Importer, statistics: FakeStatistics, adjustments: Adjustments, number: int
) -> None:
    statistics.is_locked = True
    for _ in range(2):
        with pytest.raises(RefillError, match="has not done it yet"):
            await writer.take_back(number)
    statistics.is_locked = False
    await agree(writer, 1, 5)
    assert statistics.change(COUNTER.entity_id)[at(3)] == pytest.approx(901, abs=0.02)
    assert [one.stage for one in adjustments.latest()] == [AdjustmentStage.UNDONE]


def rename(statistics: FakeStatistics, ownership: FakeOwnership) -> str:
    """Let somebody give the counter another id; return it."""
    statistics.rename(COUNTER.entity_id, new_id := "sensor.bought")
    ownership.renamed[COUNTER.entity_id] = new_id
    return new_id


async def test_a_shift_that_somebody_took_back_stays_so_under_another_id(
    writer: Importer, statistics: FakeStatistics, ownership: FakeOwnership, number: int
) -> None:
    await writer.take_back(number)
    before = statistics.change(COUNTER.entity_id)
    new_id = rename(statistics, ownership)
    await agree(writer, 1, 5)
    assert statistics.change(new_id) == pytest.approx(before)


async def test_a_shift_can_be_taken_back_under_another_id(
    writer: Importer,
    statistics: FakeStatistics,
    ownership: FakeOwnership,
    adjustments: Adjustments,
    number: int,
) -> None:
    new_id = rename(statistics, ownership)
    await agree(writer, 1, 5)
    await writer.take_back(number)
    assert statistics.change(new_id)[at(3)] == pytest.approx(901, abs=0.02)
    assert [one.stage for one in adjustments.latest()] == [AdjustmentStage.UNDONE]


async def test_statistics_that_begin_under_another_name_take_no_shifts_along(
    writer: Importer, statistics: FakeStatistics, ownership: FakeOwnership, number: int
) -> None:
    await writer.take_back(number)
    new_id = rename(statistics, ownership)
    ownership.are_registered = False
    await agree(writer, 1, 5)
    assert statistics.change(new_id)[at(3)] == pytest.approx(1, abs=0.02)


def test_shifts_follow_counters_that_exchange_their_ids(adjustments: Adjustments) -> None:
    for one in "ab":
        adjustments.follow({one: f"sensor.{one}"}, ())
        adjustments.note(f"sensor.{one}", Shift(Row(DAY, sum=1.0), ord(one), Why.LOST), NOW)
    exchanged = {"a": "sensor.b", "b": "sensor.a"}
    adjustments.follow(exchanged, exchanged.values())
    adjustments.follow(exchanged, exchanged.values())
    found = {one: adjustments.noted(f"sensor.{one}") for one in "ab"}
    assert {one: [each.shift.amount for each in all_] for one, all_ in found.items()} == {
        "a": [ord("b")],
        "b": [ord("a")],
    }


async def test_a_shift_of_statistics_that_were_deleted_cannot_be_taken_back(
    writer: Importer, statistics: FakeStatistics, number: int
) -> None:
    statistics.stored.clear()
    statistics.short_term.clear()
    with pytest.raises(RefillError, match="no longer has"):
        await writer.take_back(number)


async def test_statistics_that_somebody_deleted_are_written_again(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 4, 5]))
    know(ledger, true(1, 2, 3, 4, 5, 6, 7))
    statistics.stored.clear()
    statistics.short_term.clear()
    # Core begins with the next state that it is shown.
    statistics.compile(COUNTER.entity_id, growing([6, 7])[20:])
    # All of them are before the first reading but the last two.
    await writer.agree(Part(inverter(), at(1), at(8), border=at(6)))
    assert_changes(statistics, range(2, 8))
