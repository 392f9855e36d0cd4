"""Every timeout for the cloud, for Home Assistant and for a file goes through here.

Some tests run the service under a clock that is many times faster than the machine, and scale the
timeouts alone: waits and the rhythm of polling stay as they are.
"""


class _Scale:
    """How many times longer all timeouts are."""

    factor = 1.0


def scale(factor: float) -> None:
    """Make all timeouts that many times longer, before the service starts."""
    _Scale.factor = factor


def timeout(seconds: float) -> float:
    """Return the timeout to use for one of this many seconds in real time."""
    return seconds * _Scale.factor
