"""Faults in plain words: what is the case, and what people can do about it."""

import re

_ADVICE = {
    "link": "Nothing: the states follow as soon as Home Assistant answers.",
    "push": "Nothing: the states follow as soon as Home Assistant answers.",
    "readings": (
        "Nothing, if it passes within the hour: what is missed is fetched later. If it stays, check"
        " your internet connection and Redback's own app."
    ),
    "discovery": "Nothing, if it passes: the inverters that are known are read all the same.",
    "details": "Nothing, if it passes: readings go on without.",
    "configuration": "Nothing, if it passes: readings go on without.",
    "inverter": (
        "Nothing, if it passes within the hour. If it stays, look in Redback's own app whether it"
        " shows this inverter."
    ),
    "time": "Check the clock of this machine; if that is right, tell Redback's support.",
    "offline": "Check the inverter's connection to the internet. What it kept is fetched later.",
    "history": "Nothing: it goes on by itself.",
    "refused": "Restart Home Assistant; if it stays, report it with the diagnostics file.",
    "notice": "Restart Home Assistant; if it stays, report it with the diagnostics file.",
}
# Which request it was helps whoever reads the log.
_REQUEST = re.compile(r" \((?:GET|POST) [^\s)]*\)")


def plain(sentence: str) -> str:
    """Leave out what a sentence of the log says beside what is the case."""
    return _REQUEST.sub("", sentence)


def advice(key: str) -> str | None:
    """Give what to do about a fault; None where there is nothing to be said."""
    return _ADVICE.get(key.partition(" ")[0])
