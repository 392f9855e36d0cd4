"""The Supervisor's stand-in passes on what the Supervisor passes on, and refuses the rest."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from standin.client import Answer, Client
from standin.core import Core
from standin.errors import CommandError
from standin.faults import Faults
from standin.supervisor import CoreAddress, Supervisor

BAD_GATEWAY = Answer(502, "502: Bad Gateway")


async def fetch(
    url: str | URL, method: str = "GET", token: str | None = None, data: object = None
) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers, json=data) as answer,
    ):
        is_json = answer.content_type == "application/json"
        return Answer(answer.status, await (answer.json() if is_json else answer.text()))


async def test_a_pushed_state_reaches_core(core: Core, addon: Client) -> None:
    assert (await addon.push("sensor.one", 5, {"unit_of_measurement": "kWh"})).status == 201
    state = core.states.get("sensor.one")
    assert state is not None
    assert state.state == "5"
    assert state.attributes == {"unit_of_measurement": "kWh"}


async def test_an_answer_of_core_comes_back_as_it_is(client: Client, addon: Client) -> None:
    await addon.push("sensor.one", 5)
    assert await addon.request("GET", "states") == await client.request("GET", "states")
    assert await addon.request("GET", "states/sensor.two") == Answer(
        404, {"message": "Entity not found."}
    )
    assert (await addon.request("DELETE", "states/sensor.one")).status == 200


async def test_a_wrong_token_is_refused(supervisor: Supervisor) -> None:
    async with Client.of_supervisor(supervisor.url, "wrong") as stranger:
        assert await stranger.request("GET", "states") == Answer(401, "401: Unauthorized")
        with pytest.raises(aiohttp.ClientError, match="Invalid access"):
            await stranger.connect()


async def test_no_token_is_refused(supervisor: Supervisor) -> None:
    assert (await fetch(f"{supervisor.url}/core/api/states")).status == 401
    assert (await fetch(f"{supervisor.url}/addons/self/info")).status == 401


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_core_is_only_read_posted_and_deleted(addon: Client, method: str) -> None:
    assert (await addon.request(method, "states/sensor.one", {"state": 1})).status == 405


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


async def test_core_never_sees_a_loop_back_to_the_supervisor(addon: Client) -> None:
    assert (await addon.request("GET", "hassio/addons")).status == 403


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


async def test_a_command_goes_through_the_websocket(addon: Client) -> None:
    await addon.push("sensor.one", 5)
    states = await addon.command({"type": "get_states"})
    assert [state["entity_id"] for state in states] == ["sensor.one"]


async def test_an_event_comes_through_the_websocket(addon: Client) -> None:
    async with addon.listen("state_changed") as next_event:
        await addon.push("sensor.one", 5)
        assert (await next_event())["data"]["new_state"]["state"] == "5"


async def test_the_log_in_names_cores_version(core: Core, supervisor: Supervisor) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{supervisor.url}/core/websocket") as socket,
    ):
        hello = {"type": "auth_required", "ha_version": core.version}
        assert await socket.receive_json() == hello
        await socket.send_json({"type": "auth", "access_token": supervisor.token})
        assert await socket.receive_json() == {"type": "auth_ok", "ha_version": core.version}


@pytest.mark.parametrize("kind", ["supervisor/api", "hassio/update/core"])
async def test_commands_for_the_supervisor_are_refused(addon: Client, kind: str) -> None:
    with pytest.raises(CommandError) as refused:
        await addon.command({"type": kind})
    assert refused.value.code == "unauthorized"


async def test_a_message_of_more_than_4_mib_closes_the_websocket(addon: Client) -> None:
    async with await addon.connect() as socket:
        await socket.send_str("x" * (4 * 1024**2 + 1))
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_a_large_message_from_core_passes(addon: Client) -> None:
    for number in range(6):
        await addon.push(f"sensor.large_{number}", 5, {"text": "x" * 900_000})
    states = await addon.command({"type": "get_states"})
    assert sum(len(state["attributes"]["text"]) for state in states) > 5 * 1024**2


async def test_who_does_not_log_in_is_cut_off(supervisor: Supervisor) -> None:
    supervisor.auth_wait_s = 0.05
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{supervisor.url}/core/websocket") as socket,
    ):
        await socket.receive_json()
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_the_websocket_closes_when_core_stops(core: Core, addon: Client) -> None:
    async with await addon.connect() as socket:
        await socket.send_json({"id": 1, "type": "ping"})
        await socket.receive_json()
        _, farewell = await asyncio.gather(core.stop(), socket.receive(timeout=5))
    assert farewell.type is aiohttp.WSMsgType.CLOSE


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


async def test_there_is_no_mqtt_broker(supervisor: Supervisor) -> None:
    answer = await fetch(f"{supervisor.url}/services/mqtt", token=supervisor.token)
    assert answer.status == 400
    assert answer.body["result"] == "error"


async def test_every_request_is_counted(supervisor: Supervisor, addon: Client) -> None:
    await addon.push("sensor.one", 5)
    await addon.push("sensor.one", 6)
    await addon.command({"type": "ping"})
    assert supervisor.requests == {
        "POST /core/api/states/sensor.one": 2,
        "GET /core/websocket": 1,
    }
    shown = await fetch(f"{supervisor.url}/_standin/requests")
    assert shown.body == supervisor.requests


@pytest.mark.parametrize("status", [401, 502])
async def test_it_answers_with_a_status_if_asked_to(
    supervisor: Supervisor, addon: Client, status: int
) -> None:
    supervisor.faults = Faults(status=status, times=1)
    assert (await addon.push("sensor.one", 5)).status == status
    assert (await addon.push("sensor.one", 5)).status == 201


async def test_it_drops_connections_if_asked_to(supervisor: Supervisor, addon: Client) -> None:
    supervisor.faults = Faults(drop=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await addon.push("sensor.one", 5)
    supervisor.faults = Faults()
    assert (await addon.push("sensor.one", 5)).status == 201


async def test_it_is_slow_if_asked_to(supervisor: Supervisor, addon: Client) -> None:
    supervisor.faults = Faults(delay_s=30)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(addon.push("sensor.one", 5), 0.05)
    assert supervisor.requests["POST /core/api/states/sensor.one"] == 1


async def test_it_closes_websockets_if_asked_to(supervisor: Supervisor, addon: Client) -> None:
    async with await addon.connect() as socket:
        await supervisor.close_websockets()
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


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


async def test_faults_are_set_over_http(supervisor: Supervisor, addon: Client) -> None:
    url = f"{supervisor.url}/_standin/faults"
    asked = {"status": 502, "times": 1}
    assert (await fetch(url, "POST", data=asked)).body["status"] == 502
    assert (await addon.push("sensor.one", 5)).status == 502
    assert (await fetch(url)).body["times"] == 0
    assert (await addon.push("sensor.one", 5)).status == 201


async def test_over_http_websockets_close_and_connections_are_refused_for_a_while(
    supervisor: Supervisor, addon: Client
) -> None:
    async with await addon.connect() as socket:
        asked = {"close_websockets": True, "refuse_s": 0.05}
        assert (await fetch(f"{supervisor.url}/_standin/faults", "POST", data=asked)).status == 200
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    refused = False
    async with asyncio.timeout(5):
        while True:
            try:
                answer = await addon.push("sensor.one", 5)
            except aiohttp.ClientConnectionError:
                refused = True
            else:
                if refused:
                    break
            await asyncio.sleep(0.005)
    assert answer.status in {200, 201}


@pytest.mark.parametrize("wrong", [{"stauts": 502}, {"status": "502"}, ["status"]])
async def test_a_fault_that_there_is_not_is_refused(supervisor: Supervisor, wrong: object) -> None:
    answer = await fetch(f"{supervisor.url}/_standin/faults", "POST", data=wrong)
    assert answer.status == 400
    assert supervisor.faults == Faults()
