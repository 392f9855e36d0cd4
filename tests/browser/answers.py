"""Answers below data/ as the page gets them; all values are invented."""

import math
from datetime import datetime, timedelta

from browser.examples import GIVEN, HOME, Json, energy, written

_STEP = 300  # seconds between two values of a day
_MIDNIGHT = datetime(2026, 11, 24, tzinfo=HOME)


def _powers(hour: float) -> tuple[float, float, float, float, float]:
    """Make up solar, load, battery, grid (kW) and the level (percent) of an hour of the day."""
    solar = max(0.0, 5.2 * math.sin((hour - 5) / 13.5 * math.pi)) if hour > 5 else 0.0
    load = 0.45 + 0.9 * math.exp(-((hour - 7.5) ** 2)) + 0.25 * math.sin(hour * 5) ** 2
    battery = max(-2.5, min(1.2, load - solar)) if hour < 13 else 0.0
    level = 55 - 3 * hour if hour < 6 else min(100, 37 + 10 * (hour - 6))
    return solar, load, battery, load - solar - battery, level


def day() -> Json:
    """Make the day until half past two in the afternoon, with an hour of which nothing is known."""
    hours = [index * _STEP / 3600 for index in range(174)]
    rows = [_powers(hour) if not 9 <= hour < 9.75 else (None,) * 5 for hour in hours]
    columns = [
        [None if value is None else round(value, 3) for value in column]
        for column in zip(*rows, strict=True)
    ]
    names = ("solar", "load", "battery", "grid", "soc")
    return {
        "start": written(_MIDNIGHT),
        "end": written(_MIDNIGHT + timedelta(days=1)),
        "at": [int(_MIDNIGHT.timestamp() + hour * 3600) for hour in hours],
        **dict(zip(names, columns, strict=True)),
        "energy": energy(),
    }


def _code(age: int, hour: int) -> str:
    """Make up what is known of an hour, so many days ago."""
    missing = {(2, 13): "waiting", (2, 14): "waiting", (4, 3): "failed", (6, 11): "empty"}
    if (age, hour) in missing:
        return missing[age, hour]
    if age == 0:
        return "covered" if hour < 15 else "future"
    if age >= 12:
        return "before"
    return "covered"


def calendar() -> Json:
    """Make two weeks in which nearly everything is there."""
    days = [(_MIDNIGHT - timedelta(days=age), age) for age in range(14)]
    return {
        "serial": "RB21120912345678",
        "name": "House",
        "days": [
            {
                "date": midnight.strftime("%Y-%m-%d"),
                "hours": [
                    {"start": written(midnight + timedelta(hours=hour)), "code": _code(age, hour)}
                    for hour in range(24)
                ],
            }
            for midnight, age in days
        ],
    }


def energy_plan(*, is_there: bool = False, state: str = "ready") -> Json:
    """Make what would be, or has been, added to the Energy dashboard."""
    plan: Json = GIVEN["energy"] | {"state": state}
    if not is_there:
        return plan
    items = [item | {"is_there": True} for item in GIVEN["energy"]["items"]]
    return plan | {"state": "done", "text": "Everything is there.", "items": items}


def dashboard(*, is_there: bool = False) -> Json:
    """Make the state of the dashboard of one's own."""
    return {
        "state": "done" if is_there else "ready",
        "text": "The dashboard is there." if is_there else "There is none yet.",
        "url": "/redback-solar" if is_there else None,
    }


def all_answers() -> dict[str, object]:
    """Make all of them, by their paths."""
    return {
        "day": day(),
        "calendar": calendar(),
        "sites": GIVEN["sites"],
        "entities": GIVEN["entities"],
        "energy": energy_plan(),
        "dashboard": dashboard(),
    }
