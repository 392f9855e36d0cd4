"""The stand-in Core behaves in time and in its errors as Core does; see also test_both_cores."""

import asyncio
import contextlib
from collections.abc import Callable

import aiohttp

from standin.client import Client
from standin.core import Core
from standin.states import Push
from standin_tests.conftest import Clock


async def test_a_state_goes_by_the_clock_that_core_was_given(client: Client) -> None:
    await client.push("sensor.one", 5, {"unit_of_measurement": "kWh"})
    state = (await client.request("GET", "states/sensor.one")).body
    noon = "2026-03-01T12:00:00+00:00"
    assert state.pop("context")["parent_id"] is None
    assert state == {
        "entity_id": "sensor.one",
        "state": "5",
        "attributes": {"unit_of_measurement": "kWh"},
        "last_changed": noon,
        "last_reported": noon,
        "last_updated": noon,
    }


async def test_a_restart_loses_states_and_notifications_and_keeps_its_port(
    core: Core, client: Client
) -> None:
    await client.push("sensor.one", 5)
    await client.request("POST", "services/persistent_notification/create", {"message": "Hello"})
    url = core.url
    await core.restart()
    assert core.url == url
    assert (await client.request("GET", "states")).body == []
    assert await client.command({"type": "persistent_notification/get"}) == []


async def test_what_was_pushed_is_remembered_through_restarts(
    core: Core, client: Client, clock: Clock
) -> None:
    await client.push("sensor.one", 5, {"icon": "mdi:sun"})
    await core.restart()
    clock.advance(60)
    await client.push("sensor.one", 6)
    noon = clock.now.replace(minute=0)
    assert core.states.history == [
        Push("sensor.one", "5", {"icon": "mdi:sun"}, noon),
        Push("sensor.one", "6", {}, clock.now),
    ]


async def test_the_history_is_shown_to_other_processes(core: Core, client: Client) -> None:
    await client.push("sensor.one", 5)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{core.url}/_standin/history") as answer,
    ):
        assert [push["entity_id"] for push in await answer.json()] == ["sensor.one"]


async def test_who_listens_hears_that_core_has_started(core: Core, client: Client) -> None:
    await core.stop()
    await core.begin_start()
    async with client.listen("homeassistant_started") as next_event:
        core.finish_start()
        assert (await next_event())["event_type"] == "homeassistant_started"


async def test_who_listens_to_all_hears_of_states_too(client: Client) -> None:
    async with await client.connect() as socket:
        await socket.send_json({"id": 1, "type": "subscribe_events"})
        await socket.receive_json()
        await client.push("sensor.one", 5)
        await client.request("DELETE", "states/sensor.one")
        made, removed = [(await socket.receive_json())["event"]["data"] for _ in range(2)]
    assert (made["old_state"], made["new_state"]["state"]) == (None, "5")
    assert (removed["old_state"]["state"], removed["new_state"]) == ("5", None)


async def test_who_unsubscribes_hears_no_more(client: Client) -> None:
    async with await client.connect() as socket:
        await socket.send_json({"id": 1, "type": "subscribe_events"})
        await socket.send_json({"id": 2, "type": "unsubscribe_events", "subscription": 1})
        assert [(await socket.receive_json())["success"] for _ in range(2)] == [True, True]
        await client.push("sensor.one", 5)
        await socket.send_json({"id": 3, "type": "ping"})
        assert await socket.receive_json() == {"id": 3, "type": "pong"}


async def test_identifiers_have_to_increase(client: Client) -> None:
    async with await client.connect() as socket:
        await socket.send_json({"id": 2, "type": "ping"})
        await socket.send_json({"id": 2, "type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
        assert (await socket.receive_json())["error"]["code"] == "id_reuse"


async def test_a_restart_is_asked_for_over_http(core: Core, client: Client) -> None:
    await client.push("sensor.one", 5)
    async with (
        await client.connect() as socket,
        aiohttp.ClientSession() as session,
        session.post(f"{core.url}/_standin/restart", json={"starting_s": 0.01}) as answer,
    ):
        assert answer.status == 200
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                if (await client.request("GET", "states")).body == []:
                    break
            await asyncio.sleep(0.005)


async def test_the_version_is_shown_everywhere() -> None:
    async with (
        Core(version="2025.4.4") as core,
        Client.of_core(core.url, core.token) as client,
    ):
        assert (await client.request("GET", "config")).body["version"] == "2025.4.4"
        assert (await client.command({"type": "get_config"}))["version"] == "2025.4.4"


async def test_the_page_shows_states_and_notifications_with_everything_escaped(
    core: Core, client: Client
) -> None:
    await client.push("sensor.one", "<i>5", {"friendly_name": "<b>", "unit_of_measurement": "<u>"})
    note = {"message": "<script>", "title": "A & B"}
    await client.request("POST", "services/persistent_notification/create", note)
    async with aiohttp.ClientSession() as session, session.get(core.url) as answer:
        page = await answer.text()
    for shown in ("&lt;i&gt;5", "&lt;b&gt;", "&lt;u&gt;", "&lt;script&gt;", "A &amp; B"):
        assert shown in page
    for raw in ("<i>", "<b>", "<u>", "<script>"):
        assert raw not in page
    assert '<meta http-equiv="refresh" content="5">' in page


def metadata(**changes: object) -> dict[str, object]:
    return {
        "has_mean": False,
        "has_sum": True,
        "name": None,
        "source": "recorder",
        "statistic_id": "sensor.one",
        "unit_of_measurement": "kWh",
        **changes,
    }


def import_of(metadata: dict[str, object]) -> dict[str, object]:
    rows = [{"start": "2026-01-01T00:00:00+00:00", "state": 1, "sum": 1}]
    return {"type": "recorder/import_statistics", "metadata": metadata, "stats": rows}


async def test_a_new_core_warns_of_the_old_metadata(core: Core, client: Client) -> None:
    await client.command(import_of(metadata()))
    assert [warning.split()[-1] for warning in core.statistics.warnings] == [
        "mean_type",
        "unit_class",
    ]
    core.statistics.warnings.clear()
    await client.command(import_of(metadata(mean_type=0, unit_class="energy")))
    assert core.statistics.warnings == []


async def test_an_import_is_written_only_after_its_answer(core: Core, client: Client) -> None:
    waiting: list[Callable[[], None]] = []
    core.statistics.defer = waiting.append
    await client.command(import_of(metadata()))
    assert core.statistics.rows == {}
    waiting.pop()()
    assert len(core.statistics.rows["sensor.one"]) == 1


async def test_statistics_and_energy_preferences_outlive_a_restart(
    core: Core, client: Client
) -> None:
    await client.command(import_of(metadata()))
    source = {"type": "solar", "stat_energy_from": "sensor.one"}
    await client.command({"type": "energy/save_prefs", "energy_sources": [source]})
    await core.restart()
    assert (await client.command({"type": "energy/get_prefs"}))["energy_sources"] == [source]
    listed = await client.command({"type": "recorder/list_statistic_ids"})
    assert [each["statistic_id"] for each in listed] == ["sensor.one"]
