"""That the table of differences is one of the versions that the add-on supports."""

from pathlib import Path

import pytest
import yaml

from standin import versions
from standin.versions import NEWEST, OLDEST, Change, parse

CONFIGURATION = Path(__file__).parents[2] / "redback_addon/config.yaml"
ROWS = {name: row for name, row in vars(versions).items() if isinstance(row, Change)}
SINCE = {
    **{name: row.since for name, row in ROWS.items()},
    **versions.UNIT_CLASSES_SINCE,
    **versions.SOURCE_KEYS_SINCE,
}


def test_the_oldest_core_is_the_oldest_that_the_add_on_is_offered_to() -> None:
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    assert configuration["homeassistant"] == OLDEST


@pytest.mark.parametrize("name", SINCE)
def test_a_row_is_of_a_change_between_the_oldest_and_the_newest(name: str) -> None:
    assert parse(OLDEST) < SINCE[name] <= parse(NEWEST)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_of_a_difference(name: str) -> None:
    row = ROWS[name]
    assert row.old != row.new
    assert row.at(parse(OLDEST)) == row.old
    assert row.at(parse(NEWEST)) == row.new
    assert row.at(row.since) == row.new
