"""That an hour comes to what Core would have made of its minutes."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from examples import SERIAL, configuration, dynamic, static
from redback.backfill.hourly import Counted, Summary, believed, decode, summarise
from redback.cloud import Dynamic
from redback.inverters.inverter import Inverter
from redback.publishing.entity_ids import series as series_of
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
    shown_until: datetime | None = None,
) -> Summary | None:
    held = believed(inverter, readings if before is None else (before, *readings))
    inside = held[len(held) - len(readings) :]
    return summarise(inverter, inside, START, None if before is None else held[0], shown_until)


def summed(inverter: Inverter, readings: Iterable[Dynamic]) -> Summary:
    summary = summarised(inverter, tuple(readings))
    assert summary is not None
    return summary


def test_a_value_holds_until_the_next_one(inverter: Inverter) -> None:
    found = summed(inverter, [at(0, 1), *(at(minute, 4) for minute in range(1, 60))]).measured[
        POWER
    ]
    assert found.mean == pytest.approx((1 + 4 * 59) / 60)
    assert (found.min, found.max) == (1, 4)


def test_the_first_value_holds_from_the_hours_beginning_and_the_last_until_its_end(
    inverter: Inverter,
) -> None:
    # For ten minutes at most, and so does the one before a hole.
    found = summed(inverter, [at(5, 2), at(40, 8)]).measured[POWER]
    assert found.mean == pytest.approx((2 * 15 + 8 * 10) / 25)


def test_what_was_shown_before_the_hour_holds_until_its_first_reading(inverter: Inverter) -> None:
    readings = [at(minute + 0.5, 4) for minute in range(60)]
    summary = summarised(inverter, readings, before=at(-0.5, 1))
    assert summary is not None
    found = summary.measured[POWER]
    assert found.mean == pytest.approx((1 * 0.5 + 4 * 59.5) / 60)
    assert (found.min, found.max) == (1, 4)


def test_what_lapsed_before_the_hour_does_not_count(inverter: Inverter) -> None:
    readings = [at(minute, 4) for minute in range(30, 60)]
    summary = summarised(inverter, readings, before=at(-11, 1))
    assert summary is not None
    assert summary.measured[POWER].min == 4


def test_the_reading_before_the_hour_confirms_the_first_value_of_a_counter(
    inverter: Inverter,
) -> None:
    readings = [at(minute, 1, 100 + minute / 60) for minute in range(60)]
    summary = summarised(inverter, readings, before=at(-1, 1, 99.983))
    assert summary is not None
    assert summary.counted[ENERGY].first == 100.0
    assert summary.counted[ENERGY].gain == pytest.approx(59 / 60, abs=0.002)


def test_a_null_counts_for_no_time(inverter: Inverter) -> None:
    found = summed(inverter, [at(0, 2), at(1, None), at(2, 2)]).measured[POWER]
    assert found.mean == 2


def test_what_is_offline_measures_nothing_and_counts_on(inverter: Inverter) -> None:
    offline = [at(minute, 2, 100 + minute / 60, "Offline") for minute in range(60)]
    summary = summed(inverter, offline)
    assert POWER not in summary.measured
    assert summary.counted[ENERGY].last == pytest.approx(100.983)


def test_values_are_rounded_as_those_of_the_states(inverter: Inverter) -> None:
    summary = summed(inverter, [at(minute, 1.23456, 100.00049) for minute in range(60)])
    assert summary.measured[POWER].max == 1.235
    assert summary.counted[ENERGY].last == 100.0


@pytest.mark.parametrize("glitch", [None, 0.0, 5000.0, 99.9])
def test_a_glitch_of_a_counter_counts_for_nothing(inverter: Inverter, glitch: float | None) -> None:
    values: list[float | None] = [100 + minute / 60 for minute in range(60)]
    values[30] = glitch
    found = summed(inverter, [at(n, 1, value) for n, value in enumerate(values)]).counted[ENERGY]
    assert found.gain == pytest.approx(58 / 60, abs=0.002)  # from the second reading to the last
    assert found.last == pytest.approx(100.983)
    assert found.resets == 0


def test_a_reset_counts_from_zero(inverter: Inverter) -> None:
    values = [1000 + minute / 60 for minute in range(30)] + [n / 60 for n in range(1, 31)]
    found = summed(inverter, [at(n, 1, value) for n, value in enumerate(values)]).counted[ENERGY]
    assert found.resets == 1
    assert found.last == 0.5
    assert found.gain == pytest.approx(28 / 60 + 0.5, abs=0.002)


def test_one_reading_alone_says_nothing_about_a_counter(inverter: Inverter) -> None:
    assert ENERGY not in summed(inverter, [at(0, 1)]).counted


def test_nothing_comes_to_nothing(inverter: Inverter) -> None:
    assert summarise(inverter, [], START) is None


def test_all_that_has_statistics_is_there_and_nothing_else(inverter: Inverter) -> None:
    summary = summed(inverter, [at(minute, 1) for minute in range(60)])
    series = series_of(inverter).keys()
    assert summary.measured.keys() | summary.counted.keys() == series
    assert len(summary.counted) == 6


def of_battery(minute: float, power: float) -> Dynamic:
    return msgspec.structs.replace(
        at(minute, 1),
        battery_power_kw=power,
        battery_charge_all_time_energy_kwh=None,
        battery_discharge_all_time_energy_kwh=None,
    )


CHARGED = "battery_charge_total"
DISCHARGED = "battery_discharge_total"


def flowed(summary: Summary | None) -> dict[str, tuple[float, float, float | None]]:
    assert summary is not None
    return {
        entity_id: (round(one.lead, 6), round(one.early, 6), one.late and round(one.late, 6))
        for entity_id, one in summary.flowed.items()
    }


def test_a_batterys_energy_is_worked_out_where_the_cloud_does_not_count_it(
    inverter: Inverter,
) -> None:
    readings = [of_battery(minute, 2.0 if minute <= 30 else -1.0) for minute in range(60)]
    energies = flowed(summed(inverter, readings))
    # From one reading to the next it is the mean of both powers.
    assert energies == {DISCHARGED: (0, 1.016667, None), CHARGED: (0, 0.491667, None)}


def test_what_core_was_shown_of_it_is_counted_apart(inverter: Inverter) -> None:
    readings = [of_battery(minute, -6.0) for minute in range(60)]
    summary = summarised(inverter, readings, of_battery(-0.5, -6.0), at(40, 1).timestamp)
    assert flowed(summary)[CHARGED] == (0.05, 4.0, 2.0)


def test_a_battery_without_readings_for_long_has_not_flowed(inverter: Inverter) -> None:
    readings = [of_battery(5, -6.0), of_battery(40, -6.0)]
    assert flowed(summed(inverter, readings))[CHARGED] == (0, 2.5, None)


def test_what_the_cloud_counts_is_not_worked_out(inverter: Inverter) -> None:
    assert summed(inverter, [at(minute, 1) for minute in range(60)]).flowed == {}


def test_it_is_small_and_quick(inverter: Inverter, measured: Callable[[str], None]) -> None:
    readings = [at(minute, 1.5, 100 + minute / 60) for minute in range(60)]
    began = time.perf_counter()
    summary = summed(inverter, readings)
    milliseconds = (time.perf_counter() - began) * 1000
    packed = msgspec.msgpack.encode(summary)
    measured(f"a summary of an hour: {milliseconds:.1f} ms, {len(packed)} bytes")
    assert len(packed) < 3000
    assert msgspec.msgpack.decode(packed, type=Summary) == summary


def test_a_summary_of_an_earlier_version_can_be_read() -> None:
    entity_id = f"sensor.redback_{ENERGY}"
    packed = msgspec.msgpack.encode({"measured": {}, "counted": {entity_id: [1.0, 2.0, 1.0]}})
    assert decode(packed) == Summary({}, {ENERGY: Counted(1.0, 2.0, 1.0)})


def test_a_summary_of_entities_that_nobody_knows_cannot_be_read() -> None:
    packed = msgspec.msgpack.encode({"measured": {}, "counted": {"sensor.what": [1.0, 2.0, 1.0]}})
    with pytest.raises(msgspec.ValidationError):
        decode(packed)
