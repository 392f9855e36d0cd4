"""That folders import each other in one direction, as CONTRIBUTING draws it."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import redback

ROOT = Path(redback.__file__).parent
CONTRIBUTING = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()


def imports() -> dict[str, set[str]]:
    """Return which folders, or modules at the top, each of them imports."""
    found: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        place = path.relative_to(ROOT).with_suffix("").parts
        found.setdefault(place[0], set()).update(_imported(path, place))
    return {name: others - {name} for name, others in found.items()}


def _imported(path: Path, place: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = place[: -node.level]
            names = node.module.split(".") if node.module else [one.name for one in node.names]
            yield (*above, *names)[0]


def test_no_folder_imports_one_that_imports_it() -> None:
    assert len(list(TopologicalSorter(imports()).static_order())) > 20


def test_imports_run_as_contributing_draws_them() -> None:
    found = re.search(r"^    (service > .+)$", CONTRIBUTING, re.MULTILINE)
    assert found is not None
    order, folders = found[1].split(" > "), imports()
    for number, name in enumerate(order):
        assert not folders[name] & {*order[:number]}, name


def test_the_cloud_and_home_assistant_know_nothing_of_each_other() -> None:
    found = imports()
    assert found["cloud"] <= {"timeouts", "tracebacks"}
    assert found["core"] <= {"clock", "problems", "timeouts"}
