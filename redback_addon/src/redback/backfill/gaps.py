"""Gaps: past hours that were not completely published, newest first, in groups."""

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..ledger import HOUR, floor
from .coverage import Coverage, Hour, Span, Stage

# This long after its end, Core has written an hour, and the cloud has received it.
SETTLE = timedelta(minutes=10)
# Tolerance at an hour's ends: a reading may be stamped in the next hour.
_EDGE = timedelta(seconds=60)
# After an outage a counter is believed when a second reading fits the first. Until then Core shows
# the old value, and its row may have that.
_BELIEVED_AFTER = timedelta(minutes=5)
# The past before the first reading is filled a day at a time, so that the newest appears soon, and
# beyond a week by months, since each part moves all the rows after it.
_DAY_HOURS = 24
_WEEK_HOURS = 7 * _DAY_HOURS
_MONTH_HOURS = 30 * _DAY_HOURS
_MONTH = _MONTH_HOURS * HOUR


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive hours, to be filled together.

    Attributes:
        serial: of the inverter.
        hours: in their order.
        past: whether they lie before the first reading. What Core has there is not ours.
        border: the hour of the first reading.
        goes_on: whether the hour after them, which is not checked yet, is missing too.
    """

    serial: str
    hours: tuple[Hour, ...]
    past: bool
    border: datetime
    goes_on: bool = False

    @property
    def since(self) -> datetime:
        """The start of the first hour."""
        return self.hours[0].start

    @property
    def asked(self) -> frozenset[datetime]:
        """The starts of the hours that somebody asked to fill again."""
        return frozenset(hour.start for hour in self.hours if hour.asked)

    @property
    def until(self) -> datetime:
        """The end of the last hour."""
        return self.hours[-1].start + HOUR


def find(coverage: Coverage, serial: str, since: datetime, now: datetime) -> list[Gap]:
    """Find all gaps, newest first.

    Args:
        coverage: what is known.
        serial: of the inverter; one that was never published has no gaps yet.
        since: the beginning of the wanted past.
        now: hours that end later are not checked.
    """
    return [gap for gaps in search(coverage, serial, since, now) for gap in gaps]


def search(coverage: Coverage, serial: str, since: datetime, now: datetime) -> Iterator[list[Gap]]:
    """Find all gaps as `find` does, but bit by bit: there may be many years to check."""
    begun = coverage.begun(serial)
    if begun is None:
        return
    first, border, end = floor(since), floor(begun), floor(now)
    missing: list[Hour] = []
    start = max(first, border)
    while start < end:
        missing += _missing(coverage, serial, start, min(start + _MONTH, end), now)
        start += _MONTH
        yield []
    yield _gaps(coverage, serial, missing, border, end)
    # The past month by month; each ends at a cut, so that no gap is in two of them.
    until = border
    while until > first:
        start = until - _MONTH
        missing = list(_missing(coverage, serial, max(start, first), min(until, end), now))
        yield _gaps(coverage, serial, missing, border, end)
        until = start


class Finder:
    """Finds gaps repeatedly, without checking again what has none, which may be years.

    Args:
        coverage: what is known.
    """

    def __init__(self, coverage: Coverage) -> None:
        self._coverage = coverage
        # By inverter: of which beginning and version of the coverage, until where there was no gap,
        # and when an hour before that is to be fetched again.
        self._whole: dict[str, tuple[Hashable, datetime, datetime | None]] = {}

    def search(self, serial: str, since: datetime, now: datetime) -> Iterator[list[Gap]]:
        """Find all gaps, as the function `search` does."""
        version = since, self._coverage.version(serial)
        known, until, due = self._whole.pop(serial, (None, since, None))
        is_whole = known == version and (due is None or due > now)
        has_gaps = False
        for found in search(self._coverage, serial, max(since, until) if is_whole else since, now):
            has_gaps = has_gaps or bool(found)
            yield found
        if not has_gaps and self._coverage.begun(serial) is not None:
            due = self._coverage.due(serial, floor(since))
            self._whole[serial] = version, floor(now), due


class Shown:
    """The published part of a range.

    Args:
        spans: in their order; none touches another.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self._since = [span.since for span in spans]
        self._until = [span.until for span in spans]

    def holds(self, since: datetime, until: datetime) -> bool:
        """Whether a span begins by one moment and lasts until the other."""
        number = bisect_right(self._since, since) - 1
        return number >= 0 and self._until[number] >= until

    def ends(self, hour: datetime) -> bool:
        """Whether the last minutes of an hour were published.

        The last one alone does not do: the first values after an outage may be in doubt, so that
        an old one is shown until they are confirmed.
        """
        last = hour + HOUR - _EDGE
        return self.holds(hour + HOUR - _BELIEVED_AFTER, last)

    def fills(self, hour: datetime) -> bool:
        """Whether a whole hour was published."""
        return self.holds(hour + _EDGE, hour + HOUR - _EDGE)


def _missing(
    coverage: Coverage, serial: str, start: datetime, end: datetime, now: datetime
) -> Iterator[Hour]:
    if coverage.settled(serial, start, end) == (end - start) // HOUR:
        return
    known = coverage.hours(serial, start, end)
    shown = Shown(coverage.spans(serial, start, end))
    if not known and shown.holds(start + _EDGE, end - _EDGE):
        return
    while start < end:
        hour = known.get(start)
        if hour is None:
            if not shown.fills(start):
                yield Hour(start, Stage.WANTED)
        elif hour.stage is not Stage.SETTLED or (hour.due is not None and hour.due <= now):
            yield hour
        start += HOUR


def _gaps(
    coverage: Coverage, serial: str, missing: Sequence[Hour], border: datetime, end: datetime
) -> list[Gap]:
    """Make gaps of hours, newest first.

    Args:
        coverage: what is known.
        serial: of the inverter.
        missing: in their order.
        border: the hour of the first reading.
        end: of the checked range.
    """
    if not missing:
        return []
    shown = Shown(coverage.spans(serial, missing[0].start, missing[-1].start + HOUR))
    is_begun = shown.holds(end + _EDGE, end - _EDGE)  # the first minute, or the last one before it
    return [
        Gap(
            serial,
            tuple(hours),
            past=hours[-1].start < border,
            border=border,
            goes_on=border < hours[-1].start + HOUR == end and not is_begun,
        )
        for hours in _together(missing, shown, border)
    ][::-1]


def _is_cut(before: int, *, is_asked: bool) -> bool:
    """Whether a new gap begins this many hours before the first reading's.

    An outage is filled as a whole. A requested range may be years.
    """
    if before < 0:
        return is_asked and before % _MONTH_HOURS == 0
    return before % (_DAY_HOURS if before <= _WEEK_HOURS else _MONTH_HOURS) == 0


def _together(missing: Sequence[Hour], shown: Shown, border: datetime) -> Iterator[list[Hour]]:
    """Group the hours that can be spliced to Core's rows only as a whole."""
    group: list[Hour] = []
    for hour in missing:
        if group and (
            group[-1].start + HOUR != hour.start
            or _is_cut((border - hour.start) // HOUR, is_asked=hour.asked)
            or (not group[-1].asked and shown.ends(group[-1].start))
        ):
            yield group
            group = []
        group.append(hour)
    if group:
        yield group
