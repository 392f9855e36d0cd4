"""The process, from its first moment: SIGTERM ends it well even before anything is loaded."""

import os
import signal
from typing import NoReturn


def main() -> NoReturn:
    """Load and run the service."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    from .process import run  # noqa: PLC0415 - to load it all takes a small machine seconds

    run()


if __name__ == "__main__":
    main()
