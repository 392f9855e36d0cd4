"""That an hour comes to what Core would have made of its minutes."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from examples import SERIAL, configuration, dynamic, static
from redback.cloud import Dynamic
from redback.inverters.hourly import Summary, summarise
from redback.inverters.inverter import Inverter
from redback.publishing.entity_ids import series as series_of
from redback.sensors.counters import COUNTERS
from redback.sensors.details import Details
from redback.sensors.entities import Entities

START = datetime(2026, 3, 2, 1, tzinfo=UTC)
POWER = "solar_generation"
ENERGY = "solar_generation_total"


@pytest.fixture
def inverter() -> Inverter:
    entities = Entities(detailed=False)
    inverter = Inverter(SERIAL, "Redback", entities, Details(static(), configuration()))
    entities.show(inverter.reading(dynamic()))
    return inverter


def at(
    minute: float, power: float | None, energy: float | None = 100.0, status: str = "OK"
) -> Dynamic:
    stamp = START + timedelta(minutes=minute)
    return dynamic(
        TimestampUtc=f"{stamp:%Y-%m-%dT%H:%M:%SZ}",
        PvPowerInstantaneouskW=power,
        PvAllTimeEnergykWh=energy,
        Status=status,
    )


def summarised(
    inverter: Inverter,
    readings: Sequence[Dynamic],
    before: Dynamic | None = None,
) -> Summary | None:
    return summarise(inverter, readings, START, before)


def summed(inverter: Inverter, readings: Iterable[Dynamic]) -> Summary:
    summary = summarised(inverter, tuple(readings))
    assert summary is not None
    return summary


def test_a_value_holds_until_the_next_one(inverter: Inverter) -> None:
    found = summed(inverter, [at(0, 1), *(at(minute, 4) for minute in range(1, 60))])[POWER]
    assert found.mean == pytest.approx((1 + 4 * 59) / 60)
    assert (found.min, found.max) == (1, 4)


def test_the_first_value_holds_from_the_hours_beginning_and_the_last_until_its_end(
    inverter: Inverter,
) -> None:
    # For ten minutes at most, and so does the one before a hole.
    found = summed(inverter, [at(5, 2), at(40, 8)])[POWER]
    assert found.mean == pytest.approx((2 * 15 + 8 * 10) / 25)


def test_what_was_shown_before_the_hour_holds_until_its_first_reading(inverter: Inverter) -> None:
    readings = [at(minute + 0.5, 4) for minute in range(60)]
    summary = summarised(inverter, readings, before=at(-0.5, 1))
    assert summary is not None
    found = summary[POWER]
    assert found.mean == pytest.approx((1 * 0.5 + 4 * 59.5) / 60)
    assert (found.min, found.max) == (1, 4)


def test_what_lapsed_before_the_hour_does_not_count(inverter: Inverter) -> None:
    readings = [at(minute, 4) for minute in range(30, 60)]
    summary = summarised(inverter, readings, before=at(-11, 1))
    assert summary is not None
    assert summary[POWER].min == 4


def test_a_null_counts_for_no_time(inverter: Inverter) -> None:
    found = summed(inverter, [at(0, 2), at(1, None), at(2, 2)])[POWER]
    assert found.mean == 2


def test_what_is_offline_measures_nothing(inverter: Inverter) -> None:
    offline = [at(minute, 2, 100 + minute / 60, "Offline") for minute in range(60)]
    summary = summed(inverter, offline)
    assert POWER not in summary


def test_values_are_rounded_as_those_of_the_states(inverter: Inverter) -> None:
    summary = summed(inverter, [at(minute, 1.23456, 100.00049) for minute in range(60)])
    assert summary[POWER].max == 1.235


def test_nothing_comes_to_nothing(inverter: Inverter) -> None:
    assert summarise(inverter, [], START) is None


def test_all_that_has_statistics_is_there_and_nothing_else(inverter: Inverter) -> None:
    summary = summed(inverter, [at(minute, 1) for minute in range(60)])
    series = series_of(inverter).keys()
    counters = {row.key for row in COUNTERS}
    assert len(counters) == 6
    assert summary.keys() | counters == series


def test_it_is_small_and_quick(inverter: Inverter, measured: Callable[[str], None]) -> None:
    readings = [at(minute, 1.5, 100 + minute / 60) for minute in range(60)]
    began = time.perf_counter()
    summary = summed(inverter, readings)
    milliseconds = (time.perf_counter() - began) * 1000
    packed = msgspec.msgpack.encode(summary)
    measured(f"a summary of an hour: {milliseconds:.1f} ms, {len(packed)} bytes")
    assert len(packed) < 3000
    assert msgspec.msgpack.decode(packed, type=Summary) == summary


def test_a_summary_of_an_earlier_version_is_none() -> None:
    entity_id = f"sensor.redback_{ENERGY}"
    for former in (
        {"measured": {}, "counted": {entity_id: [1.0, 2.0, 1.0]}},
        [{}, {ENERGY: [1.0, 2.0, 1.0]}, {}],
    ):
        with pytest.raises(msgspec.MsgspecError):
            msgspec.msgpack.decode(msgspec.msgpack.encode(former), type=Summary)
