"""Runs a program of the tests, with a real Core, in a world whose clock it can let run faster.

HASS_EXECUTABLE names the `hass`. One that has a root of its own has the program `enter` beside it,
and all that is run here runs in that root (see `script/core`).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).parent.parent
_WORLD = Path(__file__).parent / "chaos/world"


def new_folder(name: str) -> Path:
    """Make a folder for the logs of a run; such a Core sees no more of this machine than /tmp."""
    return Path(tempfile.mkdtemp(prefix=f"redback-{name}-", dir="/tmp"))


def run(*program: str | Path, folder: Path, beginning: str, seconds: float) -> dict[str, Any]:
    """Run a module with its arguments, and return the JSON that it writes at its end.

    Its log is in the folder. It begins with a time in UTC, and has some real seconds at most.
    """
    log = folder / "program.log"
    enter = Path(os.environ["HASS_EXECUTABLE"]).with_name("enter")
    python, variables = sys.executable, {"PYTHONPATH": "redback_addon/src:tests"}
    if enter.exists():
        python = f"{_output(enter, 'script/setup')}/bin/python"
        variables["ENTER"] = str(enter)
    with log.open("w") as errors:
        ended = subprocess.run(  # noqa: S603 - our own program
            [_WORLD, "--from", beginning, "--", python, "-m", *program],
            cwd=_REPOSITORY,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=seconds,
            check=False,
        )
    assert ended.returncode == 0, log.read_text()
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def _output(*command: str | Path) -> str:
    ended = subprocess.run(  # noqa: S603 - our own
        command, cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True, check=True
    )
    return ended.stdout.strip()
