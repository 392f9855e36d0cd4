"""The Supervisor's stand-in passes on what the Supervisor passes on, and refuses the rest."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from standin.client import Answer, Client
from standin.core import Core
from standin.faults import Faults
from standin.supervisor import BrokerAddress, CoreAddress, Supervisor

BAD_GATEWAY = Answer(502, "502: Bad Gateway")


Message = dict[str, Any]
PASSWORD = "made-up-password"


async def ask(supervisor: Supervisor, method: str, path: str, data: object = None) -> Answer:
    """Ask the Supervisor itself, as the add-on."""
    headers = {"Authorization": f"Bearer {supervisor.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, supervisor.url + path, json=data) as answer,
    ):
        return Answer(answer.status, await answer.json())


async def fetch(url: str | URL, token: str | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        is_json = answer.content_type == "application/json"
        return Answer(answer.status, await (answer.json() if is_json else answer.text()))


async def test_a_wrong_token_is_refused(supervisor: Supervisor) -> None:
    async with Client.of_supervisor(supervisor.url, "wrong") as stranger:
        assert await stranger.request("GET", "states") == Answer(401, "401: Unauthorized")
        with pytest.raises(aiohttp.ClientError, match="Invalid access"):
            await stranger.connect()


async def test_no_token_is_refused(supervisor: Supervisor) -> None:
    assert (await fetch(f"{supervisor.url}/core/api/states")).status == 401
    assert (await fetch(f"{supervisor.url}/addons/self/info")).status == 401


@pytest.mark.parametrize(
    "exploit",
    [
        "/core/api/states/..%2Fsecret",
        "/core/api/states/..%252F..%252Fsecret",
        "/core/api/states/%3Cscript%3E",
        "/core/api/states?x=/a/",
        "/core/api/states?x=%3CSCRIPT%20src%3E",
        "/addons/self/info?x=../",
    ],
)
async def test_what_looks_like_an_exploit_is_refused(supervisor: Supervisor, exploit: str) -> None:
    url = URL(supervisor.url + exploit, encoded=True)
    assert (await fetch(url, token=supervisor.token)).status == 400


@pytest.mark.parametrize("starts", [False, True])
async def test_a_core_that_is_down_or_still_starts_is_a_bad_gateway(
    core: Core, addon: Client, *, starts: bool
) -> None:
    await core.stop()
    if starts:
        await core.begin_start()
    assert await addon.push("sensor.one", 5) == BAD_GATEWAY
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await addon.connect()
    assert refused.value.status == 502
    await core.start()
    assert (await addon.push("sensor.one", 5)).status == 201


async def test_a_quarrel_over_cores_own_token_is_a_bad_gateway(core: Core) -> None:
    async with Supervisor(CoreAddress(core.url, "old")) as supervisor:
        answer = await fetch(f"{supervisor.url}/core/api/states", token=supervisor.token)
    assert answer == BAD_GATEWAY


async def test_a_large_message_from_core_passes(addon: Client) -> None:
    for number in range(6):
        await addon.push(f"sensor.large_{number}", 5, {"text": "x" * 900_000})
    states = await addon.command({"type": "get_states"})
    assert sum(len(state["attributes"]["text"]) for state in states) > 5 * 1024**2


async def test_the_options_are_those_of_the_file(core: Core, tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    async with Supervisor(core.address, options=options) as supervisor:
        url = f"{supervisor.url}/addons/self/options/config"
        for name in ("first", "second"):
            options.write_text(json.dumps({"client_id": name}), encoding="utf-8")
            answer = await fetch(url, token=supervisor.token)
            assert answer == Answer(200, {"result": "ok", "data": {"client_id": name}})


async def test_the_supervisor_describes_an_addon_to_itself(supervisor: Supervisor) -> None:
    url = f"{supervisor.url}/addons/self/info"
    answer = await fetch(url, token=supervisor.token)
    assert answer.body["data"]["state"] == "started"
    assert (await fetch(url, token="wrong")).status == 403


@pytest.mark.parametrize(
    ("broker", "login"),
    [
        (BrokerAddress("core-mosquitto", 1883), {}),
        (
            BrokerAddress("core-mosquitto", 1883, "addons", PASSWORD),
            {"username": "addons", "password": PASSWORD},
        ),
    ],
)
async def test_an_addon_that_may_learns_where_the_broker_is(
    supervisor: Supervisor, broker: BrokerAddress, login: Message
) -> None:
    supervisor.config["services"] = ["mqtt:want"]
    answer = await ask(supervisor, "GET", "/services/mqtt")
    assert answer == Answer(400, {"result": "error", "message": "Service not enabled"})
    supervisor.broker = broker
    answer = await ask(supervisor, "GET", "/services/mqtt")
    data = {
        "addon": "core_mosquitto",
        "host": "core-mosquitto",
        "port": 1883,
        "ssl": False,
        "protocol": "3.1.1",
    }
    assert answer == Answer(200, {"result": "ok", "data": {**data, **login}})


async def test_an_addon_that_does_not_want_the_broker_does_not_get_it(
    supervisor: Supervisor,
) -> None:
    supervisor.broker = BrokerAddress("core-mosquitto", 1883)
    supervisor.config["services"] = ["mysql:want"]
    answer = await ask(supervisor, "GET", "/services/mqtt")
    assert answer == Answer(403, {"result": "error", "message": "No access to mqtt service!"})


CHANGE = "/addons/self/options"
SCHEMA = {"name": "str", "days": "int(0,30)?", "loud": "bool?", "broker": {"port": "port?"}}
DEFAULTS = {"name": "", "days": 7, "loud": False, "broker": {}}


@pytest.fixture
async def configured(core: Core, tmp_path: Path) -> AsyncIterator[Supervisor]:
    """A Supervisor with an add-on that has these options."""
    file = tmp_path / "options.json"
    file.write_text(json.dumps(DEFAULTS | {"name": "before"}), encoding="utf-8")
    async with Supervisor(core.address, options=file) as supervisor:
        supervisor.config = {"schema": SCHEMA, "options": DEFAULTS}
        yield supervisor


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"name": "x", "broker": {}}, {"name": "x"}),
        (
            {"name": "x", "broker": {}, "days": "3", "loud": "true"},
            {"name": "x", "days": 3, "loud": True},
        ),
        ({"name": "x", "broker": {"port": 1}}, {"name": "x", "broker": {"port": 1}}),
        ({"name": "x", "other": 1, "broker": {"other": 1}}, {"name": "x"}),
        (None, {}),
    ],
)
async def test_new_options_are_kept_at_once_and_written_when_the_addon_restarts(
    configured: Supervisor, given: Message | None, kept: Message
) -> None:
    file = configured.options
    assert file is not None
    restarts: list[Message] = []

    async def restart() -> None:
        restarts.append(json.loads(file.read_text(encoding="utf-8")))

    configured.restart_addon = restart
    before = file.read_text(encoding="utf-8")
    done = Answer(200, {"result": "ok", "data": {}})
    assert await ask(configured, "POST", CHANGE, {"options": given}) == done
    found = await ask(configured, "GET", f"{CHANGE}/config")
    assert found.body["data"] == DEFAULTS | kept
    assert file.read_text(encoding="utf-8") == before
    assert await ask(configured, "POST", "/addons/self/restart") == done
    assert restarts == [DEFAULTS | kept]


REFUSED = {
    "missing": ({}, "Missing option 'name' in root in Redback (local_redback)"),
    "a group missing": (
        {"name": "x"},
        "Missing option 'broker' in root in Redback (local_redback)",
    ),
    "null": ({"name": None}, "Missing required option 'name' in Redback (local_redback)"),
    "of another type": ({"name": 5}, "expected str"),
    "too high": ({"name": "x", "days": 31}, "value must be at most 30.0"),
    "no number": ({"name": "x", "days": "many"}, "expected int"),
    "no group": (
        {"name": "x", "broker": 5},
        "Invalid dict for option 'broker' in Redback (local_redback)",
    ),
}


@pytest.mark.parametrize("which", REFUSED)
async def test_options_that_do_not_fit_are_refused_with_all_of_them_in_the_answer(
    configured: Supervisor, which: str
) -> None:
    given, why = REFUSED[which]
    answer = await ask(configured, "POST", CHANGE, {"options": given})
    assert answer.status == 400
    said = f"{why}. Got {given}"
    assert answer.body == {
        "result": "error",
        "message": f"App local_redback has invalid options: {said}",
        "error_key": "app_configuration_invalid_error",
        "extra_fields": {"app": "local_redback", "validation_error": said},
    }
    found = await ask(configured, "GET", f"{CHANGE}/config")
    assert found.body["data"]["name"] == "before"


async def test_what_is_no_change_of_options_is_refused(configured: Supervisor) -> None:
    answer = await ask(configured, "POST", CHANGE, {"name": "x"})
    assert answer == Answer(
        400, {"result": "error", "message": "extra keys not allowed @ data['name']. Got 'x'"}
    )


async def test_it_can_be_slow(supervisor: Supervisor, addon: Client) -> None:
    supervisor.faults = Faults(delay_s=30)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(addon.push("sensor.one", 5), 0.05)
    assert supervisor.requests["POST /core/api/states/sensor.one"] == 1


async def test_stopped_it_refuses_connections_and_comes_back_on_its_port(
    supervisor: Supervisor, addon: Client
) -> None:
    url = supervisor.url
    await supervisor.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await addon.push("sensor.one", 5)
    await supervisor.start()
    assert supervisor.url == url
    assert (await addon.push("sensor.one", 5)).status == 201


async def test_a_page_that_a_browser_has_already_is_passed_on(supervisor: Supervisor) -> None:
    async def unchanged(_: web.Request) -> web.Response:
        return web.Response(status=304)

    app = web.Application()
    app.router.add_get("/static/main.js", unchanged)
    async with TestServer(app) as page, aiohttp.ClientSession(supervisor.url) as browser:
        supervisor.ingress["a"] = str(page.make_url("")).rstrip("/")
        for _ in range(2):  # aiohttp has one body for all that have none
            async with browser.get("/ingress/a/static/main.js") as answer:
                assert answer.status == 304
