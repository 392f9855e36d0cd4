"""That the hours of a counter fit what Core has around them, with resets and without."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redback.backfill.hourly import Counted
from redback.backfill.splice import End, SpliceError, splice
from redback.inverters.counters import step

# What a counter reads each minute, some of them for the first time after it has started over.
READINGS = st.lists(
    st.tuples(st.floats(0, 0.2), st.booleans() | st.just(value=False)), min_size=12, max_size=60
)


def test_between_two_ends_the_sums_go_on() -> None:
    hours = [Counted(100.1, 101.0, 0.9), None, Counted(102.5, 103.0, 0.5)]
    spliced = splice(hours, End(100.0, 7.0), End(104.0, 11.0))
    assert spliced.shift == 0.0
    assert [pytest.approx(pair) for pair in spliced.sums] == [(101, 8), (101, 8), (103, 10)]


def test_without_a_right_end_they_go_on_from_the_left_one() -> None:
    assert splice([Counted(100.5, 101.0, 0.5)], End(100.0, 7.0), None).sums == ((101.0, 8.0),)


def test_before_the_first_row_they_begin_with_zero_and_the_rest_is_moved() -> None:
    spliced = splice([None, Counted(100.5, 101.0, 0.5)], None, End(104.0, 1.0))
    assert spliced.sums == ((100.5, 0.0), (101.0, 0.5))
    assert spliced.shift == pytest.approx(2.5)


def test_with_no_end_there_is_nothing_to_be_joined_to() -> None:
    with pytest.raises(ValueError, match="nothing"):
        splice([Counted(1, 2, 1)], None, None)


def test_core_may_have_seen_a_part_of_what_was_counted_until_a_reset() -> None:
    # 2 kWh until the reset, of which Core has seen 1.5, and 1 kWh since.
    spliced = splice([Counted(100.1, 1.0, 2.9, resets=1)], End(100.0, 7.0), End(1.0, 9.5))
    assert spliced.sums[0] == pytest.approx((1.0, 10.0))
    assert spliced.shift == pytest.approx(0.5)


def test_a_reset_does_not_explain_everything() -> None:
    with pytest.raises(SpliceError, match="differs"):
        splice([Counted(100.1, 1.0, 2.9, resets=1)], End(100.0, 7.0), End(1.0, 10.02))


@pytest.mark.parametrize("resets", [0, 1])
def test_where_core_begins_with_zero_again_the_rest_is_raised_by_what_it_had(resets: int) -> None:
    last = 1.0 if resets else 103.0
    spliced = splice([Counted(100.1, last, 2.9, resets)], End(100.0, 7.0), End(last, 0.2))
    assert spliced.sums[0] == pytest.approx((last, 10.0))
    assert spliced.shift == pytest.approx(9.8)
    moved = End(last, 0.2 + spliced.shift)
    assert splice([Counted(100.1, last, 2.9, resets)], End(100.0, 7.0), moved).shift == 0.0


@pytest.mark.parametrize("wrong", [-1.9, -0.02, 0.02, 500.0])
def test_ends_that_do_not_meet_are_refused(wrong: float) -> None:
    hours = [Counted(100.1, 101.0, 0.9)]
    with pytest.raises(SpliceError, match=f"differs by {abs(wrong):.3f} kWh"):
        splice(hours, End(100.0, 7.0), End(102.0, 9.0 + wrong))


def test_an_old_value_is_not_taken_for_energy_after_a_reset_where_nobody_knows_better() -> None:
    # A counter at zero stays in doubt for half an hour.
    old = End(7.781, 6.216)
    spliced = splice([Counted(0.0, 0.0, 0.0)], old, old)
    assert spliced.sums == ((0.0, 6.216),)
    assert spliced.shift == 0.0


def test_another_counter_under_the_same_name_is_no_energy() -> None:
    # Somebody has counted from the last start of Home Assistant; the lifetime comes after it, and
    # Core took the difference for energy.
    hours = [Counted(3600.01, 3600.5, 0.49), Counted(3600.51, 3601.0, 0.49)]
    right = End(3601.1, 480.0 + 3601.1 - 5.1)
    spliced = splice(hours, End(5.1, 480.0), right)
    assert spliced.sums[0] == pytest.approx((3600.5, 480.49))
    assert spliced.sums[1] == pytest.approx((3601.0, 480.99))
    assert right.sum + spliced.shift == pytest.approx(481.09)
    again = splice(hours, End(5.1, 480.0), End(right.state, right.sum + spliced.shift))
    assert again.shift == 0.0


def test_what_an_inverter_can_have_counted_in_the_time_is_energy() -> None:
    # Nobody has looked for ten days.
    spliced = splice([Counted(400.0, 401.0, 1.0)], End(100.0, 7.0, apart=240.0), None)
    assert spliced.sums == ((401.0, 308.0),)
    week = 7 * 24.0
    spliced = splice([Counted(400.0, 401.0, 1.0)], None, End(700.0, 0.0, apart=week))
    assert spliced.shift == pytest.approx(300.0)


def test_core_that_has_begun_anew_gets_what_it_has_forgotten() -> None:
    hours = [Counted(float(n) + 0.01, float(n) + 1.0, 0.99) for n in range(1000, 1300)]
    spliced = splice(hours, End(1000.0, 800.0), End(1300.1, 0.1))
    assert spliced.sums[-1] == pytest.approx((1300.0, 1100.0))
    assert spliced.shift == pytest.approx(1100.0)


def test_a_counter_that_was_corrected_a_little_stands_until_it_has_caught_up() -> None:
    hours = [Counted(95.0, 96.0, 1.0), Counted(96.1, 101.0, 4.9)]
    spliced = splice(hours, End(100.0, 7.0), End(102.0, 9.0))
    assert spliced.sums == ((100.0, 7.0), (101.0, 8.0))


def test_an_old_value_after_the_gap_does_no_harm() -> None:
    # Core still has what it was shown before, since nothing newer was sent to it.
    spliced = splice([Counted(100.1, 101.0, 0.9)], End(100.0, 7.0), End(100.0, 7.0), now=102.0)
    assert spliced.sums[0] == pytest.approx((101.0, 8.0))
    assert spliced.shift == 0.0


def test_what_the_cloud_had_before_the_right_end_does_no_harm() -> None:
    spliced = splice([Counted(100.1, 101.0, 0.9)], End(100.0, 7.0), End(102.0, 9.0), now=101.9)
    assert spliced.shift == 0.0


def test_a_reset_that_is_not_yet_believed_is_no_energy() -> None:
    # 0.9 kWh were counted before the reset, and Core will add what was counted since.
    hours = [Counted(100.1, 1.0, 1.8, resets=1)]
    spliced = splice(hours, End(100.0, 7.0), End(100.0, 7.0), now=2.0)
    assert spliced.shift == pytest.approx(0.9)
    moved = splice(hours, End(100.0, 7.0), End(100.0, 7.0 + spliced.shift), now=2.0)
    assert moved.shift == 0.0


@given(readings=READINGS, cuts=st.tuples(st.integers(1, 10), st.integers(1, 10)))
def test_whatever_the_counter_did_every_hour_is_the_truth(
    readings: list[tuple[float, bool]], cuts: tuple[int, int]
) -> None:
    values: list[float] = []
    for more, starts_over in readings:
        before = values[-1] if values else 1000.0
        # What starts over at almost nothing is no fall in Core's eyes.
        values.append(more if starts_over and before > 1 else before + more)
    truth = list(accumulate((step(*pair) for pair in pairwise(values)), initial=0.0))
    first, last = cuts[0], len(values) - cuts[1]
    if last - first < 2:
        return
    left = End(values[first - 1], truth[first - 1])
    # Core has seen the counter before the gap and after it, and nothing in between.
    seen = step(values[first - 1], values[last])
    right = End(values[last], left.sum + seen)
    middle = (first + last) // 2
    hours = [_counted(values[first:middle]), _counted(values[middle:last])]
    spliced = splice(hours, left, right)
    # It comes to the same if Core has not yet seen the counter after the gap, but will.
    unseen = splice(hours, left, left, now=values[last])
    assert unseen.sums == spliced.sums
    assert unseen.shift == pytest.approx(spliced.shift, abs=0.011)
    wanted = [(values[middle - 1], truth[middle - 1]), (values[last - 1], truth[last - 1])]
    assert [pytest.approx(pair) for pair in spliced.sums] == wanted
    assert right.sum + spliced.shift == pytest.approx(truth[last], abs=0.011)
    again = splice(hours, left, End(right.state, right.sum + spliced.shift))
    assert again.sums == spliced.sums
    assert again.shift == pytest.approx(0.0)
    backwards = splice(hours, None, right)
    offset = backwards.sums[0][1] - spliced.sums[0][1]
    assert backwards.sums[1][1] == pytest.approx(spliced.sums[1][1] + offset)


def _counted(values: list[float]) -> Counted:
    steps = [step(*pair) for pair in pairwise(values)]
    resets = sum(after < 0.9 * before for before, after in pairwise(values))
    return Counted(values[0], values[-1], sum(steps), resets)
