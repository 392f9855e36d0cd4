"""Every timeout for the cloud, for Home Assistant and for a file goes through here.

Some tests run the service under a clock that is many times faster than the machine, and scale the
timeouts alone: waits and the rhythm of polling stay as they are.
"""


class _Scale:
    """The factor by which all timeouts are longer."""

    factor = 1.0


def scale(factor: float) -> None:
    """Make all timeouts longer by this factor; to be called before the service starts."""
    _Scale.factor = factor


def timeout(seconds: float) -> float:
    """Return the timeout that takes the place of this many seconds in real time."""
    return seconds * _Scale.factor
