"""Control in front of the real service: what a person presses, the simulated inverter does."""

import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from browser.viewer import PHONE, Visit, keep_picture, visiting
from house import until
from panel.visitor import Visitor, running
from simulator.schedules import Mode

pytestmark = [
    pytest.mark.browser,
    pytest.mark.process,
    pytest.mark.asyncio(loop_scope="session"),
]

# Longer than the cloud, its late lists and ten seconds between two commands take.
_PATIENCE = 45_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person() -> AsyncIterator[Visitor]:
    async with running(options={"history_days": 1, "controls": True}, latency=1) as person:
        await person.until(
            "status",
            lambda status: (
                any(
                    ability["most"]
                    for one in status["control"]["inverters"]
                    for ability in one["abilities"]
                )
                and status["inverters"][0]["soc"] is not None
            ),
            seconds=60,
        )
        yield person


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, person: Visitor) -> AsyncIterator[Visit]:
    async with visiting(browser, person.home.panel_url) as visit:
        yield visit


def modes(person: Visitor) -> list[str]:
    """Return what is in the cloud for the inverter."""
    active = person.home.simulator.schedules.active(person.home.inverters[0], time.time())
    return [one.mode.inverter_mode for one in active]


def result(page: Page) -> Locator:
    return page.locator("#control").get_by_role("status")


async def test_what_is_started_runs_until_it_is_ended(person: Visitor, visit: Visit) -> None:
    page = await visit.open("control", size=PHONE)
    await expect(page.locator("#control .headline")).to_contain_text("Nothing runs.")
    await page.get_by_role("button", name="Discharge battery").click()
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("dialog").get_by_role("button", name="Discharge battery").click()
    await expect(result(page)).to_have_text(
        re.compile("^Discharging the battery with .* until"), timeout=_PATIENCE
    )
    assert modes(person) == ["DischargeBattery"]
    end = page.get_by_role("button", name="End now: Discharging")
    await expect(end).to_be_visible(timeout=_PATIENCE)
    await expect(page.locator("#control .record")).to_contain_text("started")
    await keep_picture(page, "whole-control-360")
    await end.click()
    await expect(result(page)).to_have_text(re.compile("^Ended: "), timeout=_PATIENCE)
    assert modes(person) == []
    await expect(page.locator("#control .headline")).to_contain_text("Nothing runs.")


async def test_of_what_somebody_else_made_one_is_deleted_and_the_rest_stays(
    person: Visitor, visit: Visit
) -> None:
    now = time.time()
    modes_of_others: tuple[Mode, Mode] = ("Conserve", "ImportPower")
    for mode in modes_of_others:
        person.home.simulator.schedules.add(
            person.home.inverters[0],
            mode,
            1000,
            start=now + 3600,
            minutes=30,
            now=now - 60,
            notes="from an app",
        )
    page = await visit.open("control", size=PHONE)
    # A command has the lists read again.
    await page.get_by_role("button", name="Charge battery", exact=True).click()
    await page.get_by_role("button", name="Start").click()
    delete = page.get_by_role("button", name="Delete: Keeping the battery's charge")
    await expect(delete).to_be_visible(timeout=_PATIENCE)
    await expect(result(page)).to_contain_text("Charging the battery", timeout=_PATIENCE)
    await delete.click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(result(page)).to_have_text("Deleted.", timeout=_PATIENCE)
    assert sorted(modes(person)) == ["ChargeBattery", "ImportPower"]
    await expect(delete).to_have_count(0)


async def test_the_export_is_limited_and_the_limit_lifted(person: Visitor, visit: Visit) -> None:
    home = person.home
    site = home.simulator.world.account.sites[0].site_id
    page = await visit.open("control")
    await page.get_by_role("button", name="Limit export").click()
    await page.get_by_role("button", name="Start").click()
    await expect(result(page)).to_have_text(re.compile("^No export until"), timeout=_PATIENCE)
    (envelope,) = home.simulator.envelopes.active(site, time.time())
    assert envelope.asked.max_export_power_w == 0
    end = page.get_by_role("button", name="End now: No export")
    await end.click()
    await expect(result(page)).to_have_text("Ended: No export.", timeout=_PATIENCE)
    assert home.simulator.envelopes.active(site, time.time()) == []


async def test_a_command_that_is_refused_shows_why(visit: Visit) -> None:
    page = await visit.open("control")
    # Somebody with an old page: the inverter's limit is lower now.
    await page.route(
        "**/do/control",
        lambda route: route.continue_(
            post_data=re.sub(r'"power":\d+', '"power":99000', route.request.post_data or "")
        ),
    )
    await page.get_by_role("button", name="Charge battery", exact=True).click()
    await page.get_by_role("button", name="Start").click()
    await expect(result(page)).to_have_text(
        re.compile("^Refused: 99,000 W is more than the battery's"), timeout=_PATIENCE
    )
    refused = page.locator("#control .record li").first
    await expect(refused.locator(".chip")).to_have_text("refused")
    visit.complaints.clear()  # of the browser, about the answer 400


async def test_a_restart_of_the_service_changes_nothing_that_runs(
    person: Visitor, visit: Visit
) -> None:
    page = await visit.open("control")
    await expect(page.get_by_role("button", name="End now: Charging")).to_be_visible()
    await person.home.service.stop()
    await person.home.service.start()
    await until(person.answers)
    await expect(page.get_by_role("button", name="End now: Charging")).to_be_visible(
        timeout=_PATIENCE
    )
    assert "ChargeBattery" in modes(person)
    visit.complaints.clear()  # those of a connection that was refused


async def test_of_the_si_series_the_export_alone_can_be_limited(browser: Browser) -> None:
    async with running("si", options={"history_days": 1, "controls": True}, latency=1) as person:
        visit = Visit(browser, f"{person.home.panel_url}/")
        page = await visit.open("control", size=PHONE)
        why = page.get_by_text("This inverter has no schedules (SI series).", exact=True)
        await expect(why).to_be_visible(timeout=_PATIENCE)
        await expect(page.locator("#control .modes button")).to_have_text("Limit export")
        start = page.get_by_role("button", name="Start")
        await expect(start).to_be_enabled(timeout=_PATIENCE)
        await start.click()
        await expect(result(page)).to_have_text(re.compile("^No export until"), timeout=_PATIENCE)
        site = person.home.simulator.world.account.sites[0].site_id
        assert len(person.home.simulator.envelopes.active(site, time.time())) == 1
        await keep_picture(page, "whole-control-si-360")
        await page.context.close()
        assert visit.complaints == []
