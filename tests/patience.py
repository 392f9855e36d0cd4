"""How much longer everything may take in a world whose clock is faster than the machine.

Ten seconds there are a moment for the machine, which may be busy with something else. So whoever
makes such a world sets PATIENCE to its speed: the timeouts of the service, of the stand-ins and of
the tests' own clients are then that many times longer. Waits are not.

`python tests/patience.py` runs the service so.
"""

import os

VARIABLE = "PATIENCE"


def times() -> float:
    """Return how many times longer a timeout is; 1 in real time."""
    return float(os.environ.get(VARIABLE, "1"))


def stretched(seconds: float) -> float:
    """Return how long something may take that has this many seconds in real time."""
    return seconds * times()


def main() -> None:
    """Run the service with longer timeouts."""
    from redback import timeouts  # noqa: PLC0415 - others want the figures alone
    from redback.__main__ import main as serve  # noqa: PLC0415

    timeouts.scale(times())
    serve()


if __name__ == "__main__":
    main()
