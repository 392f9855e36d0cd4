"""The stand-in Core behaves in time and in its errors as Core does; see also test_both_cores."""

from collections.abc import Callable
from datetime import timedelta

import aiohttp

from fake_clock import START, FakeClock
from standin.client import Client
from standin.core import Core
from standin.states import Push


async def test_a_state_goes_by_the_clock_that_core_was_given(client: Client) -> None:
    await client.push("sensor.one", 5, {"unit_of_measurement": "kWh"})
    state = (await client.request("GET", "states/sensor.one")).body
    now = START.isoformat()
    assert state.pop("context")["parent_id"] is None
    assert state == {
        "entity_id": "sensor.one",
        "state": "5",
        "attributes": {"unit_of_measurement": "kWh"},
        "last_changed": now,
        "last_reported": now,
        "last_updated": now,
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
    core: Core, client: Client, clock: FakeClock
) -> None:
    await client.push("sensor.one", 5, {"icon": "mdi:sun"})
    await core.restart()
    await clock.advance(60)
    await client.push("sensor.one", 6)
    assert core.states.history == [
        Push("sensor.one", "5", {"icon": "mdi:sun"}, START),
        Push("sensor.one", "6", {}, clock.now()),
    ]


async def test_identifiers_have_to_increase(client: Client) -> None:
    async with await client.connect() as socket:
        await socket.send_json({"id": 2, "type": "ping"})
        await socket.send_json({"id": 2, "type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
        assert (await socket.receive_json())["error"]["code"] == "id_reuse"


async def test_the_page_shows_notifications_and_states(core: Core, client: Client) -> None:
    await client.push("sensor.one", 5, {"unit_of_measurement": "kWh"})
    note = {"message": "A message", "title": "A title"}
    await client.request("POST", "services/persistent_notification/create", note)
    async with aiohttp.ClientSession() as session, session.get(core.url) as answer:
        assert await answer.text() == "A title: A message\nsensor.one: 5 kWh"


async def test_an_import_is_written_only_after_its_answer(core: Core, client: Client) -> None:
    waiting: list[Callable[[], None]] = []
    core.statistics.defer = waiting.append
    metadata = {
        "has_sum": True,
        "name": None,
        "source": "recorder",
        "statistic_id": "sensor.one",
        "unit_of_measurement": "kWh",
    }
    rows = [{"start": "2026-01-01T00:00:00+00:00", "state": 1, "sum": 1}]
    message = {"type": "recorder/import_statistics", "metadata": metadata, "stats": rows}
    await client.command(message)
    assert core.statistics.rows == {}
    waiting.pop()()
    assert len(core.statistics.rows["sensor.one"]) == 1


async def test_statistics_are_compiled_of_the_states_when_somebody_asks(
    core: Core, client: Client, clock: FakeClock
) -> None:
    energy = {"unit_of_measurement": "kWh", "state_class": "total_increasing"}
    power = {"unit_of_measurement": "kW", "state_class": "measurement"}
    start = START.replace(minute=50, second=0)
    await clock.advance((start - START).total_seconds())
    for counted, mean in ((5, 1), (7, 3)):
        await client.push("sensor.energy", counted, energy)
        await client.push("sensor.power", mean, power)
    core.statistics.compile(start)
    await clock.advance(300)
    await client.push("sensor.energy", 8, energy)
    core.statistics.compile(start + timedelta(minutes=5))
    hour = START.replace(minute=0, second=0)
    counter, measurement = (core.statistics.rows[f"sensor.{name}"] for name in ("energy", "power"))
    assert (counter[hour]["state"], counter[hour]["sum"]) == (8, 3)
    assert [measurement[hour][name] for name in ("mean", "min", "max")] == [2.5, 1, 3]
    assert len(core.statistics.short_term["sensor.energy"]) == 2
