"""What an hour of the service costs, under a clock that is 60 times faster."""

from collections.abc import Callable

import pytest

import fast_clock


@pytest.mark.fast_clock
@pytest.mark.timeout(240)
def test_after_an_hour_it_is_small_and_quiet_and_its_readings_are_fresh(
    measured: Callable[[str], None],
) -> None:
    hour = fast_clock.run("hour", seconds=200)
    measured(f"{hour}")
    assert hour["exit_code"] == 0
    assert hour["warnings"] == 0
    assert hour["resident_mb_late"] < 55
    assert hour["resident_mb_late"] - hour["resident_mb_early"] < 2
    # A minute, and what the cloud takes to show a reading.
    assert hour["age_seconds"] < 90
    assert hour["minutes"] - 1 <= hour["readings"] <= 1.25 * hour["minutes"] + 10
    assert hour["requests"] <= 1.4 * hour["minutes"] + 10
