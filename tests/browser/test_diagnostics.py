"""That the diagnostics can be downloaded and looked at."""

import json

import pytest

from browser.viewer import Viewer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_diagnostics_can_be_downloaded_and_looked_at(viewer: Viewer) -> None:
    page = await viewer.open("diagnostics")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "redback-diagnostics.json"
    await page.get_by_role("button", name="Show").click()
    shown = await page.locator(".file").text_content()
    assert json.loads(str(shown)) == {"version": "1.0.0", "options": {"sites": 1}}
