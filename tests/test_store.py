"""That the Supervisor takes the add-on, shows it well and trusts it.

These are the Supervisor's own rules, and those of the community's linter for add-ons.
"""

import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from mark import ICON, LOGO
from redback import options
from redback.environment import Environment
from standin.options import ELEMENT, UnfitOptionsError, validate

ROOT = Path(__file__).parent.parent
ADDON = ROOT / "redback_addon"
README = (ROOT / "README.md").read_text()
CONFIG: dict[str, Any] = yaml.safe_load((ADDON / "config.yaml").read_text())
PANEL = yaml.safe_load((ADDON / "translations/en.yaml").read_text())

# Every key that the add-on may have, with what it is when it is not there, where that is known.
# Rights to devices, to the host, to the Supervisor and to other add-ons are left out on purpose.
NONE = object()
KEYS: dict[str, object] = {
    "apparmor": True,
    "arch": NONE,
    "backup": "hot",
    "backup_exclude": NONE,
    "boot": "auto",
    "description": NONE,
    "homeassistant": NONE,
    "homeassistant_api": False,
    "image": NONE,
    "ingress": False,
    "ingress_port": 8099,
    "ingress_stream": False,
    "init": True,
    "name": NONE,
    "options": {},
    "panel_admin": True,
    "panel_icon": "mdi:puzzle",
    "panel_title": NONE,
    "schema": {},
    "services": [],
    "slug": NONE,
    "stage": "stable",
    "startup": "application",
    "timeout": 10,
    "tmpfs": False,
    "url": NONE,
    "version": NONE,
}
REQUIRED = {"name", "version", "slug", "description", "arch"}


def misshapen(schema: object, name: str, *, within_list: bool = False) -> Iterator[str]:
    """Return what is no schema of options; a list right inside a list makes the file refused."""
    match schema:
        case str():
            if not ELEMENT.fullmatch(schema):
                yield name
        case dict():
            for key, inner in schema.items():
                yield from misshapen(inner, f"{name}.{key}")
        case [inner] if not within_list:
            yield from misshapen(inner, f"{name}[]", within_list=True)
        case _:
            yield name


class TestConfiguration:
    """The file config.yaml."""

    def test_it_has_what_it_must_have(self) -> None:
        assert CONFIG.keys() >= REQUIRED
        assert re.fullmatch(r"[-_.A-Za-z0-9]+", CONFIG["slug"])
        assert set(CONFIG["arch"]) == {"aarch64", "amd64"}

    def test_nothing_says_what_is_so_anyway(self) -> None:
        assert not {key for key, value in CONFIG.items() if value == KEYS[key]}

    def test_s6_is_the_first_process(self) -> None:
        assert CONFIG["init"] is False

    def test_it_asks_for_no_right_but_to_talk_to_core(self) -> None:
        assert CONFIG["homeassistant_api"] is True
        assert CONFIG.keys() <= KEYS.keys()

    def test_the_store_shows_the_best_rating_there_is(self) -> None:
        # Everything else that counts would be a right.
        assert CONFIG["ingress"] is True
        assert CONFIG.get("apparmor", KEYS["apparmor"]) is True
        assert (ADDON / "apparmor.txt").exists()

    def test_the_panel_listens_where_the_supervisor_looks_for_it(self) -> None:
        assert CONFIG.get("ingress_port", KEYS["ingress_port"]) == Environment.panel_port
        assert CONFIG["panel_icon"].startswith("mdi:")

    def test_the_oldest_core_it_asks_for_is_one_that_tests_run(self) -> None:
        tested = re.findall(r"=\((\d{4}\.\d+\.\d+) ", (ROOT / "script/core").read_text())
        assert CONFIG["homeassistant"] == min(
            tested, key=lambda version: [int(part) for part in version.split(".")]
        )

    def test_no_other_file_can_be_taken_for_an_add_on(self) -> None:
        found = [
            path.relative_to(ROOT)
            for path in ROOT.glob("**/config.*")
            if path.suffix in (".json", ".yaml", ".yml")
            and not any(
                (part.startswith(".") and part not in (".ci", ".github"))
                or part in ("rootfs", "node_modules")
                for part in path.relative_to(ROOT).parts
            )
        ]
        assert found == [Path("redback_addon/config.yaml")]

    @pytest.mark.parametrize(
        ("file", "is_kept"),
        [
            ("options.json", True),
            ("memory.json", True),
            ("counters.json", True),
            ("entities.json", True),
            ("history.db", True),
            ("ledger.db", True),
            ("adjustments.db", True),
            ("history.db-wal", True),
            ("history.db-shm", False),
            ("minutes.db", False),
            ("minutes.db-wal", False),
            ("history.damaged", False),
            (".memory.json.new", False),
        ],
    )
    def test_a_backup_holds_what_nothing_else_can_bring_back(
        self, file: str, *, is_kept: bool
    ) -> None:
        path = PurePath("data") / file
        assert is_kept != any(path.match(pattern) for pattern in CONFIG["backup_exclude"])


class TestOptions:
    """The options, and the panel in which people set them."""

    def test_their_schema_is_one(self) -> None:
        assert not list(misshapen(CONFIG["schema"], "schema"))

    def test_the_supervisor_takes_the_defaults(self) -> None:
        assert validate(CONFIG["schema"], CONFIG["options"]) == CONFIG["options"]

    def test_every_option_has_a_default_in_the_order_in_which_people_fill_them(self) -> None:
        assert list(CONFIG["options"]) == list(CONFIG["schema"]) == list(options.LABELS)

    @pytest.mark.parametrize(
        "change",
        [
            {"sites": [{"id": "S1"}]},
            {"sites": [{"id": "S1", "name": "Home"}, {"id": "RB2", "name": ""}]},
            {"history_days": 3650},
            {"history_days": "30"},
            {"log_level": "debug"},
        ],
    )
    def test_the_supervisor_takes_what_works(self, change: dict[str, object]) -> None:
        given = CONFIG["options"] | {"client_id": "an-id", "credential": "a-secret"} | change
        validate(CONFIG["schema"], given)
        assert options.check(given).client_id == "an-id"

    @pytest.mark.parametrize(
        "change",
        [
            {"client_id": None},
            {"sites": None},
            {"sites": [{"name": "Home"}]},
            {"history_days": -1},
            {"history_days": 3651},
            {"log_level": "loud"},
        ],
    )
    def test_the_supervisor_refuses_what_cannot_work(self, change: dict[str, object]) -> None:
        with pytest.raises(UnfitOptionsError):
            validate(CONFIG["schema"], CONFIG["options"] | change)

    @pytest.mark.parametrize("name", ["history_days", "detailed_sensors", "log_level"])
    def test_what_is_cleared_in_the_panel_is_as_it_was_at_first(self, name: str) -> None:
        given = CONFIG["options"] | {"client_id": "an-id", "credential": "a-secret"}
        cleared = {key: value for key, value in given.items() if key != name}
        validate(CONFIG["schema"], cleared)
        assert options.check(cleared) == options.check(given)

    def test_each_has_a_name_and_sentences_that_need_no_other_text(self) -> None:
        texts = dict(PANEL["configuration"])
        assert list(texts) == list(CONFIG["schema"])
        fields = texts["sites"]["fields"]
        assert list(fields) == list(CONFIG["schema"]["sites"][0])
        for entry in (*texts.values(), *fields.values()):
            assert entry.keys() <= {"name", "description", "fields"}
            assert entry["name"]
            assert len(entry["description"].split()) > 5
            assert entry["description"].endswith(".")

    def test_the_credential_is_masked(self) -> None:
        assert CONFIG["schema"]["credential"].startswith("password")


class TestPictures:
    """What the store shows; `script/draw` makes them."""

    @pytest.mark.parametrize(("name", "size"), [("icon", ICON), ("logo", LOGO)])
    def test_they_are_small_files_of_the_size_that_the_store_shows(
        self, name: str, size: tuple[int, int]
    ) -> None:
        content = (ADDON / f"{name}.png").read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        width, height, _, colours = struct.unpack(">IIBB", content[16:26])
        assert (width, height) == size
        assert colours == 6, "a background that shows through"
        assert len(content) < 20_000


class TestProfile:
    """The AppArmor profile."""

    PATH = ADDON / "apparmor.txt"

    def test_it_has_one_name_that_the_supervisor_can_replace(self) -> None:
        text = self.PATH.read_text()
        assert re.findall(r"^profile ([^ ]+)", text, re.MULTILINE) == [CONFIG["slug"]]

    def test_the_parser_takes_it(self) -> None:
        parser = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin")
        if parser is None:
            pytest.skip("needs Debian's apparmor")
        done = subprocess.run(  # noqa: S603 - a program of the system, and a file of ours
            [parser, "--skip-kernel-load", "--skip-cache", self.PATH],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def test_the_service_itself_has_no_capability_and_starts_no_program(self) -> None:
        _, service = self.PATH.read_text().split("profile service", 1)
        assert "capability" not in service
        executed = [line for line in service.splitlines() if re.search(r" [a-z]*x,$", line)]
        assert [line.split()[0] for line in executed] == ["/opt/redback/bin/python*"]


def test_the_button_adds_the_repository_whose_address_is_in_its_file() -> None:
    repository = yaml.safe_load((ROOT / "repository.yaml").read_text())
    assert repository.keys() == {"name", "url", "maintainer"}
    (button,) = re.findall(r"\]\((https://my\.home-assistant\.io/redirect/\S+)\)", README)
    place, _, query = button.partition("?")
    assert place.endswith("/supervisor_add_addon_repository/")
    assert parse_qs(query) == {"repository_url": [repository["url"]]}
