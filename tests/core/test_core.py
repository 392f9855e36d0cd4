"""That states and notifications reach Core, and each of its absences is understood."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from house import until
from redback.clock import SystemClock
from redback.core import (
    CoreAwayError,
    CoreRefusedError,
    HomeAssistant,
    Notices,
    Rest,
    State,
    open_session,
)
from redback.core.errors import CoreSilentError
from redback.problems import Kind, Problems
from running import running
from standin.core import Core
from standin.faults import Faults
from standin.supervisor import TOKEN, Supervisor

STATE = State("sensor.redback_status", "OK", {"friendly_name": "Redback Status"})


@pytest.fixture
def client(session: aiohttp.ClientSession, supervisor: Supervisor) -> Rest:
    return Rest(session, supervisor.url)


async def test_a_state_arrives_with_its_attributes(client: Rest, core: Core) -> None:
    await client.set_state(STATE)
    (state,) = core.states
    assert (state.entity_id, state.state) == (STATE.entity_id, "OK")
    assert state.attributes == {"friendly_name": "Redback Status"}


@asynccontextmanager
async def noticing(
    session: aiohttp.ClientSession, supervisor: Supervisor
) -> AsyncIterator[tuple[Notices, Problems]]:
    clock = SystemClock()
    problems = Problems(clock)
    notices = HomeAssistant(
        session, supervisor.url, TOKEN, clock, problems, prefix="redback"
    ).notices
    async with running(notices):
        yield notices, problems


async def test_a_notification_comes_and_goes(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    async with noticing(session, supervisor) as (notices, _):
        notices.show("credentials", "A title", "A message")
        await until(
            lambda: [(n.title, n.message) for n in core.notifications] == [("A title", "A message")]
        )
        notices.withdraw("credentials")
        await until(lambda: not list(core.notifications))


async def test_a_notification_that_is_refused_is_logged_and_stops_no_other(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    supervisor.faults = Faults(status=400, times=1)
    async with noticing(session, supervisor) as (notices, problems):
        notices.show("first", "A title", "A message")
        await until(lambda: (Kind.NOTIFICATION, "first") in problems.now)
        notices.show("second", "A title", "A message")
        await until(lambda: list(core.notifications))
        assert problems.now
        notices.resend()
        await until(lambda: not problems.now)


@pytest.mark.parametrize("faults", [Faults(status=502), Faults(drop=True)])
async def test_a_core_that_is_away_is_reported_as_such(
    client: Rest, supervisor: Supervisor, faults: Faults
) -> None:
    supervisor.faults = faults
    with pytest.raises(CoreAwayError):
        await client.set_state(STATE)


async def test_a_supervisor_that_is_not_there_is_a_core_that_is_away(
    session: aiohttp.ClientSession,
) -> None:
    with pytest.raises(CoreAwayError):
        await Rest(session, "http://127.0.0.1:9").set_state(STATE)


async def test_a_core_that_does_not_answer_in_time_is_known_from_one_that_is_away(
    session: aiohttp.ClientSession,
    supervisor: Supervisor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("redback.core.rest._TIME_OUT", 0.1)
    supervisor.faults = Faults(delay_s=0.3)
    with pytest.raises(CoreSilentError):
        await Rest(session, supervisor.url).set_state(STATE)


async def test_what_core_does_not_take_is_refused(client: Rest) -> None:
    with pytest.raises(CoreRefusedError) as raised:
        await client.set_state(State("sensor.Not Valid", "OK", {}))
    assert raised.value.status == 400


async def test_what_is_refused_for_the_token_is_not_lost(supervisor: Supervisor) -> None:
    async with open_session("wrong") as session:
        with pytest.raises(CoreAwayError) as raised:
            await Rest(session, supervisor.url).set_state(STATE)
    assert raised.value.status == 401
    assert "wrong" not in str(raised.value)
