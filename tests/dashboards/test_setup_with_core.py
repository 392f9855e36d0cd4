"""The whole set-up against a Core, as a person with preferences of their own goes through it.

Every test runs against stand-ins and a real Core; that against the real one needs its executable.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from core.connections import websocket_to
from dashboards.inverters import Shown, compile_statistics, inverter, ownership, registry, show
from redback.core import Dashboards, Energy, WebSocket
from redback.core.versions import is_since
from redback.dashboards import DashboardSetup, EnergySetup
from redback.dashboards.dashboard import views
from redback.publishing.entity_ids import entity_ids
from standin.client import Client
from standin.real_core import AnyCore

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What a person may have: nothing here is ours.
GAS = {"type": "gas", "stat_energy_from": "sensor.gas", "number_energy_price": 0.25}
SOLAR = {"type": "solar", "stat_energy_from": "sensor.roof", "config_entry_solar_forecast": ["abc"]}
DEVICE = {"stat_consumption": "sensor.fridge", "name": "Fridge"}
METERED = {"type": "grid", "stat_energy_from": "sensor.meter", "cost_adjustment_day": 0}
OLD_METERED = {
    "type": "grid",
    "flow_from": [
        {
            "stat_energy_from": "sensor.meter",
            "stat_cost": None,
            "entity_energy_price": None,
            "number_energy_price": 0.3,
        }
    ],
    "flow_to": [],
    "cost_adjustment_day": 0,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def websocket(any_core: AnyCore) -> AsyncIterator[WebSocket]:
    async with websocket_to(any_core.address) as websocket:
        yield websocket


@pytest.fixture(scope="module")
def house() -> Shown:
    return inverter()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def energy(any_core: AnyCore, websocket: WebSocket, house: Shown) -> EnergySetup:
    """Set up the Energy dashboard of a Core that has had the inverter for an hour."""
    async with Client.of_core(any_core.url, any_core.token) as client:
        await show(house, client)
    await compile_statistics(house, websocket)
    return EnergySetup(Energy(websocket), registry(house), ownership())


async def preferences(websocket: WebSocket) -> dict[str, Any]:
    stored: dict[str, Any] = await websocket.command({"type": "energy/get_prefs"})
    return stored


async def test_the_first_set_up_is_one_that_core_finds_nothing_wrong_with(
    energy: EnergySetup, websocket: WebSocket
) -> None:
    assert (await energy.look())["state"] == "ready"
    assert await energy.apply() == (
        "Grid, solar and battery of House are now in the Energy dashboard."
    )
    looked = await energy.look()
    assert (looked["state"], looked["issues"]) == ("done", [])
    validation = await websocket.command({"type": "energy/validate"})
    assert validation["energy_sources"] == [[], [], []]


async def test_pressed_again_nothing_changes(energy: EnergySetup, websocket: WebSocket) -> None:
    await energy.apply()
    before = await preferences(websocket)
    assert (await energy.apply()).startswith("Nothing was added")
    assert await preferences(websocket) == before


async def test_what_a_person_has_survives_byte_for_byte(
    energy: EnergySetup, websocket: WebSocket
) -> None:
    stored = await websocket.command(
        {
            "type": "energy/save_prefs",
            "energy_sources": [GAS, SOLAR],
            "device_consumption": [DEVICE],
        }
    )
    await energy.apply()
    after = await preferences(websocket)
    assert json.dumps(after["energy_sources"][:2]) == json.dumps(stored["energy_sources"])
    assert json.dumps(after["device_consumption"]) == json.dumps(stored["device_consumption"])
    assert [one["type"] for one in after["energy_sources"][2:]] == ["grid", "solar", "battery"]


async def test_no_grid_is_added_beside_that_of_another_meter(
    energy: EnergySetup, websocket: WebSocket
) -> None:
    grid = METERED if is_since(websocket.version, (2026, 3)) else OLD_METERED
    stored = await websocket.command({"type": "energy/save_prefs", "energy_sources": [grid]})
    assert await energy.apply() == "Solar and battery of House are now in the Energy dashboard."
    after = await preferences(websocket)
    assert after["energy_sources"][0] == stored["energy_sources"][0]
    assert "sensor.house_grid_import_total" not in str(after["energy_sources"])


async def test_the_dashboard_can_be_opened_and_is_left_alone_afterwards(
    websocket: WebSocket, house: Shown
) -> None:
    dashboard = DashboardSetup(Dashboards(websocket), registry(house), ownership())
    assert (await dashboard.look())["state"] == "ready"
    await dashboard.apply()
    question = {"type": "lovelace/config", "url_path": "redback-solar"}
    assert await websocket.command(question) == views(
        {house.inverter.name: entity_ids(house.inverter)}
    )
    mine = {"views": [{"title": "Mine"}]}
    await websocket.command({**question, "type": "lovelace/config/save", "config": mine})
    assert (await dashboard.apply()).startswith("Nothing was created")
    assert await websocket.command(question) == mine
    assert (await dashboard.look())["url"] == "/redback-solar"
