"""Hours, as Core's statistics have them: they begin on the full hour, UTC."""

from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


def floor(moment: datetime) -> datetime:
    """Return the start of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)
