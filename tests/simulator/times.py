"""How the API writes moments and spans of time (dossier 2.3)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

# A moment in a request must say its offset from UTC.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

_SPAN = re.compile(
    r"(?:(?P<days>\d{1,4})\.)?(?P<hours>[01]?\d|2[0-3]):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)"
)


def iso(when: float) -> str:
    """Return Unix seconds as the API prints most of its times: whole seconds and Z."""
    return datetime.fromtimestamp(int(when), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_compact(text: str) -> int:
    """Return the Unix seconds of a path's time; ValueError if it is written in another way."""
    # Z is not a zone to strptime; the zone is put right at once.
    moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(moment.timestamp())


def to_span(text: str) -> timedelta:
    """Return a .NET time span, `hh:mm:ss` or `d.hh:mm:ss`; ValueError if the text is none."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError("a time span is written hh:mm:ss or d.hh:mm:ss")
    return timedelta(**{name: int(number or 0) for name, number in found.groupdict().items()})


def span(length: timedelta) -> str:
    """Return a time span as the API prints it."""
    minutes, seconds = divmod(length.seconds, 60)
    clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return f"{length.days}.{clock}" if length.days else clock


def next_minute(when: float) -> int:
    """Return the edge of a minute at or after a moment: inverters do things minute by minute."""
    return int(-(-when // 60) * 60)
