"""The hours of the last days, each with a code for its state."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from ..backfill import NO_READINGS, Coverage, Hour, Span, Stage
from ..ledger import HOUR, floor
from .minutes import local_day

# A full hour is covered but for a minute at either end.
_EDGE = timedelta(seconds=60)


class Code(StrEnum):
    """The state of an hour."""

    COVERED = "covered"
    WAITING = "waiting"
    FAILED = "failed"
    EMPTY = "empty"
    FUTURE = "future"
    BEFORE = "before"


class Cell(msgspec.Struct, frozen=True):
    """One hour."""

    start: datetime
    code: Code


class Date(msgspec.Struct, frozen=True):
    """One local day; it may have 23 or 25 hours."""

    date: str
    hours: list[Cell]


class Calendar(msgspec.Struct, frozen=True):
    """The last days of one inverter, the newest first."""

    serial: str
    name: str
    days: list[Date]


def calendar(
    coverage: Coverage, serial: str, name: str, since: datetime | None, days: int, now: datetime
) -> Calendar:
    """Return the last days of an inverter; `since` is when its history begins, None = not yet."""
    dates: list[Date] = []
    start, end = local_day(now)
    for _ in range(days):
        # Home Assistant's hours are those of UTC, which begin at half past in some places; there
        # the first hour of a day begins with the day before.
        first = start if start == floor(start) else floor(start) + HOUR
        known, spans = coverage.hours(serial, first, end), coverage.spans(serial, first, end)
        starts = (first + number * HOUR for number in range(-int((first - end) // HOUR)))
        cells = [Cell(each, _code(each, known.get(each), spans, since, now)) for each in starts]
        dates.append(Date(f"{start.astimezone():%Y-%m-%d}", cells))
        start, end = local_day(start - HOUR)
    return Calendar(serial, name, dates)


def _code(
    start: datetime,
    hour: Hour | None,
    spans: Sequence[Span],
    since: datetime | None,
    now: datetime,
) -> Code:
    if start > now:
        return Code.FUTURE
    if since is None or start + HOUR <= since:
        return Code.BEFORE
    if hour is not None:
        if hour.stage is not Stage.SETTLED:
            return Code.WAITING
        if hour.why is None:
            return Code.COVERED
        return Code.EMPTY if hour.why == NO_READINGS else Code.FAILED
    end = min(start + HOUR, now - _EDGE)
    is_whole = any(span.since <= start + _EDGE and span.until >= end - _EDGE for span in spans)
    return Code.COVERED if is_whole else Code.WAITING
