"""The process before anything runs: what it is told by its surroundings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "SUPERVISOR_TOKEN"}
    return subprocess.run(
        [sys.executable, "-m", "redback"],
        env=environment | {"REDBACK_DATA": str(tmp_path)} | variables,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_without_the_supervisor_it_says_so_and_ends_with_78(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.returncode == 78
    assert "SUPERVISOR_TOKEN is not set" in ended.stdout
    assert len(ended.stdout.splitlines()) == 1


def test_without_options_it_says_so_and_ends_with_78(tmp_path: Path) -> None:
    ended = run(tmp_path, SUPERVISOR_TOKEN="a-token")
    assert ended.returncode == 78
    assert "There are no options yet" in ended.stdout


@pytest.mark.parametrize("content", ['{"client_id": "a", "credential": "the-secret"', "[]"])
def test_options_that_are_damaged_are_not_quoted(tmp_path: Path, content: str) -> None:
    (tmp_path / "options.json").write_text(content)
    ended = run(tmp_path, SUPERVISOR_TOKEN="a-token")
    assert ended.returncode == 78
    assert "the-secret" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


LOOKS_AT_ELDERS = """
import gc
from redback.process import _collect_often

looks = []
_collect_often()
gc.callbacks.append(lambda phase, info: looks.append((phase, info["generation"])))
kept = [[] for _ in range(6000)]
print(looks.count(("start", 2)))
"""


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python looks at the elders bit by bit")
def test_the_elders_are_looked_at_soon_however_much_has_been_loaded() -> None:
    told = subprocess.check_output([sys.executable, "-c", LOOKS_AT_ELDERS], text=True)  # noqa: S603 - the program is above
    assert int(told) >= 1
