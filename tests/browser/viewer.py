"""A person at the page: opens it in a browser, looks at it, and keeps pictures of it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ConsoleMessage, Error, Page

from browser.stand_in import StandIn

Theme = Literal["light", "dark"]
PHONE = (360, 740)
DESKTOP = (1280, 900)
_PICTURES = Path(os.environ.get("REDBACK_SCREENSHOTS") or "tests/.output/screenshots")
# Longer than anything takes, even where three other things run.
_PATIENCE = 15_000


class Viewer:
    """One browser window of its own, and the complaints that the page causes in it."""

    def __init__(self, browser: Browser, stand_in: StandIn) -> None:
        self._browser = browser
        self.stand_in = stand_in
        self.complaints: list[str] = []

    async def open(
        self,
        section: str = "",
        *,
        size: tuple[int, int] = DESKTOP,
        theme: Theme = "light",
        motion: Literal["reduce", "no-preference"] = "reduce",
        status: Mapping[str, object] | None = None,
        url: str | None = None,
    ) -> Page:
        """Open a section, and wait until the first Status is shown."""
        if status is not None:
            self.stand_in.status = status
        context = await self._browser.new_context(
            is_mobile=size[0] < 600,
            has_touch=size[0] < 600,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            reduced_motion=motion,
            timezone_id="Australia/Brisbane",
            locale="en-AU",
        )
        context.set_default_timeout(_PATIENCE)
        page = await context.new_page()
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        await page.goto((url or self.stand_in.url) + (f"#{section}" if section else ""))
        if url is None:
            await page.wait_for_selector("body[data-connected=true]")
        return page

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _on_error(self, error: Error) -> None:
        self.complaints.append(str(error))


async def keep_picture(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture of the page in the folder that REDBACK_SCREENSHOTS names."""
    await page.screenshot(path=_PICTURES / f"{name}.png", full_page=whole)
