"""The page of an entity in a real Home Assistant Core, to which the section Entities leads."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from browser.viewer import CORE_TIMEOUT_MS, Visit, core_page, keep_picture
from panel.visitor import Visitor, visitor
from redback.core.versions import is_since
from standin.real_core import RealCore, find_hass

pytestmark = [
    pytest.mark.browser,
    pytest.mark.core,
    pytest.mark.process,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

_ENTITY = "sensor.redback_solar_generation"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def core(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealCore]:
    folder: Path = tmp_path_factory.mktemp("core")
    async with RealCore(find_hass(), folder, frontend=True) as core:
        yield core


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person(core: RealCore) -> AsyncIterator[Visitor]:
    async with visitor("st", core=core.address) as person:
        await person.start()
        await person.until("entities", lambda found: found["entities"], seconds=60)
        yield person


async def test_the_links_of_an_entity_lead_to_its_history_and_to_its_page(
    browser: Browser, person: Visitor, core: RealCore
) -> None:
    visit = Visit(browser, f"{person.home.panel_url}/", await core.owner())
    page = await visit.open("entities")
    row = page.locator(f"[data-entity='{_ENTITY}']")
    history = row.get_by_role("link", name="Solar Generation", exact=True)
    path = await history.get_attribute("href")
    assert path
    there = await core_page(browser, core, path)
    await expect(there.get_by_text("Redback Solar Generation").first).to_be_visible()
    await keep_picture(there, "core-history", whole=False)

    details = row.get_by_role("link", name="Details of Solar Generation")
    version = (await core.command({"type": "get_config"}))["version"]
    if not is_since(version, (2025, 8)):
        await expect(details).to_have_count(0)
        return
    path = await details.get_attribute("href")
    assert path
    there = await core_page(browser, core, path)
    named = there.locator("ha-more-info-dialog").get_by_text("Redback Solar Generation")
    await expect(named.filter(visible=True).first).to_be_visible(timeout=CORE_TIMEOUT_MS)
    await keep_picture(there, "core-details", whole=False)
    assert visit.complaints == []
