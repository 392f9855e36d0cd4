"""Longer timeouts, for a world whose clock is faster than the machine.

Ten seconds there are a moment for the machine, which may be busy with something else. So whoever
makes such a world sets TIMEOUT_FACTOR to its speed, and the timeouts of the service, of the
stand-ins and of the tests' own clients are longer by that factor. Waits are not.

`python tests/longer_timeouts.py` runs the service so, on an event loop that waits for whole
milliseconds of the machine. Asyncio's own would ask for less, which the machine does not wait for,
and turn some fifty times until each timer is due.
"""

import asyncio
import math
import os
import selectors

VARIABLE = "TIMEOUT_FACTOR"


def factor() -> float:
    """Return the factor by which timeouts are longer; 1 in real time."""
    return float(os.environ.get(VARIABLE, "1"))


def scaled(seconds: float) -> float:
    """Return the timeout that takes the place of this many seconds in real time."""
    return seconds * factor()


class _Selector(selectors.DefaultSelector):
    """Waits no shorter than the machine can."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            shortest = scaled(0.001)
            timeout = math.ceil(timeout / shortest) * shortest
        return super().select(timeout)


def event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop for such a world."""
    return asyncio.SelectorEventLoop(_Selector())


def main() -> None:
    """Run the service with longer timeouts."""
    from redback import timeouts  # noqa: PLC0415 - others want the figures alone
    from redback.__main__ import main as serve  # noqa: PLC0415

    timeouts.scale(factor())
    asyncio.new_event_loop = event_loop
    serve()


if __name__ == "__main__":
    main()
