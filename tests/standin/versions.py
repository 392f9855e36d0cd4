"""What differs between the versions of Core that the add-on supports: a row for each behaviour.

The stand-in Core follows these rows. The tests take what they expect from them, and compare both
with a real Core. When something changed was found in the source of the releases.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

Version = tuple[int, int]
"""Core's year and month; a difference within a month is of no interest here."""

OLDEST, NEWEST = "2025.4.4", "2026.11.0"
"""The oldest and the newest release that the tests are run against."""


@dataclass(frozen=True)
class Change(Generic[T]):
    """One behaviour: what it is before a version, and what it is from that version on."""

    since: Version
    old: T
    new: T

    def at(self, version: Version) -> T:
        """Return what holds for this version."""
        return self.new if version >= self.since else self.old


def parse(version: str) -> Version:
    """Return the year and the month of, for example, 2026.11.0."""
    year, month, *_ = (int(part) for part in version.split("."))
    return year, month


def _new(year: int, month: int) -> Change[bool]:
    return Change((year, month), old=False, new=True)


# The REST interface

STATE_OF_ANOTHER_TYPE = Change(
    (2025, 7), old=(500, None), new=(400, "State data should be a JSON object.")
)
"""The answer to a state that is JSON and no object; None is the web server's own text."""

STATE_WITHOUT_BODY = Change(
    (2025, 7), old="Invalid JSON specified.", new="State data should be a JSON object."
)
"""The refusal of a state without a body."""

# How a message that does not fit is refused

DOTTED_PLACES = _new(2026, 9)
"""Whether a place is written as 'stats[0].sum' rather than data['stats'][0]['sum']."""

EXTRA_KEY = Change((2026, 9), old="extra keys not allowed", new="not a valid option")
MISSING_KEY = "required key not provided"
NO_NUMBER = Change((2026, 9), old="expected float", new="expected int or float")

# Statistics

_COMMON_METADATA = frozenset({"has_sum", "name", "source", "statistic_id", "unit_of_measurement"})

REQUIRED_METADATA = Change((2025, 11), old=_COMMON_METADATA | {"has_mean"}, new=_COMMON_METADATA)
"""What the metadata of an import have to say."""

OPTIONAL_METADATA: Change[frozenset[str]] = Change(
    (2025, 11), old=frozenset(), new=frozenset({"has_mean", "mean_type", "unit_class"})
)
"""What they may say beside it."""

UNIT_CLASSES_SINCE: Mapping[str, Version] = {
    "apparent_power": (2025, 9),
    "reactive_power": (2025, 9),
    "frequency": (2026, 5),
}
"""When a class of units came; the others were always there."""

# The Energy dashboard

ENERGY_LISTS: Change[tuple[str, ...]] = Change(
    (2025, 12),
    old=("energy_sources", "device_consumption"),
    new=("energy_sources", "device_consumption", "device_consumption_water"),
)
"""The lists of the preferences."""

SOURCE_KINDS: Change[tuple[str, ...]] = Change(
    (2026, 11),
    old=("grid", "solar", "battery", "gas", "water"),
    new=("grid", "solar", "home", "battery", "gas", "water"),
)
"""The types of energy sources."""

TAGGED_SOURCES = _new(2026, 11)
"""Whether the refusal of an unknown type names the place of the type, and not of its source."""

GRID_PER_CONNECTION = _new(2026, 3)
"""Whether there is one grid source for each connection, without `flow_from` and `flow_to`."""

GRID_DEFAULTS: Change[Mapping[str, None]] = Change(
    GRID_PER_CONNECTION.since,
    old={},
    new=dict.fromkeys(
        (
            "stat_energy_from",
            "stat_energy_to",
            "stat_cost",
            "entity_energy_price",
            "number_energy_price",
            "stat_compensation",
            "entity_energy_price_export",
            "number_energy_price_export",
        )
    ),
)
"""What Core adds to a grid source that lacks it."""

SOURCE_KEYS_SINCE: Mapping[str, Version] = {
    "power": (2025, 12),
    "stat_rate": (2025, 12),
    "name": (2026, 6),
    "stat_soc": (2026, 6),
    "capacity": (2026, 8),
}
"""When a key of an energy source came; the others were always there."""

ENERGY_UNITS: Change[tuple[str, ...]] = Change(
    (2025, 8),
    old=("GJ", "kWh", "MJ", "MWh", "Wh"),
    new=(
        "J",
        "kJ",
        "MJ",
        "GJ",
        "mWh",
        "Wh",
        "kWh",
        "MWh",
        "GWh",
        "TWh",
        "cal",
        "kcal",
        "Mcal",
        "Gcal",
    ),
)
"""The units in which an energy source may count, as far as the stand-in knows them."""

# Dashboards

URL_IN_USE = Change(
    (2025, 12),
    old=("invalid_format", "Panel url path needs to be unique"),
    new=(
        "home_assistant_error",
        'The URL "{}" is already in use. Please choose a different one',
    ),
)
"""The refusal of a dashboard whose path is taken; the braces are filled with the path."""

# Ingress

EVENT_STREAM = _new(2026, 3)
"""Whether an event stream comes through as it is sent; until then it is compressed."""
