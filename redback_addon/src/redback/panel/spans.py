"""Which time a day, a week, a month or a year is by the house's clock, and what is compared.

Hours are Core's: they begin on the full hour of UTC, at half past in some places, and belong to the
day on which they begin. So a day has 23, 24 or 25 of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from ..ledger import HOUR, floor

_DAY = timedelta(days=1)
# The same weekday of last year.
_YEAR_OF_WEEKS = timedelta(days=364)
# No inverter is older.
EARLIEST = date(2000, 1, 1)


class Length(StrEnum):
    """How long a span is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


class Than(StrEnum):
    """What a span is compared with."""

    BEFORE = "before"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Span:
    """Some local days: `first` is the first of them, and `after` the one after the last."""

    length: Length
    first: date
    after: date

    @property
    def start(self) -> datetime:
        """The midnight before, UTC."""
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The midnight after, UTC."""
        return midnight(self.after)

    @property
    def has_days(self) -> bool:
        """Whether it is longer than a day."""
        return self.length is not Length.DAY

    def parts(self) -> Iterator["Part"]:
        """Yield the bars of its chart: hours, days, months or years."""
        return self.split(_PARTS[self.length])

    def split(self, step: "Length | None") -> Iterator["Part"]:
        """Yield its parts of a length; None = hours."""
        if step is None:
            yield from (Part(None, start) for start in hours(self.start, self.end))
            return
        day = self.first
        while day < self.after:
            yield Part(day, midnight(day))
            day = min(span(step, day).after, self.after)


@dataclass(frozen=True, slots=True)
class Part:
    """One bar: when it begins, UTC, and the day on which it does; None = it is an hour."""

    day: date | None
    start: datetime


_PARTS = {
    Length.DAY: None,
    Length.WEEK: Length.DAY,
    Length.MONTH: Length.DAY,
    Length.YEAR: Length.MONTH,
    Length.ALL: Length.YEAR,
}


def span(length: Length, day: date) -> Span:
    """Return the span in which a day lies; weeks begin on Mondays. It must not be `ALL`."""
    match length:
        case Length.DAY:
            first, after = day, day + _DAY
        case Length.WEEK:
            first = day - timedelta(days=day.weekday())
            after = first + timedelta(days=7)
        case Length.MONTH:
            first = day.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
        case _:
            first = date(day.year, 1, 1)
            after = date(day.year + 1, 1, 1)
    return Span(length, first, after)


def all_days(first: date, last: date) -> Span:
    """Return all days from one to another."""
    return Span(Length.ALL, first, last + _DAY)


def compared(one: Span, than: Than) -> Span | None:
    """Return the span that another one is compared with; None = there is none."""
    if one.length is Length.ALL:
        return None
    if than is Than.BEFORE or one.length is Length.YEAR:
        return span(one.length, one.first - _DAY)
    if one.length is Length.WEEK:
        return span(one.length, one.first - _YEAR_OF_WEEKS)
    return span(one.length, _in_year(one.first, one.first.year - 1))


def cut(one: Span, other: Span, now: datetime) -> datetime:
    """Return the end of what is compared with a span: as far in it as the last full hour is.

    Args:
        one: the span that is looked at.
        other: the one it is compared with.
        now: the time, which may be after the first one.
    """
    if now >= one.end:
        return other.end
    local = floor(now).astimezone()
    if one.length is Length.YEAR:
        day = _in_year(local.date(), other.first.year)
    else:
        day = other.first + (local.date() - one.first)
    if day >= other.after:
        return other.end
    wanted = datetime.combine(day, local.time())
    end = wanted.astimezone(UTC)
    if end.astimezone().replace(tzinfo=None) < wanted:
        # Clocks were set forward over this time of day, which older Pythons take for one before.
        end += HOUR
    return min(max(floor(end), other.start), other.end)


def local_date(moment: datetime) -> date:
    """Return the date of a moment by the house's clock."""
    return moment.astimezone().date()


def midnight(day: date) -> datetime:
    """Return when a day begins by the house's clock, UTC."""
    return datetime.combine(day, time()).astimezone(UTC)


def hours(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the hours that begin in a time, UTC."""
    hour = floor(start)
    if hour < start:
        hour += HOUR
    while hour < end:
        yield hour
        hour += HOUR


def _in_year(day: date, year: int) -> date:
    is_leap_day = (day.month, day.day) == (2, 29)
    return date(year, 2, 28) if is_leap_day else day.replace(year=year)
