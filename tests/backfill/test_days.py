"""That whatever happens in real houses ends with every hour right that can be known."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfill.days import Days, Event

HOURS = 20
# A row may have one reading more or less than its hour.
MINUTE_KWH = 0.07
# Where only the power tells.
BY_POWER_KWH = 0.1

CASES = {
    "nothing": [],
    "the service is away": [Event("service", 200, 250)],
    "the service is away over the end of its very first hour": [Event("service", 30, 50)],
    "core is killed over the end of the very first hour": [Event("core_killed", 30, 50)],
    "it is killed at hh:54 and comes back in the next hour": [Event("service", 234, 8)],
    "core is away": [Event("core", 170, 200)],
    "core is restarted over an hour's end": [Event("core", 239, 2)],
    "core is killed": [Event("core_killed", 228, 40)],
    "a database is restored from a copy of 3.5 hours before": [Event("restored", 400, 210)],
    "a database is restored from a copy of 9 hours before": [Event("restored", 700, 540)],
    "nulls over an hour's end": [Event("null", 295, 12)],
    "nulls for hours, in which the service restarts": [
        Event("null", 200, 300),
        Event("service", 350),
    ],
    "nulls for hours, of which core loses one, and the service restarts as they end": [
        Event("null", 715, 150),
        Event("lost", 800, 80),
        Event("service", 850),
    ],
    "nulls for hours, of which core loses two, one of them after they end": [
        Event("null", 150, 260),
        Event("service", 220, 20),
        Event("lost", 257, 120),
        Event("lost", 450, 80),
    ],
    "zeros over an hour's end": [Event("zero", 293, 20)],
    "zeros for half an hour and more": [Event("zero", 290, 40)],
    "a fall by a quarter that passes": [Event("fall", 310, 5)],
    "a fall by a quarter that lasts": [Event("fall", 310, 25)],
    "a fall by a twentieth, in which the service restarts": [
        Event("fall", 317, 50, 0.05),
        Event("service", 319),
    ],
    "a jump that passes": [Event("jump", 250, 6)],
    "a jump that lasts": [Event("jump", 250, 33)],
    "a jump over an hour's end that is mended before it passes": [Event("jump", 177, 25)],
    "a fall over an hour's end that is mended before it passes": [Event("fall", 177, 25)],
    "a reset": [Event("reset", 333)],
    "a reset while the service is away": [Event("service", 300, 90), Event("reset", 345)],
    "a reset as the service comes back at an hour's start": [
        Event("service", 520, 80),
        Event("reset", 600),
    ],
    "a reset while core is away": [Event("core", 300, 90), Event("reset", 345)],
    "a reset, and an outage after it": [Event("reset", 280), Event("service", 300, 120)],
    "zeros for half a day": [Event("zero", 290, 600)],
    "zeros for hours, in which it is reset and the service restarts": [
        Event("zero", 65, 400),
        Event("reset", 298),
        Event("service", 304),
    ],
    "a jump passes long after a fall in which the service restarted": [
        Event("jump", 171, 200, 5000.0),
        Event("fall", 180, 35),
        Event("killed", 192, 12),
    ],
    "a fall in which the service restarts, between nulls": [
        Event("zero", 284, 77),
        Event("killed", 327, 12),
        Event("null", 361, 35),
        Event("fall", 372, 90, 0.05),
    ],
    "zeros in an outage": [Event("service", 300, 200), Event("zero", 350, 32)],
    "a jump in an outage": [Event("service", 300, 200), Event("jump", 358, 2)],
    "a jump passes while a backup locks the database": [
        Event("jump", 133, 400, 5000.0),
        Event("locked", 476, 200),
    ],
    "both away, one after the other": [Event("service", 200, 90), Event("core", 280, 100)],
    "no readings for 20 minutes before an hour's end": [Event("hole", 340, 20)],
    "no readings over an hour's end, of which core loses the first hour": [
        Event("hole", 345, 15),
        Event("lost", 500, 150),
    ],
}


@pytest.mark.parametrize("name", CASES)
async def test_every_hour_is_right_in_the_end(tmp_path: Path, name: str) -> None:
    days = Days(tmp_path, CASES[name])
    await days.run((HOURS + 4) * 60)
    is_by_power = any(one.kind in {"null", "zero", "fall", "jump", "reset"} for one in CASES[name])
    assert days.wrong(1, HOURS, BY_POWER_KWH if is_by_power else MINUTE_KWH) == []


async def test_the_past_is_right_too(tmp_path: Path) -> None:
    steps = [Event("jump", -800, 45, 30.0), Event("jump", -600, 2), Event("zero", -300, 32)]
    days = Days(tmp_path, steps, days=1)
    await days.run(240)
    assert days.wrong(-23, 2, MINUTE_KWH) == []


async def test_after_a_reset_hours_are_right_before_anything_flows_again(tmp_path: Path) -> None:
    events = [Event("service", 280, 120), Event("reset", 330), Event("still", 325, 400)]
    days = Days(tmp_path, events)
    await days.run(11 * 60)
    assert days.wrong(1, 10, MINUTE_KWH) == []


async def test_an_hour_that_core_has_lost_is_there_again_before_a_reset_is_believed(
    tmp_path: Path,
) -> None:
    events = [Event("reset", 130), Event("still", 125, 700), Event("lost", 430, 120)]
    days = Days(tmp_path, events)
    await days.run(11 * 60)
    assert days.wrong(1, 10, MINUTE_KWH) == []


@pytest.mark.parametrize("fall", [[], [Event("fall", 290, 100)], [Event("fall", 290, 60, 0.05)]])
async def test_a_reset_in_a_hole_costs_only_the_hours_of_which_nobody_knows(
    tmp_path: Path, fall: list[Event]
) -> None:
    # There is no reading from 5:00 to 8:20; what was counted since 5:33 is known at its end.
    days = Days(tmp_path, [*fall, Event("hole", 300, 200), Event("reset", 333)])
    await days.run(13 * 60)
    wrong = days.wrong(1, 12, BY_POWER_KWH)
    assert [hour for hour, _, _ in wrong] == [5, 6, 7, 8]
    assert [round(energy or 0.0, 1) for _, energy, _ in wrong] == [0.0, 0.0, 0.0, 6.4]


async def test_a_shift_that_took_a_small_step_for_energy_is_mended(tmp_path: Path) -> None:
    # What comes back over an hour's end could have flowed in the hour that is not over yet.
    days = Days(tmp_path, [Event("jump", 150, 5), Event("fall", 177, 5)], base=110.0)
    await days.run(420)
    assert days.wrong(1, 5, 2 * BY_POWER_KWH) == []


async def test_what_flowed_into_a_reset_that_a_restart_forgot_is_known_from_the_power(
    tmp_path: Path,
) -> None:
    # The cloud's past cannot tell it again.
    events = [
        Event("null", 250, 40),
        Event("reset", 280),
        Event("still", 291, 200),
        Event("service", 305, 3),
        Event("without counters", 0),
    ]
    days = Days(tmp_path, events)
    await days.run(720)
    assert days.wrong(1, 10, BY_POWER_KWH) == []


async def test_a_past_without_counters_is_worked_out_from_the_power(tmp_path: Path) -> None:
    days = Days(tmp_path, [Event("without counters", 0), Event("service", 0, 40)], days=1)
    await days.run(360)
    assert days.wrong(-23, 4, BY_POWER_KWH) == []


async def test_what_somebody_takes_back_twice_is_not_corrected_again(tmp_path: Path) -> None:
    taken_back = [Event("adjusted", now, now - 250, 500.0) for now in (420, 560)]
    days = Days(tmp_path, [Event("jump", 250, 900), *taken_back])
    await days.run(13 * 60)
    assert len(days.model.shifts) == 2
    ((hour, energy, true),) = days.wrong(1, 12, BY_POWER_KWH)
    assert hour == 4
    assert energy == pytest.approx(true + 500, abs=BY_POWER_KWH)


_LENGTHS = st.sampled_from([1, 3, 12, 35, 90, 200])
_CLOUD = ["null", "zero", "fall", "jump", "still", "slow"]
_HOUSE = ["service", "killed", "core", "core_killed", "restored", "lost", "locked", "cut"]
# Integers would be drawn from the constants of whatever modules have been imported.
_MINUTES, _EARLIER = st.sampled_from(range(120, 701)), st.sampled_from(range(-1300, -59))
_EVENTS = st.lists(
    st.builds(Event, st.sampled_from([*_CLOUD, *_HOUSE]), _MINUTES, _LENGTHS)
    | st.builds(
        Event,
        st.just("adjusted"),
        _MINUTES,
        st.sampled_from([0, 30, 90]),
        st.sampled_from([500.0, -3.5]),
    ),
    max_size=4,
)
_PAST = st.lists(st.builds(Event, st.sampled_from(_CLOUD), _EARLIER, _LENGTHS), max_size=2)


# Each of them is a day; beside other tests that takes a while.
@pytest.mark.timeout(600)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_EVENTS, _PAST, st.sampled_from([None, -300, 150, 333, 598]))
async def test_nothing_impossible_is_ever_left(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[Event],
    past: list[Event],
    reset: int | None,
) -> None:
    events = [*events, *past, *([] if reset is None else [Event("reset", reset)])]
    days = Days(tmp_path_factory.mktemp("days"), events, days=1)
    await days.run((HOURS + 6) * 60)
    # A person's corrections stay, unless their hour was lost, or had a step.
    wrong = [
        (hour, energy, true)
        for hour, energy, true in days.wrong(-22, HOURS, -1.0)
        if abs((energy or 0.0) - true - days.adjusted[hour]) > 2.0
        and (abs((energy or 0.0) - true) > 2.0 or not _may_lose(events, hour))
    ]
    assert wrong == []


def _may_lose(events: list[Event], hour: int) -> bool:
    """Whether something other than a person touches an hour, or the one before or after it."""
    return any(
        event.kind in {"restored", "lost", "locked", "cut"}
        or (event.minute < (hour + 2) * 60 and event.minute + event.length >= (hour - 1) * 60)
        for event in events
        if event.kind not in {"adjusted", "still", "slow"}
    )
