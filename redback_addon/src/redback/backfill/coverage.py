"""Coverage: the minutes of each inverter that Core was shown, and the state of the other hours.

It is a small SQLite file. A complete range is one row, whether live or filled; an hour that is
still to be filled, or could not be, is one row. Whatever the file loses is fetched again like any
other gap, so the end of a range that grows is only written now and then.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from ..inverters.hourly import Summary
from ..ledger import HOUR, Interval
from ..storage.database import Database, moment, seconds
from ..storage.sparing import is_due

# In the data folder.
FILE = "history.db"

# A longer step than this leaves something out.
_LONGEST_STEP = timedelta(seconds=90)
_LOST = "hours may be fetched again"
# The ends of an inverter without a range since the start.
_NONE = (0, 0)

_SCHEMA = """
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


NO_READINGS = "the cloud has no readings"


@dataclass(frozen=True, slots=True)
class Span:
    """A range without a gap; aware UTC, each end is the time of a reading or of an hour."""

    since: datetime
    until: datetime


class DamagedError(Exception):
    """Something in the file cannot be read."""


class UnwritableError(Exception):
    """The file cannot be written at the moment; the text is a clause."""


class Stage(StrEnum):
    """The state of an hour."""

    WANTED = "wanted"
    FETCHED = "fetched"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour that was not completely published.

    Attributes:
        start: aware UTC.
        stage: to be fetched, fetched and to be written, or done.
        tries: how often it was fetched.
        due: when it is to be fetched again; None = it is not.
        asked: whether somebody asked to fill it again, whatever its state.
        why: what is wrong with it, in words; `NO_READINGS` where the cloud has nothing.
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
        """Whether there is nothing left to do or to show."""
        return self.stage is Stage.SETTLED and self.due is None and self.why is None

    @property
    def is_refused(self) -> bool:
        """Whether the cloud refused it, rather than having no readings."""
        return self.stage is Stage.FETCHED and self.why not in {None, NO_READINGS}


class Coverage:
    """The file.

    Args:
        path: where it is. Where it cannot be opened, everything is kept in memory, and a restart
            fetches again what it does not know.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA, _LOST)
        self._puts: Counter[str] = Counter()
        self._intervals: defaultdict[str, Interval] = defaultdict(Interval)
        # The end of each inverter's last range in the file, and where it is by now; Unix seconds.
        self._ends: dict[str, tuple[int, int]] = {}

    @property
    def is_failing(self) -> bool:
        """Whether what it is given now is lost with the next restart."""
        return self._database.is_failing or self._database.is_in_memory

    def close(self) -> None:
        """Write what is not yet written, and close the file."""
        for serial, (written, end) in self._ends.items():
            if end != written:
                self._write(serial, end)
        self._database.close()

    def note(self, serial: str, stamp: datetime) -> None:
        """Note that Core was shown the reading of this moment."""
        interval, at = self._intervals[serial], seconds(stamp)
        interval.note(stamp)
        written, end = self._ends.get(serial, _NONE)
        is_next = end <= at <= end + interval.longest_step.total_seconds()
        if is_next and not is_due(written, at):
            self._ends[serial] = written, at
        else:
            self._write(serial, at)

    def _write(self, serial: str, at: int) -> None:
        step = self._intervals[serial].longest_step
        with self._database.writing() as database:
            database.execute(
                "INSERT OR IGNORE INTO inverter (serial, begun) VALUES (?, ?)", (serial, at)
            )
            inverter = _inverter(database, serial)
            for since, until in (self._ends.get(serial, (at, at)), (at, at)):
                _cover(database, inverter, since, until, step)
        if not self._database.is_failing:
            self._ends[serial] = at, at

    def longest_step(self, serial: str) -> timedelta:
        """Return the longest time between two readings of an inverter of which none is missing."""
        return self._intervals[serial].longest_step

    def serials(self) -> list[str]:
        """Return the serial numbers of all inverters that Core was ever shown."""
        rows = self._database.read("SELECT serial FROM inverter ORDER BY serial")
        return [serial for (serial,) in rows]

    def begun(self, serial: str) -> datetime | None:
        """Return when Core was first shown a reading."""
        return _one(self._database.read("SELECT begun FROM inverter WHERE serial = ?", serial))

    def latest(self, serial: str) -> datetime | None:
        """Return the end of the newest time without a gap: Core was shown a reading then."""
        query = "SELECT max(span.until) FROM span JOIN inverter ON inverter = id WHERE serial = ?"
        written = _one(self._database.read(query, serial))
        _, end = self._ends.get(serial, _NONE)
        return None if written is None else max(written, moment(end))

    def spans(self, serial: str, since: datetime, until: datetime) -> list[Span]:
        """Return the ranges without a gap that touch this one, in order."""
        written, last = self._ends.get(serial, _NONE)
        first = seconds(since)
        rows = self._database.read(
            "SELECT span.since, span.until FROM span JOIN inverter ON inverter = id"
            " WHERE serial = ? AND span.until >= ? AND span.since <= ? ORDER BY span.since",
            serial,
            min(first, written) if first <= last else first,
            seconds(until),
        )
        ends = [max(end, last) if start <= written <= end else end for start, end in rows]
        return [
            Span(moment(start), moment(end))
            for (start, _), end in zip(rows, ends, strict=True)
            if end >= first
        ]

    def hours(self, serial: str, since: datetime, until: datetime) -> dict[datetime, Hour]:
        """Return the hours in this range that have a row, without their summaries."""
        which = "start >= ? AND start < ? ORDER BY start"
        columns = "start, stage, tries, due, asked, why"
        rows = self._hours(columns, serial, which, seconds(since), seconds(until))
        return {
            moment(at): Hour(moment(at), Stage(stage), tries, due and moment(due), bool(asked), why)
            for at, stage, tries, due, asked, why in rows
        }

    def settled(self, serial: str, since: datetime, until: datetime) -> int:
        """Return how many hours in this time have a row here and need nothing more."""
        which = "start >= ? AND start < ? AND stage = 'settled' AND due IS NULL"
        return self._count(serial, which, seconds(since), seconds(until))

    def failed(self, serial: str, since: datetime) -> int:
        """Return how many hours from this moment on could not be filled."""
        which = "start >= ? AND stage = 'settled' AND why <> ?"
        return self._count(serial, which, seconds(since), NO_READINGS)

    def due(self, serial: str, since: datetime) -> datetime | None:
        """Return when the first hour from this moment on is to be fetched again, if any is."""
        return _one(self._hours("min(due)", serial, "start >= ?", seconds(since)))

    def version(self, serial: str) -> Hashable:
        """Return a value that changes whenever an hour is written, by any program.

        What Core was shown does not change it, since that only makes gaps smaller. A failure of
        the file does.
        """
        rows = self._database.read("PRAGMA data_version")
        return (self._puts[serial], self._database.failures, *(version for (version,) in rows))

    def summary(self, serial: str, start: datetime) -> Summary | None:
        """Return what was fetched of an hour and is not yet written.

        Raises:
            DamagedError: it cannot be read; the hour is wanted again.
        """
        which = "start = ? AND summary IS NOT NULL"
        rows = self._hours("summary", serial, which, seconds(start))
        try:
            return msgspec.msgpack.decode(rows[0][0], type=Summary) if rows else None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.put(serial, [Hour(start, Stage.WANTED)])
            raise DamagedError from None

    def put(self, serial: str, hours: Iterable[Hour]) -> None:
        """Write hours, all or none of them; the inverter must have begun.

        An hour that is done becomes part of a span.

        Raises:
            UnwritableError: nothing was written.
        """
        self._puts[serial] += 1
        with self._database.writing() as database:
            inverter = _inverter(database, serial)
            for hour in hours:
                which = inverter, seconds(hour.start)
                database.execute("DELETE FROM hour WHERE inverter = ? AND start = ?", which)
                if hour.is_done:
                    _cover(database, *which, seconds(hour.start + HOUR))
                else:
                    due = None if hour.due is None else seconds(hour.due)
                    found = hour.summary
                    summary = None if found is None else msgspec.msgpack.encode(found)
                    database.execute(
                        "INSERT INTO hour VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (*which, hour.stage, hour.tries, due, hour.asked, hour.why, summary),
                    )
        if self._database.is_failing:
            raise UnwritableError(f"{FILE} cannot be written")

    def _count(self, serial: str, which: str, *values: object) -> int:
        return sum(number for (number,) in self._hours("count(*)", serial, which, *values))

    def _hours(
        self, columns: str, serial: str, which: str, *values: object
    ) -> list[tuple[Any, ...]]:
        return self._database.read(
            f"SELECT {columns} FROM hour JOIN inverter ON inverter = id"  # noqa: S608 - from above
            f" WHERE serial = ? AND {which}",
            serial,
            *values,
        )


def _one(rows: Sequence[tuple[int | None]]) -> datetime | None:
    """Return the only value of an answer, a moment; None = there is none."""
    found = [moment(value) for (value,) in rows if value is not None]
    return found[0] if found else None


def _inverter(database: sqlite3.Connection, serial: str) -> int:
    query = "SELECT id FROM inverter WHERE serial = ?"
    ((inverter,),) = database.execute(query, (serial,))
    return int(inverter)


def _cover(
    database: sqlite3.Connection,
    inverter: int,
    since: int,
    until: int,
    step: timedelta = _LONGEST_STEP,
) -> None:
    """Merge a range and the spans that it touches into one."""
    most = step.total_seconds()
    touching = (inverter, until + most, since - most)
    where = "WHERE inverter = ? AND since <= ? AND until >= ?"
    ((first, last),) = database.execute(
        f"SELECT min(since), max(until) FROM span {where}",  # noqa: S608 - from above
        touching,
    )
    if first is not None:
        database.execute(f"DELETE FROM span {where}", touching)  # noqa: S608 - as well
        since, until = min(since, first), max(until, last)
    database.execute("INSERT INTO span VALUES (?, ?, ?)", (inverter, since, until))
