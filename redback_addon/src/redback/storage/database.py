"""A small SQLite file: its damage, a full disk or a power cut does not stop the service.

Writing does not wait for the disk, so a power cut may cost the last minutes. Failures are logged
once. A damaged file is set aside; if no file can be opened, everything stays in memory.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..timeouts import timeout

_LOG = logging.getLogger(__name__)

# How long to wait for another program's write, which takes milliseconds.
_BUSY_SECONDS = 5.0
# The write-ahead log stays below two megabytes. SQLite itself caches a quarter of a megabyte: the
# system caches the rest, and can drop it.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
    "PRAGMA wal_autocheckpoint = 250; PRAGMA journal_size_limit = 1000000;"
    "PRAGMA cache_size = -256;"
)


def seconds(moment: datetime) -> int:
    """Return how a file has a moment: as whole Unix seconds."""
    return int(moment.timestamp())


def moment(seconds: int) -> datetime:
    """Return the moment of Unix seconds, UTC."""
    return datetime.fromtimestamp(seconds, UTC)


class Database:
    """A file with tables; `lost` is what a failure costs, as in "hours may be fetched again"."""

    def __init__(self, path: Path, schema: str, lost: str) -> None:
        self._path = path
        self._schema = _PRAGMAS + schema
        self._lost = lost
        self.is_failing = False
        self.failures = 0
        self.is_in_memory = False
        self._connection = self._open()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none if the file cannot be read."""
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            return []

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open one transaction; log the first failure, and when it works again."""
        try:
            with self._connection:
                yield self._connection
        except sqlite3.Error as error:
            self._fail(error)
        else:
            if self.is_failing and not self.is_in_memory:
                _LOG.info("%s can be written again.", self._path)
            self.is_failing = False

    def _fail(self, error: sqlite3.Error) -> None:
        self.failures += 1
        if not self.is_failing:
            _LOG.warning("%s cannot be used (%s): %s.", self._path, error, self._lost)
        self.is_failing = True

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # not because of its content
                self._fail(error)
                return self._in_memory()
        damaged = self._path.with_suffix(".damaged")
        _LOG.warning(
            "%s is damaged: it is set aside as %s; %s.", self._path, damaged.name, self._lost
        )
        try:
            self._path.replace(damaged)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return self._connect(self._path)
        except (OSError, sqlite3.Error):
            return self._in_memory()

    def _in_memory(self) -> sqlite3.Connection:
        self.is_in_memory = True
        return self._connect(":memory:")

    def _connect(self, path: Path | str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=timeout(_BUSY_SECONDS))
        try:
            connection.executescript(self._schema)
            # A damaged page is found here rather than in use.
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)  # noqa: TRY301 - closed below like any other
        except BaseException:
            connection.close()
            raise
        return connection
