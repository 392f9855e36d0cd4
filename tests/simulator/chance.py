"""Chance that can be repeated: the same seed gives the same numbers on every machine."""

from random import Random


def dice(seed: str) -> Random:
    """Return a source of chance that belongs to a seed."""
    return Random(seed)
