"""That the workflows run everything, with few rights, and nothing that may change under them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yaml"))
CI: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yaml").read_text())
CALL = "./.github/workflows/ci.yaml"


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.name))
class TestEach:
    """One workflow."""

    def test_every_action_is_one_commit_whose_version_stands_beside_it(self, file: Path) -> None:
        used = re.findall(r"uses: (\S+)(.*)$", file.read_text(), re.MULTILINE)
        assert used
        for action, comment in used:
            if action != CALL:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
                assert re.fullmatch(r"  # v\d+\.\d+\.\d+", comment), action

    def test_it_may_do_nothing_but_what_each_job_says(self, file: Path) -> None:
        workflow = yaml.safe_load(file.read_text())
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            assert "permissions" in job
            assert "timeout-minutes" in job or job["uses"] == CALL

    def test_nothing_from_outside_is_put_into_a_script(self, file: Path) -> None:
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            for step in job.get("steps", ()):
                assert "${{" not in step.get("run", "")


def commands() -> str:
    """Return all that CI runs."""
    steps = [step for job in CI["jobs"].values() for step in job["steps"]]
    return "\n".join(step.get("run", "") for step in steps)


def test_every_kind_of_test_runs_in_ci() -> None:
    tools = (ROOT / "pyproject.toml").read_text()
    marks = re.findall(r'^  "(\w+): ', tools, re.MULTILINE)
    found = re.findall(r'script/test -m (?:"([^"]+)"|(\w+))', commands())
    selections = [quoted or word for quoted, word in found]
    assert len(marks) >= 6
    for mark in marks:
        assert any(takes(selection, {mark}) for selection in selections), mark


def test_a_test_that_needs_several_things_runs_where_all_of_them_are() -> None:
    """Core's own Energy page is looked at with a browser, after days under a faster clock."""
    steps = {name: "\n".join(map(str, job["steps"])) for name, job in CI["jobs"].items()}
    has = {"browser": "google-chrome", "chaos": "faketime", "core": "script/core"}
    running = [
        name
        for name, text in steps.items()
        for selection in re.findall(r'script/test -m (?:"([^"]+)"|(\w+))', text)
        if takes("".join(selection), set(has))
    ]
    assert running == ["chaos"]
    assert all(thing in steps["chaos"] for thing in has.values())


def takes(selection: str, marks: set[str]) -> bool:
    """Whether a test with these marks, and no other, is selected."""
    return all(
        part.removeprefix("not ") not in marks if part.startswith("not ") else part in marks
        for part in selection.split(" and ")
    )


def test_the_cores_of_ci_are_those_that_script_core_installs() -> None:
    script = (ROOT / "script/core").read_text()
    installed = re.findall(r"^(\w+)=\((\d{4}\.\d+\.\d+) (3\.\d+) ", script, re.MULTILINE)
    matrix = CI["jobs"]["core"]["strategy"]["matrix"]["include"]
    described = [
        (entry["which"].removeprefix("--").upper(), entry["core"], entry["python"])
        for entry in matrix
    ]
    assert described == installed
    assert [name for name, *_ in installed] == ["NEWEST", "OLDEST"]


def test_the_changelogs_part_of_a_version_is_found() -> None:
    def notes(version: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - a script of the project
            [ROOT / "script/notes", version], capture_output=True, text=True, check=False
        )

    assert notes("1.0.0").stdout.startswith("### Added\n")
    assert "## " not in notes("1.0.0").stdout.replace("### ", "")
    assert notes("0.0.99").returncode == 1
