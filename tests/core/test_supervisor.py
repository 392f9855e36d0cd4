"""That it is known where Home Assistant shows the options and the panel."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from fake_clock import FakeClock
from redback.core.supervisor import Supervisor


async def _served(
    aiohttp_server: AiohttpServer, answers: list[web.Response], clock: FakeClock
) -> Supervisor:
    """Ask a Supervisor that gives these answers, one after the other."""

    async def info(_: web.Request) -> web.Response:
        return answers.pop(0)

    application = web.Application()
    application.router.add_get("/addons/self/info", info)
    server = await aiohttp_server(application)
    async with aiohttp.ClientSession() as session:
        supervisor = Supervisor(session, str(server.make_url("")).rstrip("/"), clock, print)
        asking = asyncio.create_task(supervisor.run())
        while answers:
            await clock.advance(5 * 60)
            await asyncio.sleep(0.01)
        await asyncio.wait_for(asking, 10)
    return supervisor


def _info() -> web.Response:
    return web.json_response({"result": "ok", "data": {"slug": "a1b2_redback", "more": None}})


@pytest.mark.parametrize(
    ("version", "options", "panel"),
    [
        ("2026.11.0", "config/app/a1b2_redback/config", "app/a1b2_redback"),
        ("2026.2.0", "config/app/a1b2_redback/config", "app/a1b2_redback"),
        ("2026.1.3", "hassio/addon/a1b2_redback/config", "hassio/ingress/a1b2_redback"),
        ("2025.4.4", "hassio/addon/a1b2_redback/config", "hassio/ingress/a1b2_redback"),
    ],
)
async def test_options_and_panel_are_where_this_home_assistant_shows_them(
    aiohttp_server: AiohttpServer, clock: FakeClock, version: str, options: str, panel: str
) -> None:
    supervisor = await _served(aiohttp_server, [_info()], clock)
    assert supervisor.options_url(version) == f"/{options}"
    assert supervisor.panel_url(version) == f"homeassistant://{panel}"


async def test_it_asks_until_the_supervisor_answers(
    aiohttp_server: AiohttpServer, clock: FakeClock
) -> None:
    answers = [web.Response(status=502), web.json_response({"data": 3}), _info()]
    supervisor = await _served(aiohttp_server, answers, clock)
    assert supervisor.options_url("2026.11.0") is not None


def test_before_that_nobody_knows(clock: FakeClock) -> None:
    supervisor = Supervisor(None, "http://supervisor", clock, print)  # type: ignore[arg-type] # it is not asked
    assert supervisor.options_url("2026.11.0") is None
    assert supervisor.panel_url("2026.11.0") is None
