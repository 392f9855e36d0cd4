"""That nothing is counted where the custom integration's counter of the same name was before.

Its battery totals are running sums since its start; those of the add-on are those of a lifetime.
Core takes the step from one to the other for energy.
"""

from collections.abc import Sequence
from datetime import datetime

import pytest

from backfill.fake_statistics import FakeStatistics
from backfill.test_importer import (
    COUNTER,
    at,
    clock,
    counted,
    flowed,
    gap,
    growing,
    statistics,
    write,
    writer,
)
from redback.backfill.hourly import Counted, Flowed
from redback.backfill.importer import Importer

__all__ = ["clock", "statistics", "writer"]

LIFETIME = 3600.0
FIRST_MINUTE = 1 / 60


def lifetime(states: Sequence[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """Return what the add-on shows where the integration would show this."""
    return [(moment, round(state + LIFETIME, 6)) for moment, state in states]


def hour(number: int) -> Counted:
    """Return what the cloud has of an hour, a kilowatt all the time."""
    begin = 100 + number + LIFETIME
    return Counted(begin + FIRST_MINUTE, begin + 1, 1 - FIRST_MINUTE)


def changes(statistics: FakeStatistics, first: int, last: int) -> list[float]:
    energy = statistics.change(COUNTER.entity_id)
    return [energy[at(number)] for number in range(first, last + 1)]


async def test_the_step_to_the_lifetime_counter_is_no_energy(
    writer: Importer, statistics: FakeStatistics
) -> None:
    # The integration until 3:00, the add-on from 5:00 on.
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + lifetime(growing([5, 6])))
    first = gap(5, standing=[5])
    assert await write(writer, first, [COUNTER], counted({5: hour(5)})) == []
    assert changes(statistics, 5, 6) == pytest.approx([1 - FIRST_MINUTE, 1.0])
    past = gap(3, 4, past=True)
    for _ in range(2):  # the same again changes nothing
        assert await write(writer, past, [COUNTER], counted({h: hour(h) for h in (3, 4)})) == []
        energy = changes(statistics, 2, 6)
        # What was counted in the minute between the two counters is unknown.
        assert energy == pytest.approx([1.0, 1 - FIRST_MINUTE, 1.0, 1.0, 1.0])


async def test_nor_is_it_within_one_hour(writer: Importer, statistics: FakeStatistics) -> None:
    both = growing([1, 2]) + growing([3])[:25] + lifetime(growing([3])[31:] + growing([4]))
    statistics.compile(COUNTER.entity_id, both)
    first = gap(3, standing=[3])
    assert await write(writer, first, [COUNTER], counted({3: hour(3)})) == []
    assert changes(statistics, 2, 4) == pytest.approx([1.0, 1 - FIRST_MINUTE, 1.0])
    assert statistics.short_term[COUNTER.entity_id][at(4)].sum == pytest.approx(3.05, abs=0.01)


async def test_the_integration_s_own_hours_stay_as_they_are(
    writer: Importer, statistics: FakeStatistics
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 5, 6]))
    before = dict(statistics.stored[COUNTER.entity_id])
    hours = counted({h: hour(h) for h in range(2, 6)})
    # What it missed at four o'clock cannot be put between two rows of another counter.
    (sentence,) = await write(writer, gap(2, 3, 4, 5, past=True), [COUNTER], hours)
    assert "another counter" in sentence
    assert statistics.stored[COUNTER.entity_id] == before


async def test_what_came_before_the_integration_is_put_before_it(
    writer: Importer, statistics: FakeStatistics
) -> None:
    states = [(moment, round(state - 104, 6)) for moment, state in growing([4, 5])]
    statistics.compile(COUNTER.entity_id, states)
    hours = counted({h: hour(h) for h in (2, 3)})
    past = gap(2, 3, past=True)
    assert await write(writer, past, [COUNTER], hours, now=hour(4).last) == []
    assert changes(statistics, 3, 5) == pytest.approx([1.0] * 3)


async def test_a_running_sum_that_is_greater_than_a_lifetime_is_no_energy_either(
    writer: Importer, statistics: FakeStatistics
) -> None:
    old = [(moment, state + 9 * LIFETIME) for moment, state in growing([1, 2])]
    statistics.compile(COUNTER.entity_id, old + lifetime(growing([3, 4])))
    await write(writer, gap(3, standing=[3]), [COUNTER], counted({3: hour(3)}))
    assert changes(statistics, 3, 4) == pytest.approx([1 - FIRST_MINUTE, 1.0])


async def test_where_the_cloud_has_only_the_power_the_step_is_what_flowed(
    writer: Importer, statistics: FakeStatistics
) -> None:
    both = growing([1, 2]) + growing([3])[:25] + lifetime(growing([3])[31:] + growing([4]))
    statistics.compile(COUNTER.entity_id, both)
    summaries = flowed({3: Flowed(0.0, 0.97, 0.01)})
    for _ in range(2):  # the same again changes nothing
        assert await write(writer, gap(3, standing=[3]), [COUNTER], summaries) == []
        assert changes(statistics, 2, 4) == pytest.approx([1.0, 0.97, 1.0])
    assert statistics.imported == []


async def test_a_long_outage_is_no_other_counter(
    writer: Importer, statistics: FakeStatistics
) -> None:
    # 20 kW for a day, of which the cloud has the last hour only.
    statistics.compile(COUNTER.entity_id, lifetime(growing([-25, -24, 1, 2], kw=20.0)))
    hours: dict[int, Counted | None] = dict.fromkeys(range(-23, 0))
    hours[0] = Counted(LIFETIME + 100 + 20 * FIRST_MINUTE, LIFETIME + 120, 20 * 59 * FIRST_MINUTE)
    assert await write(writer, gap(*hours), [COUNTER], counted(hours)) == []
    assert changes(statistics, 0, 2) == pytest.approx([24 * 20.0, 20.0, 20.0])
