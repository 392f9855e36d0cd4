"""That Entities can be searched and copied, and leads to their history and pages."""

import re

import pytest
from playwright.async_api import expect

from browser import examples
from browser.stand_in import StandIn
from browser.viewer import Viewer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_copying_works_where_the_browser_keeps_its_clipboard_to_itself(
    viewer: Viewer,
) -> None:
    page = await viewer.open("entities")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error()))")
    button = page.get_by_role("button", name="Copy sensor.house_solar_generation", exact=True)
    await button.click()
    assert await page.evaluate("navigator.clipboard.readText()") == "sensor.house_solar_generation"
    await expect(button).to_be_focused()


async def test_entities_can_be_searched(viewer: Viewer) -> None:
    page = await viewer.open("entities")
    rows = page.locator("[data-entity]:visible")
    every = len(examples.GIVEN["entities"]["entities"])
    await expect(rows).to_have_count(every)
    await page.get_by_label("Search").fill("grid counter")
    await expect(rows).to_have_count(2)
    await expect(page.locator("#entities").get_by_role("status")).to_have_text(
        f"2 of {every} entities"
    )
    await page.get_by_label("Search").fill("no such thing")
    await expect(rows).to_have_count(0)


async def test_each_entity_has_its_value_with_its_unit(viewer: Viewer) -> None:
    page = await viewer.open("entities")
    value = page.locator("[data-entity='sensor.house_battery_soc'] .state")
    await expect(value).to_have_text("84.0%")
    power = page.locator("[data-entity='sensor.house_solar_generation'] .state")
    await expect(power).to_have_text("4.873 kW")


async def test_an_entity_without_a_value_has_no_unit_and_no_word_of_it_is_broken(
    viewer: Viewer, stand_in: StandIn
) -> None:
    given = examples.GIVEN["entities"]["entities"]
    away = [one | {"state": "unavailable"} for one in given]
    stand_in.data["entities"] = {"entities": away, "have_pages": True}
    page = await viewer.open("entities", size=(320, 640))
    value = page.locator("[data-entity='sensor.house_solar_generation'] .state")
    await expect(value).to_have_text("unavailable")
    lines = "one => one.getClientRects().length"
    assert await value.locator("b").evaluate(lines) == 1
    assert await page.evaluate("document.documentElement.scrollWidth") == 320


async def test_each_entity_leads_to_its_history_in_home_assistant(viewer: Viewer) -> None:
    page = await viewer.open("entities")
    row = page.locator("[data-entity='sensor.house_solar_generation']")
    link = row.get_by_role("link", name="Solar Generation", exact=True)
    await expect(link).to_have_attribute("href", "/history?entity_id=sensor.house_solar_generation")
    await expect(link).to_have_attribute("target", "_top")


@pytest.mark.parametrize("have_pages", [True, False])
async def test_each_entity_leads_to_its_page_where_home_assistant_has_one(
    viewer: Viewer, stand_in: StandIn, *, have_pages: bool
) -> None:
    stand_in.data["entities"] = examples.GIVEN["entities"] | {"have_pages": have_pages}
    page = await viewer.open("entities")
    row = page.locator("[data-entity='sensor.house_solar_generation']")
    await expect(row.get_by_role("link")).to_have_count(2 if have_pages else 1)
    if have_pages:
        link = row.get_by_role("link", name="Details of Solar Generation")
        entity = "sensor.house_solar_generation"
        at = f"/history?entity_id={entity}&more-info-entity-id={entity}"
        await expect(link).to_have_attribute("href", at)
        await expect(link).to_have_attribute("target", "_top")


async def test_each_value_is_written_as_people_read_it(viewer: Viewer, stand_in: StandIn) -> None:
    given = examples.GIVEN["entities"]["entities"]
    day = given[0] | {"entity_id": "sensor.house_install", "device_class": "date"}
    stand_in.data["entities"] = {"entities": [*given, day | {"state": "2021-02-03"}]}
    page = await viewer.open("entities", zone="America/New_York")

    async def value(key: str) -> str:
        return await page.locator(f"[data-entity='sensor.house_{key}'] .state b").inner_text()

    await page.wait_for_selector("[data-entity]")
    # In the house's zone; which day is today may not be known yet.
    assert re.fullmatch(r"(Tue, 24 Nov, )?14:29", await value("last_reading"))
    assert await value("install") == "3 Feb 2021"
    assert await value("solar_generation_total") == "20,000.4"
    assert await value("grid_power") == "\u22121.223"
    assert await value("status") == "OK"
