"""Backfill: fetches what live polling missed, and writes it as Core's statistics.

Its passes, in their order:

gaps.py       finds which hours are missing, and which belong together
fetcher.py    fetches them from the cloud, slowly
hourly.py     sums up the readings of an hour
ends.py       reads Core's rows around a gap
importer.py   asks the cloud what the counters showed there, writes, and confirms
sums.py       continues a counter's sums through a gap, with splice.py and spreading.py

coverage.py   records what Core was shown, and the state of the other hours
audit.py      finds what Core has lost
refill.py     requests hours again
progress.py   counts hours for the panel and the log
backfill.py   runs all of it while anything is missing
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
from .refill import NOTHING, RefillError, hours, moment, request_hours, span
