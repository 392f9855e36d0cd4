"""How often what only goes on is written: a memory card wears out by it.

After a power cut, the cloud tells again what was not written.
"""

from datetime import timedelta

# An hour with an outage is fetched as a whole: what came before the outage is too.
HOURLY = timedelta(hours=1)
# Core may be shown such an old value of a counter until the cloud confirms a higher one.
OFTEN = timedelta(minutes=15)


def is_due(written: float, now: float, every: timedelta = HOURLY) -> bool:
    """Whether it is to be written again: with its first reading in each such period.

    Args:
        written: the time of the reading that was written last, Unix seconds.
        now: the time of this reading, Unix seconds.
        every: how long a period is; an hour has a whole number of them.
    """
    seconds = every.total_seconds()
    return now // seconds != written // seconds
