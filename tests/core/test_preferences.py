"""That sources are added in the format of each version, and that nothing of the user's is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redback.core import Source
from redback.core.preferences import merge, plan

OLD, POWERED, CONNECTED, NAMED, NEW = "2025.4.4", "2025.12.0", "2026.3.0", "2026.6.0", "2026.11.0"
VERSIONS = (OLD, POWERED, CONNECTED, NAMED, NEW, None)

GRID = Source(
    "grid",
    "House",
    {
        "stat_energy_from": "sensor.house_import",
        "stat_energy_to": "sensor.house_export",
        "stat_rate": "sensor.house_grid",
    },
    connection="site",
)
SOLAR = Source(
    "solar", "House", {"stat_energy_from": "sensor.house_solar", "stat_rate": "sensor.house_pv"}
)
BATTERY = Source(
    "battery",
    "House",
    {
        "stat_energy_from": "sensor.house_discharge",
        "stat_energy_to": "sensor.house_charge",
        "stat_rate": "sensor.house_battery",
        "stat_soc": "sensor.house_soc",
    },
    capacity=14.2,
)
SECOND = Source(
    "grid",
    "Shed",
    {"stat_energy_from": "sensor.shed_import", "stat_energy_to": "sensor.shed_export"},
    connection="site",
)
ALL = (GRID, SOLAR, BATTERY)

Stored = list[dict[str, Any]]


def added(
    stored: Stored, sources: Sequence[Source], version: str | None, *, beside: bool = False
) -> Stored:
    """Add what is planned, as people agree to it."""
    wanted = [
        each.source
        for each in plan(stored, sources, version)
        if not each.is_there and (beside or not each.beside)
    ]
    return merge(stored, wanted, version)


def old_grid(*meters: str) -> dict[str, Any]:
    flows = [
        {
            "stat_energy_from": meter,
            "stat_cost": None,
            "entity_energy_price": None,
            "number_energy_price": 0.3,
        }
        for meter in meters
    ]
    return {"type": "grid", "flow_from": flows, "flow_to": [], "cost_adjustment_day": 0.0}


def test_the_oldest_core_gets_energy_alone_and_has_one_grid() -> None:
    grid, solar, battery = added([], ALL, OLD)
    assert grid == {
        "type": "grid",
        "flow_from": [
            {
                "stat_energy_from": "sensor.house_import",
                "stat_cost": None,
                "entity_energy_price": None,
                "number_energy_price": None,
            }
        ],
        "flow_to": [
            {
                "stat_energy_to": "sensor.house_export",
                "stat_compensation": None,
                "entity_energy_price": None,
                "number_energy_price": None,
            }
        ],
        "cost_adjustment_day": 0,
    }
    assert solar == {
        "type": "solar",
        "stat_energy_from": "sensor.house_solar",
        "config_entry_solar_forecast": None,
    }
    assert battery == {
        "type": "battery",
        "stat_energy_from": "sensor.house_discharge",
        "stat_energy_to": "sensor.house_charge",
    }


def test_power_came_next() -> None:
    grid, solar, battery = added([], ALL, POWERED)
    assert grid["power"] == [{"stat_rate": "sensor.house_grid"}]
    assert solar["stat_rate"] == "sensor.house_pv"
    assert battery["stat_rate"] == "sensor.house_battery"
    assert "name" not in solar


@pytest.mark.parametrize("version", [NEW, None, "nightly"])
def test_a_new_core_gets_everything(version: str | None) -> None:
    grid, solar, battery = added([], ALL, version)
    assert grid == {
        "type": "grid",
        "stat_energy_from": "sensor.house_import",
        "stat_energy_to": "sensor.house_export",
        "stat_rate": "sensor.house_grid",
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "cost_adjustment_day": 0,
        "name": "House grid",
    }
    assert solar["name"] == "House solar"
    assert battery == {
        "type": "battery",
        "stat_energy_from": "sensor.house_discharge",
        "stat_energy_to": "sensor.house_charge",
        "stat_rate": "sensor.house_battery",
        "stat_soc": "sensor.house_soc",
        "capacity": 14.2,
        "name": "House battery",
    }


@pytest.mark.parametrize(
    ("version", "grown"),
    [(CONNECTED, set()), (NAMED, {"stat_soc"}), ("2026.8.0", {"stat_soc", "capacity"})],
)
def test_a_battery_grows_with_the_version(version: str, grown: set[str]) -> None:
    (battery,) = added([], [BATTERY], version)
    assert battery.keys() & {"stat_soc", "capacity"} == grown


@pytest.mark.parametrize("capacity", [0.0, -1.0, None])
def test_a_capacity_that_core_would_refuse_is_left_out(capacity: float | None) -> None:
    (battery,) = added([], [replace(BATTERY, capacity=capacity)], NEW)
    assert "capacity" not in battery


@pytest.mark.parametrize("version", VERSIONS)
def test_a_source_is_known_by_its_meters_whatever_else_was_changed(version: str | None) -> None:
    stored = added([], ALL, version)
    for source in stored:
        source |= {"name": "Renamed", "stat_rate": "sensor.other", "stat_cost": "sensor.cost"}
    stored.reverse()
    assert [each.is_there for each in plan(stored, ALL, version)] == [True, True, True]


def test_a_grid_whose_export_was_taken_out_is_left_without_it() -> None:
    importing = replace(GRID, roles={"stat_energy_from": "sensor.house_import"})
    for version in (OLD, NEW):
        (grid,) = added([], [importing], version)
        assert added([grid], [GRID], version) == [grid]


def test_of_what_is_there_only_that_is_shown_which_its_owner_has_left() -> None:
    old = added([], ALL, OLD)
    roles = [set(each.source.roles) for each in plan(old, ALL, NEW)]
    meters = {"stat_energy_from", "stat_energy_to"}
    assert roles == [meters, {"stat_energy_from"}, meters]
    (battery,) = added([], [BATTERY], NEW)
    (planned,) = plan([battery | {"capacity": 10.0}], [BATTERY], NEW)
    assert planned.source == replace(BATTERY, capacity=10.0)


@pytest.mark.parametrize(
    ("version", "stored"),
    [
        (OLD, [old_grid("sensor.meter")]),
        (NEW, [{"type": "grid", "stat_energy_from": "sensor.meter", "cost_adjustment_day": 0}]),
    ],
)
def test_a_grid_is_not_put_beside_that_of_another_meter_unasked(
    version: str, stored: Stored
) -> None:
    (grid, *_) = planned = plan(stored, ALL, version)
    assert [(each.is_there, each.beside) for each in planned] == [
        (False, ("sensor.meter",)),
        (False, ()),
        (False, ()),
    ]
    assert {"sensor.house_import", "sensor.house_export"} == grid.source.meters
    assert [one["type"] for one in added(stored, ALL, version)] == ["grid", "solar", "battery"]
    assert "sensor.house_import" in str(added(stored, ALL, version, beside=True))


def test_the_only_grid_of_an_old_core_grows_when_it_is_asked_for() -> None:
    stored = [old_grid("sensor.meter")]
    (grid,) = added(stored, [GRID], OLD, beside=True)
    assert grid["flow_from"][0] == stored[0]["flow_from"][0]
    assert [flow["stat_energy_from"] for flow in grid["flow_from"]] == [
        "sensor.meter",
        "sensor.house_import",
    ]
    assert [flow["stat_energy_to"] for flow in grid["flow_to"]] == ["sensor.house_export"]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_of_two_inverters_at_one_site_the_first_stands_for_the_grid(version: str) -> None:
    stored = added([], [GRID, SECOND], version)
    assert "sensor.shed_import" not in str(stored)
    assert [each.is_there for each in plan(stored, [SECOND, GRID], version)] == [False, True]
    elsewhere = replace(SECOND, connection="farm")
    assert "sensor.shed_import" in str(added(stored, [GRID, elsewhere], version))
    unknown = [replace(each, connection=None) for each in (GRID, SECOND)]
    assert "sensor.shed_import" in str(added([], unknown, version))


def test_a_grid_that_is_not_added_itself_stands_for_no_other() -> None:
    stored = [{"type": "grid", "stat_energy_from": "sensor.meter"}]
    besides = [each.beside for each in plan(stored, [GRID, SECOND], NEW)]
    assert besides == [("sensor.meter",), ("sensor.meter",)]


def test_a_power_that_another_grid_is_measured_by_is_left_out() -> None:
    """Core refuses the same power for two connections."""
    stored: Stored = [
        {
            "type": "grid",
            "stat_energy_from": "sensor.meter",
            "power_config": {"stat_rate": "sensor.house_grid"},
        }
    ]
    added_grid = added(stored, [GRID], NEW, beside=True)[1]
    assert "stat_rate" not in added_grid
    assert added_grid["stat_energy_from"] == "sensor.house_import"


METERS = st.sampled_from(
    [f"sensor.user_{number}" for number in range(5)]
    + [meter for source in ALL for meter in source.roles.values()]
)
PRICE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.dictionaries(
    st.text(min_size=1).map(lambda key: f"x_{key}"),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    max_size=3,
)


def having(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make dictionaries with some of these fields, and others that nobody has heard of."""
    known = st.fixed_dictionaries({}, optional=fields)
    return st.builds(lambda one, other: {**other, **one}, known, ANYTHING)


def of_type(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return having(**fields).map(lambda source: {**source, "type": kind})


FLOW_FROM = having(stat_energy_from=METERS, number_energy_price=PRICE)
FLOW_TO = having(stat_energy_to=METERS, stat_compensation=METERS)
OLD_GRID = of_type(
    "grid",
    flow_from=st.lists(FLOW_FROM, max_size=3),
    flow_to=st.lists(FLOW_TO, max_size=3),
    power=st.lists(having(stat_rate=METERS), max_size=2),
)
NEW_GRID = of_type(
    "grid",
    stat_energy_from=st.none() | METERS,
    stat_energy_to=st.none() | METERS,
    stat_rate=METERS,
    power_config=having(stat_rate_from=METERS, stat_rate_to=METERS),
    name=st.text(),
)
OTHERS = st.one_of(
    of_type("solar", stat_energy_from=METERS, config_entry_solar_forecast=st.lists(st.text())),
    of_type("battery", stat_energy_from=METERS, stat_energy_to=METERS, capacity=PRICE),
    of_type("gas", stat_energy_from=METERS, stat_cost=METERS),
    of_type("water", stat_energy_from=METERS),
    of_type("something new", stat_energy_from=METERS),
)
OF_OLD_CORE = st.tuples(st.lists(OTHERS, max_size=4), st.lists(OLD_GRID, max_size=1)).map(
    lambda parts: parts[0] + parts[1]
)
OF_NEW_CORE = st.lists(st.one_of(OTHERS, NEW_GRID), max_size=5)
PREFERENCES = st.one_of(
    st.tuples(st.sampled_from([OLD, POWERED]), OF_OLD_CORE),
    st.tuples(st.sampled_from([CONNECTED, NAMED, NEW]), OF_NEW_CORE),
)
CANDIDATES = st.lists(st.sampled_from([*ALL, SECOND]), unique_by=lambda one: (one.kind, one.name))


def is_kept(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a source is as it was; the only grid of an old Core may have more flows."""
    lists = ("flow_from", "flow_to", "power") if before["type"] == "grid" else ()
    return all(
        after.get(key) == value
        or (key in lists and isinstance(value, list) and after[key][: len(value)] == value)
        for key, value in before.items()
    )


@given(preferences=PREFERENCES, sources=CANDIDATES, beside=st.booleans())
def test_nothing_of_the_users_is_lost_or_changed(
    preferences: tuple[str, Stored], sources: list[Source], *, beside: bool
) -> None:
    version, stored = preferences
    merged = added(stored, sources, version, beside=beside)
    assert len(merged) >= len(stored)
    assert all(is_kept(before, after) for before, after in zip(stored, merged, strict=False))
    if version >= CONNECTED:
        assert merged[: len(stored)] == stored


@given(preferences=PREFERENCES, sources=CANDIDATES, beside=st.booleans())
def test_a_second_time_adds_nothing(
    preferences: tuple[str, Stored], sources: list[Source], *, beside: bool
) -> None:
    version, stored = preferences
    once = added(stored, sources, version, beside=beside)
    assert added(once, sources, version, beside=beside) == once


@given(PREFERENCES, CANDIDATES)
def test_what_was_asked_for_is_there_afterwards(
    preferences: tuple[str, Stored], sources: list[Source]
) -> None:
    version, stored = preferences
    merged = added(stored, sources, version, beside=True)
    assert all(each.is_there for each in plan(merged, sources, version))
