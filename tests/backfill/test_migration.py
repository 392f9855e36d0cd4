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
    KEY,
    adjustments,
    at,
    clock,
    gap,
    growing,
    inverter,
    know,
    ownership,
    statistics,
    true,
    write,
    writer,
)
from examples import SERIAL
from redback.backfill.importer import Importer, Part
from redback.ledger import HourEnd, Ledger

__all__ = ["adjustments", "clock", "ownership", "statistics", "writer"]

LIFETIME = 3600.0
FLOW = 0.97


def lifetime(states: Sequence[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """Return what the add-on shows where the integration would show this."""
    return [(moment, round(state + LIFETIME, 6)) for moment, state in states]


def know_lifetime(ledger: Ledger, *hours: int) -> None:
    """Enter what the inverter showed at the end of some hours, and what flowed in them."""
    know(ledger, {hour: (state or 0.0) + LIFETIME for hour, state in true(*hours).items()}, FLOW)


def changes(statistics: FakeStatistics, first: int, last: int) -> list[float]:
    energy = statistics.change(COUNTER.entity_id)
    return [energy[at(number)] for number in range(first, last + 1)]


async def agree(writer: Importer, first: int, last: int, border: int) -> None:
    await writer.agree(Part(inverter(), at(first), at(last + 1), border=at(border)))


async def test_the_step_to_the_lifetime_counter_is_no_energy(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # The integration until 3:00, the add-on from 5:00 on.
    statistics.compile(COUNTER.entity_id, growing([1, 2]) + lifetime(growing([5, 6])))
    know_lifetime(ledger, 5, 6)
    await agree(writer, 5, 6, border=5)
    assert changes(statistics, 5, 6) == pytest.approx([FLOW, 1.0])
    know_lifetime(ledger, 3, 4)
    for _ in range(2):  # the same again changes nothing
        assert await write(writer, gap(3, 4, past=True)) == []
        assert changes(statistics, 2, 6) == pytest.approx([1.0, FLOW, 1.0, 1.0, 1.0])


async def test_nor_is_it_within_one_hour(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    both = growing([1, 2]) + growing([3])[:25] + lifetime(growing([3])[31:] + growing([4]))
    statistics.compile(COUNTER.entity_id, both)
    know_lifetime(ledger, 3, 4)
    for _ in range(2):  # the same again changes nothing
        await agree(writer, 3, 4, border=3)
        assert changes(statistics, 2, 4) == pytest.approx([1.0, FLOW, 1.0], abs=0.02)
    assert statistics.imported == []


async def test_the_integration_s_own_hours_stay_as_they_are(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    statistics.compile(COUNTER.entity_id, growing([1, 2, 3, 5, 6]))
    before = dict(statistics.stored[COUNTER.entity_id])
    know_lifetime(ledger, 2, 3, 5)
    assert await write(writer, gap(2, 3, 5, past=True)) == []
    assert statistics.stored[COUNTER.entity_id] == before


async def test_what_came_before_the_integration_is_put_before_it(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    states = [(moment, round(state - 104, 6)) for moment, state in growing([4, 5])]
    statistics.compile(COUNTER.entity_id, states)
    know_lifetime(ledger, 2, 3)
    assert await write(writer, gap(2, 3, past=True)) == []
    # The first minute of the integration is unknown.
    assert changes(statistics, 3, 5) == pytest.approx([1.0, 59 / 60, 1.0], abs=0.02)


async def test_a_running_sum_that_is_greater_than_a_lifetime_is_no_energy_either(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    old = [(moment, state + 9 * LIFETIME) for moment, state in growing([1, 2])]
    statistics.compile(COUNTER.entity_id, old + lifetime(growing([3, 4])))
    know_lifetime(ledger, 3, 4)
    await agree(writer, 3, 4, border=3)
    assert changes(statistics, 3, 4) == pytest.approx([FLOW, 1.0])


async def test_a_long_outage_is_no_other_counter(
    writer: Importer, statistics: FakeStatistics, ledger: Ledger
) -> None:
    # 20 kW for a day, of which the cloud has the last hour only.
    statistics.compile(COUNTER.entity_id, lifetime(growing([-25, -24, 1, 2], kw=20.0)))
    ledger.put(
        SERIAL, {KEY: [HourEnd(at(hour), LIFETIME + 120.0 + 20 * hour) for hour in (-24, 0)]}
    )
    assert await write(writer, gap(0)) == []
    assert changes(statistics, 0, 2) == pytest.approx([24 * 20.0, 20.0, 20.0])
