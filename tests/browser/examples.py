"""Answers of the panel's server as the page gets them; all values are invented."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, object]
NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
HOME = ZoneInfo("Australia/Brisbane")
GIVEN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("answers.json").read_text())
"""The answers, each as it is at `NOW`; what has other values has those that differ alone."""

OPTIONS_URL = GIVEN["status"]["options_url"]
KINDS = tuple(GIVEN["states"])


def written(moment: datetime) -> str:
    """Write a time as the server does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(**duration: float) -> str:
    """Write the time that was so long before now."""
    return written(NOW - timedelta(**duration))


def energy() -> Json:
    """Make the energy of a day so far."""
    return {**GIVEN["inverter"]["today"]}


def inverter(**changes: object) -> Json:
    """Make an inverter at noon: the sun runs the house, charges the battery, feeds the grid."""
    return GIVEN["inverter"] | changes


def evening(**changes: object) -> Json:
    """Make an inverter after sunset: battery and grid run the house."""
    return inverter(**GIVEN["evening"] | changes)


def granny_flat() -> Json:
    """Make a second inverter, which has no battery."""
    return inverter(**GIVEN["granny_flat"])


def health(**changes: object) -> Json:
    """Make the health of a service that runs well."""
    return GIVEN["health"] | changes


def bad(text: str, **since: float) -> Json:
    """Make the health of a part that does not work."""
    return {"state": "bad", "text": text, "since": ago(**since)}


def history(**changes: object) -> Json:
    """Make the state of a past without gaps."""
    return GIVEN["history"] | changes


def filling() -> Json:
    """Make the state of a past that is being filled."""
    return history(**GIVEN["filling"])


def status(*inverters: Json, **changes: object) -> Json:
    """Make a Status in which all is well."""
    parts = {
        "inverters": list(inverters) or [inverter()],
        "health": health(),
        "history": history(),
    }
    return GIVEN["status"] | parts | changes


def notice(kind: str) -> Json:
    """Make a notice of a kind."""
    return {**GIVEN["states"][kind]["notice"]}


def status_of(kind: str) -> Json:
    """Make the Status of a page state, by the kind of its notice."""
    state, given = GIVEN["states"][kind], notice(kind)
    level = "waiting" if given["level"] == "info" else given["level"]
    return status(
        summary={"level": level, "text": given["title"]},
        notices=[given],
        health=health(**state.get("health", {})),
        inverters=[inverter(**one) for one in state.get("inverters", [{}])],
    )
