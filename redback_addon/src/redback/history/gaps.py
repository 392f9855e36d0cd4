"""Gaps: which past hours are not wholly published, newest first, and what belongs together."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .coverage import Coverage, Hour, Span, Stage

HOUR = timedelta(hours=1)
# So much at either end of an hour may be missing because the reading of that minute is stamped on
# the other side of it.
_EDGE = timedelta(seconds=60)
# After an outage a counter is believed when a second reading fits the first. Until then Core is
# shown the old value, and its row may be of that.
_BELIEVED_AFTER = timedelta(minutes=5)
# The past before the first reading is filled a day at a time, so that the newest comes soon. What
# lies more than a week before it comes in months, since each part moves all the rows after it.
_DAY_HOURS = 24
_WEEK_HOURS = 7 * _DAY_HOURS
_MONTH_HOURS = 30 * _DAY_HOURS


@dataclass(frozen=True, slots=True)
class Gap:
    """Hours in a row, to be filled together; and as much as is known of them.

    Attributes:
        serial: of the inverter.
        hours: in their order.
        standing: those whose last minutes were published, so that what Core has stored for a
            counter at their end is right.
        past: whether they lie before the first reading. What Core has there is not ours.
        goes_on: whether the hour after them, which is not looked at yet, is missing as well.
    """

    serial: str
    hours: tuple[Hour, ...]
    standing: frozenset[datetime]
    past: bool
    goes_on: bool = False

    @property
    def since(self) -> datetime:
        """The start of the first hour."""
        return self.hours[0].start

    @property
    def asked(self) -> frozenset[datetime]:
        """The starts of those that somebody has asked for, whatever they are now."""
        return frozenset(hour.start for hour in self.hours if hour.asked)

    def keeps(self, start: datetime, stored: Container[datetime]) -> bool:
        """Tell whether Core's row of an hour of the past stays: it is not ours to replace.

        Args:
            start: of the hour.
            stored: the hours that Core has.
        """
        return self.past and start in stored and start not in self.asked

    @property
    def until(self) -> datetime:
        """The end of the last hour."""
        return self.hours[-1].start + HOUR


def find(coverage: Coverage, serial: str, since: datetime, now: datetime) -> list[Gap]:
    """Find all gaps, newest first.

    Args:
        coverage: what is known.
        serial: of the inverter; one that was never published has no gaps yet.
        since: where the past begins that is wanted.
        now: hours that end later are not looked at.
    """
    begun = coverage.begun(serial)
    if begun is None:
        return []
    first, end = floor(since), floor(now)
    known = coverage.hours(serial, first, end)
    spans = coverage.spans(serial, first, end)
    missing = list(_missing(known, spans, first, end, now))
    return [
        Gap(
            serial,
            tuple(hours),
            frozenset(hour.start for hour in hours if not hour.asked and _ends(hour, spans)),
            past=hours[-1].start < floor(begun),
            goes_on=floor(begun) < hours[-1].start + HOUR == end and not _begins(end, spans),
        )
        for hours in _together(missing, spans, floor(begun))
    ][::-1]


def shown_until(spans: Sequence[Span], start: datetime) -> datetime | None:
    """Tell up to when Core's own row of an hour is right; None = it is not.

    Args:
        spans: the times without a gap that touch the hour.
        start: of the hour.
    """
    untils = [
        min(span.until, start + HOUR)
        for span in spans
        if span.until > start and min(span.until, start + HOUR) - span.since >= _BELIEVED_AFTER
    ]
    return max(untils, default=None)


def floor(moment: datetime) -> datetime:
    """Give the start of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def _missing(
    known: Mapping[datetime, Hour],
    spans: Sequence[Span],
    first: datetime,
    end: datetime,
    now: datetime,
) -> Iterator[Hour]:
    remaining = iter(spans)
    span = next(remaining, None)
    start = first
    while start < end:
        while span is not None and span.until < start + HOUR - _EDGE:
            span = next(remaining, None)
        hour = known.get(start)
        if hour is None:
            if span is None or span.since > start + _EDGE:
                yield Hour(start, Stage.WANTED)
        elif hour.stage is not Stage.SETTLED or (hour.due is not None and hour.due <= now):
            yield hour
        start += HOUR


def _is_cut(before: int) -> bool:
    """Tell whether a part of the past begins so many hours before the first reading's."""
    if before < 0:
        return False
    return before % (_DAY_HOURS if before <= _WEEK_HOURS else _MONTH_HOURS) == 0


def _ends(hour: Hour, spans: Sequence[Span]) -> bool:
    """Tell whether the last minutes of an hour were published."""
    end = hour.start + HOUR
    return any(span.since <= end - _BELIEVED_AFTER and end - _EDGE <= span.until for span in spans)


def _begins(start: datetime, spans: Sequence[Span]) -> bool:
    """Tell whether the first minute of an hour, or the last one before it, was published."""
    return any(span.since <= start + _EDGE and span.until >= start - _EDGE for span in spans)


def _together(
    missing: Sequence[Hour], spans: Sequence[Span], begun: datetime
) -> Iterator[list[Hour]]:
    """Put together what can be joined to what Core has only as a whole."""
    group: list[Hour] = []
    for hour in missing:
        if group and (
            group[-1].start + HOUR != hour.start
            or _is_cut((begun - hour.start) // HOUR)
            or (not group[-1].asked and _ends(group[-1], spans))
        ):
            yield group
            group = []
        group.append(hour)
    if group:
        yield group
