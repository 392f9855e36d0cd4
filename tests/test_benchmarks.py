"""That the benchmarks run, and that what they measure is within bounds that any machine keeps."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


@pytest.mark.core
@pytest.mark.timeout(300)
def test_a_past_is_written_almost_as_fast_as_core_can_take_it(
    measured: Callable[[str], None],
) -> None:
    """A month; its first week is written day by day, which a whole year hardly feels."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.history", "--hours=720"],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        timeout=280,
        check=True,
    )
    table, _, told = ended.stdout.decode().rstrip().rpartition("\n")
    measured(table.replace("\n", "; "))
    result = json.loads(told)
    assert result["rows"] == 720 * 76
    assert result["ratio"] < 4
    assert result["grown_mb"] < 30
