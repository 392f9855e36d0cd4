"""That a fault is told once, counted, and told to be over once."""

import pytest

from fake_clock import FakeClock
from redback.problems import Problems


async def test_only_the_first_is_told_and_the_rest_is_counted(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    problems = Problems(clock)
    for _ in range(100):
        problems.met("cloud", "The cloud is away.")
        await clock.advance(1)
    assert caplog.messages == ["The cloud is away."]
    assert problems.now["cloud"].count == 100
    problems.over("cloud", "The cloud is back")
    assert caplog.messages[1:] == ["The cloud is back (after 100 s, 100 times)"]
    assert not problems.now


def test_where_there_was_no_fault_its_end_is_not_told(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    Problems(clock).over("cloud", "The cloud is back")
    assert not caplog.messages
