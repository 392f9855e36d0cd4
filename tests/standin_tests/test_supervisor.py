"""The Supervisor's stand-in passes on what the Supervisor passes on, and refuses the rest."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from standin.client import Answer, Client
from standin.core import Core
from standin.faults import Faults
from standin.supervisor import CoreAddress, Supervisor

BAD_GATEWAY = Answer(502, "502: Bad Gateway")


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


async def test_told_to_be_slow_it_is(supervisor: Supervisor, addon: Client) -> None:
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
