"""What tests of several folders use."""

import sys
from collections.abc import Callable

import pytest

from fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def measured(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Tell a figure that a test has measured, whether the test passes or not."""

    def tell(figure: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n    measured: {figure}\n")

    return tell
