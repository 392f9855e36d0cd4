"""That the documents say what is so."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_test_that_the_table_of_faults_names_exists() -> None:
    table = (ROOT / "docs/faults.md").read_text()
    for file, name in re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", table):
        source = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^(?:async )?(?:def|class) {name}\b", source, re.MULTILINE), name


def test_the_version_is_the_same_everywhere() -> None:
    config = (ROOT / "redback_addon/config.yaml").read_text()
    (version,) = re.findall(r"^version: (.+)$", config, re.MULTILINE)
    assert f'version = "{version}"' in (ROOT / "redback_addon/pyproject.toml").read_text()
    assert f"## {version}\n" in (ROOT / "redback_addon/CHANGELOG.md").read_text()
