"""What the options may be, and what the user sees if they are invalid."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
import yaml
from hypothesis import given
from hypothesis import strategies as st

from examples import SERIAL, configuration, dynamic, static
from redback import options
from redback.options import Login, Options, OptionsError, Site
from redback.publishing.entity_ids import entity_id
from redback.sensors.details import Details
from redback.sensors.reading import Reading
from redback.sensors.table import sensors
from strange import VALUES, spoilt, written

ADDON = Path(__file__).parent.parent / "redback_addon"
GOOD = {"client_id": "an-id", "credential": "a-secret"}
OTHER = {"client_id": "other", "credential": "x"}


def problems_of(raw: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(OptionsError) as raised:
        options.check(raw)
    return raised.value.problems


def test_credentials_alone_are_enough() -> None:
    assert options.check(GOOD) == Options("an-id", "a-secret", (), 7, False, "info")


def test_a_full_set_is_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "options.json"
    path.write_text(
        json.dumps(
            GOOD
            | {
                "sites": [{"id": "S1", "name": "Home"}, {"id": "RB2", "name": "Shed"}],
                "history_days": 30,
                "detailed_sensors": True,
                "log_level": "debug",
            }
        )
    )
    assert options.read(path) == Options(
        "an-id", "a-secret", (Site("S1", "Home"), Site("RB2", "Shed")), 30, True, "debug"
    )


def test_blanks_that_were_pasted_along_are_taken_off() -> None:
    assert options.check({"client_id": " an-id\n", "credential": "\ta-secret "}) == Options(
        "an-id", "a-secret"
    )


@pytest.mark.parametrize(
    "unseen", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202a", "\u00a0"]
)
def test_characters_that_nobody_sees_are_taken_out_of_credentials(unseen: str) -> None:
    pasted = {"client_id": f"{unseen}an-{unseen}id", "credential": f" a-{unseen}secret{unseen}\n"}
    assert options.check(pasted) == Options("an-id", "a-secret")
    assert problems_of(GOOD | {"credential": unseen})[0].startswith("Credential is empty")


def test_more_accounts_are_read_beside_the_first_one() -> None:
    more = [{"client_id": " b\n", "credential": "c\u200b"}, {**OTHER, "name": " Farm "}]
    checked = options.check(GOOD | {"more_accounts": more})
    assert checked.logins == (
        Login("an-id", "a-secret"),
        Login("b", "c"),
        Login("other", "x", "Farm"),
    )
    assert options.check(GOOD).logins == (Login("an-id", "a-secret"),)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "More accounts must be a list whose entries each have a Client ID and a Credential."),
        ([OTHER, 5], "More accounts, entry 2: the Client ID, the Credential and the name must be"),
        ([OTHER, {"client_id": 5, "credential": "x"}], "More accounts, entry 2: the Client ID, "),
        ([{"credential": "x"}], "More accounts, entry 1: the Client ID is empty: enter the one"),
        ([OTHER, {"client_id": "b"}], "More accounts, entry 2: the Credential is empty: enter"),
        (
            [{"client_id": "AN-ID", "credential": "x"}],
            "More accounts, entry 1: the Client ID is the same as in the option Client ID: keep",
        ),
        ([OTHER, OTHER], "More accounts, entry 2: the Client ID is the same as in entry 1: keep"),
        (
            [OTHER | {"name": "Farm"}, {"client_id": "b", "credential": "c", "name": "farm"}],
            "More accounts, entry 2: the name is the same as in entry 1: each needs its own.",
        ),
        (
            [OTHER, {"client_id": "b", "credential": "c", "name": "2"}],
            "More accounts, entry 2: the name is the same as in entry 1: each needs its own.",
        ),
        (
            [OTHER | {"name": "1"}],
            "More accounts, entry 1: the name is the same as in the first account: each needs",
        ),
    ],
)
def test_what_is_wrong_with_an_entry_of_more_accounts_names_it(more: object, sentence: str) -> None:
    (problem,) = problems_of(GOOD | {"more_accounts": more})
    assert problem.startswith(sentence)
    assert not {"AN-ID", "an-id", "other"} & set(re.findall(r"[\w-]+", problem))


def test_no_secret_of_an_account_is_in_its_representation() -> None:
    checked = options.check(GOOD | {"more_accounts": [OTHER]})
    assert repr(checked.logins) == "(Login(), Login())"
    assert "secret" not in repr(checked)


def test_the_longest_name_makes_ids_that_core_takes() -> None:
    reading = Reading(SERIAL, datetime.now(UTC), dynamic(), Details(static(), configuration()))
    (site,) = options.check(GOOD | {"sites": [{"id": "S1", "name": 150 * "x"}]}).sites
    for sensor in sensors(reading, detailed=True):
        assert len(entity_id(f"{site.name} {SERIAL}", sensor.key)) <= 255


def test_a_name_is_one_line_of_what_can_be_read() -> None:
    sites = [{"id": "S1\n", "name": "My\n  home\x00\u200b"}]
    assert options.check(GOOD | {"sites": sites}).sites == (Site("S1", "My home"),)


def test_a_certificate_without_tls_is_not_passed_over() -> None:
    mqtt = {"host": "broker", "certificate": trustme.CA().cert_pem.bytes().decode()}
    assert problems_of(GOOD | {"mqtt": mqtt}) == (
        "MQTT broker: there is a Certificate, but TLS is off: turn TLS on.",
    )
    assert options.check(GOOD | {"mqtt": mqtt | {"tls": True}}).mqtt.tls


def test_options_of_another_version_are_passed_over() -> None:
    assert options.check(GOOD | {"colour": "red"}) == options.check(GOOD)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"client_id": ""}, "Client ID is empty: enter the one from Redback support."),
        ({"credential": "  "}, "Credential is empty: enter the one from Redback support"),
        ({"credential": 5}, "Credential must be text."),
        ({"history_days": -1}, "Days of history must be a whole number from 0 to 3650."),
        ({"history_days": 3651}, "Days of history must be a whole number from 0 to 3650."),
        ({"history_days": "week"}, "Days of history must be a whole number from 0 to 3650."),
        ({"history_days": None}, "Days of history must be a whole number from 0 to 3650."),
        ({"detailed_sensors": "often"}, "Detailed sensors must be on or off."),
        (
            {"mqtt": {"certificate": "/ssl/ca.pem"}},
            "MQTT broker: Certificate is none: paste all of it, from BEGIN CERTIFICATE to END",
        ),
        ({"log_level": "loud"}, "Log level must be one of debug, info, warning and error."),
        ({"sites": {"id": "S1"}}, "Sites must be a list whose entries each have an id."),
        (
            {"sites": [{"id": "S1"}, {"name": "x"}]},
            "Sites must be a list whose entries each have an id (entry 2 has none).",
        ),
        (
            {"sites": [{"id": "", "name": "x"}]},
            "Sites: entry 1 has no id: enter a site id or a serial number.",
        ),
        (
            {"sites": [{"id": "S1", "name": "a"}, {"id": "s1", "name": "b"}]},
            "Sites: the id S1 is listed 2 times: keep one.",
        ),
        (
            {"sites": [{"id": "S1", "name": "My home"}, {"id": "S2", "name": "my-home"}]},
            "Sites: the name My home is used 2 times: each entry needs its own.",
        ),
        (
            {"sites": [{"id": "S1", "name": "!!"}]},
            "Sites: the name of entry 1 contains no letter or digit.",
        ),
        (
            {"sites": [{"id": "S0"}, {"id": "S1", "name": 300 * "x"}]},
            "Sites: the name of entry 2 is too long: use at most 150 letters.",
        ),
        (  # each becomes five letters or more of an entity id
            {"sites": [{"id": "S1", "name": 40 * "中"}]},
            "Sites: the name of entry 1 is too long: use at most 150 letters.",
        ),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(change: dict[str, Any], sentence: str) -> None:
    (problem,) = problems_of(GOOD | change)
    assert problem.startswith(sentence)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(problems_of({"history_days": -1, "log_level": "loud"})) == 4


def test_two_sites_without_a_name_are_no_conflict() -> None:
    sites = [{"id": "S1", "name": ""}, {"id": "S2"}]
    assert options.check(GOOD | {"sites": sites}).sites == (Site("S1"), Site("S2"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "The options cannot be read: the file is not valid JSON."),
        (b"\xff\xfe", "The options cannot be read: the file is not valid JSON."),
        (b"[]", "The options cannot be read: the file is not a JSON object."),
        (b'{"sites": ' + 600 * b"[" + 600 * b"]" + b"}", "Sites must be a list whose entries"),
        (20_000 * b"[", "The options cannot be read: the file is not valid JSON."),
    ],
)
def test_a_file_that_is_no_set_of_options(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "options.json"
    path.write_bytes(content)
    with pytest.raises(OptionsError) as raised:
        options.read(path)
    assert any(problem.startswith(sentence) for problem in raised.value.problems)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="There are no options yet"):
        options.read(tmp_path / "options.json")


_SETS = st.dictionaries(st.sampled_from([*options.LABELS, "unknown"]), VALUES)
_SPOILT = spoilt(
    GOOD
    | {
        "sites": [{"id": "S1", "name": "Home"}, {"id": "RB2", "name": ""}],
        "history_days": 30,
        "detailed_sensors": True,
        "log_level": "debug",
    }
)


@given(st.one_of(_SPOILT, _SETS, VALUES).map(lambda value: written(value).encode()) | st.binary())
def test_whatever_the_file_holds_it_is_good_options_or_sentences(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "options.json"
    path.write_bytes(content)
    said, read = read_or_problems(path)
    assert all(
        sentence.startswith((*options.LABELS.values(), "The options cannot be read"))
        for sentence in said
    )
    if read is None:
        assert said
    else:
        assert read == msgspec.convert(msgspec.to_builtins(read), Options)
        assert all([read.client_id, read.credential, *(site.id for site in read.sites)])


def read_or_problems(path: Path) -> tuple[tuple[str, ...], Options | None]:
    try:
        return (), options.read(path)
    except OptionsError as error:
        return error.problems, None


def test_the_options_are_called_as_the_panel_calls_them() -> None:
    panel = yaml.safe_load((ADDON / "translations/en.yaml").read_text())["configuration"]
    assert {key: entry["name"] for key, entry in panel.items()} == options.LABELS


def test_the_panel_offers_the_defaults_of_the_program() -> None:
    defaults = yaml.safe_load((ADDON / "config.yaml").read_text())["options"]
    given = options.check(defaults | GOOD)
    assert given == options.check(GOOD)
