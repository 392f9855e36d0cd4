"""A person at the page: opens it in a browser, looks at it, and keeps pictures of it."""

import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request, expect
from playwright.async_api import TimeoutError as PageTimeoutError

from browser.examples import HOME
from browser.stand_in import StandIn
from standin.real_core import RealCore
from standin.users import OWNER

Theme = Literal["light", "dark"]
PHONE = (360, 740)
DESKTOP = (1280, 900)
_PICTURES = Path(os.environ.get("REDBACK_SCREENSHOTS") or "tests/.output/screenshots")
# Longer than anything takes, even where three other things run.
_TIMEOUT_MS = 15_000
# Core's page takes some seconds, and more on a machine that has other things to do.
CORE_TIMEOUT_MS = 60_000
# Chromium drops what it is loading whenever a network of a container comes or goes beside it.
_NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
_LOADS = 4
expect.set_options(timeout=_TIMEOUT_MS)


class Visit:
    """Windows of one person, and the complaints that the page causes in it."""

    def __init__(self, browser: Browser, url: str, user: str = OWNER) -> None:
        self._browser = browser
        self._url = url
        self._user = user
        self.complaints: list[str] = []
        self._has_network_changed = False

    async def open(
        self,
        section: str = "",
        *,
        size: tuple[int, int] = DESKTOP,
        theme: Theme = "light",
        motion: Literal["reduce", "no-preference"] = "reduce",
        url: str | None = None,
        zone: str = HOME.key,
    ) -> Page:
        """Open a section, and wait until the first Status is shown; or else a page beside it."""
        context = await self._browser.new_context(
            is_mobile=size[0] < 600,
            has_touch=size[0] < 600,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            reduced_motion=motion,
            timezone_id=zone,
            locale="en-AU",
            extra_http_headers={"X-Remote-User-Id": self._user},
        )
        context.set_default_timeout(_TIMEOUT_MS)
        page = await context.new_page()
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("requestfailed", self._on_failure)
        for left in reversed(range(_LOADS)):
            self._has_network_changed = False
            await page.goto((url or self._url) + (f"#{section}" if section else ""))
            if url is not None:
                break
            try:
                await page.wait_for_selector("body[data-connected=true]")
                break
            except PageTimeoutError:
                if not (left and self._has_network_changed):
                    raise
                self.complaints.clear()
        return page

    async def close(self) -> None:
        """Close all windows; a test that expects complaints has cleared them."""
        for context in self._browser.contexts:
            await context.close()
        assert self.complaints == []

    def _on_console(self, message: ConsoleMessage) -> None:
        is_complaint = message.type in {"error", "warning"}
        if is_complaint and _NETWORK_CHANGED not in message.text:
            self.complaints.append(message.text)

    def _on_failure(self, request: Request) -> None:
        # Not each of these is in the console too.
        if _NETWORK_CHANGED in (request.failure or ""):
            self._has_network_changed = True

    def _on_error(self, error: Error) -> None:
        self.complaints.append(str(error))


class Viewer(Visit):
    """The same in front of the stand-in of the server."""

    def __init__(self, browser: Browser, stand_in: StandIn) -> None:
        super().__init__(browser, stand_in.url)
        self._stand_in = stand_in

    async def open(
        self,
        section: str = "",
        *,
        status: Mapping[str, object] | None = None,
        **how: Any,  # noqa: ANN401 - as there
    ) -> Page:
        """Open a section, of a page that gets this Status."""
        if status is not None:
            self._stand_in.status = status
        return await super().open(section, **how)


@asynccontextmanager
async def visiting(browser: Browser, url: str) -> AsyncIterator[Visit]:
    """Open windows of a page; a test that expects complaints of the console clears them itself."""
    visit = Visit(browser, f"{url}/")
    yield visit
    await visit.close()


async def core_page(browser: Browser, core: RealCore, path: str) -> Page:
    """Open a page of Core's own frontend, logged in."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-AU", timezone_id="UTC"
    )
    context.set_default_timeout(CORE_TIMEOUT_MS)
    tokens = {
        "access_token": core.token,
        "token_type": "Bearer",
        "expires_in": 1800,
        "expires": int((time.time() + 86400) * 1000),
        "hassUrl": core.url,
        "clientId": f"{core.url}/",
        "refresh_token": "",
    }
    login = f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})"
    await context.add_init_script(login)
    page = await context.new_page()
    await page.goto(f"{core.url}{path}")
    return page


async def parts(page: Page, serial: str) -> dict[str, str]:
    """Return the number of each part in an inverter's picture with its unit, as it is written."""
    shown: dict[str, str] = await page.locator(f"[data-serial={serial}] [data-part]").evaluate_all(
        """all => Object.fromEntries(all.map((one) =>
          [one.dataset.part, `${one.textContent} ${one.nextElementSibling.textContent}`]))"""
    )
    return shown


async def flows(page: Page, card: str) -> dict[str, float]:
    """Return the flows that are shown in a card, with their power in kW."""
    seen = page.locator(f"{card} [data-flow][visibility=visible]")
    shown: dict[str, float] = await seen.evaluate_all(
        "all => Object.fromEntries(all.map((one) => [one.dataset.flow, Number(one.dataset.kw)]))"
    )
    return shown


async def keep_picture(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture of the page in the folder that REDBACK_SCREENSHOTS names."""
    await page.screenshot(path=_PICTURES / f"{name}.png", full_page=whole)
