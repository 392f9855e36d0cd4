"""That the documents say what is so."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import yaml

from examples import SERIAL, configuration, dynamic, static
from panel.addresses import addresses
from redback import options
from redback.backfill.adjustments import _LISTED
from redback.backfill.audit import _ALL_SECONDS
from redback.backfill.fetcher import _AGAIN_AFTER
from redback.backfill.gaps import SETTLE
from redback.controls.book import _RECORDED
from redback.controls.command import _MOST_POWER
from redback.controls.controls import _ANSWER_SECONDS
from redback.controls.executor import LEAST_SECONDS
from redback.controls.follow import _FOLLOWS_WITHIN, _TOLERANCE_W
from redback.controls.mqtt_door import _RENEWED_FOR
from redback.core.notices import _SHOWN_EVERY_SECONDS
from redback.dashboards.dashboard import TITLE
from redback.environment import Environment
from redback.inverters.naming import DEFAULT_BASE, new_name
from redback.notifications import Notification
from redback.options import _LONGEST_NAME, OptionsError
from redback.panel.minutes import _KEPT
from redback.panel.notices import _PROBLEMS
from redback.polling.account import _DISCOVERY_SECONDS, _MISSING_FOR
from redback.polling.poller import _CLOCK_TOLERANCE
from redback.problems import _CAUSES, Kind
from redback.publishing.ownership import _SILENT_SECONDS
from redback.sensors.details import Details
from redback.sensors.reading import STALE_AFTER, Reading
from redback.sensors.table import sensors

ROOT = Path(__file__).parent.parent
ADDON = ROOT / "redback_addon"
SOURCE = ADDON / "src/redback"
CONFIG = yaml.safe_load((ADDON / "config.yaml").read_text())
DOCS = (ADDON / "DOCS.md").read_text()
# Where the add-on's documentation, which Home Assistant shows, leads to a guide.
MAIN = yaml.safe_load((ROOT / "repository.yaml").read_text())["url"] + "/blob/main/"
DOCUMENTS = sorted(
    path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("redback_addon/*.md"))
)


def test_every_test_that_the_table_of_faults_names_exists() -> None:
    table = (ROOT / "docs/faults.md").read_text()
    for file, name in re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", table):
        source = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^(?:async )?(?:def|class) {name}\b", source, re.MULTILINE), name


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub and Home Assistant make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w -]", "", heading).strip().lower() for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("https://") and not link.startswith(MAIN):
            continue
        file, _, anchor = link.removeprefix(MAIN).partition("#")
        folder = ROOT if link.startswith(MAIN) else document.parent
        target = (folder / file) if file else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_every_section_of_the_dossier_that_is_cited_exists() -> None:
    dossier = (ROOT / "docs/redback-api.md").read_text()
    sections = {*re.findall(r"^#+ (\d+(?:\.\d+)?)\.? ", dossier, re.MULTILINE)}
    for folder in ("redback_addon/src", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            cited = re.findall(r"[Dd]ossier (?:sections? )?(\d+(?:\.\d+)?)", path.read_text())
            assert {*cited} <= sections, path


def section(title: str) -> str:
    """Return what stands below a heading, up to the next one of its kind."""
    below = rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)"
    found = re.search(below, DOCS, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[2]


def rows(text: str) -> list[tuple[str, str]]:
    """Return name and unit of each entity that the tables have; A, B, C stand for three."""
    found: list[tuple[str, str]] = []
    for cell, unit in re.findall(r"^\| ([^|*]+?) \| (.*?) ?\| .*\|$", text, re.MULTILINE):
        stem, _, phases = cell.partition(" A, B, C")
        of_phases = cell != stem and not phases
        names = [f"{stem} {phase}" for phase in "ABC"] if of_phases else cell.split(", ")
        found += product(names, [unit])
    return [row for row in found if row[0] not in ("entity", "---")]


def table(*, detailed: bool) -> Iterator[tuple[str, str]]:
    """Return name and unit of each sensor that there can be; n stands for a number."""
    reading = Reading(SERIAL, datetime.now(UTC), dynamic(), Details(static(), configuration()))
    for sensor in sensors(reading, detailed=True):
        name = re.sub(r"^(PV|Battery Module|Battery Cabinet) \d+", r"\1 n", sensor.name)
        if sensor.detailed == detailed:
            yield name, sensor.quantity.unit or ""


# DOCS.md without its line breaks.
PLAIN = " ".join(DOCS.split())
DETAILED = (ROOT / "docs/entities.md").read_text()
COMMANDS = " ".join((ROOT / "docs/controls.md").read_text().split())
GUIDES = ("controls", "history", "panel", "performance", "setup")
IN_WORDS = {300.0: "five minutes", 600.0: "ten minutes", 3600.0: "an hour", 86400.0: "a day"}
LENGTHS = [
    ("measurements become unavailable after {};", STALE_AFTER),
    ("OFFLINE (no reading for {}, or", STALE_AFTER),
    ("*Unavailable*: there was no reading for {},", STALE_AFTER),
    ("Earlier days follow by themselves, from {} after the start", SETTLE),
    ("fetched and filled, from {} after the last hour", SETTLE),
    ("A clock is more than {} off.", _CLOCK_TOLERANCE),
    ("takes over the name and all entities, within {}.", _DISCOVERY_SECONDS),
    ("An inverter that your account has not listed for {} is not read", _MISSING_FOR),
    ("the other has written nothing for {},", _SILENT_SECONDS),
    ("Within {} the add-on writes them again", _ALL_SECONDS),
    ("if that comes and goes, it is shown once {} at most", _SHOWN_EVERY_SECONDS),
    (f"In all readings of {{}} more than {_TOLERANCE_W} W above", _FOLLOWS_WITHIN),
]
FIGURES = [
    "{} by default, {} for none, at most {}.".format(
        CONFIG["options"]["history_days"], *re.findall(r"\d+", CONFIG["schema"]["history_days"])
    ),
    f"At most {_LONGEST_NAME} letters",
    f"lists the latest {_LISTED} of these corrections",
    "after {:.0f}, {:.0f} and {:.0f} hours".format(
        *(after / timedelta(hours=1) for after in _AGAIN_AFTER)
    ),
    f"{['no', 'one', 'two'][_KEPT.days]} days of readings",
    f"until it is switched off, for {_RENEWED_FOR / timedelta(hours=1):.0f} hours at most",
    f"Home Assistant {CONFIG['homeassistant']} or newer",
    f"({' or '.join(sorted(CONFIG['arch'], reverse=True))})",
    *(f"`{url.removeprefix('https://')}`" for url in (Environment.api_url, Environment.login_url)),
]
COMMAND_FIGURES = [
    f"Nothing is renewed more than {_RENEWED_FOR / timedelta(hours=1):.0f} hours after",
    f"One that has waited for {_ANSWER_SECONDS - LEAST_SECONDS:.0f} seconds is refused",
    f"of `limit_export` up to {_MOST_POWER:,}",
    f"report the mode within {_FOLLOWS_WITHIN / timedelta(minutes=1):.0f} minutes",
    f"more than {_TOLERANCE_W} W above a limit of the export",
]


class TestTheAddOnsDocumentation:
    """DOCS.md."""

    @pytest.mark.parametrize("detailed", [False, True])
    def test_it_names_every_entity_with_its_unit(self, *, detailed: bool) -> None:
        documented = rows(DETAILED if detailed else section("Entities"))
        assert sorted(documented) == sorted(set(table(detailed=detailed)))

    def test_it_has_a_heading_for_each_option_in_the_panels_order(self) -> None:
        headings = re.findall(r"^### (.+)$", section("Options"), re.MULTILINE)
        assert headings == list(options.LABELS.values())

    def test_its_example_has_every_option_with_its_default(self) -> None:
        example = section("Options").split("```yaml\n")[1].split("```")[0]
        assert yaml.safe_load(example) == CONFIG["options"]

    def test_its_examples_are_options_that_work(self) -> None:
        texts = re.findall(r"```yaml\n(.*?)```", section("Options"), re.DOTALL)
        given = {key: value for text in texts for key, value in yaml.safe_load(text).items()}
        options.check({**given, "client_id": "a", "credential": "b"})

    def test_it_quotes_what_the_options_say_when_they_are_wrong(self) -> None:
        with pytest.raises(OptionsError) as raised:
            options.check({"client_id": "", "credential": "b"})
        (quoted,) = re.findall(r"such as \*(.+?)\*", section("Troubleshooting"))
        assert raised.value.problems == (f"{quoted}.",)

    def test_it_says_which_names_inverters_get(self) -> None:
        ends = new_name("RB22010112340022", DEFAULT_BASE, (), alone=False)
        assert f"start with *{DEFAULT_BASE}*, or with *{ends}* (" in PLAIN

    @pytest.mark.parametrize(("sentence", "length"), LENGTHS)
    def test_it_says_how_long_things_take(self, sentence: str, length: timedelta | float) -> None:
        seconds = length if isinstance(length, int | float) else length.total_seconds()
        assert sentence.format(IN_WORDS[seconds]) in PLAIN

    @pytest.mark.parametrize("sentence", FIGURES)
    def test_its_figures_are_those_of_the_program(self, sentence: str) -> None:
        assert sentence in PLAIN

    @pytest.mark.parametrize("sentence", COMMAND_FIGURES)
    def test_the_figures_of_the_guide_to_commands_are_those_of_the_program(
        self, sentence: str
    ) -> None:
        assert sentence in COMMANDS

    def test_it_says_when_a_service_that_crashes_is_given_up(self) -> None:
        finish = (ADDON / "rootfs/etc/s6-overlay/s6-rc.d/redback/finish").read_text()
        assert "s6-permafailon 600 5 " in finish
        assert "After five times in ten minutes the add-on stops" in PLAIN

    def test_it_names_every_section_of_the_panel_in_its_order(self) -> None:
        page = (SOURCE / "panel/page.html").read_text()
        named = re.findall(r"^\| ([A-Z].*?) \|", section("The panel"), re.MULTILINE)
        assert named == re.findall(r'<li><a href="#\w+">(.+?)</a>', page)

    def test_what_it_says_to_press_is_there(self) -> None:
        pressed = {*re.findall(r"\bpress\w* \*\*(.+?)\*\*", PLAIN)} - {"Start"}
        assert len(pressed) >= 6
        assert not {words for words in pressed if words.casefold() not in program()}

    def test_the_dashboard_has_the_name_that_it_says(self) -> None:
        assert f"*{TITLE}*" in PLAIN

    def test_it_explains_every_notification(self) -> None:
        assert not {notification.title for notification in Notification} - {*messages()}

    @pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
    def test_it_explains_every_kind_of_problem(self, kind: Kind) -> None:
        assert is_explained(kind.sentence)
        assert kind not in _PROBLEMS or is_explained(_PROBLEMS[kind][1])

    def test_it_explains_what_can_be_in_the_way_to_the_cloud(self) -> None:
        assert not [title for title, _ in _CAUSES.values() if not is_explained(title)]

    def test_it_explains_every_warning_of_the_log(self) -> None:
        logged = [*warnings()]
        assert len(logged) >= 8
        assert not [text for text in logged if not is_explained(text)]

    def test_every_message_that_it_explains_is_one_of_the_program(self) -> None:
        for message in messages():
            for part in message.casefold().split("…"):
                assert part.strip() in program(), message


def is_explained(text: str) -> bool:
    """Whether the table has a message: … begins one with a name, and later stands for anything."""
    named = re.sub(r"\(?(?:\{\w+\}|%[\w.+]+)\)?", "…", text)
    for message in messages():
        rest = message.removeprefix("…")
        pattern = message[: -len(rest)] + ".+".join(map(re.escape, rest.split("…")))
        if re.search(pattern, named, re.IGNORECASE):
            return True
    return False


def messages() -> Iterator[str]:
    """Yield the messages that the table has, without the names of its groups."""
    for cell in re.findall(r"^\| ([^|*]+?) \| ", section("Troubleshooting"), re.MULTILINE):
        if cell not in ("message", "---"):
            yield from cell.split("; ")


def warnings() -> Iterator[str]:
    """Yield what is logged as a warning or an error, of what says something by itself."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="warning" | "error" | "exception"),
                    args=[ast.Constant(str(text)), *_],
                ) if len(re.sub(r"%\S+", "", text).split()) > 1:
                    yield text
    for path in (ADDON / "rootfs").rglob("*"):
        if path.is_file():
            yield from re.findall(r'bashio::log\.\w+ "(.+?)"', path.read_text())


@cache
def program() -> str:
    """Return all that the add-on is made of, as one line in small letters, with literals joined."""
    files = [*SOURCE.rglob("*.py"), *(SOURCE / "panel").rglob("*.js"), *ADDON.rglob("finish")]
    text = "\n".join(path.read_text() for path in [*files, *ADDON.rglob("run")])
    text = re.sub(r'"\s*\n\s*f?"', "", text)
    # What a button says of one of two things.
    return re.sub(r'\$\{\w+ \? "(.*?)" : ".*?"\}', r"\1", text).casefold()


def test_what_the_panel_says_of_a_shared_meter_is_what_the_documentation_says() -> None:
    source = (SOURCE / "panel/static/flows.js").read_text()
    (shown,) = re.findall(r'SHARED_METER = "(.+)\."', source)
    assert shown in PLAIN


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", *(f"docs/{one}.md" for one in GUIDES)])
def test_every_file_and_folder_that_a_guide_names_exists(name: str) -> None:
    tops = (*ROOT.glob("*"), *ADDON.rglob("*"), *(ROOT / "tests").rglob("*"))
    there = {path.as_posix() for path in tops}
    for named in re.findall(r"`([\w/.-]+(?:\.(?:py|html|js|yaml)|/))`", (ROOT / name).read_text()):
        assert any(path.endswith(f"/{named.rstrip('/')}") for path in there), named


def test_contributing_names_every_folder_of_the_program_and_of_the_tests() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    folders = [path for path in SOURCE.iterdir() if (path / "__init__.py").exists()]
    ours = {f"redback_addon/src/redback/{path.name}/" for path in folders}
    mirrored = {path.name for path in folders}
    tests = {path.parent.name for path in (ROOT / "tests").glob("*/*.*")} - mirrored
    tests.discard("__pycache__")
    assert not {name for name in ours | {f"tests/{one}/" for one in tests} if name not in text}


def test_contributing_names_every_file_of_the_data_folder_with_what_it_keeps() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    source = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    files = {*re.findall(r'"(\w+\.(?:json|db))"', source)} - {"entities.json"}  # of an old version
    assert files == {*re.findall(r"`(\w+\.(?:json|db))`(?=.* \| .+ \| )", text)}
    assert f"the last {_RECORDED} answers to commands" in text


class TestTheGuideToThePanel:
    """docs/panel.md."""

    TEXT = (ROOT / "docs/panel.md").read_text()

    def test_it_names_every_module(self) -> None:
        there = {path.name for path in (SOURCE / "panel").glob("*.py")} - {"__init__.py"}
        assert there == {*re.findall(r"`(\w+\.py)`", self.TEXT)}

    def test_it_names_every_route_and_no_other(self) -> None:
        routes = self.TEXT.split("## Routes\n")[1].split("\n## ")[0]
        named: set[str] = set()
        for method, cell in re.findall(r"^\| `(GET|POST) (.+?) \|", routes, re.MULTILINE):
            paths = re.findall(r"([^`?]+)[^`]*`(?:, `)?", cell)
            named |= {f"{method} {path}" for path in paths}
        assert named == addresses()
