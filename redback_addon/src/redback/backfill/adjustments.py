"""The shifts of Core's sums: noted on disk before they are sent, so that none is sent twice."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from ..core import Row
from ..storage.database import Database, moment, seconds
from .agreement import Shift, Why

# In the data folder.
FILE = "adjustments.db"

# As many can be seen, and taken back.
_LISTED = 200
_LOST = "a correction of sums may be repeated after a restart"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS adjustment (
  id INTEGER PRIMARY KEY, entity_id TEXT NOT NULL, row INTEGER NOT NULL, sum REAL NOT NULL,
  amount REAL NOT NULL, why TEXT NOT NULL, noted INTEGER NOT NULL, stage TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_stage ON adjustment (stage, entity_id);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, entity_id TEXT NOT NULL);
"""


class AdjustmentStage(StrEnum):
    """How far an adjustment has come."""

    NOTED = "noted"  # it may be on its way
    DONE = "done"
    UNDONE = "undone"  # somebody took it back


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One shift.

    Attributes:
        number: its own.
        entity_id: of the counter.
        shift: the row and the amount, kWh; the row's sum is the one before.
        noted: when, UTC.
        stage: how far it has come.
    """

    number: int
    entity_id: str
    shift: Shift
    noted: datetime
    stage: AdjustmentStage


class Adjustments:
    """The file.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA, _LOST)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def follow(self, ids: Mapping[str, str], registered: Container[str]) -> None:
        """Take the shifts of counters along to the ids that people gave them.

        Args:
            ids: the entity ids that the counters have now, by a name of each that never changes.
            registered: those in Core's registry. Their statistics go along with a new id; others
                begin under it.
        """
        places = ",".join("?" * len(ids))
        query = f"SELECT name, entity_id FROM counter WHERE name IN ({places})"  # noqa: S608 - "?,?"
        known: dict[str, str] = dict(self._database.read(query, *ids))
        changed = {name: one for name, one in ids.items() if known.get(name) != one}
        if not changed:
            return
        # All are found before any is moved: two counters may exchange their ids.
        moved = [
            (new_id, one.number)
            for name, new_id in changed.items()
            if name in known and new_id in registered
            for one in self._find("entity_id = ?", known[name])
        ]
        with self._database.writing() as database:
            database.executemany("UPDATE adjustment SET entity_id = ? WHERE id = ?", moved)
            database.executemany("INSERT OR REPLACE INTO counter VALUES (?, ?)", changed.items())

    def note(self, entity_id: str, shift: Shift, now: datetime) -> Adjustment | None:
        """Note a shift that is about to be sent; return None where it cannot be noted."""
        row, why, stage = shift.row, shift.why, AdjustmentStage.NOTED
        number: int | None = None
        with self._database.writing() as database:
            number = database.execute(
                "INSERT INTO adjustment VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                (entity_id, seconds(row.start), row.sum, shift.amount, why, seconds(now), stage),
            ).lastrowid
        if number is None or self._database.is_failing:
            return None
        return Adjustment(number, entity_id, shift, now, stage)

    def done(self, adjustment: Adjustment) -> None:
        """Note that Core has made one; if that took another one back, that is undone."""
        shift = adjustment.shift
        with self._database.writing() as database:
            database.execute(
                "UPDATE adjustment SET stage = 'done' WHERE id = ?", (adjustment.number,)
            )
            if shift.why is Why.UNDONE:
                database.execute(
                    "UPDATE adjustment SET stage = 'undone' WHERE id = (SELECT max(id) FROM"
                    " adjustment WHERE stage = 'done' AND why != 'undone' AND entity_id = ?"
                    " AND row / 3600 = ? AND amount = ?)",
                    (adjustment.entity_id, seconds(shift.since) // 3600, -shift.amount),
                )

    def drop(self, adjustment: Adjustment) -> None:
        """Forget one that Core never made."""
        with self._database.writing() as database:
            database.execute("DELETE FROM adjustment WHERE id = ?", (adjustment.number,))

    def noted(self, entity_id: str) -> list[Adjustment]:
        """Return those of an entity of which it is not known whether Core has made them."""
        return self._find("stage = 'noted' AND entity_id = ? ORDER BY id", entity_id)

    def undone(self, entity_id: str) -> frozenset[datetime]:
        """Return the starts of the hours from which somebody took a shift back."""
        found = self._find("stage = 'undone' AND entity_id = ?", entity_id)
        return frozenset(one.shift.since for one in found)

    def made(self, entity_id: str) -> dict[datetime, float]:
        """Return by how much the sums of an entity were shifted, by hour, kWh."""
        amounts: dict[datetime, float] = {}
        for one in self._find("stage != 'noted' AND entity_id = ?", entity_id):
            since = one.shift.since
            amounts[since] = amounts.get(since, 0.0) + one.shift.amount
        return amounts

    def latest(self, most: int = _LISTED) -> list[Adjustment]:
        """Return the newest ones that are done or undone, the newest first.

        Those that put a past before Core's first row are left out: nobody saw the hours before.
        """
        which = "stage != 'noted' AND why NOT IN ('past', 'undone') ORDER BY id DESC LIMIT ?"
        return self._find(which, most)

    def _find(self, which: str, *values: object) -> list[Adjustment]:
        query = f"SELECT * FROM adjustment WHERE {which}"  # noqa: S608 - from above
        return [
            Adjustment(
                number,
                entity_id,
                Shift(Row(moment(row), sum=total), amount, Why(why)),
                moment(noted),
                AdjustmentStage(stage),
            )
            for number, entity_id, row, total, amount, why, noted, stage in self._database.read(
                query, *values
            )
        ]
