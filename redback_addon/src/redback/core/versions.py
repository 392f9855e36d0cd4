"""Comparing Core's version: commands depend on it."""

import re

Version = tuple[int, int]


def is_since(version: str | None, first: Version) -> bool:
    """Whether a Core is of this year and month, or later; one that cannot be parsed is new."""
    found = re.match(r"(\d+)\.(\d+)", version or "")
    return found is None or (int(found[1]), int(found[2])) >= first
