"""That Energy shows the power of today and of yesterday, as a chart and as a table."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from browser import answers, examples
from browser.stand_in import StandIn
from browser.viewer import PHONE, Viewer, keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# The area of solar power: --solar, mixed with the card.
_SOLAR = (255, 198, 115, 255)


async def _chart(page: Page) -> Locator:
    """Wait until the chart is drawn."""
    await page.wait_for_selector(".powers .chart canvas")
    return page.get_by_role("slider", name="Power over the day")


async def test_the_day_has_a_chart_with_the_values_under_the_pointer(viewer: Viewer) -> None:
    page = await viewer.open("day")
    chart = await _chart(page)
    await expect(page.locator(".powers .pointed")).to_have_text("Latest values, 14:29")
    await chart.scroll_into_view_if_needed()
    box = await chart.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(page.locator(".powers .pointed")).to_have_text(re.compile(r"At 1[12]:\d\d"))
    await expect(page.locator(".powers .series").first).to_have_text(
        re.compile(r"^Solar[45]\.\d+ kW$")
    )
    await keep_picture(page, "day-light-1280")


async def test_sources_are_stacked_above_zero_and_uses_below(viewer: Viewer) -> None:
    page = await viewer.open("day")
    values = {"solar": [5, 0, None], "load": [1, 2, None], "battery": [-3, 0.5, None]}
    areas = await page.evaluate(
        """async day => {
          const { stack } = await import(new URL("static/stack.js", document.baseURI));
          return stack(day, () => true).map(({ colour, values }) => [colour, values]);
        }""",
        {"at": [0, 60, 120], **values, "grid": [-1, 1.5, None]},
    )
    assert areas == [
        ["--grid-out", [-5, -2, None]],
        ["--battery-in", [-4, -2, None]],
        ["--house", [-1, -2, None]],
        ["--grid-in", [5, 2, None]],
        ["--battery-out", [5, 0.5, None]],
        ["--solar", [5, 0, None]],
    ]


async def test_a_value_can_be_taken_out_of_the_chart(viewer: Viewer) -> None:
    page = await viewer.open("day")
    await _chart(page)
    solar = page.locator(".powers button.series", has_text="Solar")
    assert _SOLAR in await _colours(page, 12)
    await solar.focus()
    await page.keyboard.press("Enter")
    await expect(solar).to_have_attribute("aria-pressed", "false")
    await expect(solar).to_be_focused()
    assert _SOLAR not in await _colours(page, 12)


async def test_the_arrow_keys_move_through_the_day(viewer: Viewer) -> None:
    page = await viewer.open("day")
    chart = await _chart(page)
    await chart.focus()
    for key, time in (("Home", "00:00"), ("ArrowRight", "00:01"), ("End", "14:29")):
        await page.keyboard.press(key)
        await expect(page.locator(".powers .pointed")).to_have_text(f"At {time}")
        await expect(chart).to_have_attribute("aria-valuetext", re.compile(f"^{time}, Solar .* W"))
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator(".powers .pointed")).to_have_text("At 14:28")


async def _colours(page: Page, hour: float) -> set[tuple[int, ...]]:
    """Return the colours that the chart's canvas has at a time of the day."""
    colours = await page.evaluate(
        """hour => {
          const canvas = document.querySelector(".powers .chart canvas");
          const over = document.querySelector(".powers .chart .u-over").getBoundingClientRect();
          const whole = canvas.getBoundingClientRect();
          const left = (over.left - whole.left + over.width * hour / 24) / whole.width;
          const copy = new OffscreenCanvas(1, canvas.height).getContext("2d");
          copy.drawImage(canvas, -Math.round(left * canvas.width), 0);
          const { data } = copy.getImageData(0, 0, 1, canvas.height);
          return Array.from({ length: canvas.height }, (_, y) => [...data.slice(4 * y, 4 * y + 4)]);
        }""",
        hour,
    )
    return {tuple(colour) for colour in colours}


async def _alphas(page: Page, hour: float) -> set[int]:
    """Return the opacities of what the chart's canvas has at a time of the day."""
    return {colour[-1] for colour in await _colours(page, hour)}


@pytest.mark.parametrize("size", [PHONE, (1280, 900)])
async def test_a_time_without_readings_is_shaded_and_named_and_no_line_crosses_it(
    viewer: Viewer, size: tuple[int, int]
) -> None:
    page = await viewer.open("day", size=size)
    chart = await _chart(page)
    told = page.locator(".powers .holes")
    await expect(told).to_have_text("No readings from 08:59 to 09:45. See History.")
    # Lines are opaque; the shade and the grid are not.
    assert 255 not in await _alphas(page, 9.3)
    assert await _alphas(page, 9.3) - {0}
    assert 255 in await _alphas(page, 8.5)
    assert 0 in await _alphas(page, 8.5)
    assert 255 in await _alphas(page, 14.5), "the line at the time of day"
    await keep_picture(page, f"day-hole-{size[0]}")
    await chart.focus()
    await page.keyboard.press("Home")
    for _ in range(45):
        await page.keyboard.press("PageUp")
    await expect(page.locator(".powers .pointed")).to_have_text("No readings from 08:59 to 09:45")
    await told.get_by_role("link", name="See History").click()
    await expect(page.locator("#history-title")).to_be_focused()


async def test_what_one_of_several_lacks_is_said_of_their_total(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.data["day"] = answers.day_of_two()
    two = examples.status(examples.inverter(), examples.granny_flat())
    page = await viewer.open("day", status=two)
    told = page.locator(".powers .holes")
    await expect(told).to_contain_text("Readings of an inverter are missing from 08:59 to 09:45.")
    stand_in.data["day"] = answers.day()
    await page.locator("#day").get_by_label("Inverter").select_option("Granny flat")
    await expect(told).to_contain_text("No readings from 08:59 to 09:45.")


async def test_a_hole_that_has_not_ended_is_shown_too(viewer: Viewer, stand_in: StandIn) -> None:
    stand_in.data["day"] = answers.morning()
    page = await viewer.open("day")
    await expect(page.locator(".powers .holes")).to_contain_text(
        "No readings after 08:59. See History"
    )
    await keep_picture(page, "day-open-hole-1280")


async def test_power_is_shown_of_yesterday_and_of_no_day_before(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("day", size=PHONE)
    await _chart(page)
    stand_in.data["day"] = answers.yesterday()
    back = page.get_by_role("button", name="Previous day")
    await back.click()
    await expect(page.locator(".powers .pointed")).to_have_text("Latest values, 23:59")
    await expect(page.locator(".powers .holes")).to_be_hidden()
    await keep_picture(page, "day-yesterday-360")
    await back.click()
    await expect(page.locator(".powers")).to_be_hidden()
    await expect(page.locator("#day h3").first).to_have_text("Sun 22 Nov 2026")
    await page.get_by_role("button", name="Today").click()
    await expect(page.locator(".powers")).to_be_visible()
    asked = [query for path, query in stand_in.queries if path == "day"]
    assert asked == [{}, {"day": "yesterday"}, {}]


async def test_the_day_is_a_table_too(viewer: Viewer) -> None:
    page = await viewer.open("day", size=PHONE)
    await _chart(page)
    await page.locator(".powers").get_by_text("Show as table").click()
    rows = page.locator(".powers .hours tbody tr")
    await expect(rows).to_have_count(15)
    await expect(rows.nth(12)).to_have_text(re.compile(r"^12:00[45]\.\d\d"))
    await keep_picture(page, "day-table-360")


async def test_without_the_chart_the_day_is_a_table_and_says_why(viewer: Viewer) -> None:
    page = await viewer.open(size=PHONE)
    await page.route("**/static/uplot/**", lambda route: route.fulfill(status=404))
    await page.get_by_role("navigation").get_by_role("link", name="Energy").click()
    await expect(page.get_by_text("The chart could not be downloaded")).to_be_visible()
    await expect(page.locator(".powers .hours tbody tr")).to_have_count(15)
    await expect(page.locator(".powers .hours tbody tr").first).to_be_visible()
    await keep_picture(page, "day-without-chart-360")
    viewer.complaints.clear()


async def test_a_line_of_the_chart_can_be_taken_away(viewer: Viewer) -> None:
    page = await viewer.open("day")
    await _chart(page)
    solar = page.locator(".powers").get_by_role("button", name="Solar")
    await expect(solar).to_have_attribute("aria-pressed", "true")
    await solar.click()
    await expect(solar).to_have_attribute("aria-pressed", "false")


def _asked(queries: list[tuple[str, dict[str, str]]]) -> list[tuple[str, dict[str, str]]]:
    """Return what was asked at the same time, in an order of its own."""
    return sorted(queries, key=lambda one: one[0])


async def test_the_power_of_one_of_several_inverters_can_be_chosen(
    viewer: Viewer, stand_in: StandIn
) -> None:
    two = examples.status(examples.inverter(), examples.granny_flat())
    page = await viewer.open("day", status=two)
    await _chart(page)
    async with page.expect_response(re.compile("data/day")):
        await page.locator("#day").get_by_label("Inverter").select_option("Granny flat")
    flat = {"serial": "RB22031109876543"}
    first, last = _asked(stand_in.queries[:2]), _asked(stand_in.queries[2:])
    assert first == [("day", {}), ("period", {"period": "day"})]
    assert last == [("day", flat), ("period", {"period": "day", **flat})]


async def test_power_has_a_total_of_each_site_and_none_of_several(
    viewer: Viewer, stand_in: StandIn
) -> None:
    cabin = examples.inverter(serial="RB23010100000001", name="Cabin", site="S2301010000001")
    three = examples.status(cabin, examples.inverter(), examples.granny_flat())
    page = await viewer.open("day", status=three)
    choice = page.locator("#day").get_by_label("Inverter")
    await expect(choice.locator("option")).to_have_text(
        ["All inverters", "Cabin", "House and Granny flat", "House", "Granny flat"]
    )
    await expect(page.locator(".powers")).to_be_hidden()
    stand_in.data["day"] = answers.day_of_two()
    async with page.expect_response(re.compile("data/day")):
        await choice.select_option("House and Granny flat")
    await expect(page.locator(".powers")).to_be_visible()
    site = {"site": "S2112091234567"}
    last = _asked(stand_in.queries[-2:])
    assert last == [("day", site), ("period", {"period": "day", **site})]
    shared = page.locator("#day").get_by_text("Redback does not say whether grid and load")
    await expect(shared).to_be_visible()
    await choice.select_option("Cabin")
    await expect(shared).to_be_hidden()
