"""That a version is one version, wherever it stands, before it is released."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = ("config.yaml", "pyproject.toml", "CHANGELOG.md")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which everything is version 1.2.3."""
    (tmp_path / "script").mkdir()
    shutil.copy(ROOT / "script/version", tmp_path / "script")
    (tmp_path / "repository.yaml").write_text("name: Redback\nurl: https://example.org/a/redback\n")
    addon = tmp_path / "redback_addon"
    addon.mkdir()
    (addon / "config.yaml").write_text("name: Redback\nversion: 1.2.3\nslug: redback\n")
    (addon / "pyproject.toml").write_text('[project]\nname = "redback"\nversion = "1.2.3"\n')
    (addon / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 1.2.3\n\n## 1.2.2\n")
    return tmp_path


def version(
    project: Path, *words: str, image: str = "", repository: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a script of the project
        [project / "script/version", *words],
        env=os.environ | {"IMAGE": image, "REPOSITORY": repository},
        capture_output=True,
        text=True,
        check=False,
    )


def test_this_project_is_one_version() -> None:
    done = version(ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [(), ("v1.2.3",), ("1.2.3",)])
def test_one_version_everywhere_is_printed(project: Path, words: tuple[str, ...]) -> None:
    assert version(project, *words).stdout == "1.2.3\n"


def test_a_heading_with_brackets_and_a_date_counts(project: Path) -> None:
    (project / "redback_addon/CHANGELOG.md").write_text("## [1.2.3] - 2026-03-02\n")
    assert version(project).returncode == 0


@pytest.mark.parametrize("file", FILES)
def test_a_file_with_another_version_is_named(project: Path, file: str) -> None:
    path = project / "redback_addon" / file
    path.write_text(path.read_text().replace("1.2.3", "1.3.0"))
    done = version(project)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "1.3.0" in done.stderr


def test_a_tag_of_another_version_is_refused(project: Path) -> None:
    done = version(project, "v1.2.4")
    assert done.returncode == 1
    assert done.stderr == "config.yaml is version 1.2.3, but the tag says 1.2.4\n"


@pytest.mark.parametrize(
    ("named", "code"),
    [(None, 0), ("ghcr.io/someone/redback", 0), ("ghcr.io/someone-else/redback", 1)],
)
def test_an_image_that_is_published_elsewhere_is_refused(
    project: Path, named: str | None, code: int
) -> None:
    if named is not None:
        with (project / "redback_addon/config.yaml").open("a") as config:
            config.write(f"image: {named}\n")
    done = version(project, image="ghcr.io/someone/redback")
    assert done.returncode == code


@pytest.mark.parametrize(
    ("address", "code"),
    [("", 0), ("https://example.org/a/redback", 0), ("https://example.org/b/redback", 1)],
)
def test_the_address_of_another_repository_is_refused(
    project: Path, address: str, code: int
) -> None:
    done = version(project, repository=address)
    assert done.returncode == code
    assert (f"but this is {address}" in done.stderr) == bool(code)
