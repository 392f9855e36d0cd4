"""That each hour of a counter is known to the energy that flowed, whatever the readings show."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redback.ledger import Believed, HourEnd, How, Known, resolve
from redback.ledger.meter import Meter

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MOST_KW = 20.0
HOURS = 8

# What the cloud has of a minute: the counter may differ from what truly flowed.
Fault = Callable[[int, float], float | None]


def power(minute: int) -> float:
    """Return a power that changes, kW."""
    return 1.0 + minute // 37 % 5


def flowed(minute: int) -> float:
    """Return what has flowed until a minute, kWh."""
    return sum(power(one) for one in range(minute)) / 60


@dataclass(frozen=True)
class Run:
    """What a meter made of all minutes.

    Attributes:
        ends: what is known of each hour.
        shown: what was shown of each minute.
    """

    ends: Mapping[datetime, HourEnd]
    shown: Sequence[float | None]

    def known(self) -> dict[int, Known]:
        found = resolve([self.ends[start] for start in sorted(self.ends)], MOST_KW)
        return {round((one.start - START) / timedelta(hours=1)): one for one in found}


def run(
    fault: Fault = lambda _, value: value,
    *,
    believed: bool = True,
    base: float = 20150.0,
    every: int = 1,
    power_of: Callable[[int], float | None] = power,
    minutes: int = HOURS * 60 + 40,
    hole: Container[int] = (),
) -> Run:
    """Let a meter read the minutes, of which the cloud has what `fault` makes of them.

    Of those in the `hole` there are no readings.
    """
    meter = Meter("a counter", Believed(base, START) if believed else None)
    ends: dict[datetime, HourEnd] = {}
    shown = []
    for minute in range(0, minutes, every):
        if minute in hole:
            continue
        at = START + minute * MINUTE + timedelta(seconds=8)
        value = fault(minute, round(base + flowed(minute), 3))
        shown.append(meter.take(value, at, MOST_KW, power_of(minute), 1.5 * every * MINUTE))
        for end in meter.ended:
            kept = ends.get(end.start)
            if kept is None or end.how >= kept.how:
                ends[end.start] = end
    return Run(ends, shown)


def true(hour: int, every: int = 1) -> float:
    """Return what flowed between the last readings of two hours."""
    last = (hour + 1) * 60 - every
    return flowed(last) - flowed(last - 60 if hour else 0)


def energies(known: Mapping[int, Known], hours: Sequence[int]) -> list[float | None]:
    return [known[hour].energy for hour in hours]


def test_each_hour_is_what_the_counter_grew() -> None:
    known = run().known()
    assert list(known) == list(range(HOURS))
    assert energies(known, range(1, HOURS)) == pytest.approx(
        [true(hour) for hour in range(1, HOURS)], abs=0.002
    )
    assert {one.how for one in known.values()} == {How.READ}


@pytest.mark.parametrize("instead", [None, 0.0])
@pytest.mark.parametrize("length", [3, 12, 32, 60, 150])
def test_a_value_that_is_missing_over_an_hours_end_costs_nothing(
    instead: float | None, length: int
) -> None:
    first = 170
    known = run(lambda m, value: instead if first <= m < first + length else value).known()
    assert energies(known, range(1, HOURS)) == pytest.approx(
        [true(hour) for hour in range(1, HOURS)], abs=0.06
    )
    assert max(one.energy or 0 for one in known.values()) < MOST_KW


@pytest.mark.parametrize("after", [0.0, 0.5, 10000.0, 19950.0, 15000.0, 20650.0, 90000.0])
@pytest.mark.parametrize("minute", [200, 178, 181])
def test_a_step_between_two_meters_is_no_energy(after: float, minute: int) -> None:
    offset = after - (20150.0 + flowed(minute))
    known = run(lambda m, value: round(value + offset, 3) if m >= minute else value).known()
    assert energies(known, range(1, HOURS)) == pytest.approx(
        [true(hour) for hour in range(1, HOURS)], abs=0.06
    )


@pytest.mark.parametrize("fall", [0.3, 0.7, 1.2, 2.0])
@pytest.mark.parametrize("minute", [200, 178, 181])
def test_a_fall_that_the_counter_soon_catches_up_with_costs_nothing(
    fall: float, minute: int
) -> None:
    known = run(lambda m, value: round(value - fall, 3) if m >= minute else value).known()
    assert energies(known, range(1, HOURS)) == pytest.approx(
        [true(hour) for hour in range(1, HOURS)], abs=0.06
    )


@pytest.mark.parametrize("wrong", [0.75, 1.02, 0.0, 20000.0])
@pytest.mark.parametrize("minute", [200, 176])
@pytest.mark.parametrize("length", [2, 5, 12, 45])
def test_wrong_values_that_pass_leave_no_trace(wrong: float, minute: int, length: int) -> None:
    def fault(m: int, value: float) -> float:
        return round(value * wrong, 3) if minute <= m < minute + length else value

    known = run(fault).known()
    wanted = [true(hour) for hour in range(1, HOURS)]
    # Values that are wrong and grow are believed for a while, and what they grew with them.
    assert energies(known, range(1, HOURS)) == pytest.approx(
        wanted, abs=0.1 if length < 20 else 0.3
    )
    assert sum(one.energy or 0 for one in known.values()) == pytest.approx(sum(wanted), abs=0.06)


@pytest.mark.parametrize("unit", [0.001, 0.1])
@pytest.mark.parametrize("jump", [2.2, 5.0, 12.0])
@pytest.mark.parametrize("length", [4, 12, 70, 400])
def test_a_jump_is_no_energy_however_long_it_lasts(unit: float, jump: float, length: int) -> None:
    def fault(minute: int, value: float) -> float:
        value += jump if 200 <= minute < 200 + length else 0.0
        return round(value // unit * unit, 3)

    assert energies(run(fault).known(), range(1, HOURS)) == pytest.approx(
        [true(hour) for hour in range(1, HOURS)], abs=0.06 + unit
    )


@pytest.mark.parametrize("jump", [3.0, 8.0, 14.0])
def test_a_jump_that_stands_still_is_no_energy(jump: float) -> None:
    stuck = round(20150.0 + flowed(200) + jump, 3)
    known = run(lambda m, value: stuck if 200 <= m < 400 else value).known()
    assert energies(known, range(1, HOURS)) == pytest.approx(
        [true(hour) for hour in range(1, HOURS)], abs=0.06
    )


# Of a former meter a value that stands still is believed, and counts nothing; a zero is not.
@pytest.mark.parametrize(("stuck", "kwh"), [(0.0, 0.1), (5.0, 0.8)])
def test_a_former_meters_value_that_comes_back_makes_no_energy_of_the_time_between(
    stuck: float, kwh: float
) -> None:
    known = run(
        lambda m, value: stuck if m < 94 or 299 <= m < 311 else value, believed=False
    ).known()
    assert energies(known, range(2, HOURS)) == pytest.approx(
        [true(hour) for hour in range(2, HOURS)], abs=kwh
    )


def test_a_value_that_is_stuck_far_away_is_never_shown() -> None:
    made = run(lambda m, value: 429496729.5 if 100 <= m < 190 else value)
    assert max(value or 0 for value in made.shown) < 20200
    assert energies(made.known(), range(1, HOURS)) == pytest.approx(
        [true(hour) for hour in range(1, HOURS)], abs=0.06
    )


def test_a_counter_that_steps_by_a_tenth_stays_right() -> None:
    known = run(lambda _, value: int(value * 10) / 10).known()
    total = sum(one.energy or 0 for one in known.values())
    assert total == pytest.approx(sum(true(hour) for hour in range(1, HOURS)), abs=0.1)


@pytest.mark.parametrize("every", [2, 5])
def test_an_inverter_that_reports_less_often_has_whole_hours(every: int) -> None:
    known = run(every=every).known()
    assert {one.how for one in known.values()} == {How.READ}
    assert energies(known, range(1, HOURS)) == pytest.approx(
        [true(hour, every) for hour in range(1, HOURS)], abs=0.002
    )


def test_what_a_counter_grew_without_readings_over_an_hours_end_is_shared_by_time() -> None:
    # From 2:28 to 3:05 there are always 5 kW.
    known = run(hole=range(155, 180)).known()
    assert [known[hour].how for hour in (2, 3)] == [How.INCOMPLETE, How.READ]
    minute = 5.0 / 60
    assert energies(known, (2, 3)) == pytest.approx([true(2), true(3)], abs=minute + 0.002)


def test_of_hours_that_meet_without_readings_only_the_sum_can_be_known() -> None:
    # Two houses, in which 2 kWh flow in a minute of the one hour or of the other.
    hole = range(160, 195)
    runs = [
        run(lambda m, value, at=at: value + 2.0 * (m >= at), hole=hole)  # type: ignore[misc]
        for at in (165, 190)
    ]
    assert runs[0] == runs[1]
    known = runs[0].known()
    assert [known[hour].how for hour in (2, 3)] == [How.INCOMPLETE, How.READ]
    assert sum(known[hour].energy or 0.0 for hour in (2, 3)) == pytest.approx(
        true(2) + true(3) + 2.0, abs=0.002
    )


def test_a_counter_that_comes_late_has_the_hours_before_from_the_power() -> None:
    known = run(lambda m, value: None if m < 250 else value, believed=False).known()
    assert energies(known, range(1, HOURS)) == pytest.approx(
        [true(hour) for hour in range(1, HOURS)], abs=0.06
    )


def test_a_counter_that_is_never_there_leaves_what_flowed() -> None:
    made = run(lambda *_: None, believed=False)
    flows = [made.ends[START + hour * timedelta(hours=1)].flow for hour in range(HOURS)]
    assert flows == pytest.approx(
        [flowed((h + 1) * 60) - flowed(h * 60) for h in range(HOURS)], abs=0.06
    )
    end = HourEnd(START + HOURS * timedelta(hours=1), 500.0, flow=3.0)
    known = resolve([*made.ends.values(), end], MOST_KW)
    assert [one.energy for one in known[1:-1]] == pytest.approx(flows[1:], abs=0.001)


def test_what_flows_after_the_last_reading_of_an_hour_belongs_to_the_next_one() -> None:
    meter = Meter("a counter", Believed(100.0, START))
    flows = []
    for minute in range(130):
        value, kw = (None, 0.0) if minute > 59 else (100 + minute / 10, 6.0)
        meter.take(value, START + minute * MINUTE + timedelta(seconds=8), MOST_KW, kw)
        flows += [end.flow for end in meter.ended]
    assert flows == pytest.approx([6.0 - 0.1 * 52 / 60, 0.05], abs=0.001)


def test_an_hour_begins_with_the_last_reading_before_it_after_a_restart_too() -> None:
    meter = Meter("a counter", Believed(100.0, START))
    flows = []
    for minute in range(-1, 61):
        kw = 6.0 if minute < 0 else 0.0
        meter.take(None, START + minute * MINUTE + timedelta(seconds=8), MOST_KW, kw)
        flows += [end.flow for end in meter.ended]
    assert flows == pytest.approx([6.0 * 52 / 3600 + 3.0 * 8 / 3600], abs=0.001)


def test_what_flowed_before_a_reset_is_unknown_rather_than_nothing_after_an_outage() -> None:
    meter = Meter("a counter", Believed(109.5, START))
    ends: list[HourEnd] = []
    for minute in range(55, 65):
        meter.take((minute - 50) / 10, START + minute * MINUTE, MOST_KW, 6.0)
        ends += meter.ended
    assert (ends[-1].start, ends[-1].state, ends[-1].energy) == (START, 0.9, None)


def test_hours_without_any_reading_are_unknown() -> None:
    known = run(lambda _, value: value, minutes=90).known()
    assert list(known) == [0]


def test_no_more_than_can_flow_is_ever_energy() -> None:
    hour = timedelta(hours=1)
    known = resolve([HourEnd(START, 100.0), HourEnd(START + hour, 50.0, flow=500.0)], MOST_KW)
    assert [one.energy for one in known] == [None, 0.0]
    unread = HourEnd(START + hour, None, flow=500.0, how=How.UNKNOWN)
    assert len(resolve([HourEnd(START, 100.0), unread], MOST_KW)) == 1


def test_a_power_that_cannot_be_counts_nothing() -> None:
    def fault(minute: int, value: float) -> float | None:
        return None if 195 <= minute < 205 else round(value - 20000.0 * (minute >= 205), 3)

    known = run(fault, power_of=lambda m: 60_000.0 if 198 <= m < 201 else power(m)).known()
    assert max(one.energy or 0.0 for one in known.values()) < MOST_KW


@pytest.mark.parametrize("how", [How.INCOMPLETE, How.READ])
def test_hours_before_one_whose_power_is_unknown_are_not_counted_twice(how: How) -> None:
    hour = timedelta(hours=1)
    unread = [HourEnd(START + number * hour, None, flow=3.0, how=How.UNKNOWN) for number in (1, 2)]
    end = HourEnd(START + 4 * hour, 110.0, how=how)
    known = resolve([HourEnd(START, 100.0), *unread, end], MOST_KW)
    assert [one.energy for one in known] == [None, 3.0, 3.0, 4.0]


_FAULTS = st.lists(
    st.tuples(
        st.integers(65, 420),
        st.integers(1, 70),
        st.sampled_from(["null", "zero", "fall", "jump", "far"]),
    ),
    max_size=3,
)


@given(_FAULTS, st.sampled_from([None, (220, 0.0), (230, 300.0), (150, 40000.0)]))
def test_whatever_happens_the_energy_is_right(
    faults: list[tuple[int, int, str]], reset: tuple[int, float] | None
) -> None:
    def fault(minute: int, value: float) -> float | None:
        if reset is not None and minute >= reset[0]:
            value = round(value - 20150.0 - flowed(reset[0]) + reset[1], 3)
        for since, length, kind in faults:
            if since <= minute < since + length:
                return {
                    "null": None,
                    "zero": 0.0,
                    "fall": round(value * 0.75, 3),
                    "jump": value + 500,
                    "far": 429496729.5,
                }[kind]
        return value

    known = run(fault).known()
    assert all(0 <= (one.energy or 0) <= MOST_KW for one in known.values())
    last = max(known)
    total = sum(known[hour].energy or 0 for hour in known if hour > min(known))
    assert total == pytest.approx(
        sum(true(hour) for hour in range(min(known) + 1, last + 1)), abs=1.5
    )
