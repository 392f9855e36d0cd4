"""A small SQLite file that costs nobody anything: not its damage, nor a full disk, nor a power cut.

Writing needs no wait for the disk, so that a power cut may cost the last minutes. What cannot be
written is told once. A file that is damaged is set aside; where none can be opened, everything is
kept in memory.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..timeouts import timeout

_LOG = logging.getLogger(__name__)

# How long it waits for another program that is just writing, which takes that one milliseconds.
_BUSY_SECONDS = 5.0
# The file beside it, which takes what is written first, stays below two megabytes. Of each file a
# quarter of a megabyte is kept at hand: the system keeps the rest, and can do without it.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
    "PRAGMA wal_autocheckpoint = 250; PRAGMA journal_size_limit = 1000000;"
    "PRAGMA cache_size = -256;"
)


class Database:
    """The file.

    Args:
        path: where it is.
        schema: makes its tables where there are none yet.
        lost: what a failure costs, to be told, for example "hours may be fetched again".
    """

    def __init__(self, path: Path, schema: str, lost: str) -> None:
        self._path = path
        self._schema = _PRAGMAS + schema
        self._lost = lost
        # Whether the last use of it failed.
        self.is_failing = False
        # How often something could not be read or written.
        self.failures = 0
        self._connection = self._open()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Give what a query finds; nothing where the file cannot be read."""
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            return []

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Make one transaction; that it fails is told once, and when it works again."""
        try:
            with self._connection:
                yield self._connection
        except sqlite3.Error as error:
            self._fail(error)
        else:
            if self.is_failing:
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
            if isinstance(error, sqlite3.OperationalError):  # no fault of the file's content
                self._fail(error)
                return self._connect(":memory:")
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
            return self._connect(":memory:")

    def _connect(self, path: Path | str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=timeout(_BUSY_SECONDS))
        try:
            connection.executescript(self._schema)
            # A page of nonsense is found here rather than in the middle of the night.
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)  # noqa: TRY301 - closed below like any other
        except BaseException:
            connection.close()
            raise
        return connection
