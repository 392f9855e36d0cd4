"""The day of a plant obeys physics, and is the same day whenever it is asked for."""

import time
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import families
from simulator.families import Family
from simulator.physics import LEVEL_IN, LEVEL_OUT, LOCAL, Plant

FIRST = date(2026, 1, 10)
ALL = [families.ST, families.SH, families.SI, families.HYBRID]

seeds = st.text(max_size=8)
some_families = st.sampled_from(ALL)


def midnight(day: int = 0) -> int:
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=LOCAL) + timedelta(days=day)
    return int(start.timestamp())


@given(seed=seeds, family=some_families, day=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_power_balances_in_every_minute_and_counters_are_its_exact_integral(
    seed: str, family: Family, day: int
) -> None:
    plant = Plant(family, seed, FIRST)
    before = plant.at(midnight(day))
    assert before is not None
    sums = list(before.energy)
    for minute in range(1440):
        start = midnight(day) + 60 * minute
        now = plant.at(start)
        half = plant.at(start + 30)
        assert now is not None
        assert half is not None
        assert now.pv_w + now.battery_w + now.grid_w == now.load_w
        assert list(now.energy) == sums
        flows = (
            now.pv_w,
            max(-now.grid_w, 0),
            max(now.grid_w, 0),
            now.load_w,
            max(-now.battery_w, 0),
            max(now.battery_w, 0),
        )
        assert list(half.energy) == [
            total + 30 * watts for total, watts in zip(sums, flows, strict=True)
        ]
        sums = [total + 60 * watts for total, watts in zip(sums, flows, strict=True)]


@given(seed=seeds, family=some_families, day=st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_limits_of_inverter_site_and_battery_are_kept(seed: str, family: Family, day: int) -> None:
    plant = Plant(family, seed, FIRST)
    today = plant.day(day)
    bank = family.battery
    assert all(0 <= pv <= family.rating_w for pv in today.pv)
    assert all(load > 0 for load in today.load)
    grids = [n - p - b for n, p, b in zip(today.load, today.pv, today.battery, strict=True)]
    assert min(grids) >= -family.export_limit_w
    if bank is None:
        assert set(today.battery) == {0}
    else:
        assert -bank.max_charge_w <= min(today.battery)
        assert max(today.battery) <= bank.max_discharge_w
        assert round(plant.full_level * bank.min_soc) <= min(today.levels)
        assert max(today.levels) <= plant.full_level


def test_the_battery_never_feeds_the_grid_nor_charges_from_it() -> None:
    today = Plant(families.ST, "1", FIRST).day(2)
    for load, pv, battery in zip(today.load, today.pv, today.battery, strict=True):
        grid = load - pv - battery
        assert battery == 0 or grid * battery >= 0


def test_the_battery_loses_a_twentieth_each_way() -> None:
    plant = Plant(families.ST, "1", FIRST)
    end = plant.day(20).end
    start = plant.full_level // 2
    moved = end.energy.charged * LEVEL_IN - end.energy.discharged * LEVEL_OUT
    assert end.level - start == moved // 60
    assert pytest.approx(0.95) == LEVEL_IN / 380
    assert pytest.approx(1 / 0.95) == LEVEL_OUT / 380
    assert end.energy.charged > 20 * 3_600_000, "a battery that is hardly used proves nothing"


def test_the_sun_shines_by_day_and_longer_in_summer() -> None:
    summer = Plant(families.SI, "1", date(2026, 12, 21)).day(0).pv
    winter = Plant(families.SI, "1", date(2026, 6, 21)).day(0).pv
    assert max(summer[:240]) == max(summer[20 * 60 :]) == 0
    assert max(summer[660:780]) > 1000
    assert sum(pv > 0 for pv in summer) > sum(pv > 0 for pv in winter) + 120


def test_days_differ_and_so_do_seeds() -> None:
    plant, other = Plant(families.ST, "1", FIRST), Plant(families.ST, "2", FIRST)
    assert plant.day(0).pv != plant.day(1).pv != other.day(1).pv


@given(moments=st.lists(st.integers(0, 12 * 86_400), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_any_order_of_questions_gives_the_answers_of_a_fresh_start(moments: list[int]) -> None:
    asked_before = Plant(families.SH, "1", FIRST)
    answers = [asked_before.at(midnight() + moment) for moment in moments]
    in_order = Plant(families.SH, "1", FIRST)
    expected = {moment: in_order.at(midnight() + moment) for moment in sorted(moments)}
    assert answers == [expected[moment] for moment in moments]


def test_there_is_nothing_before_commissioning_and_counters_begin_at_zero() -> None:
    plant = Plant(families.ST, "1", FIRST)
    assert plant.at(midnight() - 1) is None
    first = plant.at(midnight())
    assert first is not None
    assert set(first.energy) == {0}


def test_a_year_is_simulated_within_seconds() -> None:
    started = time.process_time()  # whatever else the machine does meanwhile
    Plant(families.ST, "1", FIRST).day(365)
    assert time.process_time() - started < 5
