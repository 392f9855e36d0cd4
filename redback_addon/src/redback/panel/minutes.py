"""Each inverter's minutes of today and yesterday, for the chart of the day.

They come from live readings, and from the hours that the backfill fetches, so that the chart has no
gap either. Those of an hour are written together, as one row: one for each minute would write
more pages of the file than all else.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..clock import Clock
from ..cloud import Dynamic
from ..inverters.inverter import Inverter
from ..ledger import local_day, step, usual
from ..sensors.counters import COUNTERS, CounterRow
from ..sensors.reading import STALE_AFTER, Reading
from ..storage.database import Database
from ..storage.sparing import is_due
from .amounts import Amounts, amounts, rounded

# In the data folder.
FILE = "minutes.db"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
  id INTEGER PRIMARY KEY, serial TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  what BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_end ON batch (serial, until);
"""
# Where earlier versions have them.
_FORMER = "minute"
_INSERT = "INSERT INTO batch (serial, since, until, what) VALUES (?, ?, ?, ?)"
_LOST = "the day's chart may have gaps"
_KEPT = timedelta(hours=50)
_PRUNED_EVERY = timedelta(days=1)
_MINUTE_SECONDS = 60
_POWERS = ("solar", "load", "battery", "grid")
# Every inverter has these; of all others only those that have panels, or a battery.
_OF_ALL = frozenset({"load", "grid"})
# An inverter's last values count on for this long, or for two of its intervals if that is more, but
# no longer than Home Assistant shows them. After a longer time without a reading there is a hole.
_LEAST_HELD = timedelta(minutes=3)
_HELD_STEPS = 2
# The interval is learnt from this many readings, past midnight also from those before.
_LEARNT_FROM = 60
_LEARNT_BATCHES = 5
# This long after the first reading, its counters are believed.
_BELIEVED_SECONDS = 10 * _MINUTE_SECONDS


class Minute(msgspec.Struct, frozen=True, array_like=True):
    """One inverter at one minute; powers in kW, charge in percent, counters in kWh.

    None = unknown; battery: positive = discharge; grid: positive = import.
    """

    solar: float | None = None
    load: float | None = None
    battery: float | None = None
    grid: float | None = None
    soc: float | None = None
    solar_total: float | None = None
    load_total: float | None = None
    import_total: float | None = None
    export_total: float | None = None
    charge_total: float | None = None
    discharge_total: float | None = None


class Energy(Amounts, frozen=True):
    """The energy of a day so far.

    Attributes:
        since: when counting began, where that is not the beginning of the day; UTC.
    """

    since: datetime | None = None


class Day(msgspec.Struct, frozen=True):
    """A day of one inverter or of a site: lists of one length, the times in Unix seconds.

    Attributes:
        date: the local date.
        is_total: whether it is of several inverters.
        holes: from when to when there are no readings, or not of all inverters, Unix seconds.
    """

    date: str
    start: datetime
    end: datetime
    is_total: bool
    holes: list[tuple[int, int]]
    at: list[int]
    solar: list[float | None]
    load: list[float | None]
    battery: list[float | None]
    grid: list[float | None]
    soc: list[float | None]


_Rows = Sequence[tuple[int, Minute]]


class Seen(NamedTuple):
    """The minutes of one inverter.

    Attributes:
        rows: each with its time, Unix seconds.
        held: how long the last values count on; a longer time without a reading is a hole, seconds.
    """

    rows: _Rows
    held: float = _LEAST_HELD.total_seconds()


class Minutes:
    """The file of all minutes."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._database = Database(path, _SCHEMA, _LOST)
        self._clock = clock
        self._pruned_at = clock.now() - _PRUNED_EVERY
        # What is not yet written, by inverter and time.
        self._unwritten: dict[str, dict[int, bytes]] = {}
        # It is read each second, and changes once a minute.
        self._today: dict[str, tuple[datetime, Energy]] = {}
        self._take_over()

    def close(self) -> None:
        """Write what is not yet written, and close the file."""
        for serial in [*self._unwritten]:
            self._write(serial)
        self._database.close()

    def seen(self, inverter: Inverter, readings: Iterable[Dynamic]) -> None:
        """Store an inverter's readings; those that are too old are left out."""
        oldest = int((self._clock.now() - _KEPT).timestamp())
        rows = {
            at: _packed(inverter.reading(dynamic))
            for dynamic in readings
            if (at := int(dynamic.timestamp.timestamp())) > oldest
        }
        if not rows:
            return
        self._today.pop(inverter.serial, None)
        # A disk may have been full for days.
        before = self._unwritten.get(inverter.serial, {})
        unwritten = {at: what for at, what in before.items() if at > oldest} | rows
        self._unwritten[inverter.serial] = unwritten
        if is_due(min(unwritten), max(unwritten)):
            self._write(inverter.serial)

    def _write(self, serial: str) -> None:
        now, rows = self._clock.now(), self._unwritten[serial]
        with self._database.writing() as database:
            database.execute(_INSERT, _batch(serial, rows))
            if now - self._pruned_at >= _PRUNED_EVERY:
                oldest = int((now - _KEPT).timestamp())
                database.execute("DELETE FROM batch WHERE until < ?", (oldest,))
                self._pruned_at = now
        if not self._database.is_failing:
            del self._unwritten[serial]

    def _take_over(self) -> None:
        """Take over the rows of an earlier version."""
        if not self._database.read("SELECT 1 FROM sqlite_master WHERE name = ?", _FORMER):
            return
        serials = self._database.read(f"SELECT DISTINCT serial FROM {_FORMER}")  # noqa: S608 - ours
        with self._database.writing() as database:
            for (serial,) in serials:
                query = f"SELECT at, what FROM {_FORMER} WHERE serial = ?"  # noqa: S608 - ours
                rows = dict(self._database.read(query, serial))
                database.execute(_INSERT, _batch(serial, rows))
            database.execute(f"DROP TABLE {_FORMER}")

    def day(self, serials: Iterable[str], *, is_yesterday: bool = False) -> Day:
        """Return the local day so far, or yesterday, of one inverter or of those of one site."""
        now = self._clock.now()
        start, end = local_day(now)
        if is_yesterday:
            start, end = local_day(start - timedelta(hours=1))
        return day([self._of(serial, start, end) for serial in serials], start, end, now)

    def today(self, serial: str) -> Energy:
        """Return the energy of the local day so far, of one inverter."""
        start, end = local_day(self._clock.now())
        known = self._today.get(serial)
        if known is None or known[0] != start:
            known = start, _energy(self._of(serial, start, end), start)
            self._today[serial] = known
        return known[1]

    def grown(self, serial: str, start: datetime, end: datetime) -> dict[str, float]:
        """Return what was counted in a time, kWh, by counter as `CounterRow.day` names it.

        Nothing is known without a reading in it.
        """
        rows, _ = self._of(serial, start, end)
        if not rows or rows[-1][0] < start.timestamp():
            return {}
        return {row.day: kwh for row in COUNTERS if (kwh := _grown(rows, row)) is not None}

    def _of(self, serial: str, start: datetime, end: datetime) -> Seen:
        """Return a day of one inverter, and the last minute before it where that is near."""
        since, until = int(start.timestamp()), int(end.timestamp())
        held = self._held(serial, until)
        rows = self._known(
            serial, "until >= ? AND since < ? ORDER BY id", since - held, until
        ).items()
        minutes = sorted((at, minute) for at, minute in rows if since - held <= at < until)
        before = [one for one in minutes if one[0] < since]
        return Seen([*before[-1:], *minutes[len(before) :]], held)

    def _held(self, serial: str, until: int) -> float:
        """Return how long an inverter's last values count on, seconds."""
        which = "since < ? ORDER BY until DESC LIMIT ?"
        found = sorted(
            at for at in self._known(serial, which, until, _LEARNT_BATCHES) if at < until
        )
        last = found[-_LEARNT_FROM:]
        step = usual(timedelta(seconds=after - before) for before, after in pairwise(last))
        return min(max(_HELD_STEPS * step, _LEAST_HELD), STALE_AFTER).total_seconds()

    def _known(self, serial: str, which: str, *values: object) -> dict[int, Minute]:
        """Return the minutes of some batches, and those that are not yet written, by their time."""
        query = f"SELECT what FROM batch WHERE serial = ? AND {which}"  # noqa: S608 - from above
        known: dict[int, Minute] = {}
        for (what,) in self._database.read(query, serial, *values):
            known |= msgspec.msgpack.decode(zlib.decompress(what), type=dict[int, Minute])
        for at, packed in self._unwritten.get(serial, {}).items():
            known[at] = msgspec.msgpack.decode(packed, type=Minute)
        return known


def day(each: Sequence[Seen], start: datetime, end: datetime, now: datetime) -> Day:
    """Return a local day, as far as it is past.

    Args:
        each: the minutes of each inverter, and perhaps one of before the day.
        start: the midnight before.
        end: the midnight after.
        now: the time.
    """
    since, until = int(start.timestamp()), int(min(end, now).timestamp())
    inside = [Seen([row for row in rows if row[0] >= since], held) for rows, held in each]
    # One that is off all day has no part in the total of the others.
    known = [one for one in inside if one.rows] or inside[:1]
    holes = _holes(known, since, until)
    rows = _with_holes(zip(*_together(known), strict=True), holes)
    return Day(
        date=f"{start.astimezone():%Y-%m-%d}",
        start=start,
        end=end,
        is_total=len(known) > 1,
        holes=holes,
        at=[at for at, _ in rows],
        solar=[minute.solar for _, minute in rows],
        load=[minute.load for _, minute in rows],
        battery=[minute.battery for _, minute in rows],
        grid=[minute.grid for _, minute in rows],
        soc=[minute.soc for _, minute in rows],
    )


def _batch(serial: str, rows: Mapping[int, bytes]) -> tuple[str, int, int, bytes]:
    """Return the values of `_INSERT`; the rows are packed minutes by their times."""
    packed = msgspec.msgpack.encode({at: msgspec.Raw(what) for at, what in rows.items()})
    return serial, min(rows), max(rows), zlib.compress(packed)


def _packed(reading: Reading) -> bytes:
    dynamic = reading.dynamic
    soc = dynamic.battery_soc_0_to_1
    return msgspec.msgpack.encode(
        Minute(
            dynamic.pv_power_kw,
            rounded(reading.load_kw),
            dynamic.battery_power_kw,
            rounded(reading.grid_kw),
            None if soc is None else rounded(soc * 100),
            **{f"{row.day}_total": getattr(dynamic, row.field) for row in COUNTERS},
        )
    )


def _holes(each: Sequence[Seen], since: int, until: int) -> list[tuple[int, int]]:
    """Return the times for which any of these has no readings, in order."""
    holes: list[tuple[int, int]] = []
    for before, after in sorted(
        pair
        for rows, held in each
        for pair in pairwise([since, *(at for at, _ in rows), until])
        if pair[1] - pair[0] > held
    ):
        if holes and before < holes[-1][1]:
            holes[-1] = holes[-1][0], max(after, holes[-1][1])
        else:
            holes.append((before, after))
    return holes


def _with_holes(
    rows: Iterable[tuple[int, Minute]], holes: Sequence[tuple[int, int]]
) -> list[tuple[int, Minute]]:
    """Leave out the rows in holes; between two others, one without values interrupts all lines."""
    margin = _MINUTE_SECONDS
    inside = [(since + margin, until - margin) for since, until in holes]
    kept = [row for row in rows if not any(since <= row[0] <= until for since, until in inside)]
    empty = (((since + until) // 2, Minute()) for since, until in holes)
    between = [row for row in empty if kept and kept[0][0] < row[0] < kept[-1][0]]
    return sorted([*kept, *between], key=lambda row: row[0])


def _together(each: Sequence[Seen]) -> tuple[list[int], list[Minute]]:
    """Add up the minutes of several inverters, minute by minute."""
    if len(each) <= 1:
        rows = [row for one in each for row in one.rows]
        return [at for at, _ in rows], [minute for _, minute in rows]
    times = sorted({at - at % _MINUTE_SECONDS for one in each for at, _ in one.rows})
    columns = [list(_at(times, one)) for one in each]
    sums = (_sums(columns, name) for name in (*_POWERS, "soc"))
    return times, [Minute(*values) for values in zip(*sums, strict=True)]


def _at(times: Iterable[int], seen: Seen) -> Iterator[Minute]:
    """Return an inverter's values in each of these minutes; the last ones are held for a while."""
    remaining = iter([*seen.rows, None])
    coming = next(remaining)
    last: tuple[int, Minute] | None = None
    for time in times:
        while coming is not None and coming[0] < time + _MINUTE_SECONDS:
            last, coming = coming, next(remaining)
        yield last[1] if last is not None and time - last[0] < seen.held else Minute()


def _sums(columns: Sequence[Sequence[Minute]], name: str) -> list[float | None]:
    """Add up one value; the sum is unknown while any of those that have it on this day is."""
    every = [[getattr(minute, name) for minute in column] for column in columns]
    if name not in _OF_ALL:
        every = [values for values in every if any(value is not None for value in values)]
    # Batteries of different sizes have no common charge.
    if not every or (name == "soc" and len(every) > 1):
        return [None] * len(columns[0])
    return [_total(row) for row in zip(*every, strict=True)]


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return rounded(sum(known)) if known and len(known) == len(values) else None


def _grown(rows: _Rows, row: CounterRow) -> float | None:
    """Return how much a counter has grown, kWh; None if its value at the beginning is unknown.

    A counter is believed a few minutes after the first reading. One that is missing for longer, as
    where only live readings have it, says nothing of the day.
    """
    name = f"{row.day}_total"
    known = [(at, value) for at, minute in rows if (value := getattr(minute, name)) is not None]
    if not known or known[0][0] - rows[0][0] > _BELIEVED_SECONDS:
        return None
    return sum(step(before, after) for (_, before), (_, after) in pairwise(known))


def _energy(seen: Seen, start: datetime) -> Energy:
    grown = {row: rounded(_grown(seen.rows, row)) for row in COUNTERS}
    return Energy(**amounts(grown), since=_since(seen, start))


def _since(seen: Seen, start: datetime) -> datetime | None:
    rows, held = seen
    is_late = bool(rows) and rows[0][0] > start.timestamp() + held
    return datetime.fromtimestamp(rows[0][0], UTC) if is_late else None
