"""Hours, as Core's statistics have them: they begin on the full hour, UTC; and the house's days."""

from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


def floor(moment: datetime) -> datetime:
    """Return the start of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def local_day(moment: datetime) -> tuple[datetime, datetime]:
    """Return the local midnights around a moment; the day may have 23 or 25 hours."""
    local = moment.astimezone()
    start = local.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    return start.astimezone(moment.tzinfo), (start + timedelta(days=1)).astimezone(moment.tzinfo)
