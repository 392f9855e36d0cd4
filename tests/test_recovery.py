"""That every fault of the cloud is over within a minute of its end, without anybody's help."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

import fast_clock
import recovery

MINUTE = 60
# What a loaded machine takes, of which each second counts for 60 where the clock is faster.
TOLERANCE = 30


@pytest.mark.fast_clock
@pytest.mark.timeout(300)
def test_within_a_minute_of_any_fault_there_are_readings_again(
    measured: Callable[[str], None],
) -> None:
    run = partial(fast_clock.run, "recovery", seconds=280)
    with ThreadPoolExecutor(1) as beside:
        hanging = beside.submit(run, "hanging", speed=1)
        result = run("passing")
        check_hanging(hanging.result(), measured)
    measured(f"seconds from the end of a fault to the next reading: {result['seconds']}")
    assert result["seconds"].keys() == recovery.PASSING.keys()
    longest = dict.fromkeys(recovery.PASSING, MINUTE + TOLERANCE)
    # Who is refused on every route waits twice as long each time: about as long again.
    longest["400"] += recovery.LASTS
    late = {name: s for name, s in result["seconds"].items() if s > longest[name]}
    assert not late

    refused = result["refused"]
    measured(f"an hour of refused credentials: {refused}")
    assert refused["states"] == ["unavailable"]
    assert refused["notices"] == ["redback_credentials"]
    # Two endpoints, at the beginning and every quarter of an hour.
    assert 8 <= refused["token_requests"] <= 10
    assert refused["seconds"] <= 15 * MINUTE + TOLERANCE
    check_end(result)


def check_hanging(result: Mapping[str, Any], measured: Callable[[str], None]) -> None:
    """Look at what was in real time, with the timeouts as they are."""
    measured(f"the same in real time: { {name: one['seconds'] for name, one in result.items()} }")
    assert result.keys() == recovery.HANGING.keys()
    for one in result.values():
        assert one["timeouts"] > 0, "it did not hang"
        assert one["seconds"] <= MINUTE
        check_end(one)


def check_end(result: Mapping[str, Any]) -> None:
    assert result["exit_code"] == 0
    assert result["tracebacks"] == 0
    assert result["notices"] == {}, "a hiccup of the cloud was taken for wrong credentials"
