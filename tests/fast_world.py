"""Runs a program of the tests, with a real Core, in a world whose clock it can let run faster.

HASS_EXECUTABLE names the `hass`. One that is elsewhere, in a root of its own, has the programs
`install` and `fast` beside it; for one of this machine `chaos/world` does the same.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).parent.parent
_CHAOS = Path(__file__).parent / "chaos"
# The usual library lets threads see the real time now and then, when two ask at the same moment.
_CLOCK = ("env", "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1")


def new_folder(name: str) -> Path:
    """Make a folder for the logs of a run; such a Core sees no more of this machine than /tmp."""
    return Path(tempfile.mkdtemp(prefix=f"redback-{name}-", dir="/tmp"))


def run(*program: str | Path, folder: Path, beginning: str, seconds: float) -> dict[str, Any]:
    """Run a module with its arguments; gives the JSON that it writes at its end.

    Args:
        program: the module, and its arguments.
        folder: for its log.
        beginning: what time it is then, UTC.
        seconds: how long it may take at most, in real time.
    """
    log = folder / "program.log"
    with log.open("w") as errors:
        ended = subprocess.run(  # noqa: S603 - our own program
            [*_world(beginning), "-m", *program],
            cwd=_REPOSITORY,
            env=_environment() | {"PYTHONPATH": "redback_addon/src:tests"},
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=seconds,
            check=False,
        )
    assert ended.returncode == 0, log.read_text()
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def _world(beginning: str) -> Sequence[str | Path]:
    """Give what is put before a Python program."""
    fast = Path(os.environ["HASS_EXECUTABLE"]).parent / "fast"
    if not fast.exists():
        return (_CHAOS / "world", "--from", beginning, "--", sys.executable)
    root = _output(str(fast.with_name("install")))
    python = _output(str(_CHAOS / "setup"), root) + "/bin/python"
    return (fast, "--from", beginning, "--", *_CLOCK, python)


def _environment() -> dict[str, str]:
    fast = Path(os.environ["HASS_EXECUTABLE"]).parent / "fast"
    # Such a hass is for outside; inside of its own root there is one on PATH.
    hidden = {"HASS_EXECUTABLE"} if fast.exists() else set()
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _output(*command: str) -> str:
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own
    return ended.stdout.strip()
