"""The process before anything runs: what it reads from its surroundings."""

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


FORGETS_A_CYCLE = """
import gc, weakref
from redback.process import _collect_often

class Node:
    pass

_collect_often()
node = Node()
node.itself, gone = node, weakref.ref(node)
gc.collect(1)  # it is old now
del node
kept = [[] for _ in range(6000)]
print(gone() is None)
"""


def test_an_old_cycle_is_soon_freed_however_much_has_been_loaded() -> None:
    output = subprocess.check_output([sys.executable, "-c", FORGETS_A_CYCLE], text=True)  # noqa: S603 - the program is above
    assert output == "True\n"
