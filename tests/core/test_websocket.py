"""That the WebSocket reports connections and disconnections, and matches answers to commands."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.connections import SilentCore, Watched, watching, websocket_through
from fake_clock import FakeClock
from house import until
from redback.core import CoreAwayError, CoreRefusedError, open_session
from standin.core import Core
from standin.supervisor import TOKEN, Supervisor

# The Supervisor's limit for a frame, and what a command of type x has around its text.
LIMIT = 4 * 1024 * 1024
AROUND = len('{"type":"x","text":"","id":2}')


@pytest.fixture
async def watched(supervisor: Supervisor) -> AsyncIterator[Watched]:
    async with websocket_through(supervisor) as watched:
        yield watched


@pytest.fixture
async def to_silent(silent: SilentCore, session: aiohttp.ClientSession) -> AsyncIterator[Watched]:
    with watching(session, silent.url) as watched:
        await until(lambda: watched.connected)
        yield watched


async def test_a_handshake_that_hangs_is_given_up_in_time(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redback.core.websocket._HANDSHAKE_TIME_OUT", 0.2)
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections, says nothing
    with silent, watching(session, f"http://127.0.0.1:{silent.getsockname()[1]}") as watched:
        await until(lambda: watched.disconnected)


async def test_connecting_and_the_start_of_core_are_reported(watched: Watched, core: Core) -> None:
    assert watched.connected == 1
    await watched.websocket.command({"type": "get_config"})  # Core has the subscription before it
    core.finish_start()
    await until(lambda: watched.connected > 1)


async def test_a_restart_of_core_is_noticed_on_both_ends(watched: Watched, core: Core) -> None:
    await core.stop()
    await until(lambda: watched.disconnected)
    await core.start()
    await until(lambda: watched.connected == 2)


async def test_an_event_goes_to_its_handler_and_is_no_start_of_core(
    session: aiohttp.ClientSession, silent: SilentCore
) -> None:
    heard: list[dict[str, object]] = []
    with watching(session, silent.url) as watched:
        watched.websocket.subscribe("redback_command", heard.append)
        await until(lambda: watched.connected)
        await silent.fire("redback_command", action="charge")
        await until(lambda: heard)
        assert heard == [{"event_type": "redback_command", "data": {"action": "charge"}}]
        assert watched.connected == 1
        await silent.report_its_start()
        await until(lambda: watched.connected == 2)
        assert len(heard) == 1


async def test_subscriptions_are_renewed_after_a_disconnection(
    session: aiohttp.ClientSession, silent: SilentCore
) -> None:
    heard: list[dict[str, object]] = []
    with watching(session, silent.url) as watched:
        watched.websocket.subscribe("redback_command", heard.append)
        await until(lambda: watched.connected)
        silent.commands.clear()
        await silent.hang_up()
        await until(lambda: watched.connected == 2)
        await silent.fire("redback_command")
        await until(lambda: heard)


async def test_an_event_that_comes_while_another_subscription_is_made_is_not_lost(
    session: aiohttp.ClientSession, silent: SilentCore
) -> None:
    silent.early = ["homeassistant_started"]
    heard: list[dict[str, object]] = []
    with watching(session, silent.url) as watched:
        watched.websocket.subscribe("redback_command", heard.append)
        await until(lambda: watched.connected >= 2)


async def test_a_core_that_stays_away_is_asked_again_and_again_but_not_in_a_storm(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    await core.stop()
    with watching(session, supervisor.url) as watched:
        await asyncio.sleep(2)
        assert 1 <= len(watched.disconnected) <= 10
        assert {error.status for error in watched.disconnected} == {502}


async def test_a_token_that_is_not_accepted_is_reported_apart(
    session: aiohttp.ClientSession, supervisor: Supervisor
) -> None:
    with watching(session, supervisor.url, "a-wrong-token") as watched:
        await until(lambda: watched.disconnected)
    assert isinstance(watched.disconnected[0], CoreRefusedError)
    assert "a-wrong-token" not in str(watched.disconnected[0])


async def test_a_command_gets_its_result(watched: Watched) -> None:
    config = await watched.websocket.command({"type": "get_config"})
    assert config["time_zone"] == "Australia/Brisbane"


async def test_answers_find_their_commands_in_any_order(
    silent: SilentCore, to_silent: Watched
) -> None:
    names = ["first", "second", "third"]
    asking = asyncio.gather(*(to_silent.websocket.command({"type": name}) for name in names))
    await until(lambda: silent.asked("third"))
    for name in reversed(names):
        await silent.answer(silent.asked(name), f"of the {name}")
    assert await asking == ["of the first", "of the second", "of the third"]
    numbers = [command["id"] for command in silent.commands]
    assert numbers == sorted(set(numbers))


async def test_a_command_that_core_refuses_says_why(watched: Watched) -> None:
    with pytest.raises(CoreRefusedError) as raised:
        await watched.websocket.command({"type": "energy/get_prefs"})
    assert not watched.disconnected
    assert raised.value.code == "not_found"
    assert str(raised.value) == "COMMAND energy/get_prefs: not_found: No prefs"


async def test_an_error_does_not_repeat_a_whole_message(watched: Watched) -> None:
    with pytest.raises(CoreRefusedError) as raised:
        await watched.websocket.command({"type": "get_states", "x": "x" * 100_000})
    assert raised.value.code == "invalid_format"
    assert len(str(raised.value)) < 500


def age(watched: Watched) -> tuple[str | None, float | None]:
    return watched.websocket.version, watched.websocket.up_since


async def test_without_a_connection_there_is_no_command_no_version_and_no_age(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    await core.stop()
    with watching(session, supervisor.url) as watched:
        await until(lambda: watched.disconnected)
        with pytest.raises(CoreAwayError):
            await watched.websocket.command({"type": "get_config"})
        assert age(watched) == (None, None)


async def test_the_websocket_knows_the_version_and_since_when_it_is_connected(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core, clock: FakeClock
) -> None:
    with watching(session, supervisor.url, clock=clock) as watched:
        await until(lambda: watched.connected)
        made = clock.monotonic()
        assert age(watched) == (core.version, made)
        # Core has the subscription before it.
        await watched.websocket.command({"type": "get_config"})
        await clock.advance(100)
        core.finish_start()
        await until(lambda: watched.connected == 2)
        assert age(watched) == (core.version, made)
        await core.stop()
        await until(lambda: watched.disconnected)
        assert age(watched) == (None, None)
        await core.start()
        async with asyncio.timeout(10):
            while watched.connected == 2:
                await clock.advance(5)
                await asyncio.sleep(0.05)
        version, since = age(watched)
        assert version == core.version
        assert since is not None
        assert made + 100 < since <= clock.monotonic()


async def test_a_disconnection_ends_a_running_command_and_is_followed_by_a_connection(
    silent: SilentCore, to_silent: Watched
) -> None:
    asking = asyncio.gather(
        *(to_silent.websocket.command({"type": name}) for name in ("one", "two")),
        return_exceptions=True,
    )
    await until(lambda: silent.asked("two"))
    await silent.hang_up()
    assert [type(error) for error in await asking] == [CoreAwayError, CoreAwayError]
    await until(lambda: to_silent.connected == 2)
    again = asyncio.create_task(to_silent.websocket.command({"type": "again"}))
    await until(lambda: silent.asked("again"))
    await silent.answer(silent.asked("again"), "here")
    assert await again == "here"


async def test_an_answer_that_does_not_come_in_time_is_waited_for_no_longer(
    silent: SilentCore, to_silent: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("redback.core.websocket._ANSWER_TIME_OUT", 0.1)
        with pytest.raises(CoreAwayError):
            await to_silent.websocket.command({"type": "slow"})
    asking = asyncio.create_task(to_silent.websocket.command({"type": "quick"}))
    await until(lambda: silent.asked("quick"))
    await silent.answer(silent.asked("slow"), "too late")
    await silent.answer(silent.asked("quick"), "in time")
    assert await asking == "in time"
    assert not to_silent.disconnected


async def test_that_core_has_started_is_reported_while_an_answer_is_awaited(
    silent: SilentCore, to_silent: Watched
) -> None:
    asking = asyncio.create_task(to_silent.websocket.command({"type": "slow"}))
    await until(lambda: silent.asked("slow"))
    await silent.report_its_start()
    await until(lambda: to_silent.connected == 2)
    assert not asking.done()
    await silent.answer(silent.asked("slow"), "at last")
    assert await asking == "at last"


async def test_an_answer_larger_than_any_command_may_be_breaks_nothing(
    silent: SilentCore, to_silent: Watched
) -> None:
    large = "x" * (2 * LIMIT)
    asking = asyncio.create_task(to_silent.websocket.command({"type": "large"}))
    await until(lambda: silent.asked("large"))
    await silent.answer(silent.asked("large"), large)
    await silent.report_its_start()
    assert await asking == large
    await until(lambda: to_silent.connected == 2)
    assert not to_silent.disconnected


async def test_a_command_as_large_as_the_limit_is_not_sent(watched: Watched) -> None:
    with pytest.raises(CoreRefusedError) as raised:
        await watched.websocket.command({"type": "x", "text": "x" * (LIMIT - AROUND)})
    assert raised.value.code == "too_large"
    await watched.websocket.command({"type": "get_config"})
    assert not watched.disconnected


async def test_a_command_just_below_the_limit_arrives(watched: Watched) -> None:
    with pytest.raises(CoreRefusedError) as raised:
        await watched.websocket.command({"type": "x", "text": "x" * (LIMIT - AROUND - 1)})
    assert raised.value.code == "unknown_command"  # Core's own word: it has seen it
    assert not watched.disconnected


async def test_a_supervisor_that_lets_in_and_hangs_up_is_no_core() -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "auth_required"})
        await socket.receive_json()
        await socket.send_json({"type": "auth_ok", "ha_version": "2026.11.0"})
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/core/websocket", hang_up)
    async with TestServer(app) as server, open_session(TOKEN) as session:
        with watching(session, str(server.make_url("")).rstrip("/")) as watched:
            await until(lambda: len(watched.disconnected) >= 2)
            assert watched.connected == 0
