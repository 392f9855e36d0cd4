"""That all is sent again that Core may have lost, and that its absence is one problem."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

import aiohttp
import pytest

from core.connections import SilentCore
from fake_clock import FakeClock
from house import until
from redback.clock import SystemClock
from redback.core import CoreAwayError, HomeAssistant
from redback.problems import Kind, Problems
from running import running
from standin.core import Core
from standin.supervisor import TOKEN, Supervisor


class Shown:
    """Something that is shown until Core restarts."""

    def __init__(self) -> None:
        self.times = 0

    def resend(self) -> None:
        self.times += 1


@asynccontextmanager
async def connected(
    session: aiohttp.ClientSession, url: str, token: str = TOKEN
) -> AsyncIterator[tuple[HomeAssistant, Problems, Shown]]:
    clock = SystemClock()
    problems, shown = Problems(clock), Shown()
    home_assistant = HomeAssistant(session, url, token, clock, problems, prefix="redback")
    home_assistant.resend_on_connect(shown)
    async with running(home_assistant):
        yield home_assistant, problems, shown


async def test_only_a_start_of_core_has_everything_sent_again(
    session: aiohttp.ClientSession, silent: SilentCore
) -> None:
    async with connected(session, silent.url) as (home_assistant, _, shown):
        heard: list[dict[str, object]] = []
        home_assistant.websocket.subscribe("redback_command", heard.append)
        await until(lambda: shown.times == 1)
        await silent.fire("redback_command")
        await until(lambda: heard)
        assert shown.times == 1
        await silent.report_its_start()
        await until(lambda: shown.times == 2)


def test_a_core_that_is_away_no_longer_denies_access(clock: FakeClock) -> None:
    problems = Problems(clock)
    home_assistant = HomeAssistant(
        mock.create_autospec(aiohttp.ClientSession),
        "http://supervisor",
        TOKEN,
        clock,
        problems,
        prefix="redback",
    )
    denied = CoreAwayError("POST", "http://supervisor/core/api/states/x", 401, "denied")
    away = CoreAwayError("POST", "http://supervisor/core/api/states/x", None, "away")
    for error, kind in (
        (denied, Kind.CORE_CLOSED),
        (away, Kind.CORE_AWAY),
        (denied, Kind.CORE_CLOSED),
    ):
        home_assistant.failed(error)
        assert [shown for shown, _ in problems.now] == [kind]
    home_assistant.arrived()
    assert not problems.now


async def test_notifications_are_shown_again_after_a_restart_of_core(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    async with connected(session, supervisor.url) as (home_assistant, _, shown):
        home_assistant.notices.show("credentials", "A title", "A message")
        await until(lambda: shown.times and list(core.notifications))
        await core.restart()
        await until(lambda: shown.times > 1 and list(core.notifications))


async def test_a_core_that_is_away_is_one_problem_until_it_is_back(
    session: aiohttp.ClientSession, supervisor: Supervisor, core: Core
) -> None:
    async with connected(session, supervisor.url) as (home_assistant, problems, shown):
        await until(lambda: shown.times)
        await core.stop()
        await until(lambda: problems.now)
        home_assistant.failed(CoreAwayError("POST", "/core/api/states/x", 502, "away"))
        assert set(problems.now) == {(Kind.CORE_AWAY, "websocket")}
        await core.start()
        await until(lambda: not problems.now)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "Home Assistant denies the add-on access."),
        (502, "Home Assistant does not answer."),
    ],
)
async def test_states_that_do_not_arrive_are_a_problem_until_they_do(
    session: aiohttp.ClientSession, clock: FakeClock, status: int, sentence: str
) -> None:
    problems = Problems(clock)
    home_assistant = HomeAssistant(
        session, "http://supervisor", TOKEN, clock, problems, prefix="redback"
    )
    home_assistant.failed(CoreAwayError("POST", "/core/api/states/x", status, "away"))
    (problem,) = problems.now.values()
    assert (problem.subject, problem.sentence) == ("rest", sentence)
    home_assistant.arrived()
    assert not problems.now


async def test_a_token_that_is_not_accepted_is_reported_in_plain_words(
    session: aiohttp.ClientSession, supervisor: Supervisor
) -> None:
    async with connected(session, supervisor.url, "a-wrong-token") as (_, problems, __):
        await until(lambda: problems.now)
        (problem,) = problems.now.values()
        assert problem.subject == "websocket"
        assert problem.sentence == "Home Assistant denies the add-on access."
