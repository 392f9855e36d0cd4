"""The ledger: what each counter truly counted, hour by hour, and how that is known.

meter.py      believes one counter, minute after minute, and works out what it counted
meters.py     the counters of one inverter together
interval.py   how often an inverter reports
hours.py      what an hour is
ledger.py     stores what is known of each hour
resolve.py    works out states and energies from what is known
today.py      what was counted since midnight

Live readings and those of the past go through the same meter. A step between two meters is never
energy, and neither is anything above what can flow in the time.
"""

from .hours import HOUR, floor, local_day
from .interval import Interval, usual
from .ledger import FILE, Ledger
from .meter import RESET_BELOW, Believed, HourEnd, How, can_become, step
from .meters import Meters, most_kw
from .resolve import Known, resolve
from .today import counted
