"""That a glitch of a counter never becomes energy, and a real reset becomes one clean step."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import dynamic, static
from redback.ledger import Believed, Meters
from redback.ledger.meter import Meter
from redback.sensors.details import Details

START = datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)
MOST_KW = 10.0


def shown(
    first: float | None, *values: float | None, every: timedelta = timedelta(minutes=1)
) -> list[float | None]:
    """Return what is shown of a counter of which the first value is believed, minute by minute."""
    believed = None if first is None else Believed(first, START)
    counter = Meter("a counter", believed)
    return [
        first,
        *(
            counter.take(value, START + number * every, MOST_KW)
            for number, value in enumerate(values, 1)
        ),
    ]


def fresh(*values: float | None) -> list[float | None]:
    """Return what is shown of a counter of which nothing is known, minute by minute."""
    return shown(None, *values)[1:]


def read_twice() -> Meters:
    """Return counters that have been read, and read again."""
    counters = Meters("Redback", {})
    for stamp in ("2026-03-02T01:01:03Z", "2026-03-02T01:02:03Z"):
        counters.believe(dynamic(TimestampUtc=stamp), Details(static()))
    return counters


def as_core_counts(values: Sequence[float | None]) -> float:
    """Add up the energy as Core does it with a total that increases."""
    total, last = 0.0, None
    for value in values:
        if value is None:
            continue
        if last is not None:
            total += value if value < 0.9 * last else value - last
        last = value
    return total


def test_a_counter_that_grows_is_believed() -> None:
    assert shown(1000, 1000.1, 1000.1, 1000.2) == [1000, 1000.1, 1000.1, 1000.2]


def test_a_null_leaves_the_last_value() -> None:
    assert shown(1000, None, 1000.2) == [1000, 1000, 1000.2]


def test_a_first_value_is_believed_when_a_second_one_fits_it() -> None:
    assert fresh(None, 1000, None, 1000.1) == [None, None, None, 1000.1]


@pytest.mark.parametrize("glitch", [0.0, 3.0, 990.0, 5000.0])
def test_a_glitch_among_the_first_values_is_never_shown(glitch: float) -> None:
    assert fresh(glitch, 1000, 1000.1, 1000.2) == [None, None, 1000.1, 1000.2]
    assert fresh(1000, glitch, 1000.1, 1000.2) == [None, None, None, 1000.2]
    assert fresh(1000, 1000.1, glitch, 1000.2) == [None, 1000.1, 1000.1, 1000.2]


def test_a_zero_is_not_believed() -> None:
    assert shown(1001.75, 0, 0, 0, 0, 0, 1002) == [1001.75] * 6 + [1002]


def test_a_small_step_back_is_never_shown() -> None:
    assert shown(1000, 999.9, 999.95, 1000, 1000.1) == [1000, 1000, 1000, 1000, 1000.1]


def test_a_counter_that_was_corrected_a_little_stands_until_it_has_caught_up() -> None:
    values = [999.5 + 0.1 * step for step in range(8)]
    assert shown(1000, *values)[1:6] == [1000] * 5
    assert shown(1000, *values)[-1] == pytest.approx(1000.2)


def test_a_reset_is_let_through_as_one_step_once_it_has_gone_on_growing() -> None:
    values = shown(1000, 0.0, 0.1, 0.2, 0.3, 0.4)
    assert values == [1000, 1000, 1000, 1000, 0.3, 0.4]
    assert as_core_counts(values) == pytest.approx(0.4)


def test_a_reset_at_night_waits_for_the_morning() -> None:
    night = [0.0] * 500
    values = shown(1000, *night, 0.05, 0.1, 0.2)
    assert values[:503] == [1000] * 503
    assert values[-1] == 0.2


def test_a_reset_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    shown(1000, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert caplog.messages == [
        "a counter went from 1000.000 to 0.300 kWh and continues from there."
    ]


def test_a_jump_that_no_inverter_can_produce_is_not_believed() -> None:
    assert shown(1000, 5000, 1000.1) == [1000, 1000, 1000.1]


def test_a_jump_that_stays_and_goes_on_growing_is_believed_in_the_end() -> None:
    assert shown(1000, 5000, 5000.1, 5000.2, 5000.3)[-1] == 5000.3


def test_a_jump_that_only_stays_is_never_believed() -> None:
    assert shown(1000, *[429496729.5] * 600, 1000.2, 1000.3)[-3:] == [1000, 1000, 1000.3]


def test_a_fall_that_stays_is_not_believed_before_it_grows() -> None:
    assert shown(1000, *[500] * 300, 500.1, 500.2)[-1] == 1000
    assert shown(1000, *[500] * 300, 500.1, 500.2, 500.3)[-1] == 500.3


def test_after_an_outage_a_counter_may_have_grown_by_much() -> None:
    hours, minute = timedelta(hours=10), timedelta(minutes=1)
    for value, is_credible in ((1090, True), (1230, False)):
        counter = Meter("a counter", Believed(1000, START))
        taken = [counter.take(value, START + after, MOST_KW) for after in (hours, hours + minute)]
        assert taken == [1000, value if is_credible else 1000]


def test_a_glitch_that_is_the_first_value_after_an_outage_is_not_believed() -> None:
    counter = Meter("a counter", Believed(5000, START))
    hours = timedelta(hours=10)
    values = (5090, 5002.0, 5002.1, 5002.2)
    taken = [
        counter.take(value, START + hours + number * timedelta(minutes=1), MOST_KW)
        for number, value in enumerate(values)
    ]
    assert taken == [5000, 5000, 5002.1, 5002.2]


def test_one_that_stood_still_over_an_outage_needs_no_second_reading() -> None:
    counter = Meter("a counter", Believed(5000, START))
    assert counter.take(5000, START + timedelta(hours=1), MOST_KW) == 5000
    assert counter.believed == Believed(5000, START + timedelta(hours=1))


def test_the_same_reading_again_confirms_nothing() -> None:
    counter = Meter("a counter")
    assert [counter.take(99999, START, MOST_KW) for _ in range(40)] == [None] * 40


def test_a_counter_that_stays_corrected_goes_on_from_there_after_half_an_hour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    values = shown(1000, *[950 + number / 10 for number in range(60)])
    assert (values[29], values[30]) == (1000, 952.9)
    assert caplog.messages == [
        "a counter went from 1000.000 to 952.900 kWh and continues from there."
    ]


def test_a_first_zero_is_believed_when_it_stays() -> None:
    assert fresh(*[0] * 31) == [None] * 29 + [0, 0]


def test_a_first_zero_that_is_a_glitch_is_not_shown() -> None:
    assert fresh(0, 0, 0, 0, 1002, 1002.1) == [None] * 5 + [1002.1]


def test_what_was_believed_survives_a_restart() -> None:
    counters = read_twice()
    saved = msgspec.json.encode(counters.believed)
    again = Meters("Redback", msgspec.json.decode(saved, type=dict[str, Believed]))
    later = dynamic(TimestampUtc="2026-03-02T01:03:03Z", ImportAllTimeEnergykWh=0)
    believed = again.believe(later, Details(static()))
    assert believed.import_all_time_energy_kwh == 1500.75


def test_what_the_house_draws_is_not_bounded_by_the_inverter() -> None:
    counters = read_twice()
    # 29 kW for an hour: more than this inverter's 10 kW, and within a household's connection.
    for stamp in ("2026-03-02T02:02:03Z", "2026-03-02T02:03:03Z"):
        later = dynamic(
            TimestampUtc=stamp, ImportAllTimeEnergykWh=1529.75, PvAllTimeEnergykWh=20029.4
        )
        believed = counters.believe(later, Details(static()))
    assert believed.import_all_time_energy_kwh == 1529.75
    assert believed.pv_all_time_energy_kwh == 20000.4


GLITCHES = st.one_of(st.none(), st.just(0.0), st.floats(-500, 5000), st.floats(0, 100000))


@given(
    steps=st.lists(st.floats(0, 0.15), min_size=40, max_size=120),
    glitches=st.dictionaries(st.integers(0, 100), GLITCHES, max_size=8),
    reset=st.none() | st.integers(5, 30),
)
def test_whatever_glitches_there_are_core_counts_the_truth_and_never_more(
    steps: list[float], glitches: dict[int, float | None], reset: int | None
) -> None:
    truth, value, energy = [], 1000.0, 0.0
    for minute, step in enumerate(steps):
        value = step if minute == reset else value + step
        truth.append(value)
    # A glitch stands alone, with two readings after it that are right: what repeats and grows is
    # none. And none comes with the reset, before it is believed.
    alone = {
        at: glitch
        for at, glitch in glitches.items()
        if not {at - 1, at - 2} & glitches.keys() and (reset is None or not 0 <= at - reset <= 8)
    }
    read = [alone.get(minute, true) for minute, true in enumerate(truth)] + [truth[-1]] * 3
    believed = fresh(*read)
    seen = [one for one in believed if one is not None]
    assert seen[0] in truth, "a glitch became the base"
    base = truth.index(seen[0])
    energy = as_core_counts([*truth[base:], truth[-1]])
    assert as_core_counts(seen) <= energy + 1e-6
    is_believed = reset is None or sum(step > 0 for step in steps[reset + 1 :]) > 20
    if is_believed:
        assert seen[-1] == pytest.approx(truth[-1])
        assert as_core_counts(seen) == pytest.approx(energy, abs=0.16)


def test_it_says_that_a_step_was_let_through() -> None:
    counter = Meter("a counter")
    steps = []
    for minute, value in enumerate((1000, 1000.1, 0.1, 0.2, 0.3, 0.4, 0.5)):
        counter.take(value, START + timedelta(minutes=minute), MOST_KW)
        steps.append(counter.has_stepped)
    assert steps == [False, False, False, False, False, True, False]


@pytest.mark.parametrize(
    "content",
    ['{"value":1,"at":"2026-03-02T01:02:03"}', '{"value":-1,"at":"2026-03-02T01:02:03Z"}'],
)
def test_what_cannot_have_been_believed_is_not_read_back(content: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(content, type=Believed)
