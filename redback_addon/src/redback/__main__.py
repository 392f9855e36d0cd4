"""The entry point: SIGTERM ends the process cleanly even before anything is loaded."""

import os
import signal
from typing import NoReturn


def main() -> NoReturn:
    """Load and run the service."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    from .process import run  # noqa: PLC0415 - loading takes seconds on a small machine

    run()


if __name__ == "__main__":
    main()
