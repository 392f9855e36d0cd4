"""What outlives a restart, and what becomes of a file that is damaged."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redback.cloud import ListedInverter, Remembered, RememberedRoute
from redback.inverters.naming import GivenName, choose
from redback.saved_state import Saved, SavedState
from strange import VALUES, spoilt, written

NAMES = {"RB1": GivenName("Redback", "Redback 0001")}
CLOUD = Remembered("old", {"RB1": RememberedRoute("v2", datetime(2026, 3, 2, tzinfo=UTC))})


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    saved_state = SavedState(tmp_path / "memory.json")
    saved_state.save(names=NAMES)
    saved_state.save(cloud=CLOUD)
    saved = SavedState(tmp_path / "memory.json").saved
    assert (saved.names, saved.cloud) == (NAMES, CLOUD)


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    SavedState(tmp_path / "memory.json").save(names=NAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["memory.json"]


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    saved_state = SavedState(path)
    saved_state.save(names=NAMES)
    path.unlink()
    saved_state.save(names=dict(NAMES))
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"{", b'{"names": 5}', b"\xff\x00", b"[]"])
def test_a_damaged_file_is_set_aside_and_the_start_goes_on(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "memory.json"
    path.write_bytes(content)
    saved_state = SavedState(path)
    assert saved_state.saved.names == {}
    assert (tmp_path / "memory.damaged").read_bytes() == content
    assert "is damaged: it is set aside as memory.damaged" in caplog.text
    saved_state.save(names=NAMES)
    assert SavedState(path).saved.names == NAMES


def test_a_disk_that_cannot_be_written_is_logged_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved_state = SavedState(tmp_path / "not-there" / "memory.json")
    saved_state.save(names=NAMES)
    assert saved_state.saved.names == NAMES
    assert "cannot be written (No such file or directory)" in caplog.text


GOOD = msgspec.to_builtins(
    Saved(NAMES, (ListedInverter("RB1", "S1"), ListedInverter("RB2")), CLOUD)
)


@given(
    st.one_of(spoilt(GOOD), VALUES).map(lambda value: written(value).encode()) | st.binary(),
)
def test_whatever_is_in_the_file_the_start_goes_on(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "memory.json"
    path.write_bytes(content)
    saved = SavedState(path).saved
    chosen = choose(saved.inverters, (), saved.names).names
    assert chosen.keys() == {inverter.serial for inverter in saved.inverters}
    SavedState(path).save(names={**saved.names, **chosen, "RB3": NAMES["RB1"]})
    assert SavedState(path).saved == msgspec.structs.replace(
        saved, names={**saved.names, **chosen, "RB3": NAMES["RB1"]}
    )
