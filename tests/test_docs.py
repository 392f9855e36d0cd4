"""That the documents say what is so."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
import yaml

from examples import SERIAL, configuration, dynamic, static
from redback import options
from redback.notifications import Notification
from redback.problems import Kind
from redback.sensors.details import Details
from redback.sensors.reading import Reading
from redback.sensors.table import sensors

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "redback_addon/DOCS.md").read_text()
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
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (document.parent / file) if file else document
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
    for name, unit in re.findall(r"^\| (.+?) \| (.*?) ?\| .+ \|$", text, re.MULTILINE):
        stem, _, phases = name.partition(" A, B, C")
        several = name != stem and not phases
        names = [f"{stem} {phase}" for phase in "ABC"] if several else [name]
        found += product(names, [unit])
    return [row for row in found if row[0] not in ("entity", "---")]


def table(*, detailed: bool) -> Iterator[tuple[str, str]]:
    """Return name and unit of each sensor that there can be; n stands for a number."""
    reading = Reading(SERIAL, datetime.now(UTC), dynamic(), Details(static(), configuration()))
    for sensor in sensors(reading, detailed=True):
        name = re.sub(r"^(PV|Battery Module|Battery Cabinet) \d+", r"\1 n", sensor.name)
        if sensor.detailed == detailed:
            yield name, sensor.quantity.unit or ""


class TestTheAddOnsDocumentation:
    """DOCS.md."""

    @pytest.mark.parametrize("detailed", [False, True])
    def test_it_names_every_entity_with_its_unit(self, *, detailed: bool) -> None:
        plain, details = section("Entities").split("### Entities of the option")
        documented = rows(details if detailed else plain)
        assert sorted(documented) == sorted(set(table(detailed=detailed)))

    def test_it_has_a_heading_for_each_option_in_the_panels_order(self) -> None:
        headings = re.findall(r"^### (.+)$", section("Options"), re.MULTILINE)
        assert headings == list(options.LABELS.values())

    def test_its_example_has_every_option_with_its_default(self) -> None:
        example = section("Options").split("```yaml\n")[1].split("```")[0]
        config = yaml.safe_load((ROOT / "redback_addon/config.yaml").read_text())
        assert yaml.safe_load(example) == config["options"]

    def test_its_examples_are_options_that_work(self) -> None:
        texts = re.findall(r"```yaml\n(.*?)```", section("Options"), re.DOTALL)
        given = {key: value for text in texts for key, value in yaml.safe_load(text).items()}
        options.check({**given, "client_id": "a", "credential": "b"})

    def test_it_explains_every_notification(self) -> None:
        first = re.findall(r"^\| (.+?) \| ", section("Troubleshooting"), re.MULTILINE)
        messages = {message for cell in first for message in cell.split("; ")}
        assert not {notification.title for notification in Notification} - messages

    @pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
    def test_it_explains_every_kind_of_problem(self, kind: Kind) -> None:
        text = section("Troubleshooting").replace("\n", " ").casefold()
        assert any(part.casefold() in text for part in parts(kind.sentence))


def parts(sentence: str) -> Iterator[str]:
    """Return the parts of a sentence that are always the same, and long enough to be looked for."""
    for part in re.split(r"\{\w+\}|[:;()]", sentence):
        words = part.strip(" .")
        if len(words.split()) >= 3:
            yield words


def test_what_the_panel_says_of_a_shared_meter_is_what_the_documentation_says() -> None:
    source = (ROOT / "redback_addon/src/redback/panel/static/flows.js").read_text()
    (shown,) = re.findall(r'SHARED_METER = "(.+)\."', source)
    assert shown in " ".join(DOCS.split())
