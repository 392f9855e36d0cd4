"""Fills hours again that somebody asks for, whatever is known of them."""

from datetime import UTC, datetime, timedelta

from ..ledger import HOUR, floor
from .coverage import Coverage, Hour, Span, Stage, UnwritableError


class RefillError(Exception):
    """The request cannot be fulfilled; the text is one sentence."""


NOTHING = (
    "There is nothing to fill: the range is in the future, or before the time that Days of history"
    " covers."
)


def moment(text: str) -> datetime:
    """Parse a local time such as 2026-03-02T07, or a day; return it as aware UTC.

    Raises:
        RefillError: it is not a time.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefillError(f"{text!r} is not a time like 2026-03-02T07.") from None


def span(coverage: Coverage, serial: str, days: int, now: datetime) -> Span:
    """Return the range of an inverter that may be filled, in whole hours, UTC.

    Args:
        coverage: what is known.
        serial: of the inverter.
        days: how many days before the first reading to fill.
        now: the time.

    Raises:
        RefillError: nothing was read of it so far.
    """
    begun = coverage.begun(serial)
    if begun is None:
        raise RefillError(f"There is no history for {serial} yet.")
    return Span(floor(begun - timedelta(days=days)), floor(now))


def hours(since: datetime, until: datetime, allowed: Span) -> list[datetime]:
    """Return the starts of those hours that a range touches and that may be filled."""
    first, end = max(floor(since), allowed.since), min(until, allowed.until)
    return [first + number * HOUR for number in range(max(-int((first - end) // HOUR), 0))]


def request_hours(coverage: Coverage, serial: str, starts: list[datetime]) -> None:
    """Mark these hours as wanted; the service fills them within minutes.

    Raises:
        RefillError: the request cannot be saved.
    """
    try:
        coverage.put(serial, [Hour(start, Stage.WANTED, asked=True) for start in starts])
    except UnwritableError as error:
        raise RefillError(f"The request cannot be saved: {error}.") from None
