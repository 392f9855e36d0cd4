"""A command is read from what people and automations write, or refused with one sentence."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from redback.controls.command import Command, RefusedError, parse

NOW = datetime(2026, 3, 2, 2, 0, 0, tzinfo=UTC)
CHARGE = {"action": "charge", "power": 3000, "minutes": 60}


def read(**changes: object) -> Command:
    return parse({**CHARGE, **changes}, "automation", NOW)


def test_a_command_begins_now_and_ends_after_its_minutes() -> None:
    command = read(id="morning", inverter="Home")
    assert command == Command(
        action="charge",
        by="automation",
        power=3000,
        start=NOW,
        end=NOW + timedelta(hours=1),
        inverter="Home",
        id="morning",
    )
    assert command.mode == "ChargeBattery"


def test_times_without_an_offset_are_local(place: Callable[[str], None]) -> None:
    place("Australia/Brisbane")
    command = parse(
        {
            "action": "conserve",
            "start": "2026-03-02T17:00:00",
            "until": "2026-03-02T09:00:00+00:00",
        },
        "automation",
        NOW,
    )
    assert command.start == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert command.end == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_limit_of_the_export_is_one_of_five() -> None:
    short = parse({"action": "limit_export", "power": 0, "minutes": 5}, "automation", NOW)
    assert short.limits == {"max_export": 0}
    long = {"action": "limit", "max_import": 2000, "max_generation": 5000.0, "minutes": 5}
    assert parse(long, "automation", NOW).limits == {"max_import": 2000, "max_generation": 5000}


@pytest.mark.parametrize("action", ["auto", "lift_limit"])
def test_what_ends_something_has_no_end_of_its_own(action: str) -> None:
    assert parse({"action": action}, "automation", NOW).end is None


WRONG: list[tuple[Any, str]] = [
    (None, "A command is a list of fields"),
    ([], "A command is a list of fields"),
    ({}, "The action must be one of"),
    ({"action": ["charge"]}, "The action must be one of"),
    ({"action": "dance"}, "The action must be one of"),
    ({**CHARGE, "powr": 1}, "powr is not a field"),
    ({**CHARGE, 5: 1}, "5 is not a field"),
    ({**CHARGE, "max_export": 1}, "The action charge has no max_export"),
    ({"action": "auto", "minutes": 5}, "The action auto has no minutes"),
    ({"action": "charge", "minutes": 5}, "power must be a whole number"),
    ({**CHARGE, "power": "3000"}, "power must be a whole number"),
    ({**CHARGE, "power": 3000.5}, "power must be a whole number"),
    ({**CHARGE, "power": True}, "power must be a whole number"),
    ({**CHARGE, "power": -1}, "power must be a whole number"),
    ({**CHARGE, "power": 0}, "power must be a whole number from 1"),
    ({**CHARGE, "power": 1_000_001}, "power must be at most 1,000,000 W"),
    ({**CHARGE, "power": 10**400}, "power must be at most"),
    ({**CHARGE, "id": "\ud800"}, "id must be text"),
    ({**CHARGE, "power": float("nan")}, "power must be a whole number"),
    ({"action": "charge", "power": 5}, "needs an end"),
    ({**CHARGE, "until": "2026-03-02T03:00:00Z"}, "needs an end"),
    ({**CHARGE, "minutes": 0}, "minutes must be a whole number from 1"),
    ({**CHARGE, "minutes": 1441}, "1441 minutes are more than 1440"),
    ({**CHARGE, "minutes": None}, "minutes must be"),
    ({"action": "conserve", "until": "2026-03-02T01:00:00Z"}, "The end is in the past"),
    ({"action": "conserve", "until": "2026-03-04T01:00:00Z"}, "more than 1440 minutes"),
    ({"action": "conserve", "until": "soon"}, "until must be a time"),
    ({"action": "conserve", "until": 5}, "until must be a time"),
    ({"action": "conserve", "until": "0001-01-01T00:00:00+14:00"}, "until must be a time"),
    ({**CHARGE, "start": "2026-03-02T01:00:00Z"}, "The start is in the past"),
    ({**CHARGE, "start": "2026-03-10T01:00:00Z"}, "more than 7 days ahead"),
    ({"action": "limit", "minutes": 5}, "needs one of max_import"),
    ({**CHARGE, "inverter": 5}, "inverter must be text"),
    ({**CHARGE, "id": "x" * 256}, "id must be text"),
]


@pytest.mark.parametrize(("data", "why"), WRONG)
def test_what_is_wrong_is_said_in_one_sentence(data: object, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        parse(data, "automation", NOW)
