"""That Core is reached through the Supervisor, and each of its absences is understood."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import aiohttp
import pytest

from redback.clock import SystemClock
from redback.core import (
    CoreAwayError,
    CoreClient,
    CoreError,
    CoreLink,
    CoreRefusedError,
    Notices,
    State,
    open_session,
)
from standin.core import Core
from standin.faults import Faults
from standin.supervisor import TOKEN, Supervisor

STATE = State("sensor.redback_status", "OK", {"friendly_name": "Redback Status"})


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with Core() as core:
        yield core


@pytest.fixture
async def supervisor(core: Core) -> AsyncIterator[Supervisor]:
    async with Supervisor(core.address) as supervisor:
        yield supervisor


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(TOKEN) as session:
        yield session


@pytest.fixture
def client(session: aiohttp.ClientSession, supervisor: Supervisor) -> CoreClient:
    return CoreClient(session, supervisor.url)


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_state_arrives_with_its_attributes(client: CoreClient, core: Core) -> None:
    await client.set_state(STATE)
    (state,) = core.states
    assert (state.entity_id, state.state) == (STATE.entity_id, "OK")
    assert state.attributes == {"friendly_name": "Redback Status"}


@asynccontextmanager
async def noticing(
    client: CoreClient,
) -> AsyncIterator[tuple[Notices, list[CoreRefusedError]]]:
    refused: list[CoreRefusedError] = []
    notices = Notices(
        client, SystemClock(), prefix="redback", away=lambda _: None, refused=refused.append
    )
    task = asyncio.create_task(notices.run())
    yield notices, refused
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_notification_comes_and_goes(client: CoreClient, core: Core) -> None:
    async with noticing(client) as (notices, _):
        notices.show("credentials", "A title", "A message")
        await until(
            lambda: [(n.title, n.message) for n in core.notifications] == [("A title", "A message")]
        )
        notices.withdraw("credentials")
        await until(lambda: not list(core.notifications))


async def test_a_notification_that_is_refused_is_told_and_stops_no_other(
    client: CoreClient, supervisor: Supervisor, core: Core
) -> None:
    supervisor.faults = Faults(status=400, times=1)
    async with noticing(client) as (notices, refused):
        notices.show("first", "A title", "A message")
        await until(lambda: refused)
        notices.show("second", "A title", "A message")
        await until(lambda: list(core.notifications))


async def test_a_handshake_that_hangs_is_given_up_in_time(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redback.core.link._HANDSHAKE_TIME_OUT", 0.2)
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections, says nothing
    with silent, linked(session, f"http://127.0.0.1:{silent.getsockname()[1]}") as watched:
        await until(lambda: watched.went, 3)


@pytest.mark.parametrize("faults", [Faults(status=502), Faults(drop=True)])
async def test_a_core_that_is_away_is_told_as_such(
    client: CoreClient, supervisor: Supervisor, faults: Faults
) -> None:
    supervisor.faults = faults
    with pytest.raises(CoreAwayError):
        await client.set_state(STATE)


async def test_a_supervisor_that_is_not_there_is_a_core_that_is_away(
    session: aiohttp.ClientSession,
) -> None:
    with pytest.raises(CoreAwayError):
        await CoreClient(session, "http://127.0.0.1:9").set_state(STATE)


async def test_what_core_does_not_take_is_refused(client: CoreClient) -> None:
    with pytest.raises(CoreRefusedError) as raised:
        await client.set_state(State("sensor.Not Valid", "OK", {}))
    assert raised.value.status == 400


async def test_what_is_refused_for_the_token_is_not_lost(supervisor: Supervisor) -> None:
    async with open_session("wrong") as session:
        with pytest.raises(CoreAwayError) as raised:
            await CoreClient(session, supervisor.url).set_state(STATE)
    assert raised.value.status == 401
    assert "wrong" not in str(raised.value)


class Watched:
    """What a link has told."""

    def __init__(self) -> None:
        self.came = 0
        self.went: list[CoreError] = []


@contextmanager
def linked(session: aiohttp.ClientSession, url: str, token: str = TOKEN) -> Iterator[Watched]:
    watched = Watched()

    def came() -> None:
        watched.came += 1

    link = CoreLink(session, url, token, SystemClock(), came=came, went=watched.went.append)
    task = asyncio.create_task(link.run())
    yield watched
    task.cancel()


async def test_the_link_tells_when_it_is_made_and_when_core_has_started(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    with linked(session, supervisor.url) as watched:
        await until(lambda: watched.came == 1)
        await asyncio.sleep(0.2)  # the subscription takes a moment after the link
        core.finish_start()
        await until(lambda: watched.came > 1)


async def test_a_restart_of_core_is_noticed_on_both_ends(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    with linked(session, supervisor.url) as watched:
        await until(lambda: watched.came == 1)
        await core.stop()
        await until(lambda: watched.went)
        await core.start()
        await until(lambda: watched.came == 2)


async def test_a_core_that_stays_away_is_asked_again_and_again_but_not_in_a_storm(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    await core.stop()
    with linked(session, supervisor.url) as watched:
        await asyncio.sleep(2)
        assert 1 <= len(watched.went) <= 10
        assert {error.status for error in watched.went} == {502}


async def test_a_token_that_is_not_accepted_is_told_apart(
    session: aiohttp.ClientSession, supervisor: Supervisor
) -> None:
    with linked(session, supervisor.url, "a-wrong-token") as watched:
        await until(lambda: watched.went)
    assert isinstance(watched.went[0], CoreRefusedError)
    assert "a-wrong-token" not in str(watched.went[0])
