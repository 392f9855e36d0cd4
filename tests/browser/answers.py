"""Answers below data/ as the page gets them; all values are invented."""

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from browser.examples import GIVEN, HOME, NOW, Json, energy_plan, written
from redback.panel import figures, minutes, spans
from redback.panel.period import Comparison, Energy
from redback.panel.spans import Length, Than

Cells = dict[str, dict[datetime, float]]

_STEP = 60  # seconds between two readings
_MIDNIGHT = datetime(2026, 11, 24, tzinfo=HOME)


def _powers(hour: float) -> tuple[float, float, float, float, float]:
    """Make up solar, load, battery, grid (kW) and the level (percent) of an hour of the day."""
    solar = max(0.0, 5.2 * math.sin((hour - 5) / 13.5 * math.pi)) if hour > 5 else 0.0
    load = 0.45 + 0.9 * math.exp(-((hour - 7.5) ** 2)) + 0.25 * math.sin(hour * 5) ** 2
    battery = max(-2.5, min(1.2, load - solar)) if hour < 13 else 0.0
    level = 55 - 3 * hour if hour < 6 else min(100, 37 + 10 * (hour - 6))
    return solar, load, battery, load - solar - battery, level


def day() -> Json:
    """Make the day until half past two in the afternoon, with a hole of 45 minutes.

    The server makes it of its minutes, as it does for the page.
    """
    return {**_day(_MIDNIGHT, (9, 9.75))}


def morning() -> Json:
    """Make a day of which nothing is known since nine in the morning."""
    return {**_day(_MIDNIGHT, (9, 24))}


def yesterday() -> Json:
    """Make the day before, which is whole."""
    return {**_day(_MIDNIGHT - timedelta(days=1), (0, 0))}


def day_of_two() -> Json:
    """Make the day of two inverters, of which one has a hole."""
    return {**_day(_MIDNIGHT, (9, 9.75), (0, 0))}


@cache
def _day(midnight: datetime, *without: tuple[float, float]) -> Json:
    """Make a day of one inverter for each of these hours of which nothing is known."""
    end = midnight + timedelta(days=1)
    readings = int((min(NOW, end) - midnight).total_seconds()) // _STEP
    hours = [index * _STEP / 3600 for index in range(readings)]
    each = [
        minutes.Seen(
            [
                (int(midnight.timestamp() + hour * 3600), _minute(hour))
                for hour in hours
                if not since <= hour < until
            ]
        )
        for since, until in without
    ]
    made: Json = msgspec.to_builtins(minutes.day(each, midnight, end, NOW))
    return made | {"date": f"{midnight:%Y-%m-%d}"}


def _minute(hour: float) -> minutes.Minute:
    return minutes.Minute(*(round(value, 3) for value in _powers(hour)))


# The first day of which anything is known.
_BEGIN = date(2024, 3, 5)
_TODAY = _MIDNIGHT.date()
_DAY = timedelta(days=1)
_CAPACITY_KWH = 10.0
_LOST = {date(2026, 11, 12): range(9, 13), date(2026, 8, 3): range(24)}  # by their hours


def period(query: Mapping[str, str]) -> Json:
    """Make the energy of whatever span is asked for.

    The server makes the figures of hours or days, as it does for the page.
    """
    length = Length(query["period"])
    day = date.fromisoformat(query.get("date") or f"{_TODAY}")
    one = spans.all_days(_BEGIN, _TODAY) if length is Length.ALL else spans.span(length, day)
    parts = [*_parts(one)]
    counted = [_counted(one)]
    shown = figures.figures(counted)
    made = Energy(
        length=length,
        first=one.first,
        last=one.after - _DAY,
        is_open=one.after > _TODAY,
        has_earlier=one.first > _BEGIN,
        is_total="site" in query,
        bars=figures.bars(counted, parts),
        figures=shown,
        best=None if length is Length.DAY else figures.Best(one.first, 31.42),
        worst=None if length is Length.DAY else figures.Best(one.first + _DAY, 4.2),
        compared=_compared(one, query, shown),
        money=None,
        entity_ids={
            "solar_kwh": ["sensor.house_solar_generation_total"],
            "charge_kwh": ["sensor.house_battery_charge_total"],
        },
    )
    found: Json = msgspec.json.decode(msgspec.json.encode(made))
    return found


def _compared(one: spans.Span, query: Mapping[str, str], shown: figures.Figures) -> Any:  # noqa: ANN401 - of the server
    other = spans.compared(one, Than(query.get("than", "before")))
    if other is None:
        return None
    end = NOW.replace(minute=0) - (one.first - other.first) if one.after > _TODAY else None
    theirs = figures.figures([_counted(other)])
    last = other.after - _DAY
    return Comparison(other.first, last, end, theirs, figures.differences(shown, theirs))


def _midnight(day: date) -> datetime:
    """Return when a day begins in the house, wherever this runs."""
    return datetime(day.year, day.month, day.day, tzinfo=HOME)


def _parts(one: spans.Span) -> Iterator[spans.Part]:
    if not one.has_days:
        for hour in range(24):
            start = _midnight(one.first) + timedelta(hours=hour)
            yield spans.Part(None, start)
        return
    for part in one.parts():
        assert part.day is not None
        yield spans.Part(part.day, _midnight(part.day))


def _counted(one: spans.Span) -> figures.Counted:
    """Make up what was counted in the hours of a day, or on each day of a span."""
    hours: Cells = {
        name: {} for name in ("solar", "load", "import", "export", "charge", "discharge")
    }
    missing: set[datetime] = set()
    day = max(one.first, _BEGIN)
    while day < min(one.after, _TODAY + _DAY):
        # More sun in summer, and clouds now and then.
        season = 0.7 + 0.3 * math.cos((day.timetuple().tm_yday - 10) / 58)
        cloud = 0.35 + 0.65 * abs(math.sin(day.toordinal() * 1.7))
        for hour in range(15 if day == _TODAY else 24):
            start = _midnight(day) + timedelta(hours=hour)
            if hour in _LOST.get(day, ()):
                missing.add(start)
                continue
            cell = _midnight(day) if one.has_days else start
            solar, load, _, _, _ = _powers(hour + 0.5)
            solar *= season * cloud
            battery = min(max(load - solar, -0.9 if hour < 14 else 0.0), 0.7 if hour > 16 else 0.1)
            grid = load - solar - battery
            flows = (solar, load, max(grid, 0), max(-grid, 0), max(-battery, 0), max(battery, 0))
            for name, kwh in zip(hours, flows, strict=True):
                hours[name][cell] = hours[name].get(cell, 0.0) + kwh
        day += _DAY
    battery_of = figures.Battery(_CAPACITY_KWH, 0.3)
    return figures.Counted(hours, frozenset(missing), battery_of)


def _code(age: int, hour: int) -> str:
    """Make up what is known of an hour, so many days ago."""
    missing = {
        (2, 13): "waiting",
        (2, 14): "waiting",
        (3, 9): "fetched",
        (4, 3): "failed",
        (4, 4): "failed",
        (6, 11): "empty",
    }
    if (age, hour) in missing:
        return missing[age, hour]
    if age == 0:
        return "covered" if hour < 15 else "future"
    if age >= 12:
        return "before"
    return "covered"


_WHYS: dict[tuple[int, int], Json] = {
    (2, 14): {
        "why": "the cloud answered 500 Internal Server Error",
        "due": "2026-11-24T05:12:00Z",
    },
    (4, 3): {"why": "Home Assistant has no statistics to connect the hours to"},
    (4, 4): {"why": "Home Assistant has no statistics to connect the hours to"},
}


def calendar(days_ago: int = 0) -> Json:
    """Make two weeks in which nearly everything is there, up to so many days ago."""
    days = [(_MIDNIGHT - timedelta(days=days_ago + age), age) for age in range(14)]
    return {
        "has_earlier": not days_ago,
        "serial": "RB21120912345678",
        "name": "House",
        "days": [
            {
                "date": midnight.strftime("%Y-%m-%d"),
                "hours": [
                    {
                        "start": written(midnight + timedelta(hours=hour)),
                        "code": _code(age, hour),
                        **_WHYS.get((age, hour), {}),
                    }
                    for hour in range(24)
                ],
            }
            for midnight, age in days
        ],
    }


def dashboard(*, is_there: bool = False) -> Json:
    """Make the state of the dashboard of one's own."""
    if is_there:
        text = "You have a Redback dashboard; you can edit it."
        return {"state": "done", "text": text, "url": "/redback-solar"}
    text = "Create a dashboard for your inverters; you can edit it afterwards."
    return {"state": "ready", "text": text, "url": None}


def devices(*, are_devices: bool = False) -> Json:
    """Make the offer to show inverters as devices, or as plain entities again."""
    if are_devices:
        return {
            "state": "ready",
            "text": "Your inverters are devices of the MQTT integration.",
            "button": "Show plain entities",
            "question": "What you changed in their entities' settings is lost.",
        }
    return {
        "state": "ready",
        "text": "Each inverter becomes a device.",
        "button": "Show as devices",
        "question": "The add-on restarts.",
    }


def correction() -> Json:
    """Make a correction of sums."""
    return {
        "number": 7,
        "entity_id": "sensor.house_grid_import_total",
        "hour": "2026-11-22T03:00:00Z",
        "amount_kwh": -900.0,
        "why": "Home Assistant had counted a jump of the inverter's counter as energy.",
        "at": "2026-11-22T04:12:00Z",
        "is_undone": False,
    }


def corrections() -> Json:
    """Make two of them, of which one was taken back."""
    undone = correction() | {"number": 4, "amount_kwh": 2.345, "is_undone": True}
    return {"corrections": [correction(), undone]}


def all_answers() -> dict[str, object]:
    """Make all of them, by their paths."""
    return {
        "day": day(),
        "calendar": calendar(),
        "corrections": corrections(),
        "sites": GIVEN["sites"],
        "entities": GIVEN["entities"],
        "energy": energy_plan(),
        "dashboard": dashboard(),
        "devices": devices(),
    }
