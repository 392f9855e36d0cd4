"""The stand-in Core and a real one answer alike, so that what passes with one works with the other.

Every test runs against the stand-in as the oldest and as the newest version, and against the real
one that HASS_EXECUTABLE names, whichever version that is. Where versions differ, what is expected
is a row of `standin.versions`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from standin.client import Answer, Client
from standin.errors import CommandError, Problem, UnfitError
from standin.real_core import AnyCore
from standin.statistics import COLUMNS
from standin.supervisor import Supervisor
from standin.versions import (
    EMPTY,
    ENERGY_LISTS,
    ENERGY_UNITS,
    EXTRA_KEY,
    GRID_DEFAULTS,
    GRID_PER_CONNECTION,
    MISSING_KEY,
    NO_MAPPING,
    NO_NUMBER,
    NO_TEXT_OR_NULL,
    OPTIONAL_METADATA,
    PERIODS,
    REQUIRED_METADATA,
    SOURCE_KEYS_SINCE,
    SOURCE_KINDS,
    STATE_OF_ANOTHER_TYPE,
    STATE_WITHOUT_BODY,
    TAGGED_SOURCES,
    URL_IN_USE,
    Version,
    not_one_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

STUMBLE = "500 Internal Server Error\n\nServer got itself in trouble"
"""The web server's own answer where a handler raises what nobody expected."""

ENERGY = {"device_class": "energy", "state_class": "total_increasing", "unit_of_measurement": "kWh"}


@pytest.fixture
def version(any_core: AnyCore) -> Version:
    """Return the version that it is, or stands in for."""
    return any_core.release


@pytest_asyncio.fixture(loop_scope="module")
async def client(any_core: AnyCore) -> AsyncIterator[Client]:
    """Someone who talks to it."""
    async with Client.of_core(any_core.url, any_core.token) as client:
        yield client


def metadata(
    version: Version,
    statistic_id: str,
    *,
    mean_type: int = 0,
    unit_class: str = "energy",
    unit: str = "kWh",
) -> dict[str, object]:
    """Describe a statistic in the words that the version has for it."""
    new: dict[str, object] = {"mean_type": mean_type, "unit_class": unit_class}
    old: dict[str, object] = {"has_mean": bool(mean_type)}
    return {
        "has_sum": not mean_type,
        "name": None,
        "source": "recorder",
        "statistic_id": statistic_id,
        "unit_of_measurement": unit,
        **(new if new.keys() <= OPTIONAL_METADATA.at(version) else old),
    }


def import_of(metadata: dict[str, object], *rows: dict[str, object]) -> dict[str, object]:
    return {"type": "recorder/import_statistics", "metadata": metadata, "stats": list(rows)}


def counter(hour: int, state: float, total: float) -> dict[str, object]:
    return {"start": f"2026-01-01T{hour:02}:00:00+00:00", "state": state, "sum": total}


def question(*statistic_ids: str, **changes: object) -> dict[str, object]:
    return {
        "type": "recorder/statistics_during_period",
        "start_time": "2026-01-01T00:00:00+00:00",
        "statistic_ids": list(statistic_ids),
        "period": "hour",
        **changes,
    }


async def read_back(
    client: Client, statistic_id: str, rows: int, **changes: object
) -> list[dict[str, Any]]:
    """Ask until so many rows are there: an answered import is queued and not written."""
    async with asyncio.timeout(15):
        while True:
            found: dict[str, list[dict[str, Any]]] = await client.command(
                question(statistic_id, **changes)
            )
            if len(found.get(statistic_id, [])) == rows:
                return found[statistic_id]
            await asyncio.sleep(0.02)


def unfit(version: Version, *problems: Problem) -> tuple[str, str]:
    """Return the refusal of a message with these problems."""
    error = UnfitError(*problems)
    return error.code, error.sentence(version)


async def store(
    client: Client, described: dict[str, object], *rows: dict[str, object]
) -> list[dict[str, Any]]:
    """Import rows, and return them as they are read back."""
    assert await client.command(import_of(described, *rows)) is None
    return await read_back(client, str(described["statistic_id"]), len(rows))


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
        (b"{", "Invalid JSON specified."),
    ],
)
async def test_what_is_no_state_is_refused(client: Client, data: object, sentence: str) -> None:
    answer = await client.request("POST", "states/sensor.refused", data)
    assert answer == Answer(400, {"message": sentence})
    assert (await client.request("GET", "states/sensor.refused")).status == 404


async def test_a_state_without_a_body_is_refused(client: Client, version: Version) -> None:
    answer = await client.request("POST", "states/sensor.refused", b"")
    assert answer == Answer(400, {"message": STATE_WITHOUT_BODY.at(version)})
    assert (await client.request("GET", "states/sensor.refused")).status == 404


@pytest.mark.parametrize("data", [[], b"5", b"null"])
async def test_a_state_that_is_no_object_is_refused(
    client: Client, version: Version, data: object
) -> None:
    status, sentence = STATE_OF_ANOTHER_TYPE.at(version)
    answer = await client.request("POST", "states/sensor.refused", data)
    assert answer == Answer(status, STUMBLE if sentence is None else {"message": sentence})
    assert (await client.request("GET", "states/sensor.refused")).status == 404


async def test_attributes_that_are_none_fail(client: Client) -> None:
    data = {"state": 1, "attributes": [1]}
    assert await client.request("POST", "states/sensor.failed", data) == Answer(500, STUMBLE)


async def test_a_state_is_deleted_once(client: Client) -> None:
    await client.push("sensor.deleted", 1)
    gone = await client.request("DELETE", "states/sensor.deleted")
    assert gone == Answer(200, {"message": "Entity removed."})
    again = await client.request("DELETE", "states/sensor.deleted")
    assert again == Answer(404, {"message": "Entity not found."})


async def test_a_stranger_is_refused(any_core: AnyCore) -> None:
    async with Client.of_core(any_core.url, "wrong") as stranger:
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


@pytest.mark.parametrize(
    ("message", "problems"),
    [
        ({"type": "recorder/list_statistic_ids", "x": 1}, [Problem(EXTRA_KEY, ("x",), 1)]),
        ({"type": "unsubscribe_events"}, [Problem(MISSING_KEY, ("subscription",))]),
        (
            {"type": "recorder/adjust_sum_statistics", "start_time": "2026-01-01T01:30:00+00:00"},
            [
                Problem(MISSING_KEY, ("adjustment",)),
                Problem(MISSING_KEY, ("adjustment_unit_of_measurement",)),
                Problem(MISSING_KEY, ("statistic_id",)),
            ],
        ),
    ],
)
async def test_a_command_with_other_keys_is_refused_with_each_of_them(
    client: Client, version: Version, message: dict[str, object], problems: list[Problem]
) -> None:
    assert await refusal(client, message) == unfit(version, *problems)


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


async def test_an_imported_counter_is_read_back(client: Client, version: Version) -> None:
    rows = [counter(0, 10, -2), counter(1, 11, -1), counter(3, 12.5, 0.5)]
    assert await client.command(import_of(metadata(version, "sensor.counter"), *rows)) is None
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


async def test_an_imported_row_replaces_the_one_of_its_hour(
    client: Client, version: Version
) -> None:
    await store(client, metadata(version, "sensor.replaced"), counter(0, 10, 1))
    replacement = import_of(
        metadata(version, "sensor.replaced"), counter(0, 20, 7), counter(1, 21, 8)
    )
    await client.command(replacement)
    rows = await read_back(client, "sensor.replaced", 2)
    assert [(row["state"], row["sum"]) for row in rows] == [(20, 7), (21, 8)]


async def test_an_imported_measurement_is_read_back(client: Client, version: Version) -> None:
    described = metadata(version, "sensor.power", mean_type=1, unit_class="power", unit="W")
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
    client: Client, version: Version, period: str, bounds: tuple[str, str]
) -> None:
    rows = [counter(0, 10, 3), counter(5, 14, 7)]
    await store(client, metadata(version, "sensor.grouped"), *rows)
    if period not in PERIODS.at(version):
        with pytest.raises(CommandError) as refused:
            await read_back(client, "sensor.grouped", 1, period=period)
        problem = Problem(not_one_of(PERIODS.at(version)), ("period",), period)
        assert (refused.value.code, str(refused.value)) == unfit(version, problem)
        return
    (row,) = await read_back(client, "sensor.grouped", 1, period=period, types=["sum", "change"])
    assert (row["sum"], row["change"]) == (7, 7)
    assert (row["start"], row["end"]) == tuple(milliseconds(bound) for bound in bounds)


async def test_a_time_of_day_and_columns_narrow_what_is_read(
    client: Client, version: Version
) -> None:
    rows = [counter(hour, hour, hour) for hour in range(4)]
    await store(client, metadata(version, "sensor.narrow"), *rows)
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
    ("described", "row", "problems"),
    [
        ({"x": 1}, {}, [Problem(EXTRA_KEY, ("metadata", "x"), 1)]),
        ({"name": 5}, {}, [Problem(NO_TEXT_OR_NULL, ("metadata", "name"), 5)]),
        ({"has_sum": "x"}, {}, [Problem("expected bool", ("metadata", "has_sum"), "x")]),
        ({}, {"sum": None}, [Problem(NO_NUMBER, ("stats", 0, "sum"))]),
        ({}, {"x": 1}, [Problem(EXTRA_KEY, ("stats", 0, "x"), 1)]),
        (
            {"x": 1},
            {"start": "x", "y": 2},
            [
                Problem(EXTRA_KEY, ("metadata", "x"), 1),
                Problem("Invalid datetime specified: x", ("stats", 0, "start"), "x"),
                Problem(EXTRA_KEY, ("stats", 0, "y"), 2),
            ],
        ),
    ],
)
async def test_an_import_that_does_not_fit_is_refused(
    client: Client,
    version: Version,
    described: dict[str, object],
    row: dict[str, object],
    problems: list[Problem],
) -> None:
    whole = {**metadata(version, "sensor.unfit"), **described}
    message = import_of(whole, {**counter(0, 1, 1), **row})
    assert await refusal(client, message) == unfit(version, *problems)


async def test_an_import_of_neither_metadata_nor_rows_is_refused(
    client: Client, version: Version
) -> None:
    message: dict[str, object] = {
        "type": "recorder/import_statistics",
        "metadata": None,
        "stats": 5,
    }
    assert await refusal(client, message) == unfit(
        version, Problem(NO_MAPPING, ("metadata",)), Problem("expected a list", ("stats",), 5)
    )


@pytest.mark.parametrize(
    ("described", "row", "sentence"),
    [
        ({"source": "other"}, {}, "Invalid source"),
        (
            {},
            {"start": "2026-01-01T00:30:00+00:00"},
            (
                "Invalid timestamp: timestamps must be from the top of the hour"
                " (minutes and seconds = 0)"
            ),
        ),
        (
            {},
            {"start": "2026-01-01T00:00:00"},
            "Naive timestamp: no or invalid timezone info provided",
        ),
    ],
)
async def test_an_import_of_what_cannot_be_is_refused(
    client: Client,
    version: Version,
    described: dict[str, object],
    row: dict[str, object],
    sentence: str,
) -> None:
    whole = {**metadata(version, "sensor.unfit"), **described}
    message = import_of(whole, {**counter(0, 1, 1), **row})
    assert await refusal(client, message) == ("home_assistant_error", sentence)


@pytest.mark.parametrize(
    ("unit_class", "sentence"),
    [
        ("x", "Unsupported unit_class: 'x'"),
        ("power", "Unsupported unit_of_measurement 'kWh' for unit_class 'power'"),
    ],
)
async def test_a_unit_class_of_another_unit_is_refused(
    client: Client, version: Version, unit_class: str, sentence: str
) -> None:
    whole = {**metadata(version, "sensor.unfit"), "unit_class": unit_class}
    if "unit_class" in OPTIONAL_METADATA.at(version):
        expected = ("home_assistant_error", sentence)
    else:
        expected = unfit(version, Problem(EXTRA_KEY, ("metadata", "unit_class"), unit_class))
    assert await refusal(client, import_of(whole, counter(0, 1, 1))) == expected


async def test_the_kind_of_a_statistic_is_named_in_the_words_of_the_version(
    client: Client, version: Version
) -> None:
    described = metadata(version, "sensor.kind")
    for name in ("has_mean", "mean_type"):
        whole = {key: value for key, value in described.items() if key not in {"has_mean", name}}
        whole |= {} if name == "has_mean" else {name: 0}
        message = import_of(whole, counter(0, 1, 1))
        problems = [
            Problem(MISSING_KEY, ("metadata", key))
            for key in sorted(REQUIRED_METADATA.at(version) - whole.keys())
        ] + [
            Problem(EXTRA_KEY, ("metadata", key), whole[key])
            for key in sorted(
                whole.keys() - REQUIRED_METADATA.at(version) - OPTIONAL_METADATA.at(version)
            )
        ]
        if problems:
            assert await refusal(client, message) == unfit(version, *problems)
        else:
            assert await client.command(message) is None


async def test_rows_are_in_the_unit_of_the_state_unless_another_is_asked_for(
    client: Client, version: Version
) -> None:
    described = metadata(version, "sensor.converted", unit="MWh")
    await store(client, described, counter(0, 2, 0.5))
    await client.push("sensor.converted", 2000, ENERGY)
    for units, state, total in (({}, 2000, 500), ({"energy": "MWh"}, 2, 0.5)):
        (row,) = await read_back(client, "sensor.converted", 1, units=units)
        assert (row["state"], row["sum"], row["change"]) == (state, total, total)


async def test_a_unit_that_is_none_cannot_be_asked_for(client: Client) -> None:
    for units in ({"x": "kWh"}, {"energy": "W"}):
        wrong = question("sensor.converted", units=units)
        assert (await refusal(client, wrong))[0] == "invalid_format"


async def test_a_question_for_statistics_that_does_not_fit_is_refused(
    client: Client, version: Version
) -> None:
    assert await refusal(client, question(period="x", types=["y"])) == unfit(
        version,
        Problem(EMPTY, ("statistic_ids",), []),
        Problem(not_one_of(PERIODS.at(version)), ("period",), "x"),
        Problem(not_one_of(COLUMNS), ("types", 0), "y"),
    )


def adjustment(**changes: object) -> dict[str, object]:
    return {
        "type": "recorder/adjust_sum_statistics",
        "start_time": "2026-01-01T01:30:00+00:00",
        "adjustment": 0.5,
        "adjustment_unit_of_measurement": "MWh",
        **changes,
    }


async def test_sums_are_adjusted_from_the_hour_of_a_time_on(
    client: Client, version: Version
) -> None:
    rows = [counter(hour, hour, hour) for hour in range(3)]
    await store(client, metadata(version, "sensor.adjusted"), *rows)
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


async def test_an_import_writes_no_rows_of_five_minutes(client: Client, version: Version) -> None:
    await store(client, metadata(version, "sensor.hourly"), counter(0, 1, 1))
    assert await client.command(question("sensor.hourly", period="5minute")) == {}


async def test_a_sensor_with_a_state_class_is_listed_before_its_first_statistics(
    client: Client,
) -> None:
    await client.push("sensor.listed", 5, ENERGY)
    asked = {"type": "recorder/get_statistics_metadata", "statistic_ids": ["sensor.listed"]}
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
    assert await client.command(asked) == [expected]
    for kind, listed in (("sum", True), ("mean", False)):
        message = {"type": "recorder/list_statistic_ids", "statistic_type": kind}
        assert (expected in await client.command(message)) is listed


def grid_of(version: Version, *imported: str, exported: Sequence[str] = ()) -> dict[str, object]:
    """Make a grid source with these meters; where each grid has its own, there is one at most."""
    if GRID_PER_CONNECTION.at(version):
        meters = {"stat_energy_from": imported, "stat_energy_to": exported}
        named = {role: names[0] for role, names in meters.items() if names}
        return {"type": "grid", "cost_adjustment_day": 0, **named}
    prices = {"entity_energy_price": None, "number_energy_price": None}
    return {
        "type": "grid",
        "cost_adjustment_day": 0,
        "flow_from": [{"stat_energy_from": name, **prices} for name in imported],
        "flow_to": [{"stat_energy_to": name, **prices} for name in exported],
    }


async def test_energy_preferences_are_kept_list_by_list(client: Client, version: Version) -> None:
    assert await refusal(client, {"type": "energy/get_prefs"}) == ("not_found", "No prefs")
    await client.push("sensor.known", 5, ENERGY)
    await store(client, metadata(version, "sensor.known"), counter(0, 1, 1))
    solar = {"type": "solar", "stat_energy_from": "sensor.known"}
    grid = grid_of(version, "sensor.unknown")
    saved = await client.command({"type": "energy/save_prefs", "energy_sources": [solar, grid]})
    assert saved["energy_sources"] == [solar, {**GRID_DEFAULTS.at(version), **grid}]
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
    client: Client,
    version: Version,
    state: object,
    attributes: dict[str, object],
    issues: dict[str, object],
) -> None:
    await store(client, metadata(version, "sensor.checked"), counter(0, 1, 1))
    await client.push("sensor.checked", state, attributes)
    source = {"type": "solar", "stat_energy_from": "sensor.checked"}
    await client.command({"type": "energy/save_prefs", "energy_sources": [source]})
    (found,) = (await client.command({"type": "energy/validate"}))["energy_sources"]
    assert {issue["type"]: issue["affected_entities"] for issue in found} == {
        kind: [["sensor.checked", detail]] for kind, detail in issues.items()
    }


def save(*sources: Mapping[str, object]) -> dict[str, object]:
    return {"type": "energy/save_prefs", "energy_sources": list(sources)}


async def test_the_energy_dashboard_has_the_lists_of_the_version(
    client: Client, version: Version
) -> None:
    for name in ENERGY_LISTS.new:
        message: dict[str, object] = {"type": "energy/save_prefs", name: []}
        if name in ENERGY_LISTS.at(version):
            assert (await client.command(message)).keys() == {*ENERGY_LISTS.at(version)}
        else:
            assert await refusal(client, message) == unfit(version, Problem(EXTRA_KEY, (name,), []))
    checked = await client.command({"type": "energy/validate"})
    assert checked.keys() == {*ENERGY_LISTS.at(version)}


@pytest.mark.parametrize("unit", ENERGY_UNITS.new)
async def test_an_energy_source_counts_in_a_unit_of_the_version(
    client: Client, version: Version, unit: str
) -> None:
    await client.push("sensor.unit", 5, {**ENERGY, "unit_of_measurement": unit})
    await client.command(save({"type": "solar", "stat_energy_from": "sensor.unit"}))
    (found,) = (await client.command({"type": "energy/validate"}))["energy_sources"]
    wrong = [issue["type"] for issue in found if "unit" in issue["type"]]
    is_wrong = unit not in ENERGY_UNITS.at(version)
    assert wrong == ["entity_unexpected_unit_energy"] * is_wrong


async def test_an_energy_source_without_its_counter_is_refused(
    client: Client, version: Version
) -> None:
    problem = Problem(MISSING_KEY, ("energy_sources", 0, "stat_energy_from"))
    assert await refusal(client, save({"type": "solar"})) == unfit(version, problem)


async def test_a_grid_source_is_of_one_connection_or_has_lists_of_flows(
    client: Client, version: Version
) -> None:
    old = {"type": "grid", "cost_adjustment_day": 0, "flow_from": [], "flow_to": []}
    new = {"type": "grid", "cost_adjustment_day": 0, "stat_energy_from": "sensor.a"}
    place = ("energy_sources", 0)
    if GRID_PER_CONNECTION.at(version):
        taken, refused = new, old
        problems = [Problem(EXTRA_KEY, (*place, name), []) for name in ("flow_from", "flow_to")]
    else:
        taken, refused = old, new
        problems = [Problem(MISSING_KEY, (*place, name)) for name in ("flow_from", "flow_to")]
        problems.append(Problem(EXTRA_KEY, (*place, "stat_energy_from"), "sensor.a"))
    assert await refusal(client, save(refused)) == unfit(version, *problems)
    saved = await client.command(save(taken))
    assert saved["energy_sources"] == [{**GRID_DEFAULTS.at(version), **taken}]


async def test_an_energy_source_of_an_unknown_type_is_refused(
    client: Client, version: Version
) -> None:
    known = SOURCE_KINDS.at(version)
    if TAGGED_SOURCES.at(version):
        what = f"expected type to be one of {[*known]}"
        problem = Problem(what, ("energy_sources", 0, "type"), "wind")
    else:
        what = f"Unexpected value for type: 'wind'. Expected {', '.join(known)}"
        problem = Problem(what, ("energy_sources", 0), {"type": "wind"})
    assert await refusal(client, save({"type": "wind"})) == unfit(version, problem)


@pytest.mark.parametrize(
    ("what", "role", "flows"),
    [
        ("Import meter", "stat_energy_from", "flow_from"),
        ("Export meter", "stat_energy_to", "flow_to"),
    ],
)
async def test_a_meter_of_two_grids_is_refused(
    client: Client, version: Version, what: str, role: str, flows: str
) -> None:
    if GRID_PER_CONNECTION.at(version):
        grid: dict[str, object] = {"type": "grid", "cost_adjustment_day": 0, role: "sensor.a"}
        message = save(grid, grid)
        sentence = f"{what} sensor.a is used in multiple grid connections"
        problem = Problem(sentence, ("energy_sources",), [grid, grid])
    else:
        twice = ("sensor.a", "sensor.a")
        is_import = flows == "flow_from"
        grid = grid_of(version, *twice * is_import, exported=twice * (not is_import))
        message = save(grid)
        sentence = "Cannot specify sensor.a more than once"
        problem = Problem(sentence, ("energy_sources", 0, flows), grid[flows])
    assert await refusal(client, message) == unfit(version, problem)


async def test_a_second_grid_is_refused_where_there_can_be_one_alone(
    client: Client, version: Version
) -> None:
    grids = [grid_of(version, "sensor.a"), grid_of(version, "sensor.b")]
    if GRID_PER_CONNECTION.at(version):
        assert len((await client.command(save(*grids)))["energy_sources"]) == 2
    else:
        problem = Problem("You cannot have more than 1 grid source", ("energy_sources",), grids)
        assert await refusal(client, save(*grids)) == unfit(version, problem)


async def test_the_power_of_two_grids_is_refused(client: Client, version: Version) -> None:
    if GRID_PER_CONNECTION.at(version):
        grid: dict[str, object] = {
            "type": "grid",
            "cost_adjustment_day": 0,
            "stat_rate": "sensor.a",
        }
        message = save(grid, grid)
        sentence = "Power stat sensor.a is used in multiple grid connections"
        problem = Problem(sentence, ("energy_sources",), [grid, grid])
    else:
        power = [{"stat_rate": "sensor.a"}] * 2
        message = save({**grid_of(version), "power": power})
        place = ("energy_sources", 0, "power")
        is_known = version >= SOURCE_KEYS_SINCE["power"]
        what = "Cannot specify sensor.a more than once" if is_known else EXTRA_KEY
        problem = Problem(what, place, power)
    assert await refusal(client, message) == unfit(version, problem)


BATTERY = {"type": "battery", "stat_energy_from": "sensor.a", "stat_energy_to": "sensor.b"}


@pytest.mark.parametrize(
    ("capacity", "sentence"), [(0, "value must be higher than 0"), ("sensor.c", "expected float")]
)
async def test_a_capacity_that_is_none_is_refused(
    client: Client, version: Version, capacity: object, sentence: str
) -> None:
    what = sentence if version >= SOURCE_KEYS_SINCE["capacity"] else EXTRA_KEY
    problem = Problem(what, ("energy_sources", 0, "capacity"), capacity)
    message = save({**BATTERY, "capacity": capacity})
    assert await refusal(client, message) == unfit(version, problem)


async def test_of_a_battery_its_counters_alone_are_validated(
    client: Client, version: Version
) -> None:
    more = {
        "stat_rate": "sensor.power",
        "stat_soc": "sensor.soc",
        "capacity": 14.2,
        "name": "House",
    }
    unknown = {name for name in more if version < SOURCE_KEYS_SINCE[name]}
    if unknown:
        place = ("energy_sources", 0)
        problems = [Problem(EXTRA_KEY, (*place, name), more[name]) for name in unknown]
        assert await refusal(client, save({**BATTERY, **more})) == unfit(version, *problems)
    battery = {**BATTERY, **{name: more[name] for name in more.keys() - unknown}}
    saved = await client.command(save(battery))
    assert saved["energy_sources"] == [battery]
    ((*found,),) = (await client.command({"type": "energy/validate"}))["energy_sources"]
    assert found
    for issue in found:
        named = sorted(entity_id for entity_id, _ in issue["affected_entities"])
        assert named == ["sensor.a", "sensor.b"]


async def test_a_dashboard_is_made_once_and_filled_afterwards(
    client: Client, version: Version
) -> None:
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
    code, sentence = URL_IN_USE.at(version)
    answer = await refusal(client, make)
    # The older one adds everything that it was asked for, in any order.
    assert (answer[0], answer[1].partition(". Got {")[0]) == (code, sentence.format("a-b"))
    assert await refusal(client, ask) == ("config_not_found", "No config found.")
    assert await client.command(save) is None
    assert await client.command(ask) == views


async def test_a_dashboard_without_a_hyphen_is_refused(client: Client) -> None:
    message: dict[str, object] = {
        "type": "lovelace/dashboards/create",
        "url_path": "ab",
        "title": "T",
    }
    code, answer = await refusal(client, message)
    assert code == "invalid_format"
    assert answer.startswith("Url path needs to contain a hyphen (-). Got {")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"title": "T"}, Problem(MISSING_KEY, ("url_path",))),
        ({"url_path": "c-d", "title": "T", "what": 1}, Problem(EXTRA_KEY, ("what",), 1)),
    ],
)
async def test_a_dashboard_that_does_not_fit_is_refused(
    client: Client, version: Version, fields: Mapping[str, object], problem: Problem
) -> None:
    message: dict[str, object] = {"type": "lovelace/dashboards/create", **fields}
    assert await refusal(client, message) == unfit(version, problem)


async def test_a_restart_loses_pushed_states_and_keeps_statistics(
    any_core: AnyCore, client: Client, version: Version
) -> None:
    await client.push("sensor.lost", 5, ENERGY)
    await store(client, metadata(version, "sensor.lost"), counter(0, 5, 5))
    async with await client.connect() as socket:
        _, farewell = await asyncio.gather(any_core.restart(), socket.receive())
    assert farewell.type is aiohttp.WSMsgType.CLOSE
    assert (await client.request("GET", "states/sensor.lost")).status == 404
    assert (await read_back(client, "sensor.lost", 1))[0]["sum"] == 5
    assert (await client.push("sensor.lost", 5, ENERGY)).status == 201


async def test_the_supervisor_stands_in_front_of_it_whether_it_runs_or_not(
    any_core: AnyCore,
) -> None:
    async with (
        Supervisor(any_core.address) as supervisor,
        Client.of_supervisor(supervisor.url, supervisor.token) as addon,
    ):
        assert (await addon.push("sensor.proxied", 5)).status == 201
        states = await addon.command({"type": "get_states"})
        assert "sensor.proxied" in {state["entity_id"] for state in states}
        await any_core.stop()
        assert (await addon.push("sensor.proxied", 5)).status == 502
        await any_core.start()
        assert (await addon.push("sensor.proxied", 5)).status == 201


def milliseconds(minute: str) -> int:
    return int(datetime.fromisoformat(f"{minute}:00+00:00").timestamp() * 1000)
