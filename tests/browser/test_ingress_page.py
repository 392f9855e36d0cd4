"""That the page lives behind the ingress of a real Home Assistant Core."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from browser.viewer import PHONE, Visit, keep_picture
from panel.ingress import Ingress, ingress

pytestmark = [
    pytest.mark.browser,
    pytest.mark.core,
    pytest.mark.process,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

# The page asks every five seconds where Core holds the events back.
_PATIENCE = 15_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def inside() -> AsyncIterator[Ingress]:
    async with ingress() as inside:
        await inside.person.all_well()
        yield inside


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, inside: Ingress) -> AsyncIterator[Visit]:
    visit = Visit(browser, inside.url)
    yield visit
    await visit.close()


async def test_the_page_shows_the_house_and_what_happens_there(
    inside: Ingress, visit: Visit
) -> None:
    page = await visit.open(size=PHONE)
    # Gaps are looked for once the inverter is described.
    summary = page.locator("#summary")
    await expect(summary).to_have_text("All is well", timeout=6 * _PATIENCE)
    await expect(page.locator("[data-part=solar]")).to_have_text(re.compile(r"\d"))
    await keep_picture(page, "ingress-360")
    await page.evaluate("location.hash = 'history'")
    resume = page.get_by_role("button", name="Resume")
    assert (await inside.person.post("history/pause"))[0] == 200
    await expect(resume).to_be_visible(timeout=_PATIENCE)
    assert (await inside.person.post("history/resume"))[0] == 200
    await expect(resume).to_be_hidden(timeout=_PATIENCE)
