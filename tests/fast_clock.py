"""Runs a program of the tests under a clock that is faster (Debian's faketime)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import longer_timeouts

_HERE = Path(__file__).parent
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where faketime has it
_SHARED = ("faketime_shm_", "sem.faketime_sem_")


def run(
    module: str, *arguments: str, seconds: float, speed: int = 60, beginning: datetime | None = None
) -> Any:  # noqa: ANN401 - whatever the program prints
    """Run a program of these real seconds at most, and return the JSON that it writes at its end.

    The clock is faster by a factor, and the program's timeouts are longer by the same. It begins
    with the real time where no other is given.
    """
    with subprocess.Popen(  # noqa: S603 - our own program
        [*wrapper(speed, beginning), sys.executable, "-m", module, *arguments],
        env=os.environ | {"PYTHONPATH": str(_HERE), longer_timeouts.VARIABLE: str(speed)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        finally:
            # Whatever it has started would live on, and disturb what comes next.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # Nor could a later process have the same number, if faketime was killed too.
            for name in _SHARED:
                (_SHARED_MEMORY / f"{name}{process.pid}").unlink(missing_ok=True)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, module)
    return json.loads(output)


def wrapper(speed: int, beginning: datetime | None = None) -> Sequence[str]:
    """Return what is put before a program, which then has such a clock."""
    # Only a time that is given as a distance is the same for all programs that one starts.
    away = 0 if beginning is None else round(beginning.timestamp() - time.time())
    return ["faketime", "-m", "-f", f"{away:+d} x{speed}"]
