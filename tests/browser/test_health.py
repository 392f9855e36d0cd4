"""That Health shows every connection, and what was wrong last."""

import pytest
from playwright.async_api import expect

from browser import examples
from browser.viewer import Viewer, keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_health_shows_every_connection_and_the_last_error(viewer: Viewer) -> None:
    error = {
        "sentence": "Home Assistant refuses a state.",
        "at": examples.ago(minutes=25),
        "advice": "Update Home Assistant.",
    }
    sick = examples.health(cloud=examples.bad("No readings.", minutes=25), last_error=error)
    cloud = examples.notice("cloud_away") | {"since": examples.ago(hours=30), "count": 12}
    page = await viewer.open("health", status=examples.status(health=sick, notices=[cloud]))
    await expect(page.locator("[data-part='Redback cloud']")).to_contain_text(
        "Problem: No readings.since 14:05"
    )
    await expect(page.locator("[data-part='History']")).to_contain_text("OK: Nothing is missing.")
    health = page.locator("#health")
    for words in (error["sentence"], error["advice"]):
        await expect(health.get_by_text(words)).to_be_visible()
    await expect(health).to_contain_text("25 min ago")
    await expect(page.get_by_text(str(cloud["text"]))).to_have_count(1)
    await expect(page.locator(".notice")).to_contain_text("Since Mon, 23 Nov, 08:30, 12 times.")
    await expect(health.locator(".figures")).to_contain_text("Cloud requests1,204")
    await keep_picture(page, "health-light-1280")


async def test_accounts_are_shown_beside_each_other(viewer: Viewer) -> None:
    status, _ = examples.two_accounts()
    page = await viewer.open("health", status=status)
    first = page.locator("[data-part='Cloud: Account 1']")
    second = page.locator("[data-part='Cloud: Account Farm']")
    await expect(first).to_contain_text("OK: Receiving readings.")
    await expect(second).to_contain_text("Problem: Credentials rejected.")
    await expect(page.locator("[data-part='Redback cloud']")).to_have_count(0)
    await expect(page.locator(".notice")).to_contain_text(
        "Account Farm: The Redback cloud rejected"
    )
    await keep_picture(page, "health-accounts-light-1280")
