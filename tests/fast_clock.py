"""Runs a program of the tests under a clock that is 60 times faster (Debian's faketime)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def run(module: str, *, seconds: float) -> Any:  # noqa: ANN401 - whatever the program tells
    """Run it, for so many real seconds at most; gives the JSON that it writes at its end."""
    ended = subprocess.run(  # noqa: S603 - our own program
        ["faketime", "-m", "-f", "+0 x60", sys.executable, "-m", module],  # noqa: S607 - Debian's
        env=os.environ | {"PYTHONPATH": str(_HERE)},
        stdout=subprocess.PIPE,
        timeout=seconds,
        check=True,
    )
    return json.loads(ended.stdout)
