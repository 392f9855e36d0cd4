"""What outlives a restart, and what becomes of a file that is damaged."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redback.cloud import ListedInverter, Remembered, RememberedRoute
from redback.inverters.naming import GivenName, choose
from redback.saved_state import Saved, SavedAccount, SavedState
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


def test_what_a_full_disk_did_not_take_is_written_once_there_is_space(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    obstacle = tmp_path / ".memory.json.new"
    obstacle.mkdir()
    saved_state = SavedState(path)
    saved_state.save(names=NAMES)
    assert not path.exists()
    obstacle.rmdir()
    saved_state.save(names=dict(NAMES))
    assert SavedState(path).saved.names == NAMES


def test_each_account_has_a_state_of_its_own(tmp_path: Path) -> None:
    saved_state = SavedState(tmp_path / "memory.json")
    first, second = ListedInverter("RB1", "S1"), ListedInverter("RB2")
    saved_state.save_account("", inverters=(first,), cloud=CLOUD)
    saved_state.save_account("2", inverters=(second,))
    read = SavedState(tmp_path / "memory.json")
    assert read.account("") == SavedAccount((first,), CLOUD)
    assert read.account("2") == SavedAccount((second,))
    assert read.account("3") == SavedAccount()
    assert (read.saved.inverters, read.saved.cloud) == ((first,), CLOUD)  # where 1.0.0 has them


def test_accounts_that_are_not_used_any_more_are_dropped_once_and_names_are_kept(
    tmp_path: Path,
) -> None:
    saved_state = SavedState(tmp_path / "memory.json")
    saved_state.save(names=NAMES)
    assert saved_state.keep_accounts(["", "2", "3"]) == ()
    saved_state.save_account("2", inverters=(ListedInverter("RB2"),))
    read = SavedState(tmp_path / "memory.json")
    assert read.keep_accounts(["", "2"]) == ("3",)
    assert read.keep_accounts(["", "2"]) == ()
    assert read.account("2").inverters == (ListedInverter("RB2"),)
    assert read.keep_accounts([""]) == ("2",)
    assert read.saved.names == NAMES


GOOD = msgspec.to_builtins(
    Saved(
        NAMES,
        (ListedInverter("RB1", "S1"), ListedInverter("RB2")),
        CLOUD,
        accounts={"2": SavedAccount((ListedInverter("RB3"),), CLOUD)},
    )
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
