"""The hours of some days, each with a code for its state, and why it is not there."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from ..backfill import NO_READINGS, Coverage, Hour, Shown, Stage
from ..ledger import HOUR, floor, local_day

# A full hour is covered but for a minute at either end.
_EDGE = timedelta(seconds=60)
# Why nothing is fetched for it yet.
_OPEN = "the hour is not over yet"


class Code(StrEnum):
    """The state of an hour."""

    COVERED = "covered"
    WAITING = "waiting"
    FETCHED = "fetched"
    FAILED = "failed"
    EMPTY = "empty"
    FUTURE = "future"
    BEFORE = "before"


_INCOMPLETE = frozenset({Code.WAITING, Code.FETCHED, Code.FAILED, Code.EMPTY})


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """One hour; why it is not there, and when it is fetched again."""

    start: datetime
    code: Code
    why: str | None = None
    due: datetime | None = None


class Date(msgspec.Struct, frozen=True):
    """One local day; it may have 23 or 25 hours."""

    date: str
    hours: list[Cell]


class Calendar(msgspec.Struct, frozen=True):
    """Some days of one inverter, the newest first; `has_earlier` is whether more can be seen."""

    serial: str
    name: str
    days: list[Date]
    has_earlier: bool


def calendar(
    coverage: Coverage,
    serial: str,
    name: str,
    since: datetime | None,
    days: int,
    now: datetime,
    *,
    last: datetime | None = None,
) -> Calendar:
    """Return some days of an inverter.

    Args:
        coverage: what is known.
        serial: of the inverter.
        name: of the inverter.
        since: when its history begins; None = not yet.
        days: how many.
        now: the time.
        last: a moment in the last of the days; today by default.
    """
    dates: list[Date] = []
    start, end = local_day(min(last or now, now))
    for number in range(days):
        if number:
            start, end = local_day(start - HOUR)
        # Home Assistant's hours are those of UTC, which begin at half past in some places; there
        # the first hour of a day begins with the day before.
        first = start if start == floor(start) else floor(start) + HOUR
        known = coverage.hours(serial, first, end)
        shown = Shown(coverage.spans(serial, first, end))
        # The next reading may not have come yet.
        until = now - coverage.longest_step(serial)
        starts = (first + number * HOUR for number in range(-int((first - end) // HOUR)))
        cells = [_cell(each, known.get(each), shown, since, now, until) for each in starts]
        dates.append(Date(f"{start.astimezone():%Y-%m-%d}", cells))
    return Calendar(serial, name, dates, has_earlier=since is not None and since < start)


def incomplete(
    coverage: Coverage,
    serial: str,
    since: datetime | None,
    start: datetime,
    end: datetime,
    now: datetime,
) -> Iterator[datetime]:
    """Yield the hours of a time that Home Assistant does not have as a whole, by their starts."""
    known = coverage.hours(serial, floor(start), end)
    spans = coverage.spans(serial, start, end)
    shown = Shown(spans)
    edges = [start, *(edge for one in spans for edge in (one.since, one.until)), end]
    starts, until = set(known), now - coverage.longest_step(serial)
    # Only hours between two spans can lack anything: a year without a gap is one span.
    for before, after in zip(edges[::2], edges[1::2], strict=True):
        hour = floor(before)
        while hour < after:
            starts.add(hour)
            hour += HOUR
    for hour in sorted(starts):
        if not start <= hour < end:
            continue
        if _code(hour, known.get(hour), shown, since, now, until) in _INCOMPLETE:
            yield hour


def _cell(
    start: datetime,
    hour: Hour | None,
    shown: Shown,
    since: datetime | None,
    now: datetime,
    until: datetime,
) -> Cell:
    code = _code(start, hour, shown, since, now, until)
    if code is Code.WAITING and hour is None and now < start + HOUR:
        return Cell(start, code, _OPEN)
    if hour is None or code in {Code.BEFORE, Code.COVERED}:
        return Cell(start, code)  # a complete one may be looked at again, which is no news
    why = None if hour.why == NO_READINGS else hour.why
    return Cell(start, code, why, hour.due)


def _code(
    start: datetime,
    hour: Hour | None,
    shown: Shown,
    since: datetime | None,
    now: datetime,
    until: datetime,
) -> Code:
    if start > now:
        return Code.FUTURE
    if since is None or start + HOUR <= since:
        return Code.BEFORE
    if hour is not None:
        if hour.stage is not Stage.SETTLED:
            return Code.WAITING if hour.stage is Stage.WANTED else Code.FETCHED
        if hour.why is None:
            return Code.COVERED
        return Code.EMPTY if hour.why == NO_READINGS else Code.FAILED
    end = min(start + HOUR, until)
    is_whole = shown.holds(start + _EDGE, end - _EDGE)
    return Code.COVERED if is_whole else Code.WAITING
