"""Core's recorder as it behaves: its tables, its queue, and what it compiles at which time.

It follows components/recorder/statistics.py and components/sensor/recorder.py of Core, with what
they get wrong. 2025.4 and 2026.11 do the same, but for one thing that is not here: if 2025.4 finds
a duplicate row while it compiles what is missing, and no sensor has a state yet, it does not know
which states held at the start of its next five minutes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import ParamSpec

from redback.core import CoreAwayError, Series

FIVE_MINUTES = 300
HOUR = 3600
DAY = 86_400
# In Core's own time zone, which is ten hours ahead of UTC here, at 4:12.
_NIGHTLY = (4 - 10) % 24 * HOUR + 12 * 60
# After the end of each five minutes.
_COMPILED_AFTER = 10
# Core asks for what came after a moment that is this much before the start.
_BEFORE = 1e-6
# A counter that falls below this part of what it was is a new one.
_RESET = 0.9

P = ParamSpec("P")


@dataclass(slots=True)
class Row:
    """An hour, or five minutes, of one statistic; `id` is its place in Core's table."""

    id: int
    start: int
    state: float | None = None
    sum: float | None = None
    mean: float | None = None
    min: float | None = None
    max: float | None = None


Rows = dict[int, Row]


@dataclass
class _History:
    """The states of one entity that are in the database, in order; None = not a number."""

    times: list[float] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)

    def add(self, time: float, value: float | None) -> None:
        self.times.append(time)
        self.values.append(value)

    def within(self, start: float, end: float) -> list[tuple[float, float | None]]:
        """Return the state that held at the start, and those that came until the end."""
        first, last = bisect_right(self.times, start - _BEFORE), bisect_left(self.times, end)
        held = [(start, self.values[first - 1])] if first > 0 else []
        came = zip(self.times[first:last], self.values[first:last], strict=True)
        return [*held, *came]

    def keep(self, first: int, last: int | None = None) -> None:
        self.times, self.values = self.times[first:last], self.values[first:last]


@dataclass
class Database:
    """Core's file. Ids are the highest so far plus one, as in SQLite."""

    histories: dict[str, _History] = field(default_factory=dict)
    hourly: dict[str, Rows] = field(default_factory=dict)
    short_term: dict[str, Rows] = field(default_factory=dict)
    short_term_ids: dict[int, tuple[str, int]] = field(default_factory=dict)
    known: dict[str, Series] = field(default_factory=dict)
    known_ids: dict[int, str] = field(default_factory=dict)
    runs: set[int] = field(default_factory=set)

    def id_of(self, entity_id: str) -> int | None:
        return next((id_ for id_, known in self.known_ids.items() if known == entity_id), None)

    def know(self, series: Series) -> bool:
        """Add the metadata; returns whether they are new."""
        is_new = series.entity_id not in self.known
        if is_new:
            self.known_ids[_next(self.known_ids)] = series.entity_id
        self.known[series.entity_id] = series
        return is_new

    def add_short_term(self, entity_id: str, row: Row) -> None:
        row.id = _next(self.short_term_ids)
        self.short_term_ids[row.id] = (entity_id, row.start)
        self.short_term.setdefault(entity_id, {})[row.start] = row

    def remove_short_term(self, entity_id: str, row: Row) -> None:
        del self.short_term_ids[row.id]
        del self.short_term[entity_id][row.start]


def _next(ids: dict[int, object] | dict[int, str] | dict[int, tuple[str, int]]) -> int:
    return next(reversed(ids), 0) + 1


@dataclass
class _Session:
    """What was written since the last commit."""

    short_term: list[tuple[str, Row]] = field(default_factory=list)
    hourly: list[tuple[str, Row]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)

    def undo(self, database: Database) -> None:
        for entity_id, row in self.short_term:
            database.remove_short_term(entity_id, row)
        for entity_id, row in self.hourly:
            del database.hourly[entity_id][row.start]
        database.runs.difference_update(self.runs)


class _DuplicateError(Exception):
    """There is a row of this hour already."""


class Recorder:
    """Core with these sensors, running.

    Attributes:
        now: unix seconds.
        is_running: whether Core can be asked.
        database: what it has written.
        kept_days: how long it keeps states and rows of five minutes.
    """

    def __init__(self, now: float, sensors: Iterable[Series], *, kept_days: int = 10) -> None:
        self.now = now
        self.kept_days = kept_days
        self.is_running = False
        self.database = Database(runs={_floor(now, FIVE_MINUTES) - FIVE_MINUTES})
        self._sensors = {series.entity_id: series for series in sensors}
        self._has_started = False
        self._is_locked = False
        self._queue: list[Callable[[], None]] = []
        # Core's states, with the time of their last change; in the order of their first push.
        self._states: dict[str, tuple[float, float | None]] = {}
        # Where Core believes each statistic's newest short-term row, by the id of its metadata.
        self._newest: dict[int, int] = {}
        self.start()
        self.started()

    def add(self, series: Series) -> None:
        """Have another sensor."""
        self._sensors[series.entity_id] = series

    # Time, and Core's process

    def advance(self, to: float) -> None:
        """Let time pass, and do what Core does by the clock."""
        while True:
            compiled = _next_time(self.now, FIVE_MINUTES, _COMPILED_AFTER)
            nightly = _next_time(self.now, DAY, _NIGHTLY)
            due = min(compiled, nightly)
            if due > to:
                self.now = to
                return
            self.now = due
            if self._has_started and due == nightly:
                self._do(self._purge, due - self.kept_days * DAY)
            if self._has_started and due == compiled:
                self._do(self._compile_one, due - _COMPILED_AFTER - FIVE_MINUTES)

    def stop(self) -> None:
        """End Core; what it has not begun to write is lost."""
        self.is_running = self._has_started = self._is_locked = False
        self._queue.clear()

    def kill(self, uncommitted_s: float = 5) -> None:
        """End Core as a power cut does: states of the last seconds are not in its file."""
        self.stop()
        # Compiling commits all states before.
        committed = _next_time(self.now - FIVE_MINUTES, FIVE_MINUTES, _COMPILED_AFTER)
        since = max(self.now - uncommitted_s, committed)
        for history in self.database.histories.values():
            history.keep(0, bisect_right(history.times, since))

    def start(self) -> None:
        """Start Core: it takes states and commands, and writes nothing yet."""
        self.is_running = True
        self._states.clear()
        self._newest.clear()

    def started(self) -> None:
        """Finish the start: what was queued is written, then missing five minutes are compiled."""
        self._has_started = True
        self._queue.append(self._compile_missing)
        self._work()

    def copy(self) -> Database:
        """Return a copy of the database, such as a backup has."""
        return deepcopy(self.database)

    def restore(self, copy: Database) -> None:
        """Replace the database."""
        assert not self.is_running
        self.database = deepcopy(copy)

    def lose_hour(self, entity_id: str, start: int) -> None:
        """Lose the rows of an hour."""
        assert not self.is_running
        self.database.hourly.get(entity_id, {}).pop(start, None)
        for row in self.short_term(entity_id):
            if start <= row.start < start + HOUR:
                self.database.remove_short_term(entity_id, row)

    def lock(self) -> None:
        """Write nothing from now on, as while the database is being backed up."""
        self._is_locked = True

    def unlock(self) -> None:
        """Write everything that was queued."""
        self._is_locked = False
        self._work()

    def _do(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        self._queue.append(lambda: work(*args, **kwargs))
        self._work()

    def _work(self) -> None:
        while self._queue and self._has_started and not self._is_locked:
            self._queue.pop(0)()

    @property
    def backlog(self) -> int:
        """How much waits to be written."""
        return len(self._queue)

    def check(self) -> None:
        """Raise CoreAwayError if Core cannot be asked."""
        if not self.is_running:
            raise CoreAwayError("GET", "/core", None, "it does not run")

    # What can be asked of Core

    def push(self, entity_id: str, value: float | None) -> None:
        """Set a state, whose attributes are always the same; None = unavailable."""
        self.check()
        if entity_id in self._states and self._states[entity_id][1] == value:
            return  # Core writes changes only
        self._states[entity_id] = (self.now, value)
        self._do(self._write, entity_id, self.now, value)

    def import_statistics(self, series: Series, rows: Iterable[Row]) -> None:
        """Write hourly rows in place of those that are there."""
        self.check()
        self._do(self._import, series, list(rows))

    def adjust_sum_statistics(self, entity_id: str, since: float, amount: float) -> None:
        """Add an amount to all sums from then on."""
        self.check()
        self._do(self._adjust, entity_id, since, amount)

    def clear_statistics(self, entity_ids: Sequence[str]) -> None:
        """Delete all rows of these statistics."""
        self.check()
        self._do(self._clear, list(entity_ids))

    def is_known(self, entity_id: str) -> bool:
        """Whether Core has metadata: stored ones, or those of a state."""
        return entity_id in self.database.known or entity_id in self._states

    def hourly(self, entity_id: str) -> list[Row]:
        """Return the hourly rows, in order."""
        return _in_order(self.database.hourly.get(entity_id, {}))

    def short_term(self, entity_id: str) -> list[Row]:
        """Return the rows of five minutes, in order."""
        return _in_order(self.database.short_term.get(entity_id, {}))

    # What the recorder does with it

    def _write(self, entity_id: str, time: float, value: float | None) -> None:
        self.database.histories.setdefault(entity_id, _History()).add(time, value)

    def _import(self, series: Series, rows: Sequence[Row]) -> None:
        self.database.know(series)
        hourly = self.database.hourly.setdefault(series.entity_id, {})
        for row in rows:
            hourly[row.start] = Row(0, row.start, row.state, row.sum, row.mean, row.min, row.max)

    def _adjust(self, entity_id: str, since: float, amount: float) -> None:
        if entity_id not in self.database.known:
            return
        for table, first in (
            (self.database.short_term, since),
            (self.database.hourly, _floor(since, HOUR)),
        ):
            for row in table.get(entity_id, {}).values():
                if row.start >= first and row.sum is not None:
                    row.sum += amount

    def _clear(self, entity_ids: Sequence[str]) -> None:
        database = self.database
        for entity_id in entity_ids:
            id_ = database.id_of(entity_id)
            if id_ is None:
                continue
            del database.known_ids[id_]
            del database.known[entity_id]
            for row in self.short_term(entity_id):
                database.remove_short_term(entity_id, row)
            database.hourly.pop(entity_id, None)

    def _purge(self, before: float) -> None:
        database = self.database
        for history in database.histories.values():
            history.keep(bisect_left(history.times, before))
        newest = max(database.runs)
        database.runs = {start for start in database.runs if start >= before or start == newest}
        for entity_id in database.short_term:
            for row in self.short_term(entity_id):
                if row.start >= before:
                    break
                database.remove_short_term(entity_id, row)

    def _compile_one(self, start: int) -> None:
        session = _Session()
        try:
            self._compile(start, session)
        except _DuplicateError:
            session.undo(self.database)

    def _compile_missing(self) -> None:
        """Compile what is missing since the newest run, until a row is there already.

        Then all is undone that was compiled since the last commit, and not tried again.
        """
        start = max(
            _floor(self.now - self.kept_days * DAY, HOUR), max(self.database.runs) + FIVE_MINUTES
        )
        session = _Session()
        uncommitted = 0
        while start < _floor(self.now, FIVE_MINUTES):
            uncommitted += 1
            try:
                has_new = self._compile(start, session)
            except _DuplicateError:
                session.undo(self.database)
                return
            if uncommitted == 12 * HOUR / FIVE_MINUTES or has_new:
                session = _Session()
                uncommitted = 0
            start += FIVE_MINUTES

    def _compile(self, start: int, session: _Session) -> bool:
        """Write the rows of five minutes, and of an hour at its end.

        Returns:
            Whether there are new metadata.
        """
        database = self.database
        if start in database.runs:
            return False
        states = self._numbers_within(start, start + FIVE_MINUTES)
        newest = self._newest_short_term(states)
        has_new = False
        added: list[Row] = []
        for entity_id, numbers in states.items():
            row = Row(0, start)
            if not self._sensors[entity_id].is_counter:
                _measure(row, numbers)
            elif not _count(row, numbers, newest.get(entity_id)):
                continue
            has_new |= database.know(self._sensors[entity_id])
            database.add_short_term(entity_id, row)
            session.short_term.append((entity_id, row))
            added.append(row)
        if (start + FIVE_MINUTES) % HOUR == 0:
            self._compile_hour(start + FIVE_MINUTES - HOUR, session)
        database.runs.add(start)
        session.runs.append(start)
        for row in added:
            id_ = database.id_of(database.short_term_ids[row.id][0])
            assert id_ is not None
            self._newest[id_] = row.id
        return has_new

    def _numbers_within(self, start: int, end: int) -> dict[str, list[tuple[float, float]]]:
        found = {}
        for entity_id, (changed, value) in self._states.items():
            history = self.database.histories.get(entity_id, _History()).within(start, end)
            if not history and changed < end:
                history = [(max(changed, start), value)]
            numbers = [(time, number) for time, number in history if number is not None]
            if numbers:
                found[entity_id] = numbers
        return found

    def _newest_short_term(self, entity_ids: Iterable[str]) -> dict[str, Row]:
        """Return the row that each sum goes on from, where Core believes it to be.

        Core looks for it in the table only if it does not believe it anywhere: after rows were
        undone or purged it finds none.
        """
        database = self.database
        ids: set[int] = set()
        for entity_id in entity_ids:
            known_id = database.id_of(entity_id)
            if known_id is None:
                continue
            if known_id not in self._newest and database.short_term.get(entity_id):
                self._newest[known_id] = self.short_term(entity_id)[-1].id
            if known_id in self._newest:
                ids.add(self._newest[known_id])
        found: dict[str, Row] = {}
        for id_ in sorted(ids):
            if id_ in database.short_term_ids:
                entity_id, start = database.short_term_ids[id_]
                found.setdefault(entity_id, database.short_term[entity_id][start])
        return found

    def _compile_hour(self, hour: int, session: _Session) -> None:
        database = self.database
        for entity_id, short_term in database.short_term.items():
            starts = range(hour, hour + HOUR, FIVE_MINUTES)
            rows = [short_term[start] for start in starts if start in short_term]
            if not rows:
                continue
            hourly = database.hourly.setdefault(entity_id, {})
            if hour in hourly:
                raise _DuplicateError
            hourly[hour] = Row(
                0,
                hour,
                rows[-1].state,
                rows[-1].sum,
                _mean([row.mean for row in rows if row.mean is not None]),
                min((row.min for row in rows if row.min is not None), default=None),
                max((row.max for row in rows if row.max is not None), default=None),
            )
            session.hourly.append((entity_id, hourly[hour]))


def _count(row: Row, numbers: list[tuple[float, float]], last: Row | None) -> bool:
    """Fill in state and sum; returns whether there are any."""
    total = 0.0
    new = old = None
    if last is not None:
        new = old = last.state
        total = last.sum or 0.0
    for _, number in numbers:
        if old is None:
            new = old = number
        elif new is not None and number < 0:
            continue
        elif new is not None and number < _RESET * new:
            total += new - old
            new, old = number, 0.0
        else:
            new = number
    if new is None or old is None:
        return False
    row.state, row.sum = new, total + (new - old)
    return True


def _measure(row: Row, numbers: list[tuple[float, float]]) -> None:
    """Fill in mean, min and max; a value holds until the next number."""
    values = [number for _, number in numbers]
    times = [time for time, _ in numbers] + [row.start + FIVE_MINUTES]
    held = [
        value * (until - since)
        for value, since, until in zip(values, times, times[1:], strict=False)
    ]
    row.mean = sum(held) / (times[-1] - times[0])
    row.min, row.max = min(values), max(values)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _in_order(rows: Rows) -> list[Row]:
    return sorted(rows.values(), key=lambda row: row.start)


def _floor(time: float, length: int) -> int:
    return int(time // length) * length


def _next_time(now: float, length: int, after: int) -> int:
    """Return the next time after now that is this long after a multiple of the length."""
    return _floor(now - after, length) + length + after
