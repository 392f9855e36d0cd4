"""Payloads as the dossier shows them, decoded; see the folder `payloads`."""

import json
from functools import cache
from pathlib import Path

from redback.cloud import Configuration, Dynamic, Static
from redback.cloud.decoding import Decoder

_PAYLOADS = Path(__file__).parent / "payloads"
SERIAL = "RB26030100000011"


@cache
def _text(name: str) -> str:
    return (_PAYLOADS / f"{name}.json").read_text()


def payload(name: str) -> dict[str, object]:
    """Load the data of an answer."""
    data: dict[str, object] = json.loads(_text(name))["Data"]
    return data


def dynamic(name: str = "three_phase_battery", **changes: object) -> Dynamic:
    """Make what an inverter does, with some of the answer's fields changed."""
    return decoded(payload(name) | changes)


def decoded(data: object) -> Dynamic:
    """Decode what an inverter does."""
    made = Decoder().dynamic(data)
    assert made is not None
    return made


def static() -> Static:
    """Make what an inverter is."""
    made = Decoder().static(payload("static"), SERIAL)
    assert made is not None
    return made


def configuration() -> Configuration:
    """Make how an inverter is set."""
    made = Decoder().configuration(payload("configuration"))
    assert made is not None
    return made
