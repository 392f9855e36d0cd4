"""The energy ledger: each counter's readings and energy by the hour, in a small SQLite file.

Whatever the file loses is fetched again for the hours that need it, like any other gap.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from ..storage.database import Database
from .hours import HOUR
from .meter import Believed, HourEnd, How

# In the data folder.
FILE = "ledger.db"

_HOUR_SECONDS = int(HOUR.total_seconds())
# Watt-hours: small integers take the least space.
_UNIT = 1000
_LOST = "what the counters showed may be fetched again"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (
  id INTEGER PRIMARY KEY, serial TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (serial, key)
);
CREATE TABLE IF NOT EXISTS hour (
  counter INTEGER NOT NULL REFERENCES counter, start INTEGER NOT NULL,
  state INTEGER, energy INTEGER, flow INTEGER, slack INTEGER NOT NULL, how INTEGER NOT NULL,
  misread INTEGER,
  PRIMARY KEY (counter, start)
) WITHOUT ROWID;
"""
_COLUMNS = "start, state, energy, flow, slack, how, misread"


class Ledger:
    """The file.

    Args:
        path: where it is. Where it cannot be opened, everything is kept in memory.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA, _LOST)
        self._ids: dict[tuple[str, str], int] = {}

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, serial: str, *ended: Mapping[str, Iterable[HourEnd]]) -> None:
        """Keep what is known of hours, by sensor key; less knowledge never replaces more."""
        if not any(ended):
            return
        with self._database.writing() as database:
            for key, ends in chain.from_iterable(one.items() for one in ended):
                counter = self._id(serial, key)
                for end in ends:
                    if end.state is None and end.flow is None:
                        continue
                    database.execute(
                        "INSERT INTO hour VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                        # Until an hour is complete, a later reading may already have told more.
                        " state = iif(excluded.how = ?,"
                        " max(excluded.state, coalesce(state, 0)), excluded.state),"
                        " energy = excluded.energy,"
                        " flow = coalesce(excluded.flow, flow), slack = excluded.slack,"
                        " how = excluded.how, misread = coalesce(excluded.misread, misread)"
                        " WHERE excluded.how >= how",
                        (counter, *_row(end), How.INCOMPLETE),
                    )
                    # What flowed in the hour of the first reading is fetched after its end.
                    database.execute(
                        "UPDATE hour SET flow = ? WHERE counter = ? AND start = ? AND flow IS NULL",
                        (_units(end.flow), counter, _hour(end.start)),
                    )

    def hours(self, serial: str, key: str, since: datetime, until: datetime) -> list[HourEnd]:
        """Return what is known of the hours that start in this time, in order."""
        return self._read(
            serial, key, "start >= ? AND start < ? ORDER BY start", _hour(since), _hour(until)
        )

    def before(self, serial: str, key: str, start: datetime) -> HourEnd | None:
        """Return the last hour before this one at whose very end the state is known."""
        which = "start < ? AND state IS NOT NULL AND how >= ? ORDER BY start DESC LIMIT 1"
        return next(iter(self._read(serial, key, which, _hour(start), How.POWER)), None)

    def believed(self, serial: str, keys: Iterable[str], end: datetime) -> dict[str, Believed]:
        """Return what the counters last showed before an hour, as far as that is known, by key."""
        found = ((key, self.before(serial, key, end)) for key in keys)
        return {
            key: Believed(hour.state, hour.start + HOUR)
            for key, hour in found
            if hour is not None and hour.state is not None
        }

    def _id(self, serial: str, key: str) -> int:
        """Return the number of a counter, which is made where there is none."""
        found = self._ids.get((serial, key))
        if found is None:
            with self._database.writing() as database:
                database.execute(
                    "INSERT OR IGNORE INTO counter (serial, key) VALUES (?, ?)", (serial, key)
                )
            rows = self._database.read(
                "SELECT id FROM counter WHERE serial = ? AND key = ?", serial, key
            )
            found = int(rows[0][0]) if rows else 0
            if rows:
                self._ids[serial, key] = found
        return found

    def _read(self, serial: str, key: str, which: str, *values: object) -> list[HourEnd]:
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM hour WHERE counter ="  # noqa: S608 - from above
            f" (SELECT id FROM counter WHERE serial = ? AND key = ?) AND {which}",
            serial,
            key,
            *values,
        )
        return [
            HourEnd(
                datetime.fromtimestamp(start * _HOUR_SECONDS, UTC),
                _kwh(state),
                _kwh(energy),
                _kwh(flow),
                slack / _UNIT,
                How(how),
                _kwh(misread),
            )
            for start, state, energy, flow, slack, how, misread in rows
        ]


def _row(end: HourEnd) -> tuple[int | None, ...]:
    return (
        _hour(end.start),
        _units(end.state),
        _units(end.energy),
        _units(end.flow),
        _units(end.slack),
        end.how,
        _units(end.misread),
    )


def _hour(moment: datetime) -> int:
    return int(moment.timestamp()) // _HOUR_SECONDS


def _units(kwh: float | None) -> int | None:
    return None if kwh is None else round(kwh * _UNIT)


def _kwh(units: int | None) -> float | None:
    return None if units is None else units / _UNIT
