"""Creates a dashboard of Core's own cards for the known inverters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..core import CoreError, Dashboard, Dashboards
from ..inverters.registry import Registry
from ..publishing.ownership import Ownership
from ..sensors.counters import COUNTERS
from ..sensors.labels import label
from .words import in_words, listed

Card = dict[str, Any]

URL_PATH = "redback-solar"
# Not Redback: that is the panel's entry in the sidebar.
TITLE = "Solar by Redback"
_URL = f"/{URL_PATH}"
_NOTHING_YET = "There is nothing to show yet: waiting for the first reading."
_ICON = "mdi:solar-power-variant"

# Sensors by key: icon, and the colour of Home Assistant's energy pages as a tile names it.
_TILES: Mapping[str, tuple[str, str]] = {
    "solar_generation": ("mdi:solar-power", "orange"),
    "site_load": ("mdi:home-lightning-bolt", "blue-grey"),
    "grid_power": ("mdi:transmission-tower", "blue"),
    "battery_power": ("mdi:home-battery", "teal"),
    "status": ("mdi:check-network-outline", "green"),
    "inverter_mode": ("mdi:state-machine", "grey"),
}
_CHARGE = "battery_soc"
_POWERS = ("solar_generation", "site_load", "grid_power", "battery_power")
_COUNTERS = tuple(row.key for row in COUNTERS)
_DETAILS = (
    "last_reading",
    "battery_stored",
    "battery_usable",
    "battery_capacity",
    "min_soc",
    "grid_voltage",
    "grid_frequency",
    "inverter_temperature",
)


class DashboardSetup:
    """Shows on the panel whether there is a Redback dashboard, and creates it."""

    what = "its dashboards"

    def __init__(self, dashboards: Dashboards, registry: Registry, ownership: Ownership) -> None:
        self._dashboards = dashboards
        self._registry = registry
        self._ownership = ownership

    async def look(self) -> dict[str, object]:
        """Return whether there is one, as JSON; it never raises a CoreError."""
        try:
            is_there = await self._dashboards.has(URL_PATH)
        except CoreError as error:
            return _answer("away", in_words(error, self.what))
        if is_there:
            return _answer("done", "You have a Redback dashboard; you can edit it.", _URL)
        known = {inverter.name for inverter in self._registry.inverters()}
        if not known:
            return _answer("away", _NOTHING_YET)
        text = "Create a dashboard for your inverters; you can edit it afterwards."
        if missing := [name for name in self._registry.sorted_names() if name not in known]:
            # It is created once: wait for them, and they are on it.
            text += f" {listed(missing)} would be missing from it: no reading yet."
        return _answer("ready", text)

    async def apply(self, _: str | None = None) -> str:
        """Create it unless it exists; return in a sentence what was done, or raise a CoreError."""
        known = {each.name: self._ownership.ids(each) for each in self._registry.inverters()}
        if not known:
            return _NOTHING_YET
        dashboard = Dashboard(URL_PATH, TITLE, _ICON, views(known))
        if await self._dashboards.make(dashboard):
            return f"The dashboard {TITLE} is now in the sidebar; you can edit it."
        return "Nothing was created: there is already a Redback dashboard, which stays unchanged."


def views(known: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the dashboard's config: the values now, and energy by day.

    `known` has by the name of each inverter the ids of its entities, by key.
    """
    return {
        "views": [
            _view("Now", "now", _ICON, [list(_now(*each)) for each in known.items()]),
            _view(
                "Energy", "energy", "mdi:chart-bar", [list(_days(*each)) for each in known.items()]
            ),
        ]
    }


def _view(title: str, path: str, icon: str, sections: Sequence[Sequence[Card]]) -> dict[str, Any]:
    return {
        "title": title,
        "path": path,
        "icon": icon,
        "type": "sections",
        "max_columns": 4,
        "sections": [{"type": "grid", "cards": list(cards)} for cards in sections],
    }


def _now(name: str, ids: Mapping[str, str]) -> Iterator[Card]:
    yield {"type": "heading", "heading": name, "icon": _ICON}
    if _CHARGE in ids:
        yield {
            "type": "gauge",
            "entity": ids[_CHARGE],
            "name": "Battery",
            "min": 0,
            "max": 100,
            "severity": {"green": 40, "yellow": 20, "red": 0},
        }
    for key, (icon, colour) in _TILES.items():
        if key in ids:
            tile = {"entity": ids[key], "name": label(key), "icon": icon, "color": colour}
            yield {"type": "tile", **tile}
    if powers := _rows(ids, _POWERS):
        yield {
            "type": "history-graph",
            "title": "Power",
            "hours_to_show": 24,
            "entities": powers,
        }
    if details := _rows(ids, _DETAILS):
        yield {"type": "entities", "title": "Details", "entities": details}


def _days(name: str, ids: Mapping[str, str]) -> Iterator[Card]:
    yield {"type": "heading", "heading": name, "icon": _ICON}
    if counters := _rows(ids, _COUNTERS):
        yield {
            "type": "statistics-graph",
            "title": "Energy by day",
            "chart_type": "bar",
            "period": "day",
            "days_to_show": 14,
            "stat_types": ["change"],
            "entities": counters,
        }
    if _CHARGE in ids:
        yield {
            "type": "statistics-graph",
            "title": "Battery by hour",
            "chart_type": "line",
            "period": "hour",
            "days_to_show": 7,
            "stat_types": ["mean", "min", "max"],
            "entities": _rows(ids, (_CHARGE,)),
        }


def _rows(ids: Mapping[str, str], keys: Iterable[str]) -> list[dict[str, str]]:
    return [
        {"entity": ids[key], "name": label(key).removesuffix(" Total")}
        for key in keys
        if key in ids
    ]


def _answer(state: str, text: str, url: str | None = None) -> dict[str, object]:
    return {"state": state, "text": text, "url": url}
