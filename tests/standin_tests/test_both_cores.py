"""The stand-in Core and a real one answer alike, so that what passes with one works with the other.

Every test runs against both; that against the real one needs its executable.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio

from standin.client import Answer, Client
from standin.core import Core
from standin.errors import CommandError
from standin.real_core import RealCore, temporary_core
from standin.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

pytestmark = pytest.mark.asyncio(loop_scope="module")

AnyCore = Core | RealCore

ENERGY = {"device_class": "energy", "state_class": "total_increasing", "unit_of_measurement": "kWh"}


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["stand-in", pytest.param("real", marks=pytest.mark.core)],
)
async def core(request: pytest.FixtureRequest) -> AsyncIterator[AnyCore]:
    """Either kind of Core."""
    async with Core() if request.param == "stand-in" else temporary_core() as core:
        yield core


@pytest_asyncio.fixture(loop_scope="module")
async def client(core: AnyCore) -> AsyncIterator[Client]:
    """Someone who talks to it."""
    async with Client.of_core(core.url, core.token) as client:
        yield client


def metadata(statistic_id: str, **changes: object) -> dict[str, object]:
    return {
        "has_sum": True,
        "mean_type": 0,
        "name": None,
        "source": "recorder",
        "statistic_id": statistic_id,
        "unit_class": "energy",
        "unit_of_measurement": "kWh",
        **changes,
    }


def import_of(metadata: dict[str, object], *rows: dict[str, object]) -> dict[str, object]:
    return {"type": "recorder/import_statistics", "metadata": metadata, "stats": list(rows)}


def counter(hour: int, state: float, total: float) -> dict[str, object]:
    return {"start": f"2026-01-01T{hour:02}:00:00+00:00", "state": state, "sum": total}


async def read_back(
    client: Client, statistic_id: str, rows: int, **changes: object
) -> list[dict[str, Any]]:
    """Ask until so many rows are there: an answered import is queued and not written."""
    question = {
        "type": "recorder/statistics_during_period",
        "start_time": "2026-01-01T00:00:00+00:00",
        "statistic_ids": [statistic_id],
        "period": "hour",
        **changes,
    }
    async with asyncio.timeout(15):
        while True:
            found: dict[str, list[dict[str, Any]]] = await client.command(question)
            if len(found.get(statistic_id, [])) == rows:
                return found[statistic_id]
            await asyncio.sleep(0.02)


async def refusal(client: Client, message: dict[str, object]) -> tuple[str, str]:
    with pytest.raises(CommandError) as refused:
        await client.command(message)
    return refused.value.code, str(refused.value)


async def test_core_says_that_it_runs(client: Client) -> None:
    assert await client.request("GET", "") == Answer(200, {"message": "API running."})
    state = await client.request("GET", "core/state")
    assert state.body["state"] == "RUNNING"
    assert state.body["recorder_state"] == {
        "migration_in_progress": False,
        "migration_is_live": False,
    }
    assert (await client.request("GET", "config")).body["state"] == "RUNNING"


async def test_a_new_state_is_created_and_then_updated(client: Client) -> None:
    created = await client.push("sensor.new", 1.5, ENERGY)
    assert created.status == 201
    assert created.body["state"] == "1.5"
    assert created.body["attributes"] == ENERGY
    updated = await client.push("sensor.new", 2, ENERGY)
    assert updated.status == 200
    assert updated.body.keys() == {
        "entity_id",
        "state",
        "attributes",
        "last_changed",
        "last_reported",
        "last_updated",
        "context",
    }
    assert await client.request("GET", "states/sensor.new") == updated
    assert updated.body in (await client.request("GET", "states")).body
    assert updated.body in await client.command({"type": "get_states"})


async def test_the_same_state_again_changes_nothing(client: Client) -> None:
    first = await client.push("sensor.same", 1, ENERGY)
    again = await client.push("sensor.same", 1, ENERGY)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


async def test_new_attributes_update_a_state_without_changing_it(client: Client) -> None:
    first = (await client.push("sensor.attributes", 1)).body
    again = (await client.push("sensor.attributes", 1, ENERGY)).body
    assert again["last_changed"] == first["last_changed"]
    assert again["last_updated"] > first["last_updated"]


async def test_a_forced_state_is_a_changed_one(client: Client) -> None:
    first = (await client.push("sensor.forced", 1)).body
    data = {"state": 1, "force_update": True}
    again = (await client.request("POST", "states/sensor.forced", data)).body
    assert again["last_changed"] > first["last_changed"]


@pytest.mark.parametrize(
    ("pushed", "kept"),
    [(True, "True"), (None, None), ({"a": 1}, "{'a': 1}"), ("x" * 255, "x" * 255)],
)
async def test_a_state_is_kept_as_text(client: Client, pushed: object, kept: str | None) -> None:
    answer = await client.push("sensor.text", pushed)
    if kept is None:
        assert answer == Answer(400, {"message": "No state specified."})
    else:
        assert answer.body["state"] == kept


@pytest.mark.parametrize(
    "entity_id",
    ["sensor", "sensor.a__b", "sensor._a", "sensor.a_", "a.b.c", "sensor.a-b", "sensor.ä"],
)
async def test_what_is_no_entity_id_is_refused(client: Client, entity_id: str) -> None:
    assert await client.push(entity_id, 1) == Answer(
        400, {"message": "Invalid entity ID specified."}
    )


async def test_an_entity_id_is_made_lower_case(client: Client) -> None:
    assert (await client.push("Sensor.Large", 1)).body["entity_id"] == "sensor.large"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"state": "x" * 256}, "Invalid state specified."),
        ({}, "No state specified."),
        ([], "State data should be a JSON object."),
        (b"{", "Invalid JSON specified."),
        (b"", "State data should be a JSON object."),
    ],
)
async def test_what_is_no_state_is_refused(client: Client, data: object, sentence: str) -> None:
    answer = await client.request("POST", "states/sensor.refused", data)
    assert answer == Answer(400, {"message": sentence})
    assert (await client.request("GET", "states/sensor.refused")).status == 404


async def test_attributes_that_are_none_fail(client: Client) -> None:
    data = {"state": 1, "attributes": [1]}
    assert (await client.request("POST", "states/sensor.failed", data)).status == 500


async def test_a_state_is_deleted_once(client: Client) -> None:
    await client.push("sensor.deleted", 1)
    gone = await client.request("DELETE", "states/sensor.deleted")
    assert gone == Answer(200, {"message": "Entity removed."})
    again = await client.request("DELETE", "states/sensor.deleted")
    assert again == Answer(404, {"message": "Entity not found."})


async def test_a_stranger_is_refused(core: AnyCore) -> None:
    async with Client.of_core(core.url, "wrong") as stranger:
        assert await stranger.request("GET", "states") == Answer(401, "401: Unauthorized")
        with pytest.raises(aiohttp.ClientError, match="Invalid access token or password"):
            await stranger.connect()


async def test_a_changed_state_is_an_event(client: Client) -> None:
    await client.push("sensor.event", 1)
    async with client.listen("state_changed") as next_event:
        await client.push("sensor.event", 1)
        await client.push("sensor.event", 2)
        event = await next_event()
    assert event.keys() == {"event_type", "data", "origin", "time_fired", "context"}
    assert event["event_type"] == "state_changed"
    assert event["origin"] == "LOCAL"
    assert event["data"]["entity_id"] == "sensor.event"
    assert event["data"]["old_state"]["state"] == "1"
    assert event["data"]["new_state"]["state"] == "2"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"type": "nonsense"}, ("unknown_command", "Unknown command.")),
        ({"id": 0, "type": "ping"}, ("invalid_format", "Message incorrectly formatted.")),
        (
            {"type": "get_states", "x": 1},
            (
                "invalid_format",
                "extra keys not allowed. Got {'id': 1, 'type': 'get_states', 'x': 1}",
            ),
        ),
        (
            {"type": "recorder/list_statistic_ids", "x": 1},
            ("invalid_format", "not a valid option at 'x'. Got 1"),
        ),
        (
            {"type": "unsubscribe_events", "subscription": 9},
            ("not_found", "Subscription not found."),
        ),
        (
            {"type": "call_service", "domain": "x", "service": "y"},
            ("not_found", "Service x.y not found."),
        ),
    ],
)
async def test_a_command_is_refused_with_its_code(
    client: Client, message: dict[str, object], error: tuple[str, str]
) -> None:
    assert await refusal(client, message) == error


async def test_what_is_not_json_closes_the_websocket(client: Client) -> None:
    async with await client.connect() as socket:
        await socket.send_str("nonsense")
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_notification_is_created_replaced_and_dismissed(client: Client) -> None:
    service = "services/persistent_notification/create"
    note = {"message": "First", "title": "Redback", "notification_id": "redback"}
    assert await client.request("POST", service, note) == Answer(200, [])
    called = await client.command(
        {
            "type": "call_service",
            "domain": "persistent_notification",
            "service": "create",
            "service_data": {"message": "Second", "notification_id": "redback"},
        }
    )
    assert called.keys() == {"context"}
    assert await shown_notification(client) == {
        "message": "Second",
        "notification_id": "redback",
        "title": None,
    }
    dismissal = {"notification_id": "redback"}
    await client.request("POST", "services/persistent_notification/dismiss", dismissal)
    assert await shown_notification(client) is None


async def shown_notification(client: Client) -> dict[str, object] | None:
    for each in await client.command({"type": "persistent_notification/get"}):
        # Core has some of its own, about strangers
        if each["notification_id"] == "redback":
            assert each.pop("created_at")
            return dict(each)
    return None


@pytest.mark.parametrize(
    ("service", "data"),
    [
        ("persistent_notification/create", {}),
        ("persistent_notification/create", {"message": "Hello", "x": 1}),
        ("persistent_notification/dismiss", {}),
        ("persistent_notification/other", {}),
        ("other/create", {"message": "Hello"}),
    ],
)
async def test_a_service_that_cannot_be_run_is_refused(
    client: Client, service: str, data: dict[str, object]
) -> None:
    assert (await client.request("POST", f"services/{service}", data)).status == 400


async def test_an_imported_counter_is_read_back(client: Client) -> None:
    rows = [counter(0, 10, -2), counter(1, 11, -1), counter(3, 12.5, 0.5)]
    assert await client.command(import_of(metadata("sensor.counter"), *rows)) is None
    first, second, third = await read_back(client, "sensor.counter", 3)
    assert first == {
        "start": 1767225600000,
        "end": 1767229200000,
        "change": -2.0,
        "last_reset": None,
        "state": 10.0,
        "sum": -2.0,
    }
    assert (second["sum"], second["change"]) == (-1.0, 1.0)
    assert (third["sum"], third["change"]) == (0.5, 1.5)


async def test_an_imported_row_replaces_the_one_of_its_hour(client: Client) -> None:
    await client.command(import_of(metadata("sensor.replaced"), counter(0, 10, 1)))
    await read_back(client, "sensor.replaced", 1)
    replacement = import_of(metadata("sensor.replaced"), counter(0, 20, 7), counter(1, 21, 8))
    await client.command(replacement)
    rows = await read_back(client, "sensor.replaced", 2)
    assert [(row["state"], row["sum"]) for row in rows] == [(20, 7), (21, 8)]


async def test_an_imported_measurement_is_read_back(client: Client) -> None:
    described = metadata(
        "sensor.power", has_sum=False, mean_type=1, unit_class="power", unit_of_measurement="W"
    )
    start = "2026-01-01T10:00:00+10:00"
    await client.command(import_of(described, {"start": start, "mean": 2, "min": 1, "max": 4}))
    assert await read_back(client, "sensor.power", 1) == [
        {
            "start": 1767225600000,
            "end": 1767229200000,
            "last_reset": None,
            "mean": 2.0,
            "min": 1.0,
            "max": 4.0,
        }
    ]


@pytest.mark.parametrize(
    ("period", "bounds"),
    [
        ("day", ("2025-12-31T14:00", "2026-01-01T14:00")),
        ("week", ("2025-12-28T14:00", "2026-01-04T14:00")),
        ("month", ("2025-12-31T14:00", "2026-01-31T14:00")),
        ("year", ("2025-12-31T14:00", "2026-12-31T14:00")),
    ],
)
async def test_hours_are_put_together_by_local_days(
    client: Client, period: str, bounds: tuple[str, str]
) -> None:
    rows = [counter(0, 10, 3), counter(5, 14, 7)]
    await client.command(import_of(metadata("sensor.grouped"), *rows))
    await read_back(client, "sensor.grouped", 2)
    (row,) = await read_back(client, "sensor.grouped", 1, period=period, types=["sum", "change"])
    assert (row["sum"], row["change"]) == (7, 7)
    assert (row["start"], row["end"]) == tuple(milliseconds(bound) for bound in bounds)


async def test_a_time_of_day_and_columns_narrow_what_is_read(client: Client) -> None:
    rows = [counter(hour, hour, hour) for hour in range(4)]
    await client.command(import_of(metadata("sensor.narrow"), *rows))
    await read_back(client, "sensor.narrow", 4)
    found = await read_back(
        client,
        "sensor.narrow",
        2,
        start_time="2026-01-01T01:00:00+00:00",
        end_time="2026-01-01T03:00:00+00:00",
        types=["change"],
    )
    assert [row.keys() for row in found] == [{"start", "end", "change"}] * 2
    assert [row["change"] for row in found] == [1, 1]


@pytest.mark.parametrize(
    ("described", "row", "error"),
    [
        (
            {"x": 1},
            {},
            ("invalid_format", "not a valid option at 'metadata.x'. Got 1"),
        ),
        ({"source": "other"}, {}, ("home_assistant_error", "Invalid source")),
        ({"unit_class": "x"}, {}, ("home_assistant_error", "Unsupported unit_class: 'x'")),
        (
            {"unit_class": "power"},
            {},
            (
                "home_assistant_error",
                "Unsupported unit_of_measurement 'kWh' for unit_class 'power'",
            ),
        ),
        (
            {},
            {"start": "2026-01-01T00:30:00+00:00"},
            (
                "home_assistant_error",
                (
                    "Invalid timestamp: timestamps must be from the top of the hour"
                    " (minutes and seconds = 0)"
                ),
            ),
        ),
        (
            {},
            {"start": "2026-01-01T00:00:00"},
            ("home_assistant_error", "Naive timestamp: no or invalid timezone info provided"),
        ),
        (
            {},
            {"sum": None},
            ("invalid_format", "expected int or float at 'stats[0].sum'. Got None"),
        ),
        ({}, {"x": 1}, ("invalid_format", "not a valid option at 'stats[0].x'. Got 1")),
    ],
)
async def test_an_import_that_does_not_fit_is_refused(
    client: Client,
    described: dict[str, object],
    row: dict[str, object],
    error: tuple[str, str],
) -> None:
    message = import_of(metadata("sensor.unfit", **described), {**counter(0, 1, 1), **row})
    assert await refusal(client, message) == error


async def test_rows_are_told_in_the_unit_of_the_state_unless_another_is_asked_for(
    client: Client,
) -> None:
    described = metadata("sensor.converted", unit_of_measurement="MWh")
    await client.command(import_of(described, counter(0, 2, 0.5)))
    await read_back(client, "sensor.converted", 1)
    await client.push("sensor.converted", 2000, ENERGY)
    for units, state, total in (({}, 2000, 500), ({"energy": "MWh"}, 2, 0.5)):
        (row,) = await read_back(client, "sensor.converted", 1, units=units)
        assert (row["state"], row["sum"], row["change"]) == (state, total, total)


async def test_a_unit_that_is_none_cannot_be_asked_for(client: Client) -> None:
    for units in ({"x": "kWh"}, {"energy": "W"}):
        question: dict[str, object] = {
            "type": "recorder/statistics_during_period",
            "start_time": "2026-01-01T00:00:00+00:00",
            "statistic_ids": ["sensor.converted"],
            "period": "hour",
            "units": units,
        }
        assert (await refusal(client, question))[0] == "invalid_format"


def adjustment(**changes: object) -> dict[str, object]:
    return {
        "type": "recorder/adjust_sum_statistics",
        "start_time": "2026-01-01T01:30:00+00:00",
        "adjustment": 0.5,
        "adjustment_unit_of_measurement": "MWh",
        **changes,
    }


async def test_sums_are_adjusted_from_the_hour_of_a_time_on(client: Client) -> None:
    rows = [counter(hour, hour, hour) for hour in range(3)]
    await client.command(import_of(metadata("sensor.adjusted"), *rows))
    await read_back(client, "sensor.adjusted", 3)
    assert await client.command(adjustment(statistic_id="sensor.adjusted")) is None
    async with asyncio.timeout(15):
        while True:
            found = await read_back(client, "sensor.adjusted", 3)
            if found[-1]["sum"] != 2:
                break
            await asyncio.sleep(0.02)
    assert [(row["state"], row["sum"]) for row in found] == [(0, 0), (1, 501), (2, 502)]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"statistic_id": "sensor.never"},
            ("unknown_statistic_id", "Unknown statistic ID"),
        ),
        (
            {"adjustment_unit_of_measurement": "W"},
            ("invalid_units", "Can't convert kWh to W"),
        ),
    ],
)
async def test_an_adjustment_that_does_not_fit_is_refused(
    client: Client, changes: dict[str, object], error: tuple[str, str]
) -> None:
    await client.push("sensor.unadjusted", 5, ENERGY)
    message = adjustment(**{"statistic_id": "sensor.unadjusted", **changes})
    assert await refusal(client, message) == error


async def test_an_import_writes_no_rows_of_five_minutes(client: Client) -> None:
    await client.command(import_of(metadata("sensor.hourly"), counter(0, 1, 1)))
    await read_back(client, "sensor.hourly", 1)
    question = {
        "type": "recorder/statistics_during_period",
        "start_time": "2026-01-01T00:00:00+00:00",
        "statistic_ids": ["sensor.hourly"],
        "period": "5minute",
    }
    assert await client.command(question) == {}


async def test_a_sensor_with_a_state_class_is_listed_before_its_first_statistics(
    client: Client,
) -> None:
    await client.push("sensor.listed", 5, ENERGY)
    question = {"type": "recorder/get_statistics_metadata", "statistic_ids": ["sensor.listed"]}
    expected = {
        "statistic_id": "sensor.listed",
        "display_unit_of_measurement": "kWh",
        "has_mean": False,
        "mean_type": 0,
        "has_sum": True,
        "name": None,
        "source": "recorder",
        "statistics_unit_of_measurement": "kWh",
        "unit_class": "energy",
    }
    assert await client.command(question) == [expected]
    for kind, listed in (("sum", True), ("mean", False)):
        message = {"type": "recorder/list_statistic_ids", "statistic_type": kind}
        assert (expected in await client.command(message)) is listed


async def test_energy_preferences_are_kept_list_by_list(client: Client) -> None:
    assert await refusal(client, {"type": "energy/get_prefs"}) == ("not_found", "No prefs")
    await client.push("sensor.known", 5, ENERGY)
    await client.command(import_of(metadata("sensor.known"), counter(0, 1, 1)))
    await read_back(client, "sensor.known", 1)
    solar = {"type": "solar", "stat_energy_from": "sensor.known"}
    grid = {"type": "grid", "stat_energy_from": "sensor.unknown", "cost_adjustment_day": 0}
    saved = await client.command({"type": "energy/save_prefs", "energy_sources": [solar, grid]})
    assert saved["energy_sources"][0] == solar
    assert saved["energy_sources"][1]["number_energy_price_export"] is None
    device = {"stat_consumption": "sensor.known"}
    saved = await client.command({"type": "energy/save_prefs", "device_consumption": [device]})
    assert saved["device_consumption"] == [device]
    assert len(saved["energy_sources"]) == 2
    assert await client.command({"type": "energy/get_prefs"}) == saved
    checked = await client.command({"type": "energy/validate"})
    assert checked["energy_sources"][0] == []
    assert {
        issue["type"]: issue["affected_entities"] for issue in checked["energy_sources"][1]
    } == {
        "statistics_not_defined": [["sensor.unknown", None]],
        "entity_not_defined": [["sensor.unknown", None]],
    }


@pytest.mark.parametrize(
    ("state", "attributes", "issues"),
    [
        (5, ENERGY, {}),
        ("unavailable", ENERGY, {"entity_unavailable": "unavailable"}),
        ("on", ENERGY, {"entity_state_non_numeric": "on"}),
        (-5, ENERGY, {"entity_negative_state": -5.0}),
        (5, {**ENERGY, "unit_of_measurement": "W"}, {"entity_unexpected_unit_energy": "W"}),
        (5, {**ENERGY, "device_class": "power"}, {"entity_unexpected_device_class": "power"}),
        (5, {**ENERGY, "state_class": None}, {"entity_unexpected_state_class": None}),
    ],
)
async def test_energy_sources_are_validated(
    client: Client, state: object, attributes: dict[str, object], issues: dict[str, object]
) -> None:
    await client.command(import_of(metadata("sensor.checked"), counter(0, 1, 1)))
    await read_back(client, "sensor.checked", 1)
    await client.push("sensor.checked", state, attributes)
    source = {"type": "solar", "stat_energy_from": "sensor.checked"}
    await client.command({"type": "energy/save_prefs", "energy_sources": [source]})
    (found,) = (await client.command({"type": "energy/validate"}))["energy_sources"]
    assert {issue["type"]: issue["affected_entities"] for issue in found} == {
        kind: [["sensor.checked", detail]] for kind, detail in issues.items()
    }


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            {"type": "solar"},
            "required key not provided at 'energy_sources[0].stat_energy_from'. Got None",
        ),
        (
            {"type": "grid", "flow_from": [], "cost_adjustment_day": 0},
            "not a valid option at 'energy_sources[0].flow_from'. Got []",
        ),
        (
            {"type": "wind"},
            (
                "expected type to be one of ['grid', 'solar', 'home', 'battery', 'gas', 'water']"
                " at 'energy_sources[0].type'. Got 'wind'"
            ),
        ),
    ],
)
async def test_an_energy_source_that_does_not_fit_is_refused(
    client: Client, source: Mapping[str, object], sentence: str
) -> None:
    message: dict[str, object] = {"type": "energy/save_prefs", "energy_sources": [source]}
    assert await refusal(client, message) == ("invalid_format", sentence)


GRID = {"type": "grid", "cost_adjustment_day": 0}
BATTERY = {"type": "battery", "stat_energy_from": "sensor.a", "stat_energy_to": "sensor.b"}


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        (
            [{**GRID, "stat_energy_from": "sensor.a"}, {**GRID, "stat_energy_from": "sensor.a"}],
            "Import meter sensor.a is used in multiple grid connections",
        ),
        (
            [{**GRID, "stat_energy_to": "sensor.a"}, {**GRID, "stat_energy_to": "sensor.a"}],
            "Export meter sensor.a is used in multiple grid connections",
        ),
        (
            [{**GRID, "stat_rate": "sensor.a"}, {**GRID, "stat_rate": "sensor.a"}],
            "Power stat sensor.a is used in multiple grid connections",
        ),
        ([{**BATTERY, "capacity": 0}], "value must be higher than 0"),
        ([{**BATTERY, "capacity": "sensor.c"}], "expected float"),
    ],
)
async def test_energy_sources_that_do_not_fit_together_are_refused(
    client: Client, sources: list[object], sentence: str
) -> None:
    message: dict[str, object] = {"type": "energy/save_prefs", "energy_sources": sources}
    code, told = await refusal(client, message)
    assert code == "invalid_format"
    assert told.startswith(sentence)


async def test_of_a_battery_its_counters_alone_are_validated(client: Client) -> None:
    battery = {
        **BATTERY,
        "stat_rate": "sensor.power",
        "stat_soc": "sensor.soc",
        "capacity": 14.2,
        "name": "House",
    }
    saved = await client.command({"type": "energy/save_prefs", "energy_sources": [battery]})
    assert saved["energy_sources"] == [battery]
    ((*found,),) = (await client.command({"type": "energy/validate"}))["energy_sources"]
    assert found
    for issue in found:
        named = sorted(entity_id for entity_id, _ in issue["affected_entities"])
        assert named == ["sensor.a", "sensor.b"]


async def test_a_dashboard_is_made_once_and_filled_afterwards(client: Client) -> None:
    make: dict[str, object] = {
        "type": "lovelace/dashboards/create",
        "url_path": "a-b",
        "title": "T",
        "icon": "mdi:x",
    }
    ask: dict[str, object] = {"type": "lovelace/config", "url_path": "a-b"}
    views: dict[str, object] = {"views": [{}]}
    save: dict[str, object] = {"type": "lovelace/config/save", "url_path": "a-b", "config": views}
    unknown = ("config_not_found", "Unknown config specified: a-b")
    assert await refusal(client, ask) == unknown
    assert await refusal(client, save) == unknown
    made = await client.command(make)
    assert made == {
        "id": "a_b",
        "url_path": "a-b",
        "title": "T",
        "icon": "mdi:x",
        "mode": "storage",
        "show_in_sidebar": True,
        "require_admin": False,
    }
    assert made in await client.command({"type": "lovelace/dashboards/list"})
    assert await refusal(client, make) == (
        "home_assistant_error",
        'The URL "a-b" is already in use. Please choose a different one',
    )
    assert await refusal(client, ask) == ("config_not_found", "No config found.")
    assert await client.command(save) is None
    assert await client.command(ask) == views


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"url_path": "ab", "title": "T"}, "Url path needs to contain a hyphen (-)."),
        ({"title": "T"}, "required key not provided at 'url_path'. Got None"),
        ({"url_path": "c-d", "title": "T", "what": 1}, "not a valid option at 'what'. Got 1"),
    ],
)
async def test_a_dashboard_that_does_not_fit_is_refused(
    client: Client, fields: Mapping[str, object], sentence: str
) -> None:
    message: dict[str, object] = {"type": "lovelace/dashboards/create", **fields}
    code, told = await refusal(client, message)
    assert code == "invalid_format"
    assert told.startswith(sentence)


async def test_a_restart_loses_pushed_states_and_keeps_statistics(
    core: AnyCore, client: Client
) -> None:
    await client.push("sensor.lost", 5, ENERGY)
    await client.command(import_of(metadata("sensor.lost"), counter(0, 5, 5)))
    await read_back(client, "sensor.lost", 1)
    async with await client.connect() as socket:
        _, farewell = await asyncio.gather(core.restart(), socket.receive())
    assert farewell.type is aiohttp.WSMsgType.CLOSE
    assert (await client.request("GET", "states/sensor.lost")).status == 404
    assert (await read_back(client, "sensor.lost", 1))[0]["sum"] == 5
    assert (await client.push("sensor.lost", 5, ENERGY)).status == 201


async def test_the_supervisor_stands_in_front_of_it_whether_it_runs_or_not(core: AnyCore) -> None:
    async with (
        Supervisor(core.address) as supervisor,
        Client.of_supervisor(supervisor.url, supervisor.token) as addon,
    ):
        assert (await addon.push("sensor.proxied", 5)).status == 201
        states = await addon.command({"type": "get_states"})
        assert "sensor.proxied" in {state["entity_id"] for state in states}
        await core.stop()
        assert (await addon.push("sensor.proxied", 5)).status == 502
        await core.start()
        assert (await addon.push("sensor.proxied", 5)).status == 201


def milliseconds(minute: str) -> int:
    return int(datetime.fromisoformat(f"{minute}:00+00:00").timestamp() * 1000)
