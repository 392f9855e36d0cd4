"""Backfill: fetches what live polling missed, and writes it as Core's statistics.

Its passes, in their order:

gaps.py         finds which hours are missing, and which belong together
fetcher.py      fetches them from the cloud, slowly, and enters them into the ledger
hourly.py       sums up the measurements of an hour
importer.py     reads Core's rows, and lets them be made to agree
agreement.py    works out rows and shifts of a counter from the ledger
writer.py       writes and confirms them
adjustments.py  notes each shift before it is sent

coverage.py     records what Core was shown, and the state of the other hours
audit.py        finds what Core has lost
refill.py       requests hours again
progress.py     counts hours for the panel and the log
backfill.py     fills while anything is missing, for each account by itself
history.py      all of it as one object, with its files
__main__.py     the command redback-history
"""

from .adjustments import Adjustments, AdjustmentStage
from .agreement import Why
from .audit import Audit
from .backfill import Backfill, Backfills
from .coverage import NO_READINGS, Coverage, Hour, Stage
from .fetcher import Fetcher
from .gaps import Shown
from .history import Files, History
from .importer import Importer
from .progress import Hold, Progress
from .refill import NOTHING, RefillError, hours, moment, request_hours, span
