"""That a file of ours costs neither much space nor anything else."""

from pathlib import Path

from redback.storage.database import Database

_SCHEMA = "CREATE TABLE IF NOT EXISTS thing (id INTEGER PRIMARY KEY, what BLOB);"


def test_what_is_written_over_and_over_takes_little_space(tmp_path: Path) -> None:
    database = Database(tmp_path / "things.db", _SCHEMA, "things are lost")
    for number in range(3000):
        with database.writing() as connection:
            row = (number % 100, bytes(4000))
            connection.execute("INSERT OR REPLACE INTO thing VALUES (?, ?)", row)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3_000_000
    database.close()
