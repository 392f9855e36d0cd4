"""Sentences about a Core that does not answer, or refuses."""

from ..core import CoreAwayError, CoreError


def in_words(error: CoreError, what: str) -> str:
    """Return an error as one sentence; `what` is to be set up, as in "its dashboards"."""
    if isinstance(error, CoreAwayError):
        return "Home Assistant does not answer."
    if error.code == "unknown_command":
        return f"Home Assistant has not loaded {what}."
    return f"Home Assistant denies access to {what}: {error.detail}."


def listed(words: list[str]) -> str:
    """Return an enumeration: one, two and three."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
