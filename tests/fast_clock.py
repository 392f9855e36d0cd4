"""Runs a program of the tests under a clock that is faster (Debian's faketime)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def run(module: str, *arguments: str, seconds: float, speed: int = 60) -> Any:  # noqa: ANN401 - whatever the program tells
    """Run it, for so many real seconds at most; gives the JSON that it writes at its end."""
    ended = subprocess.run(  # noqa: S603 - our own program
        ["faketime", "-m", "-f", f"+0 x{speed}", sys.executable, "-m", module, *arguments],  # noqa: S607 - Debian's
        env=os.environ | {"PYTHONPATH": str(_HERE)},
        stdout=subprocess.PIPE,
        timeout=seconds,
        check=True,
    )
    return json.loads(ended.stdout)
