"""Whether the time of a reading can be right: later than the last one's, and not to come."""

from datetime import datetime, timedelta

# The clocks of the inverter, the cloud and this machine need not agree to the second.
_TOLERANCE = timedelta(minutes=5)


def rejection_reason(timestamp: datetime, last: datetime | None, now: datetime) -> str | None:
    """Say what is wrong with the time of a reading, or None where nothing is; all times UTC."""
    told = f"{timestamp:%Y-%m-%d %H:%M:%S} UTC"
    if timestamp > now + _TOLERANCE:
        return f"a reading from the future ({told}) is ignored; this machine's clock may be wrong"
    if last is not None and timestamp < last:
        return f"a reading ({told}) that is older than the one before is ignored"
    return None
