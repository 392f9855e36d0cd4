"""Coverage: which minutes of which inverter Core was shown, and what became of the other hours.

It is a small SQLite file: a healthy time is one row, and so is one that was filled without a rest;
hours that are still to be filled, or could not be, are one each. Writing needs no wait for the
disk; a power cut may cost the last minutes, which are then fetched again like
any other gap. A file that is damaged is set aside.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from .summary import Summary

_LOG = logging.getLogger(__name__)

# In the data folder.
FILE = "history.db"

# Readings come once a minute, give or take some seconds: one that comes later than this after the
# one before leaves a minute out.
_LONGEST_STEP = timedelta(seconds=90)
_HOUR_SECONDS = 60 * 60
# How long it waits for another program that is just writing, which takes that one milliseconds.
_BUSY_SECONDS = 5.0

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS inverter (
  id INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE, begun INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS span (
  inverter INTEGER NOT NULL REFERENCES inverter, since INTEGER NOT NULL, until INTEGER NOT NULL,
  PRIMARY KEY (inverter, since)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hour (
  inverter INTEGER NOT NULL REFERENCES inverter, start INTEGER NOT NULL,
  stage TEXT NOT NULL, tries INTEGER NOT NULL, due INTEGER, asked INTEGER NOT NULL,
  why TEXT, summary BLOB,
  PRIMARY KEY (inverter, start)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A time without a gap; aware UTC, both ends are readings or hours'."""

    since: datetime
    until: datetime


class DamagedError(Exception):
    """Something in the file cannot be read."""


class Stage(StrEnum):
    """How far an hour has come."""

    WANTED = "wanted"
    FETCHED = "fetched"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Hour:
    """What became of an hour that was not wholly published.

    Attributes:
        start: aware UTC.
        stage: to be fetched, fetched and to be written, or done.
        tries: how often it was fetched.
        due: when it is to be fetched again; None = it is not.
        asked: whether somebody has asked for it to be filled again, whatever it is now.
        why: what is wrong with it, in words.
        summary: what was fetched and is not yet written; None where the cloud has nothing.
    """

    start: datetime
    stage: Stage
    tries: int = 0
    due: datetime | None = None
    asked: bool = False
    why: str | None = None
    summary: Summary | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to be said or done."""
        return self.stage is Stage.SETTLED and self.due is None and self.why is None


class Coverage:
    """The file.

    Args:
        path: where it is. Where it cannot be opened, everything is kept in memory, and a restart
            fetches again what it does not know.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_failing = False
        self._database = self._open()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def note(self, serial: str, stamp: datetime) -> None:
        """Note that Core was shown the reading of this moment."""
        seconds = _seconds(stamp)
        with self._writing() as database:
            database.execute(
                "INSERT OR IGNORE INTO inverter (serial, begun) VALUES (?, ?)", (serial, seconds)
            )
            self._cover(self._inverter(serial), seconds, seconds)

    def serials(self) -> list[str]:
        """Give all inverters of which Core was ever shown a reading."""
        return [serial for (serial,) in self._read("SELECT serial FROM inverter ORDER BY serial")]

    def begun(self, serial: str) -> datetime | None:
        """Tell when Core was first shown a reading."""
        rows = self._read("SELECT begun FROM inverter WHERE serial = ?", serial)
        return _moment(rows[0][0]) if rows else None

    def spans(self, serial: str, since: datetime, until: datetime) -> list[Span]:
        """Give the times without a gap that touch this one, in order."""
        rows = self._read(
            "SELECT span.since, span.until FROM span JOIN inverter ON inverter = id"
            " WHERE serial = ? AND span.until >= ? AND span.since <= ? ORDER BY span.since",
            serial,
            _seconds(since),
            _seconds(until),
        )
        return [Span(_moment(start), _moment(end)) for start, end in rows]

    def hours(self, serial: str, since: datetime, until: datetime) -> dict[datetime, Hour]:
        """Give what became of the hours in this time; their summaries stay in the file."""
        rows = self._read(
            "SELECT start, stage, tries, due, asked, why FROM hour JOIN inverter ON inverter = id"
            " WHERE serial = ? AND start >= ? AND start < ? ORDER BY start",
            serial,
            _seconds(since),
            _seconds(until),
        )
        return {
            _moment(start): Hour(
                _moment(start),
                Stage(stage),
                tries,
                None if due is None else _moment(due),
                bool(asked),
                why,
            )
            for start, stage, tries, due, asked, why in rows
        }

    def summary(self, serial: str, start: datetime) -> Summary | None:
        """Give what was fetched of an hour and is not yet written.

        Raises:
            DamagedError: it cannot be read; the hour is wanted again.
        """
        rows = self._read(
            "SELECT summary FROM hour JOIN inverter ON inverter = id"
            " WHERE serial = ? AND start = ? AND summary IS NOT NULL",
            serial,
            _seconds(start),
        )
        try:
            return msgspec.msgpack.decode(rows[0][0], type=Summary) if rows else None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.put(serial, [Hour(start, Stage.WANTED)])
            raise DamagedError from None

    def put(self, serial: str, hours: Iterable[Hour]) -> None:
        """Note what became of hours, all or none of them; the inverter must have begun.

        One of which nothing more is to be said is from then on covered like any other.
        """
        with self._writing() as database:
            inverter = self._inverter(serial)
            for hour in hours:
                row = _row(hour)
                database.execute(
                    "DELETE FROM hour WHERE inverter = ? AND start = ?", (inverter, row[0])
                )
                if hour.is_done:
                    self._cover(inverter, row[0], row[0] + _HOUR_SECONDS)
                else:
                    database.execute(
                        "INSERT INTO hour VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (inverter, *row)
                    )

    def _inverter(self, serial: str) -> int:
        query = "SELECT id FROM inverter WHERE serial = ?"
        ((inverter,),) = self._database.execute(query, (serial,))
        return int(inverter)

    def _cover(self, inverter: int, since: int, until: int) -> None:
        """Make one span of a time and of those that it touches."""
        step = _LONGEST_STEP.total_seconds()
        touching = (inverter, until + step, since - step)
        where = "WHERE inverter = ? AND since <= ? AND until >= ?"
        ((first, last),) = self._database.execute(
            f"SELECT min(since), max(until) FROM span {where}",  # noqa: S608 - from above
            touching,
        )
        if first is not None:
            self._database.execute(f"DELETE FROM span {where}", touching)  # noqa: S608 - as well
            since, until = min(since, first), max(until, last)
        self._database.execute("INSERT INTO span VALUES (?, ?, ?)", (inverter, since, until))

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            return []

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Make one transaction; that it fails is told once, and when it works again."""
        try:
            with self._database:
                yield self._database
        except sqlite3.Error as error:
            self._fail(error)
        else:
            if self._is_failing:
                _LOG.info("%s can be written again.", self._path)
            self._is_failing = False

    def _fail(self, error: sqlite3.Error) -> None:
        if not self._is_failing:
            _LOG.warning(
                "%s cannot be used (%s): what was published is not noted.", self._path, error
            )
        self._is_failing = True

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # no fault of the file's content
                self._fail(error)
                return _connect(None)
        damaged = self._path.with_suffix(".damaged")
        _LOG.warning(
            "%s is damaged: it is set aside as %s; hours may be fetched again.",
            self._path,
            damaged.name,
        )
        try:
            self._path.replace(damaged)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return _connect(self._path)
        except (OSError, sqlite3.Error):
            return _connect(None)


def _connect(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:" if path is None else path, timeout=_BUSY_SECONDS)
    try:
        database.executescript(_SCHEMA)
        # A page of nonsense is found here rather than in the middle of the night.
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)  # noqa: TRY301 - closed below like any other
    except BaseException:
        database.close()
        raise
    return database


def _row(hour: Hour) -> tuple[int, StrEnum, int, int | None, bool, str | None, bytes | None]:
    return (
        _seconds(hour.start),
        hour.stage,
        hour.tries,
        None if hour.due is None else _seconds(hour.due),
        hour.asked,
        hour.why,
        None if hour.summary is None else msgspec.msgpack.encode(hour.summary),
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
