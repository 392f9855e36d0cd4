"""The stand-in Core and a real one answer alike, so that what passes with one works with the other.

Every test runs against the stand-in as the oldest and as the newest version, and against the real
one that HASS_EXECUTABLE names, whichever version that is. Where versions differ, what is expected
is a row of `standin.versions`. What the add-on itself does with a Core, tests of its own show in
the same way: core/test_statistics.py and dashboards/test_setup_with_core.py.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from standin.client import Answer, Client
from standin.core import Core
from standin.errors import CommandError, Problem, UnfitError
from standin.integrations import PLATFORM, Integration
from standin.real_core import AnyCore
from standin.supervisor import Supervisor
from standin.versions import (
    ENERGY_LISTS,
    ENERGY_UNITS,
    EXTRA_KEY,
    GRID_DEFAULTS,
    GRID_PER_CONNECTION,
    MISSING_KEY,
    NO_NUMBER,
    OPTIONAL_METADATA,
    REQUIRED_METADATA,
    SOURCE_KEYS_SINCE,
    SOURCE_KINDS,
    STATE_OF_ANOTHER_TYPE,
    STATE_WITHOUT_BODY,
    TAGGED_SOURCES,
    URL_IN_USE,
    Change,
    Version,
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


Message = dict[str, Any]
Refusal = tuple[str, str]
"""A code and a sentence."""
Messages = Callable[[Version], Message]


def metadata(version: Version, **changes: object) -> Message:
    """Describe the statistic of a counter in the words that the version has for it."""
    new: Message = {"mean_type": 0, "unit_class": "energy"}
    return {
        "has_sum": True,
        "name": None,
        "source": "recorder",
        "statistic_id": "sensor.counter",
        "unit_of_measurement": "kWh",
        **(new if new.keys() <= OPTIONAL_METADATA.at(version) else {"has_mean": False}),
        **changes,
    }


def import_of(metadata: Message, **changes: object) -> Message:
    row = {"start": "2026-01-01T00:00:00+00:00", "state": 1, "sum": 1, **changes}
    return {"type": "recorder/import_statistics", "metadata": metadata, "stats": [row]}


def question(**units: str) -> Message:
    return {
        "type": "recorder/statistics_during_period",
        "start_time": "2026-01-01T00:00:00+00:00",
        "end_time": "2026-01-01T01:00:00+00:00",
        "statistic_ids": ["sensor.counter"],
        "period": "hour",
        "types": ["sum"],
        "units": units,
    }


async def store(client: Client, version: Version) -> None:
    """Import a counter, and wait until it is there: an answered import is queued, not written."""
    assert await client.command(import_of(metadata(version))) is None
    async with asyncio.timeout(15):
        while not await client.command(question()):
            await asyncio.sleep(0.02)


def unfit(version: Version, *problems: Problem) -> Refusal:
    """Return the refusal of a message with these problems."""
    error = UnfitError(*problems)
    return error.code, error.sentence(version)


async def refusal(client: Client, message: Message) -> Refusal:
    with pytest.raises(CommandError) as refused:
        await client.command(message)
    return refused.value.code, str(refused.value)


async def test_core_says_that_it_runs(client: Client) -> None:
    state = await client.request("GET", "core/state")
    assert state.body["state"] == "RUNNING"
    assert state.body["recorder_state"] == {
        "migration_in_progress": False,
        "migration_is_live": False,
    }
    assert (await client.request("GET", "config")).body["state"] == "RUNNING"


async def test_the_recorder_says_how_much_it_has_yet_to_write(client: Client) -> None:
    info = await client.command({"type": "recorder/info"})
    assert isinstance(info.pop("backlog"), int)
    assert info == {
        "db_in_default_location": True,
        "max_backlog": 65_000,
        "migration_in_progress": False,
        "migration_is_live": False,
        "recording": True,
        "thread_running": True,
    }


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


async def test_a_state_is_deleted_once(client: Client) -> None:
    await client.push("sensor.deleted", 5)
    async with await client.connect() as socket:
        watched = ["sensor.deleted"]
        await socket.send_json({"id": 1, "type": "subscribe_entities", "entity_ids": watched})
        for _ in ("the answer", "the state"):
            await socket.receive_json()
        gone = await client.request("DELETE", "states/sensor.deleted")
        assert gone == Answer(200, {"message": "Entity removed."})
        assert (await socket.receive_json())["event"] == {"r": watched}
    not_found = Answer(404, {"message": "Entity not found."})
    assert await client.request("GET", "states/sensor.deleted") == not_found
    assert await client.request("DELETE", "states/sensor.deleted") == not_found
    assert (await client.push("sensor.deleted", 5)).status == 201


@pytest.mark.parametrize(
    "entity_id",
    ["sensor", "sensor.a__b", "sensor._a", "sensor.a_", "a.b.c", "sensor.a-b", "sensor.ä"],
)
async def test_what_is_no_entity_id_is_refused(client: Client, entity_id: str) -> None:
    assert await client.push(entity_id, 1) == Answer(
        400, {"message": "Invalid entity ID specified."}
    )


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        ({"state": "x" * 256}, "Invalid state specified."),
        ({"state": None}, "No state specified."),
        ({}, "No state specified."),
        (b"{", "Invalid JSON specified."),
        (b"", STATE_WITHOUT_BODY),
        ([], STATE_OF_ANOTHER_TYPE),
        (b"5", STATE_OF_ANOTHER_TYPE),
        (b"null", STATE_OF_ANOTHER_TYPE),
        ({"state": 1, "attributes": [1]}, (500, None)),
    ],
)
async def test_what_is_no_state_is_refused(
    client: Client,
    version: Version,
    data: object,
    refused: Any,  # noqa: ANN401 -- a row's own
) -> None:
    found = refused.at(version) if isinstance(refused, Change) else refused
    status, sentence = found if isinstance(found, tuple) else (400, found)
    answer = await client.request("POST", "states/sensor.refused", data)
    assert answer == Answer(status, STUMBLE if sentence is None else {"message": sentence})
    assert (await client.request("GET", "states/sensor.refused")).status == 404


async def test_a_stranger_is_refused(any_core: AnyCore) -> None:
    async with Client.of_core(any_core.url, "wrong") as stranger:
        assert await stranger.request("GET", "states") == Answer(401, "401: Unauthorized")
        with pytest.raises(aiohttp.ClientError, match="Invalid access token or password"):
            await stranger.connect()


async def test_a_notification_is_created_replaced_and_dismissed(client: Client) -> None:
    service = "services/persistent_notification/create"
    note = {"message": "First", "title": "Redback", "notification_id": "redback"}
    assert await client.request("POST", service, note) == Answer(200, [])
    again = {"message": "Second", "notification_id": "redback"}
    assert await client.request("POST", service, again) == Answer(200, [])
    assert await shown_notification(client) == {
        "message": "Second",
        "notification_id": "redback",
        "title": None,
    }
    dismissal = {"notification_id": "redback"}
    await client.request("POST", "services/persistent_notification/dismiss", dismissal)
    assert await shown_notification(client) is None


async def shown_notification(client: Client) -> Message | None:
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
    ],
)
async def test_a_service_that_cannot_be_run_is_refused(
    client: Client, service: str, data: Message
) -> None:
    assert (await client.request("POST", f"services/{service}", data)).status == 400


GRID = {"type": "grid", "cost_adjustment_day": 0}
BATTERY = {"type": "battery", "stat_energy_from": "sensor.a", "stat_energy_to": "sensor.b"}
BATTERY_KEYS = {"stat_rate": "sensor.p", "stat_soc": "sensor.c", "capacity": 14.2, "name": "House"}
FIRST_SOURCE = ("energy_sources", 0)


def grid_of(version: Version, imported: str) -> Message:
    """Make a grid source with this meter."""
    if GRID_PER_CONNECTION.at(version):
        return {**GRID, "stat_energy_from": imported}
    prices = {"entity_energy_price": None, "number_energy_price": None}
    return {**GRID, "flow_from": [{"stat_energy_from": imported, **prices}], "flow_to": []}


def save(*sources: Message) -> Message:
    return {"type": "energy/save_prefs", "energy_sources": list(sources)}


def dashboard(**fields: object) -> Message:
    return {"type": "lovelace/dashboards/create", **fields}


def _metadata_without_has_mean(version: Version) -> Message:
    described = metadata(version)
    return import_of({key: value for key, value in described.items() if key != "has_mean"})


def _missing_has_mean(version: Version) -> Refusal | None:
    required = "has_mean" in REQUIRED_METADATA.at(version)
    return unfit(version, Problem(MISSING_KEY, ("metadata", "has_mean"))) if required else None


def _class_unlike_the_unit(version: Version) -> Refusal:
    if "unit_class" in OPTIONAL_METADATA.at(version):
        sentence = "Unsupported unit_of_measurement 'kWh' for unit_class 'power'"
        return "home_assistant_error", sentence
    return unfit(version, Problem(EXTRA_KEY, ("metadata", "unit_class"), "power"))


def _grid_of_another_version(version: Version) -> Message:
    if GRID_PER_CONNECTION.at(version):
        return save({**GRID, "flow_from": [], "flow_to": []})
    return save({**GRID, "stat_energy_from": "sensor.a"})


def _problems_of_that_grid(version: Version) -> Refusal:
    flows = ("flow_from", "flow_to")
    if GRID_PER_CONNECTION.at(version):
        return unfit(version, *(Problem(EXTRA_KEY, (*FIRST_SOURCE, name), []) for name in flows))
    return unfit(
        version,
        *(Problem(MISSING_KEY, (*FIRST_SOURCE, name)) for name in flows),
        Problem(EXTRA_KEY, (*FIRST_SOURCE, "stat_energy_from"), "sensor.a"),
    )


def _two_grids(version: Version) -> list[Message]:
    return [grid_of(version, "sensor.a"), grid_of(version, "sensor.b")]


def _problem_of_two_grids(version: Version) -> Refusal | None:
    if GRID_PER_CONNECTION.at(version):
        return None
    what = "You cannot have more than 1 grid source"
    return unfit(version, Problem(what, ("energy_sources",), _two_grids(version)))


def _unknown_source(version: Version) -> Refusal:
    known = SOURCE_KINDS.at(version)
    if TAGGED_SOURCES.at(version):
        what = f"expected type to be one of {[*known]}"
        return unfit(version, Problem(what, (*FIRST_SOURCE, "type"), "wind"))
    what = f"Unexpected value for type: 'wind'. Expected {', '.join(known)}"
    return unfit(version, Problem(what, FIRST_SOURCE, {"type": "wind"}))


def _keys_of_later_batteries(version: Version) -> Refusal | None:
    later = [name for name in BATTERY_KEYS if version < SOURCE_KEYS_SINCE[name]]
    problems = [Problem(EXTRA_KEY, (*FIRST_SOURCE, name), BATTERY_KEYS[name]) for name in later]
    return unfit(version, *problems) if problems else None


def always(code: str, sentence: str) -> Callable[[Version], Refusal]:
    return lambda _: (code, sentence)


def because(*problems: Problem) -> Callable[[Version], Refusal]:
    return lambda version: unfit(version, *problems)


def importing(**row: object) -> Messages:
    return lambda version: import_of(metadata(version), **row)


# A command that does not fit, and how the version refuses it, or None where it takes it.
REFUSED: Mapping[str, tuple[Message | Messages, Callable[[Version], Refusal | None]]] = {
    "an unknown command": ({"type": "nonsense"}, always("unknown_command", "Unknown command.")),
    "no identifier": (
        {"id": 0, "type": "ping"},
        always("invalid_format", "Message incorrectly formatted."),
    ),
    "a key where there are none": (
        {"type": "get_states", "x": 1},
        always(
            "invalid_format",
            "extra keys not allowed. Got {'id': 1, 'type': 'get_states', 'x': 1}",
        ),
    ),
    "several missing keys": (
        {"type": "recorder/adjust_sum_statistics", "start_time": "2026-01-01T01:30:00+00:00"},
        because(
            Problem(MISSING_KEY, ("adjustment",)),
            Problem(MISSING_KEY, ("adjustment_unit_of_measurement",)),
            Problem(MISSING_KEY, ("statistic_id",)),
        ),
    ),
    "a class of units that there is not": (
        question(x="kWh"),
        because(Problem(EXTRA_KEY, ("units", "x"), "kWh")),
    ),
    "several wrong things in an import": (
        lambda version: import_of(metadata(version, x=1), sum=None, y=2),
        because(
            Problem(EXTRA_KEY, ("metadata", "x"), 1),
            Problem(NO_NUMBER, ("stats", 0, "sum")),
            Problem(EXTRA_KEY, ("stats", 0, "y"), 2),
        ),
    ),
    "an import from elsewhere": (
        lambda version: import_of(metadata(version, source="other")),
        always("home_assistant_error", "Invalid source"),
    ),
    "an import of half an hour": (
        importing(start="2026-01-01T00:30:00+00:00"),
        always(
            "home_assistant_error",
            "Invalid timestamp: timestamps must be from the top of the hour"
            " (minutes and seconds = 0)",
        ),
    ),
    "an import of a time without a zone": (
        importing(start="2026-01-01T00:00:00"),
        always("home_assistant_error", "Naive timestamp: no or invalid timezone info provided"),
    ),
    "the word for a mean left out": (_metadata_without_has_mean, _missing_has_mean),
    "a unit of another class": (
        lambda version: import_of(metadata(version, unit_class="power")),
        _class_unlike_the_unit,
    ),
    "an energy source without its counter": (
        save({"type": "solar"}),
        because(Problem(MISSING_KEY, (*FIRST_SOURCE, "stat_energy_from"))),
    ),
    "an energy source of an unknown type": (save({"type": "wind"}), _unknown_source),
    "a grid in the form of another version": (_grid_of_another_version, _problems_of_that_grid),
    "two grids": (lambda version: save(*_two_grids(version)), _problem_of_two_grids),
    "all keys of a battery": (save({**BATTERY, **BATTERY_KEYS}), _keys_of_later_batteries),
    "a dashboard without an address": (
        dashboard(title="T"),
        because(Problem(MISSING_KEY, ("url_path",))),
    ),
    "a dashboard with an unknown key": (
        dashboard(url_path="c-d", title="T", what=1),
        because(Problem(EXTRA_KEY, ("what",), 1)),
    ),
    "the contents of a dashboard that there is not": (
        {"type": "lovelace/config", "url_path": "no-where"},
        always("config_not_found", "Unknown config specified: no-where"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_command_that_does_not_fit_is_refused_in_the_words_of_the_version(
    client: Client, version: Version, case: str
) -> None:
    made, expected = REFUSED[case]
    message = made(version) if callable(made) else made
    if (refused := expected(version)) is None:
        await client.command(message)
    else:
        assert await refusal(client, message) == refused


async def test_energy_preferences_are_kept_list_by_list(client: Client, version: Version) -> None:
    await client.push("sensor.counter", 5, ENERGY)
    await store(client, version)
    solar = {"type": "solar", "stat_energy_from": "sensor.counter"}
    grid = grid_of(version, "sensor.unknown")
    saved = await client.command(save(solar, grid))
    assert saved["energy_sources"] == [solar, {**GRID_DEFAULTS.at(version), **grid}]
    device = {"stat_consumption": "sensor.counter"}
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
    await store(client, version)
    await client.push("sensor.counter", state, attributes)
    source = {"type": "solar", "stat_energy_from": "sensor.counter"}
    await client.command(save(source))
    (found,) = (await client.command({"type": "energy/validate"}))["energy_sources"]
    assert {issue["type"]: issue["affected_entities"] for issue in found} == {
        kind: [["sensor.counter", detail]] for kind, detail in issues.items()
    }


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


async def test_of_a_battery_its_counters_alone_are_validated(client: Client) -> None:
    await client.command(save(BATTERY))
    (found,) = (await client.command({"type": "energy/validate"}))["energy_sources"]
    assert found
    for issue in found:
        named = sorted(entity_id for entity_id, _ in issue["affected_entities"])
        assert named == ["sensor.a", "sensor.b"]


async def test_a_dashboard_is_made_once_and_filled_afterwards(
    client: Client, version: Version
) -> None:
    make = dashboard(url_path="a-b", title="T", icon="mdi:x")
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
    again = await refusal(client, make)
    # The older one adds everything that it was asked for, in any order.
    assert (again[0], again[1].partition(". Got {")[0]) == (code, sentence.format("a-b"))
    ask = {"type": "lovelace/config", "url_path": "a-b"}
    assert await refusal(client, ask) == ("config_not_found", "No config found.")


async def test_a_dashboard_without_a_hyphen_is_refused(client: Client) -> None:
    code, sentence = await refusal(client, dashboard(url_path="ab", title="T"))
    assert code == "invalid_format"
    assert sentence.startswith("Url path needs to contain a hyphen (-). Got {")


async def entry_of(client: Client, entity_id: str) -> Message | None:
    """Return what is registered."""
    question = {"type": "config/entity_registry/get_entries", "entity_ids": [entity_id]}
    found = await client.command(question)
    assert found.keys() == {entity_id}
    entry: Message | None = found[entity_id]
    return entry


async def test_the_registry_shows_which_integration_has_an_entity(
    any_core: AnyCore, client: Client
) -> None:
    await client.push("sensor.pushed_only", 5)
    assert await entry_of(client, "sensor.pushed_only") is None
    async with await client.connect() as socket:

        async def updated() -> tuple[str, str]:
            data = (await socket.receive_json())["event"]["data"]
            return data["action"], data["entity_id"]

        event = "entity_registry_updated"
        await socket.send_json({"id": 1, "type": "subscribe_events", "event_type": event})
        assert (await socket.receive_json())["success"]
        integration = await Integration.set_up(any_core, client, "integrated")
        entity_id = integration.entity_id
        assert await updated() == ("create", entity_id)
        entry = await entry_of(client, entity_id)
        assert entry is not None
        assert (entry["platform"], entry["disabled_by"]) == (PLATFORM, None)
        await integration.delete(client)
        while (update := await updated()) != ("remove", entity_id):
            assert update == ("update", entity_id)
    assert await entry_of(client, entity_id) is None
    assert (await client.request("GET", f"states/{entity_id}")).status == 404


async def listed(client: Client, unique_id: str) -> Message | None:
    """Return what the registry lists under a unique id."""
    entries = await client.command({"type": "config/entity_registry/list"})
    return next((entry for entry in entries if entry["unique_id"] == unique_id), None)


async def test_the_registry_lists_what_people_have_renamed_and_disabled(
    any_core: AnyCore, client: Client
) -> None:
    integration = await Integration.set_up(any_core, client, "first_name")
    entry = await entry_of(client, "sensor.first_name")
    assert entry is not None
    unique_id = entry["unique_id"]
    as_listed = await listed(client, unique_id)
    assert as_listed is not None
    assert as_listed.items() <= entry.items()
    for name, expected in {"name": None, "platform": PLATFORM, "disabled_by": None}.items():
        assert as_listed[name] == expected
    async with await client.connect() as socket:
        event = "entity_registry_updated"
        await socket.send_json({"id": 1, "type": "subscribe_events", "event_type": event})
        assert (await socket.receive_json())["success"]
        await integration.rename(client, "sensor.second_name")
        renamed = (await socket.receive_json())["event"]["data"]
        assert renamed.items() >= {
            ("action", "update"),
            ("entity_id", "sensor.second_name"),
            ("old_entity_id", "sensor.first_name"),
        }
        assert await entry_of(client, "sensor.first_name") is None
        await integration.disable(client)
        disabled = (await socket.receive_json())["event"]["data"]
        assert (disabled["action"], disabled["entity_id"]) == ("update", "sensor.second_name")
    as_listed = await listed(client, unique_id)
    assert as_listed is not None
    assert (as_listed["entity_id"], as_listed["disabled_by"]) == ("sensor.second_name", "user")
    async with asyncio.timeout(15):
        while (await client.request("GET", "states/sensor.second_name")).status != 404:
            await asyncio.sleep(0.02)
    await integration.delete(client)
    assert await listed(client, unique_id) is None


async def test_a_subscription_to_entities_shows_who_has_written_them(
    any_core: AnyCore, client: Client
) -> None:
    me = (await client.command({"type": "auth/current_user"}))["id"]
    integration = await Integration.set_up(any_core, client, "written_by_two")
    entity_id = integration.entity_id
    watched = [entity_id, "sensor.watched_mine", "sensor.watched_new"]
    await client.push("sensor.watched_mine", 5)
    async with await client.connect() as socket:

        async def event() -> dict[str, Any]:
            answer: dict[str, Any] = (await socket.receive_json())["event"]
            return answer

        question = {"id": 1, "type": "subscribe_entities", "entity_ids": watched}
        await socket.send_json(question)
        assert (await socket.receive_json())["success"]
        first = (await event())["a"]
        assert first.keys() == {entity_id, "sensor.watched_mine"}
        # Without a user, a context is its id alone.
        assert isinstance(first[entity_id]["c"], str)
        assert first["sensor.watched_mine"]["c"]["user_id"] == me
        await client.push("sensor.another", 5)
        await client.push("sensor.watched_new", 5)
        added = (await event())["a"]
        assert added["sensor.watched_new"]["c"]["user_id"] == me
        await client.push("sensor.watched_mine", 6)
        (changed,) = (await event())["c"].items()
        # The same user again: a context is its id alone here too.
        assert changed[0] == "sensor.watched_mine"
        assert isinstance(changed[1]["+"]["c"], str)
        await client.push(entity_id, 1000)
        (changed,) = (await event())["c"].items()
        assert changed[0] == entity_id
        assert changed[1]["+"]["c"]["user_id"] == me
        await integration.write(client)
        (changed,) = (await event())["c"].items()
        assert changed[0] == entity_id
        assert changed[1]["+"]["c"]["user_id"] is None
        await integration.delete(client)
        while "r" not in (last := await event()):
            assert last["c"].keys() == {entity_id}
        assert last == {"r": [entity_id]}


async def test_the_entities_that_the_recorder_leaves_out_are_listed_with_their_states(
    any_core: AnyCore, client: Client, version: Version
) -> None:
    never, before = "sensor.not_recorded_never", "sensor.not_recorded_now"
    if isinstance(any_core, Core):
        any_core.statistics.excluded.update({never, before})
    await import_one_row(client, version, before)
    kinds = await exclusions(client)
    assert not kinds.keys() & {never, before}  # there are no states
    await client.push(never, "unavailable", ENERGY)
    await client.push(before, 5, ENERGY)
    await client.push("sensor.recorded", 5, ENERGY)
    kinds = await exclusions(client)
    assert (kinds[never], kinds[before]) == ("entity_not_recorded", "entity_no_longer_recorded")
    assert "sensor.recorded" not in kinds
    # An import is accepted nevertheless, and makes rows.
    await import_one_row(client, version, never)


async def import_one_row(client: Client, version: Version, statistic_id: str) -> None:
    await client.command(import_of(metadata(version, statistic_id=statistic_id)))
    stored = {"type": "recorder/get_statistics_metadata", "statistic_ids": [statistic_id]}
    async with asyncio.timeout(15):
        while not await client.command(stored):
            await asyncio.sleep(0.02)


async def exclusions(client: Client) -> dict[str, str]:
    question: Message = {"type": "recorder/validate_statistics"}
    found: dict[str, list[Message]] = await client.command(question)
    return {
        entity_id: issue["type"]
        for entity_id, issues in found.items()
        for issue in issues
        if issue["type"].endswith("_recorded")
    }


async def test_a_restart_loses_pushed_states_and_keeps_statistics(
    any_core: AnyCore, client: Client, version: Version
) -> None:
    await client.push("sensor.lost", 5, ENERGY)
    await store(client, version)
    async with await client.connect() as socket:
        _, farewell = await asyncio.gather(any_core.restart(), socket.receive())
    assert farewell.type is aiohttp.WSMsgType.CLOSE
    assert (await client.request("GET", "states/sensor.lost")).status == 404
    assert await client.command(question())
    assert (await client.push("sensor.lost", 5, ENERGY)).status == 201


async def test_the_supervisor_stands_in_front_of_it_whether_it_runs_or_not(
    any_core: AnyCore,
) -> None:
    async with (
        Supervisor(any_core.address) as supervisor,
        Client.of_supervisor(supervisor.url, supervisor.token) as addon,
    ):
        assert (await addon.push("sensor.proxied", 5)).status == 201
        assert (await addon.request("DELETE", "states/sensor.proxied")).status == 200
        assert (await addon.push("sensor.proxied", 5)).status == 201
        states = await addon.command({"type": "get_states"})
        assert "sensor.proxied" in {state["entity_id"] for state in states}
        await any_core.stop()
        assert (await addon.push("sensor.proxied", 5)).status == 502
        await any_core.start()
        assert (await addon.push("sensor.proxied", 5)).status == 201
