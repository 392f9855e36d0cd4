"""What people are shown before the Energy dashboard is set up, and afterwards."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from core.connections import websocket_to
from dashboards.inverters import (
    Shown,
    compile_statistics,
    inverter,
    ownership,
    registry,
    show,
    without_battery,
)
from redback.core import CoreAwayError, Energy, WebSocket
from redback.dashboards import EnergySetup
from standin.client import Client
from standin.core import Core


def offered(
    websocket: WebSocket,
    *inverters: Shown,
    others: Sequence[str] = (),
    reasons: Mapping[str, str] = {},
    changes: Mapping[str, str | None] = {},
) -> EnergySetup:
    known = registry(*inverters, others=others)
    return EnergySetup(Energy(websocket), known, ownership(reasons, changes))


async def test_all_that_will_be_added_is_shown_first(websocket: WebSocket) -> None:
    assert await offered(websocket, inverter()).look() == {
        "state": "ready",
        "text": "Grid, solar and battery of House can be added. Existing sources stay unchanged.",
        "items": [
            {
                "kind": "grid",
                "inverter": "House",
                "entities": [
                    {"role": "From the grid", "entity_id": "sensor.house_grid_import_total"},
                    {"role": "To the grid", "entity_id": "sensor.house_grid_export_total"},
                    {"role": "Power", "entity_id": "sensor.house_grid_power"},
                ],
                "is_there": False,
                "doubt": None,
            },
            {
                "kind": "solar",
                "inverter": "House",
                "entities": [
                    {"role": "Generated", "entity_id": "sensor.house_solar_generation_total"},
                    {"role": "Power", "entity_id": "sensor.house_solar_generation"},
                ],
                "is_there": False,
                "doubt": None,
            },
            {
                "kind": "battery",
                "inverter": "House",
                "entities": [
                    {"role": "Discharged", "entity_id": "sensor.house_battery_discharge_total"},
                    {"role": "Charged", "entity_id": "sensor.house_battery_charge_total"},
                    {"role": "Power", "entity_id": "sensor.house_battery_power"},
                    {"role": "State of charge", "entity_id": "sensor.house_battery_soc"},
                    {
                        "role": "Capacity (12.78 kWh)",
                        "entity_id": "sensor.house_usable_battery_capacity",
                    },
                ],
                "is_there": False,
                "doubt": None,
            },
        ],
        "notes": [],
        "issues": [],
    }


async def test_entities_have_the_ids_that_people_gave_them(
    websocket: WebSocket, core: Core
) -> None:
    changes = {
        "sensor.house_grid_import_total": "sensor.from_the_street",
        "sensor.house_battery_power": None,
        "sensor.house_usable_battery_capacity": "sensor.usable",
    }
    energy = offered(websocket, inverter(), changes=changes)
    grid, _, battery = items_of(await energy.look())
    assert grid["entities"][0]["entity_id"] == "sensor.from_the_street"
    assert [one["role"] for one in battery["entities"]] == [
        "Discharged",
        "Charged",
        "State of charge",
        "Capacity (12.78 kWh)",
    ]
    assert battery["entities"][3]["entity_id"] == "sensor.usable"
    await energy.apply()
    saved = str(core.energy.preferences)
    assert "sensor.from_the_street" in saved
    assert not [one for one in changes if one in saved]


async def test_an_old_core_is_shown_what_it_can_take() -> None:
    async with Core(version="2025.4.4") as core, websocket_to(core.address) as websocket:
        items = items_of(await offered(websocket, inverter()).look())
    assert [[entity["role"] for entity in item["entities"]] for item in items] == [
        ["From the grid", "To the grid"],
        ["Generated"],
        ["Discharged", "Charged"],
    ]


async def test_when_it_is_done_it_says_so_and_a_second_time_does_nothing(
    websocket: WebSocket, core: Core
) -> None:
    energy = offered(websocket, inverter())
    assert await energy.apply() == (
        "Grid, solar and battery of House are now in the Energy dashboard."
    )
    saved = core.energy.preferences
    assert await energy.apply() == (
        "Nothing was added: everything is already in the Energy dashboard."
    )
    assert core.energy.preferences is saved
    looked = await energy.look()
    assert looked["state"] == "done"
    assert all(item["is_there"] for item in items_of(looked))


async def test_an_inverter_without_a_battery_gets_none(websocket: WebSocket) -> None:
    looked = await offered(websocket, without_battery()).look()
    assert [item["kind"] for item in items_of(looked)] == ["grid", "solar"]


async def test_a_battery_whose_counters_are_not_there_yet_waits(websocket: WebSocket) -> None:
    bare = inverter(BatteryDischargeAllTimeEnergykWh=None)
    looked = await offered(websocket, bare).look()
    assert [item["kind"] for item in items_of(looked)] == ["grid", "solar"]


async def test_a_battery_whose_usable_capacity_is_unknown_counts_with_all_of_it(
    websocket: WebSocket,
) -> None:
    (*_, battery) = items_of(await offered(websocket, inverter(usable_capacity=0.0)).look())
    assert battery["entities"][-1] == {
        "role": "Capacity (14.2 kWh)",
        "entity_id": "sensor.house_battery_capacity",
    }


async def test_an_inverter_that_cannot_be_added_yet_is_named(websocket: WebSocket) -> None:
    no_counters = inverter(
        "Farm",
        ImportAllTimeEnergykWh=None,
        PvAllTimeEnergykWh=None,
        BatteryDischargeAllTimeEnergykWh=None,
    )
    energy = offered(websocket, inverter(), no_counters, others=["Shed"])
    looked = await energy.look()
    assert looked["notes"] == [
        "Farm is not listed yet: waiting for its counters.",
        "Shed is not listed yet: waiting for its counters.",
    ]
    await energy.apply()
    looked = await energy.look()
    assert looked["state"] == "done"
    assert looked["text"] == "Nothing else can be added to the Energy dashboard now."


async def test_several_inverters_each_get_their_own(websocket: WebSocket, core: Core) -> None:
    energy = offered(websocket, inverter("House", "site 1"), inverter("Farm", "site 2"))
    assert await energy.apply() == (
        "Grid, solar and battery of House and grid, solar and battery of Farm"
        " are now in the Energy dashboard."
    )
    assert core.energy.preferences is not None
    sources = core.energy.preferences["energy_sources"]
    assert [source["name"] for source in sources] == [
        "House grid",
        "House solar",
        "House battery",
        "Farm grid",
        "Farm solar",
        "Farm battery",
    ]
    assert [source["capacity"] for source in sources if "capacity" in source] == [12.78, 12.78]


async def test_two_inverters_of_one_site_share_the_grid(websocket: WebSocket, core: Core) -> None:
    """Whether their counters are of the site is not known: counted twice would be worse."""
    energy = offered(websocket, inverter("House", "site"), inverter("Shed", "site"))
    await energy.apply()
    looked = await energy.look()
    assert looked["state"] == "done"
    assert looked["text"] == "Everything is added except a grid whose energy might count twice."
    assert "sensor.shed_grid_import_total" not in str(core.energy.preferences)
    assert "sensor.shed_solar_generation_total" in str(core.energy.preferences)


async def test_the_grid_of_another_meter_is_mentioned_and_not_doubled(
    websocket: WebSocket, core: Core
) -> None:
    core.energy.save(
        {
            "energy_sources": [
                {"type": "grid", "stat_energy_from": "sensor.meter", "cost_adjustment_day": 0}
            ]
        }
    )
    energy = offered(websocket, inverter())
    looked = await energy.look()
    assert looked["text"] == (
        "Solar and battery of House can be added. Existing sources stay unchanged."
    )
    assert items_of(looked)[0]["is_there"] is False
    assert items_of(looked)[0]["doubt"] == (
        "If it measures the same connection as sensor.meter, its energy would count twice."
    )
    assert looked["notes"] == []
    assert await energy.apply() == "Solar and battery of House are now in the Energy dashboard."
    assert "sensor.house_grid_import_total" not in str(core.energy.preferences)


async def test_a_second_grid_is_added_alone_if_somebody_insists(
    websocket: WebSocket, core: Core
) -> None:
    energy = offered(websocket, inverter("House", "site"), inverter("Shed", "site"))
    await energy.apply()
    assert await energy.apply("Shed") == "Grid of Shed is now in the Energy dashboard."
    assert core.energy.preferences is not None
    sources = core.energy.preferences["energy_sources"]
    assert sources[-1]["stat_energy_from"] == "sensor.shed_grid_import_total"
    looked = await energy.look()
    assert looked["text"] == "Your inverters are in the Energy dashboard."
    assert all(item["is_there"] and item["doubt"] is None for item in items_of(looked))
    assert (await energy.apply("Shed")).startswith("Nothing was added")
    assert (await energy.apply("Barn")).startswith("Nothing was added")


async def test_to_insist_on_a_grid_adds_nothing_else(websocket: WebSocket, core: Core) -> None:
    energy = offered(websocket, inverter("House", "site"), inverter("Shed", "site"))
    assert await energy.apply("Shed") == "Grid of Shed is now in the Energy dashboard."
    assert core.energy.preferences is not None
    assert len(core.energy.preferences["energy_sources"]) == 1


async def test_what_is_not_ours_or_not_recorded_is_not_offered(
    websocket: WebSocket, core: Core
) -> None:
    reasons = {
        "sensor.house_grid_export_total": "the integration redback has it",
        "sensor.house_solar_generation": "Home Assistant does not record it",
        "sensor.house_battery_charge_total": "Home Assistant does not record it",
    }
    energy = offered(websocket, inverter(), reasons=reasons)
    looked = await energy.look()
    (solar,) = items_of(looked)
    assert [one["role"] for one in solar["entities"]] == ["Generated"]
    assert looked["text"] == "Solar of House can be added. Existing sources stay unchanged."
    assert looked["notes"] == [
        "Grid of House: the integration redback has it.",
        "Battery of House: Home Assistant does not record it.",
    ]
    assert await energy.apply() == "Solar of House is now in the Energy dashboard."
    assert "house_grid" not in str(core.energy.preferences)
    assert (await energy.look())["text"] == "Nothing else can be added to the Energy dashboard now."


async def test_what_core_still_lacks_is_said_until_it_has_it(
    websocket: WebSocket, core: Core
) -> None:
    house = inverter()
    energy = offered(websocket, house)
    await energy.apply()
    assert len(unsettled(await energy.look())) > 5
    async with Client.of_core(core.url, core.token) as client:
        await show(house, client)
    await compile_statistics(house, websocket)
    assert (await energy.look())["issues"] == []


async def test_before_the_first_reading_there_is_nothing_to_add(websocket: WebSocket) -> None:
    energy = offered(websocket)
    assert await energy.look() == {
        "state": "away",
        "text": "There is nothing to add yet: waiting for the first reading.",
        "items": [],
        "notes": [],
        "issues": [],
    }
    assert (await energy.apply()).startswith("There is nothing to add yet")


async def test_a_core_that_is_away_is_a_state_to_look_at_and_an_error_to_act_on(
    websocket: WebSocket, core: Core
) -> None:
    energy = offered(websocket, inverter())
    await core.stop()
    looked = await energy.look()
    assert (looked["state"], looked["text"]) == (
        "away",
        "Home Assistant does not answer.",
    )
    with pytest.raises(CoreAwayError):
        await energy.apply()


def items_of(looked: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = looked["items"]
    return items


def unsettled(looked: dict[str, Any]) -> list[str]:
    """Return the issues that pass by themselves."""
    return [each for each in looked["issues"] if "yet" in each]
