"""SQLite files of others, as another program changes them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file, commit at the end unless something failed, and close it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection
