"""What outlives a restart, and what becomes of a file that is damaged."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redback.cloud import CloudMemory, Inverter, RememberedRoute
from redback.memory import Kept, Memory
from redback.naming import GivenName, choose
from strange import VALUES, spoilt, written

NAMES = {"RB1": GivenName("Redback", "Redback 0001")}
CLOUD = CloudMemory("old", {"RB1": RememberedRoute("v2", datetime(2026, 3, 2, tzinfo=UTC))})


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.json")
    memory.keep(names=NAMES)
    memory.keep(cloud=CLOUD)
    kept = Memory(tmp_path / "memory.json").kept
    assert (kept.names, kept.cloud) == (NAMES, CLOUD)


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    Memory(tmp_path / "memory.json").keep(names=NAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["memory.json"]


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    memory = Memory(path)
    memory.keep(names=NAMES)
    path.unlink()
    memory.keep(names=dict(NAMES))
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"{", b'{"names": 5}', b"\xff\x00", b"[]"])
def test_a_damaged_file_is_set_aside_and_the_start_goes_on(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "memory.json"
    path.write_bytes(content)
    memory = Memory(path)
    assert memory.kept.names == {}
    assert (tmp_path / "memory.damaged").read_bytes() == content
    assert "is damaged: it is set aside as memory.damaged" in caplog.text
    memory.keep(names=NAMES)
    assert Memory(path).kept.names == NAMES


def test_a_disk_that_cannot_be_written_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = Memory(tmp_path / "not-there" / "memory.json")
    memory.keep(names=NAMES)
    assert memory.kept.names == NAMES
    assert "cannot be written (No such file or directory)" in caplog.text


GOOD = msgspec.to_builtins(Kept(NAMES, (Inverter("RB1", "S1"), Inverter("RB2")), CLOUD))


@given(
    st.one_of(spoilt(GOOD), VALUES).map(lambda value: written(value).encode()) | st.binary(),
)
def test_whatever_is_in_the_file_the_start_goes_on(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "memory.json"
    path.write_bytes(content)
    kept = Memory(path).kept
    chosen = choose(kept.inverters, (), kept.names).names
    assert chosen.keys() == {inverter.serial for inverter in kept.inverters}
    Memory(path).keep(names={**kept.names, **chosen, "RB3": NAMES["RB1"]})
    assert Memory(path).kept == msgspec.structs.replace(
        kept, names={**kept.names, **chosen, "RB3": NAMES["RB1"]}
    )
