"""A headless Chromium for all browser tests, and a server and a window for each."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from browser.examples import status
from browser.stand_in import StandIn
from browser.viewer import Viewer

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not there")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stand_in() -> AsyncIterator[StandIn]:
    server = StandIn(status())
    await server.start()
    yield server
    await server.stop()
    assert server.strays == [], "the page asked for something outside of its prefix"


@pytest_asyncio.fixture(loop_scope="session")
async def viewer(browser: Browser, stand_in: StandIn) -> AsyncIterator[Viewer]:
    """Open windows; a test that expects complaints of the console clears them itself."""
    person = Viewer(browser, stand_in)
    yield person
    await person.close()
