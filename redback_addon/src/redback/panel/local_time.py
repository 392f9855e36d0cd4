"""The house's local time, for browsers: theirs may differ, and not know the house's zone."""

from datetime import datetime, timedelta, tzinfo

# The page shows times of the whole history, and may stay open for months.
_BEFORE, _AFTER = timedelta(days=4000), timedelta(days=800)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def offsets(now: datetime, zone: tzinfo | None = None) -> list[tuple[int, int]]:
    """Return since when local time is how far ahead of UTC, newest first.

    Args:
        now: the time.
        zone: the machine's own by default.

    Returns:
        Unix seconds, and seconds.
    """
    moment = (now - _BEFORE).replace(microsecond=0)
    found = [(int(moment.timestamp()), _ahead(moment, zone))]
    while moment < now + _AFTER:
        before, moment = moment, moment + _DAY
        while _ahead(moment, zone) != found[-1][1]:
            change = _change(before, moment, zone)
            found.append((int(change.timestamp()), _ahead(change, zone)))
            before = change
    return found[::-1]


def _change(before: datetime, after: datetime, zone: tzinfo | None) -> datetime:
    """Return the first moment after another one with another offset."""
    ahead = _ahead(before, zone)
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        if _ahead(middle, zone) == ahead:
            before = middle
        else:
            after = middle
    return after


def _ahead(moment: datetime, zone: tzinfo | None) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
