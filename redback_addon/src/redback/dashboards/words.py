"""What is said of a Core that does not answer, or does not do what it is asked for."""

from ..core import CoreAwayError, CoreError


def in_words(error: CoreError, what: str) -> str:
    """Say it in one sentence.

    Args:
        error: what Core said.
        what: of Core's is to be set up, as in "its dashboards".
    """
    if isinstance(error, CoreAwayError):
        return "Home Assistant does not answer."
    if error.code == "unknown_command":
        return f"Home Assistant has not loaded {what}."
    return f"Home Assistant denies access to {what}: {error.detail}."


def listed(words: list[str]) -> str:
    """Write an enumeration: one, two and three."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
