"""The words that people read for a sensor's key."""

_SPELLED = {"pv": "PV", "soc": "SoC"}


def label(key: str) -> str:
    """Return the words of a key: `battery_soc` becomes Battery SoC."""
    words = key.replace("off_grid", "off-grid").split("_")
    return " ".join(_SPELLED.get(word, word.capitalize()) for word in words)
