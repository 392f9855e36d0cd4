"""Backfill: what live polling missed is fetched again, and becomes Core's statistics.

coverage.py   which minutes Core was shown, and what became of the other hours: one SQLite file
gaps.py       which hours are missing, and which belong together
fetcher.py    gets hours from the cloud, at a kind pace
hourly.py     what the minutes of an hour come to
flowing.py    the same for counters that the cloud does not tell, by their power
ends.py       what Core has before and after them
splice.py     how a counter's hours fit that
spreading.py  the same for a counter that the cloud does not tell
sums.py       a counter's rows in a gap, and what comes after them
importer.py   brings the hours of a gap to Core, and reads them back
progress.py   how far it is
refill.py     hours that somebody wants filled again
audit.py      whether Core still has what it had
backfill.py   does all this, for as long as anything is missing
__main__.py   the command redback-history
"""

from .audit import Audit
from .backfill import Backfill
from .coverage import FILE as COVERAGE_FILE
from .coverage import NO_READINGS, Coverage, Hour, Span, Stage
from .fetcher import Fetcher
from .gaps import HOUR
from .importer import Importer
from .progress import Progress
from .refill import NOTHING, AskedError, ask, hours, moment, span

__all__ = [
    "COVERAGE_FILE",
    "HOUR",
    "NOTHING",
    "NO_READINGS",
    "AskedError",
    "Audit",
    "Backfill",
    "Coverage",
    "Fetcher",
    "Hour",
    "Importer",
    "Progress",
    "Span",
    "Stage",
    "ask",
    "hours",
    "moment",
    "span",
]
