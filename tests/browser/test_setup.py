"""That Set up says what can be added, and adds it once it is confirmed."""

import pytest
from playwright.async_api import expect

from browser import answers, examples
from browser.stand_in import StandIn
from browser.viewer import Viewer, keep_picture
from house import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_energy_dashboard_is_set_up_after_a_confirmation(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("setup")
    task = page.locator(".task").first
    await expect(task.locator(".chip")).to_have_text(["will be added"] * 3)
    await expect(task).to_contain_text("sensor.house_grid_import_total")
    await task.get_by_role("button", name="Add to the Energy dashboard").click()
    dialog = page.get_by_role("dialog", name="Energy dashboard")
    await expect(dialog).to_be_visible()
    await keep_picture(page, "setup-question", whole=False)
    await dialog.get_by_role("button", name="Cancel").click()
    assert stand_in.posts == []
    stand_in.answers["energy"] = (200, "Added grid, solar and battery.")
    stand_in.data["energy"] = examples.energy_plan(is_there=True)
    button = task.get_by_role("button", name="Add to the Energy dashboard")
    await button.click()
    await page.keyboard.press("Enter")
    await expect(task.locator(".result")).to_have_text("Added grid, solar and battery.")
    await expect(task.locator(".chip")).to_have_text(["added"] * 3)
    await expect(button).to_have_count(0)
    link = task.get_by_role("link", name="Open Energy dashboard")
    await expect(link).to_have_attribute("href", "/energy")
    await expect(link).to_have_attribute("target", "_top")
    await expect(link).to_be_focused()
    assert stand_in.posts == [("energy", {})]


async def test_a_second_grid_is_not_added_unless_somebody_insists(
    viewer: Viewer, stand_in: StandIn
) -> None:
    doubt = "If it measures the same connection as sensor.meter, its energy would count twice."
    plan = examples.energy_plan(is_there=True)
    items = [one | {"doubt": None} for one in examples.GIVEN["energy"]["items"]]
    items[0] |= {"doubt": doubt}
    stand_in.data["energy"] = plan | {"items": items}
    page = await viewer.open("setup")
    task = page.locator(".task").first
    await expect(task.locator(".chip")).to_have_text(
        ["not added", "will be added", "will be added"]
    )
    await expect(task.locator(".item").first).to_contain_text(doubt)
    await keep_picture(page, "setup-second-grid")
    await task.get_by_role("button", name="Add it anyway").click()
    dialog = page.get_by_role("dialog", name="Energy dashboard")
    await expect(dialog).to_contain_text(doubt)
    await dialog.get_by_role("button", name="Add it anyway").click()
    await expect(task.locator(".result")).to_have_text("Done.")
    assert stand_in.posts == [("energy", {"name": "House"})]


async def test_what_can_be_set_up_later_comes_by_itself(viewer: Viewer, stand_in: StandIn) -> None:
    waiting = "Shed is not listed yet: waiting for its counters."
    stand_in.data["energy"] = examples.energy_plan(is_there=True) | {"notes": [waiting]}
    page = await viewer.open("now")
    await page.clock.install()
    await page.locator("nav summary").click()
    await page.get_by_role("link", name="Set up").click()
    await expect(page.locator("#setup .issues")).to_contain_text(waiting)
    stand_in.data["energy"] = examples.energy_plan()
    await page.clock.run_for(15_000)
    await expect(page.locator("#setup .issues")).to_have_count(0)
    await expect(page.locator("#setup .chip")).to_have_text(["will be added"] * 3)


async def test_what_cannot_be_set_up_now_says_why(viewer: Viewer, stand_in: StandIn) -> None:
    stand_in.data["energy"] = examples.energy_plan(is_read=False)
    stand_in.answers["dashboard"] = (503, "Home Assistant is starting.")
    page = await viewer.open("setup")
    button = page.get_by_role("button", name="Add to the Energy dashboard")
    await expect(button).to_be_disabled()
    await page.get_by_role("button", name="Create dashboard").click()
    await page.get_by_role("dialog").get_by_role("button", name="Create dashboard").click()
    await expect(page.locator(".result.bad")).to_have_text("Home Assistant is starting.")
    viewer.complaints.clear()  # of the browser, about the answer 503


async def test_devices_are_switched_on_and_off_again_after_a_question(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.answers["devices"] = (200, "The add-on restarts.")
    page = await viewer.open("setup")
    task = page.locator(".task").filter(has=page.get_by_role("heading", name="Devices"))
    dialog = page.get_by_role("dialog", name="Devices")
    await expect(task).to_contain_text("Each inverter becomes a device.")
    await task.get_by_role("button", name="Show as devices").click()
    await expect(dialog).to_contain_text("The add-on restarts.")
    await keep_picture(page, "setup-devices-question", whole=False)
    await dialog.get_by_role("button", name="Cancel").click()
    assert stand_in.posts == []
    await task.get_by_role("button", name="Show as devices").click()
    stand_in.data["devices"] = answers.devices(are_devices=True)
    await dialog.get_by_role("button", name="Show as devices").click()
    await expect(task.locator(".result.good")).to_have_text("The add-on restarts.")
    await expect(task).to_contain_text("Your inverters are devices")
    await task.get_by_role("button", name="Show plain entities").click()
    await expect(dialog).to_contain_text("What you changed in their entities' settings is lost.")
    await dialog.get_by_role("button", name="Show plain entities").click()
    # The answer to the first press is still shown.
    await until(lambda: stand_in.posts == [("devices", {})] * 2)
    await expect(task.locator(".result.good")).to_have_text("The add-on restarts.")


async def test_devices_that_cannot_be_had_say_why(viewer: Viewer, stand_in: StandIn) -> None:
    why = "Install and start the app Mosquitto broker for that."
    stand_in.data["devices"] = {"state": "away", "text": why, "button": "", "question": ""}
    page = await viewer.open("setup")
    task = page.locator(".task").filter(has=page.get_by_role("heading", name="Devices"))
    await expect(task).to_contain_text(why)
    await expect(task.get_by_role("button", name="Show as devices")).to_be_disabled()


async def test_a_button_waits_for_its_answer_though_the_section_is_drawn_anew(
    viewer: Viewer,
) -> None:
    page = await viewer.open("setup")
    task = page.locator(".task").first
    button = task.get_by_role("button", name="Add to the Energy dashboard")
    await expect(button).to_be_enabled()
    await page.route("**/do/energy", lambda _: None)  # no answer comes
    await button.click()
    await page.get_by_role("dialog").get_by_role("button", name="Add to").click()
    async with page.expect_response("**/data/energy") as answer:
        await page.evaluate("location.hash = 'now'; setTimeout(() => { location.hash = 'setup'; })")
    await (await answer.value).finished()
    await expect(task.locator(".chip")).to_have_count(3)
    await expect(button).to_be_disabled()
