"""That what a counter grew unseen comes to the hours in which it grew."""

import pytest

from redback.backfill.hourly import Flowed
from redback.backfill.splice import End, SpliceError
from redback.backfill.spreading import spread

LEFT = End(100.0, 7.0)


def whole(energy: float, lead: float = 0.0) -> Flowed:
    return Flowed(lead, energy)


def test_an_hour_gets_the_share_that_its_power_has() -> None:
    sums = spread([whole(1.0), None, whole(3.0)], LEFT, [None, None, End(108.0, 15.0)])
    assert [pytest.approx(pair) for pair in sums] == [(102, 9), (102, 9)]


def test_up_to_the_last_reading_that_was_shown_nothing_is_guessed() -> None:
    # It flowed twice as much as was counted; but 1 kWh of the first hour was seen.
    hours = [Flowed(0.0, 5.0, 2.0), Flowed(0.0, 4.0, 9.0)]
    (end,) = spread(hours, LEFT, [End(101.0, 8.0), End(104.0, 11.0)])
    assert end == pytest.approx((102.0, 9.0))


def test_a_minute_that_is_missed_at_the_end_of_an_hour_moves_a_minute() -> None:
    # 4.5 kW, and half an hour later none; the reading of 22:59:56 was missed.
    first, second = Flowed(0.005, 4.42, 0.08), Flowed(0.075, 2.3, 0.0)
    (end,) = spread([first, second], LEFT, [End(104.45, 11.45), End(106.83, 13.83)])
    assert end == pytest.approx((104.53, 11.53), abs=0.001)


def test_the_rest_of_the_minute_before_belongs_to_the_first_hour() -> None:
    hours = [whole(1.0, lead=0.5), whole(1.5)]
    (end,) = spread(hours, LEFT, [None, End(103.0, 10.0)])
    assert end == pytest.approx((101.5, 8.5))


def test_the_row_of_an_hour_of_which_core_was_shown_nothing_does_not_count() -> None:
    flat = End(100.0, 7.0)
    sums = spread([whole(1.0), whole(1.0)], LEFT, [flat, End(102.0, 9.0)])
    assert sums == [pytest.approx((101.0, 8.0))]


def test_what_has_not_grown_needs_no_power() -> None:
    assert spread([None, whole(0.0)], LEFT, [None, LEFT]) == [(100.0, 7.0)]


def test_a_little_that_no_reading_shows_is_spread_evenly() -> None:
    sums = spread([whole(0.0), whole(0.0)], LEFT, [None, End(100.02, 7.02)])
    assert sums == [pytest.approx((100.01, 7.01))]


@pytest.mark.parametrize(
    ("hour", "right"),
    [
        (whole(1.0), End(5.0, 12.0)),  # reset
        (whole(1.0), End(108.0, 18.0)),  # 3 kWh too many
        (None, End(108.0, 15.0)),
    ],
)
def test_what_cannot_be_spread_is_refused(hour: Flowed | None, right: End) -> None:
    with pytest.raises(SpliceError, match="the cloud has no values"):
        spread([hour, hour], LEFT, [None, right])
