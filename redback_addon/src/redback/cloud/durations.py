"""Spans of time as the cloud writes them: .NET's time spans (dossier 2.3)."""

import re
from datetime import timedelta

_SPAN = re.compile(
    r"(?:(?P<days>\d{1,4})\.)?(?P<hours>\d{1,3}):(?P<minutes>\d{1,2})"
    r"(?::(?P<seconds>\d{1,2}(?:\.\d{1,9})?))?"
)


def parse_duration(text: str) -> timedelta | None:
    """Return a time span; None if the text is none.

    Days, seconds and their fractions may be left out, and hours may be more than a day's.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return None
    return timedelta(**{name: float(value or 0) for name, value in found.groupdict().items()})


def format_duration(span: timedelta) -> str:
    """Return a time span as `d.hh:mm:ss`, which is valid for whole days too."""
    minutes, seconds = divmod(span.seconds, 60)
    return f"{span.days}.{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
