"""The words that people read for a sensor's key."""

_SPELLED = {"pv": "PV", "soc": "SoC"}


def label(key: str) -> str:
    """Return the words of a key: `battery_soc` becomes Battery SoC."""
    return " ".join(_SPELLED.get(word, word.capitalize()) for word in key.split("_"))
