"""The energy of a span as a CSV file."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from .figures import Bars
from .spans import Length, local_date, span
from .wanted import Wanted

# The columns, by `CounterRow.day`.
_COLUMNS: Mapping[str, str] = {
    "solar": "solar_kwh",
    "load": "house_kwh",
    "import": "from_grid_kwh",
    "export": "to_grid_kwh",
    "charge": "into_battery_kwh",
    "discharge": "from_battery_kwh",
}

_NAMES = {Length.MONTH: "%Y-%m", Length.YEAR: "%Y"}


def written(bars: Bars, by: Length | None, now: datetime) -> str:
    """Return the file: a row for each part until now; what is unknown is empty.

    Hours begin at a local time with its offset from UTC, so that each is named once.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["start", *_COLUMNS.values(), "missing_hours"])
    writer.writerows(_rows(bars, by, now))
    return text.getvalue()


def file_name(wanted: Wanted, by: Length | None) -> str:
    """Return a name that says what is in the file: redback-energy-2026-11-by-hour.csv."""
    if wanted.length is Length.ALL:
        which = "all"
    else:
        first = span(wanted.length, wanted.day).first
        which = first.strftime(_NAMES.get(wanted.length, "%Y-%m-%d"))
        which = f"week-{which}" if wanted.length is Length.WEEK else which
    return f"redback-energy-{which}-by-{by or 'hour'}.csv"


def _rows(bars: Bars, by: Length | None, now: datetime) -> Iterator[list[object]]:
    for index, start in enumerate(bars.start):
        if not _has_begun(start, now):
            return
        amounts = (bars.kwh[name][index] for name in _COLUMNS)
        known = ("" if kwh is None else f"{kwh:.6f}".rstrip("0").rstrip(".") for kwh in amounts)
        yield [_name(start, by), *known, bars.missing[index]]


def _has_begun(start: datetime | date, now: datetime) -> bool:
    return start <= now if isinstance(start, datetime) else start <= local_date(now)


def _name(start: datetime | date, by: Length | None) -> str:
    if isinstance(start, datetime):
        return start.astimezone().isoformat()
    return f"{start:%Y-%m}" if by is Length.MONTH else f"{start}"
