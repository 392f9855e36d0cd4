"""What is on the dashboard that people get, and that it stays theirs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from dashboards.inverters import Shown, inverter, ownership, registry, without_battery
from redback.core import CoreAwayError, CoreRefusedError, Dashboards, WebSocket
from redback.dashboards import DashboardSetup
from redback.dashboards.dashboard import views
from redback.publishing.entity_ids import entity_ids
from standin.core import Core

# Of Core alone: nothing that has to be installed.
OF_CORE = {"heading", "gauge", "tile", "history-graph", "statistics-graph", "entities", "grid"}


def offered(
    websocket: WebSocket,
    *inverters: Shown,
    others: Sequence[str] = (),
    changes: Mapping[str, str | None] = {},
) -> DashboardSetup:
    known = registry(*inverters, others=others)
    return DashboardSetup(Dashboards(websocket), known, ownership(changes=changes))


def named(*inverters: Shown) -> dict[str, dict[str, str]]:
    """Return the ids of their entities, by their names."""
    return {each.inverter.name: entity_ids(each.inverter) for each in inverters}


def cards(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for view in config["views"]:
        for section in view["sections"]:
            yield from section["cards"]


def entities(config: dict[str, Any]) -> set[str]:
    rows = [card.get("entities", []) for card in cards(config)]
    alone = {card["entity"] for card in cards(config) if "entity" in card}
    return alone | {row["entity"] for each in rows for row in each}


@pytest.mark.parametrize("each", [inverter(), without_battery()], ids=["battery", "no battery"])
def test_every_entity_on_it_exists(each: Shown) -> None:
    shown = entities(views(named(each)))
    assert len(shown) > 10
    assert shown <= {state.entity_id for state in each.states}


def test_all_that_people_look_for_first_is_on_it() -> None:
    assert entities(views(named(inverter()))) >= {
        "sensor.house_solar_generation",
        "sensor.house_site_load",
        "sensor.house_grid_power",
        "sensor.house_battery_power",
        "sensor.house_battery_soc",
        "sensor.house_status",
        "sensor.house_solar_generation_total",
        "sensor.house_grid_import_total",
    }


def test_every_inverter_has_sections_of_its_own_made_of_cores_cards() -> None:
    config = views(named(inverter("House"), inverter("Shed")))
    for view in config["views"]:
        headings = [section["cards"][0]["heading"] for section in view["sections"]]
        assert headings == ["House", "Shed"]
    assert {card["type"] for card in cards(config)} <= OF_CORE


async def test_it_is_made_once_and_can_then_be_opened(websocket: WebSocket, core: Core) -> None:
    dashboard = offered(websocket, inverter())
    looked = await dashboard.look()
    assert (looked["state"], looked["url"]) == ("ready", None)
    assert await dashboard.apply() == (
        "The dashboard Solar by Redback is now in the sidebar; you can edit it."
    )
    assert await dashboard.look() == {
        "state": "done",
        "text": "You have a Redback dashboard; you can edit it.",
        "url": "/redback-solar",
    }
    core.lovelace.configs["redback-solar"] = {"views": []}
    assert await dashboard.apply() == (
        "Nothing was created: there is already a Redback dashboard, which stays unchanged."
    )
    assert core.lovelace.configs["redback-solar"] == {"views": []}


async def test_entities_have_the_ids_that_people_gave_them(
    websocket: WebSocket, core: Core
) -> None:
    changes = {
        "sensor.house_grid_power": "sensor.street",
        "sensor.house_battery_soc": "sensor.charge",
        "sensor.house_site_load": None,
    }
    await offered(websocket, inverter(), changes=changes).apply()
    shown = entities(core.lovelace.configs["redback-solar"])
    assert shown >= {"sensor.street", "sensor.charge", "sensor.house_battery_power"}
    assert not shown & changes.keys()


async def test_an_inverter_that_would_be_missing_from_it_is_named(websocket: WebSocket) -> None:
    alone = await offered(websocket, inverter(), others=["Shed"]).look()
    assert str(alone["text"]).endswith(" Shed would be missing from it: no reading yet.")
    several = await offered(websocket, inverter(), others=["Farm", "Shed"]).look()
    assert str(several["text"]).endswith(" Farm and Shed would be missing from it: no reading yet.")


async def test_before_the_first_reading_there_is_nothing_to_show(
    websocket: WebSocket, core: Core
) -> None:
    dashboard = offered(websocket)
    assert (await dashboard.look())["state"] == "away"
    assert (await dashboard.apply()).startswith("There is nothing to show yet")
    assert core.lovelace.dashboards == {}


async def test_a_core_that_is_away_is_a_state_to_look_at_and_an_error_to_act_on(
    websocket: WebSocket, core: Core
) -> None:
    dashboard = offered(websocket, inverter())
    await core.stop()
    looked = await dashboard.look()
    assert (looked["state"], looked["text"]) == (
        "away",
        "Home Assistant does not answer.",
    )
    with pytest.raises(CoreAwayError):
        await dashboard.apply()


async def test_a_core_without_dashboards_says_so(
    websocket: WebSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in its recovery mode."""

    async def refuse(command: dict[str, object]) -> None:
        raise CoreRefusedError(
            "COMMAND", str(command["type"]), None, "Unknown command.", code="unknown_command"
        )

    monkeypatch.setattr(websocket, "command", refuse)
    looked = await offered(websocket, inverter()).look()
    assert (looked["state"], looked["text"]) == (
        "away",
        "Home Assistant has not loaded its dashboards.",
    )
