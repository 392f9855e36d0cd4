"""What an hour of the service costs, under a clock that is 60 times faster."""

from collections.abc import Callable

import pytest

import fast_clock


@pytest.mark.fast_clock
@pytest.mark.timeout(240)
def test_in_an_hour_it_stays_small_and_quiet_and_its_readings_are_fresh(
    measured: Callable[[str], None],
) -> None:
    hour = fast_clock.run("hour", seconds=200)
    measured(f"{hour}")
    assert hour["exit_code"] == 0
    assert hour["warnings"] == []
    assert hour["resident_mb_late"] < 55
    assert hour["resident_mb_late"] - hour["resident_mb_early"] < 2
    assert hour["readings"] == pytest.approx(hour["minutes"], abs=1)
    # A busy machine may need a second for what is a minute here.
    assert hour["missed"] + hour["late"] <= 0.1 * hour["readings"]
    assert hour["polls"] <= 1.25 * hour["readings"] + 10
    assert hour["requests"] <= 1.4 * hour["readings"] + 10
