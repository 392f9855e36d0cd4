"""That each section beside Now shows what the add-on knows, and does what its buttons say."""

import json
import re

import pytest
from playwright.async_api import Locator, Page, expect

from browser import answers, examples
from browser.stand_in import StandIn
from browser.viewer import PHONE, Viewer, keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SERIAL = "RB21120912345678"
# The area of solar power: --solar, mixed with the card.
_SOLAR = (255, 198, 115, 255)
_PAUSED = {"is_running": False, "is_paused": True, "rate": None, "ends_at": None}


async def _chart(page: Page) -> Locator:
    """Wait until the chart is drawn."""
    await page.wait_for_selector(".chart canvas")
    return page.get_by_role("slider", name="Power over the day")


async def test_the_day_has_a_chart_with_the_values_under_the_pointer(viewer: Viewer) -> None:
    page = await viewer.open("day")
    chart = await _chart(page)
    await expect(page.locator(".pointed")).to_have_text("Latest values, 14:29")
    box = await chart.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(page.locator(".pointed")).to_have_text(re.compile(r"At 1[12]:\d\d"))
    await expect(page.locator(".series").first).to_have_text(re.compile(r"^Solar[45]\.\d+ kW$"))
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
    solar = page.locator("button.series", has_text="Solar")
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
        await expect(page.locator(".pointed")).to_have_text(f"At {time}")
        await expect(chart).to_have_attribute("aria-valuetext", re.compile(f"^{time}, Solar .* W"))
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator(".pointed")).to_have_text("At 14:28")


async def _colours(page: Page, hour: float) -> set[tuple[int, ...]]:
    """Return the colours that the chart's canvas has at a time of the day."""
    colours = await page.evaluate(
        """hour => {
          const canvas = document.querySelector(".chart canvas");
          const over = document.querySelector(".chart .u-over").getBoundingClientRect();
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
async def test_a_time_without_readings_is_shaded_and_told_and_no_line_crosses_it(
    viewer: Viewer, size: tuple[int, int]
) -> None:
    page = await viewer.open("day", size=size)
    chart = await _chart(page)
    told = page.locator("#day .holes")
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
    await expect(page.locator(".pointed")).to_have_text("No readings from 08:59 to 09:45")
    await told.get_by_role("link", name="See History").click()
    await expect(page.locator("#history-title")).to_be_focused()


async def test_what_one_of_several_lacks_is_told_of_their_total(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.data["day"] = answers.day_of_two()
    two = examples.status(examples.inverter(), examples.granny_flat())
    page = await viewer.open("day", status=two)
    told = page.locator("#day .holes")
    await expect(told).to_contain_text("Readings of an inverter are missing from 08:59 to 09:45.")
    stand_in.data["day"] = answers.day()
    await page.locator("#day").get_by_label("Inverter").select_option("Granny flat")
    await expect(told).to_contain_text("No readings from 08:59 to 09:45.")


async def test_a_hole_that_has_not_ended_is_told_too(viewer: Viewer, stand_in: StandIn) -> None:
    stand_in.data["day"] = answers.morning()
    page = await viewer.open("day")
    await expect(page.locator("#day .holes")).to_contain_text(
        "No readings after 08:59. See History"
    )
    await keep_picture(page, "day-open-hole-1280")


async def test_yesterday_can_be_looked_at(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("day", size=PHONE)
    await _chart(page)
    title = page.locator("#day h3").first
    await expect(title).to_have_text("Tue 24 Nov")
    stand_in.data["day"] = answers.yesterday()
    yesterday = page.get_by_role("button", name="Yesterday")
    await yesterday.click()
    await expect(title).to_have_text("Mon 23 Nov")
    await expect(yesterday).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".pointed")).to_have_text("Latest values, 23:59")
    await expect(page.locator("#day .holes")).to_be_hidden()
    assert stand_in.queries == [("day", {}), ("day", {"day": "yesterday"})]
    await keep_picture(page, "day-yesterday-360")
    await page.get_by_role("button", name="Today").click()
    await expect(page.get_by_role("button", name="Today")).to_have_attribute("aria-pressed", "true")


async def test_the_day_is_a_table_too(viewer: Viewer) -> None:
    page = await viewer.open("day", size=PHONE)
    await _chart(page)
    await page.get_by_text("Show as table").click()
    rows = page.locator(".hours tbody tr")
    await expect(rows).to_have_count(15)
    await expect(rows.nth(12)).to_have_text(re.compile(r"^12:00[45]\.\d\d"))
    await keep_picture(page, "day-table-360")


async def test_without_the_chart_the_day_is_a_table_and_says_why(viewer: Viewer) -> None:
    page = await viewer.open(size=PHONE)
    await page.route("**/static/uplot/**", lambda route: route.fulfill(status=404))
    await page.get_by_role("navigation").get_by_role("link", name="Energy").click()
    await expect(page.get_by_text("The chart could not be downloaded")).to_be_visible()
    await expect(page.locator(".hours tbody tr")).to_have_count(15)
    await expect(page.locator(".hours tbody tr").first).to_be_visible()
    await keep_picture(page, "day-without-chart-360")
    viewer.complaints.clear()


async def test_the_day_may_come_before_anything_else_is_known(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.is_silent = True
    energy = examples.energy() | {"since": "2026-11-23T16:57:00Z"}
    stand_in.data["day"] = answers.day() | {"energy": energy}
    page = await viewer.open(url=f"{stand_in.url}#day")
    since = re.compile(r"Counted since (Tue, 24 Nov, )?02:57; no earlier data")
    await expect(page.locator("#day")).to_contain_text(since)


async def test_a_line_of_the_chart_can_be_taken_away(viewer: Viewer) -> None:
    page = await viewer.open("day")
    await _chart(page)
    solar = page.get_by_role("button", name="Solar")
    await expect(solar).to_have_attribute("aria-pressed", "true")
    await solar.click()
    await expect(solar).to_have_attribute("aria-pressed", "false")


async def test_the_day_of_one_of_several_inverters_can_be_chosen(
    viewer: Viewer, stand_in: StandIn
) -> None:
    two = examples.status(examples.inverter(), examples.granny_flat())
    page = await viewer.open("day", status=two)
    await _chart(page)
    async with page.expect_response(re.compile("data/day")):
        await page.locator("#day").get_by_label("Inverter").select_option("Granny flat")
    assert stand_in.queries == [("day", {}), ("day", {"serial": "RB22031109876543"})]


async def test_the_day_has_a_total_of_each_site(viewer: Viewer, stand_in: StandIn) -> None:
    stand_in.data["day"] = answers.day_of_two()
    cabin = examples.inverter(serial="RB23010100000001", name="Cabin", site="S2301010000001")
    three = examples.status(cabin, examples.inverter(), examples.granny_flat())
    page = await viewer.open("day", status=three)
    await _chart(page)
    choice = page.locator("#day").get_by_label("Inverter")
    await expect(choice.locator("option")).to_have_text(
        ["Cabin", "House and Granny flat", "House", "Granny flat"]
    )
    async with page.expect_response(re.compile("data/day")):
        await choice.select_option("House and Granny flat")
    assert stand_in.queries == [("day", {}), ("day", {"site": "S2112091234567"})]
    shared = page.locator("#day").get_by_text("Redback does not say whether grid and load")
    await expect(shared).to_be_visible()
    stand_in.data["day"] = answers.day()
    await choice.select_option("Cabin")
    await expect(shared).to_be_hidden()


async def test_the_calendar_describes_each_hour_in_words(viewer: Viewer) -> None:
    page = await viewer.open("history")
    day = page.locator("[data-date='2026-11-22']")
    await expect(day.get_by_role("cell", name="13:00: Missing", exact=True)).to_be_visible()
    await expect(day.locator(".hour")).to_have_count(24)
    await expect(day.locator(".summary")).to_have_text("2 missing")
    await expect(page.locator(".codes li").filter(has_text="Missing")).to_have_text(
        "Missing: 2 hours"
    )
    await expect(
        day.get_by_role("cell", name="14:00: Missing: the cloud answered 500")
    ).to_have_count(1)
    fetched = page.locator("[data-date='2026-11-21']")
    await expect(
        fetched.get_by_role("cell", name="09:00: Fetched, not yet written")
    ).to_be_visible()


async def test_each_hour_that_is_missing_says_why_on_a_phone_too(viewer: Viewer) -> None:
    page = await viewer.open("history", size=PHONE)
    reasons = page.locator(".reasons li")
    await expect(reasons).to_have_text(
        [
            re.compile("Sun 22 Nov, 14:00 Missing: the cloud answered 500 .*; fetched again 15:12"),
            re.compile("Fri 20 Nov, 03:00 to 04:00 Could not be filled: Home Assistant has no"),
        ]
    )
    await keep_picture(page, "history-reasons-360")


async def test_every_day_of_the_history_can_be_turned_to(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("history")
    await expect(page.get_by_role("button", name="Newer days")).to_have_count(0)
    stand_in.data["calendar"] = answers.calendar(14)
    await page.get_by_role("button", name="Earlier days").click()
    await expect(page.locator("[data-date='2026-11-10']")).to_be_visible()
    await expect(page.get_by_role("button", name="Earlier days")).to_have_count(0)
    stand_in.data["calendar"] = answers.calendar()
    await page.get_by_role("button", name="Newer days").click()
    await expect(page.locator("[data-date='2026-11-24']")).to_be_visible()
    untils = [query.get("until") for path, query in stand_in.queries if path == "calendar"]
    assert untils == [None, "2026-11-10", "2026-11-24"]


async def test_the_filling_shows_its_progress_and_can_be_paused(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("history", status=examples.status(history=examples.filling()))
    card = page.locator(".progress")
    await expect(card.locator(".headline")).to_have_text(
        "740 hours missing, 12 of them fetched and not yet written. Filling now."
    )
    await expect(card.locator(".under")).to_have_text(
        re.compile(
            r"1,420 of 2,160 hours written, 118.4 hours per minute. Finishes at 14:36, in 6 min."
        )
    )
    await keep_picture(page, "history-light-1280")
    stand_in.answers["history/pause"] = (200, "Filling is paused.")
    await card.get_by_role("button", name="Pause").click()
    await expect(card.get_by_role("status")).to_have_text("Filling is paused.")
    stand_in.publish(examples.status(history=examples.filling() | _PAUSED))
    await card.get_by_role("button", name="Resume").click()
    await expect(card.get_by_role("status")).to_have_text("Done.")
    assert stand_in.posts == [("history/pause", {}), ("history/resume", {})]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"left": 3}, "3 hours missing. Filling is paused."),
        ({"left": 0}, "Nothing is missing. Filling is paused."),
        ({"is_known": False}, "Filling is paused."),
    ],
)
async def test_a_filling_that_is_paused_can_always_go_on(
    viewer: Viewer, stand_in: StandIn, changes: dict[str, object], words: str
) -> None:
    history = examples.history(**changes) | _PAUSED
    page = await viewer.open("history", status=examples.status(history=history))
    card = page.locator(".progress")
    await expect(card.locator(".headline")).to_have_text(words)
    await card.get_by_role("button", name="Resume").click()
    await expect(card.get_by_role("status")).to_have_text("Done.")
    assert stand_in.posts == [("history/resume", {})]


@pytest.mark.parametrize(
    ("left", "fetched", "hold", "words"),
    [
        (
            3,
            0,
            ("no answer", -4),
            "Waiting until 14:34: no answer.",
        ),
        (3, 0, ("no answer", 1), "Trying again: no answer."),
        (
            3,
            3,
            ("Home Assistant does not answer", None),
            "Waiting: Home Assistant does not answer.",
        ),
    ],
)
async def test_what_the_filling_waits_for_is_said_and_can_be_tried_again(
    viewer: Viewer,
    stand_in: StandIn,
    left: int,
    fetched: int,
    hold: tuple[str, int | None],
    words: str,
) -> None:
    why, ago = hold
    until = None if ago is None else examples.ago(minutes=ago)
    held = {"why": why, "until": until, "may_retry": until is not None}
    state = examples.history(left=left, fetched=fetched, hold=held)
    page = await viewer.open("history", status=examples.status(history=state))
    card = page.locator(".progress")
    some = ", fetched and not yet written" if fetched else ""
    await expect(card.locator(".headline")).to_have_text(f"3 hours missing{some}. {words}")
    again = card.get_by_role("button", name="Try again now")
    await expect(again).to_have_count(0 if until is None else 1)
    if until is not None:
        await again.click()
        await expect(card.get_by_role("status")).to_have_text("Done.")
        assert stand_in.posts == [("history/retry", {})]
    await keep_picture(page, f"history-waiting-{ago}")


async def test_hours_that_failed_are_told_in_the_status(viewer: Viewer) -> None:
    state = examples.history(failed=3, unrecorded="Home Assistant does not record it.")
    page = await viewer.open("now", status=examples.status(history=state))
    row = page.locator(".glance [href='#history']")
    await expect(row).to_contain_text("3 hours could not be filled.")
    await row.click()
    await expect(page.locator(".progress")).to_contain_text("Home Assistant does not record it.")


async def test_a_day_can_be_filled_again(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("history")
    await page.locator("[data-date='2026-11-22'] button").click()
    stand_in.answers["history/fill"] = (409, "Filling is already running.")
    await page.get_by_role("button", name="Make this day agree with the inverter").click()
    result = page.locator("form").get_by_role("status")
    await expect(result).to_have_text("Filling is already running.")
    assert stand_in.posts == [
        ("history/fill", {"serial": SERIAL, "since": "2026-11-22T00", "until": "2026-11-23T00"})
    ]
    viewer.complaints.clear()  # of the browser, about the answer 409


async def test_a_correction_of_sums_is_listed_and_can_be_taken_back(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("history")
    card = page.locator("#corrections")
    item = card.locator("[data-number='7']")
    await expect(item).to_contain_text(
        "\u2212900.00 kWh from Sun, 22 Nov, 13:00 on. Home Assistant"
    )
    await expect(item).to_contain_text("Made at Sun, 22 Nov, 14:12.")
    await expect(card.locator("[data-number='4'] .chip")).to_have_text("taken back")
    await expect(card.get_by_role("button")).to_have_count(1)
    await keep_picture(page, "corrections-light-1280")
    dialog = page.get_by_role("dialog", name="sensor.house_grid_import_total")
    await item.get_by_role("button", name="Take back").click()
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert stand_in.posts == []
    stand_in.answers["history/take-back"] = (200, "The correction was taken back.")
    undone = answers.correction() | {"is_undone": True}
    stand_in.data["corrections"] = {"corrections": [undone]}
    await item.get_by_role("button", name="Take back").click()
    await dialog.get_by_role("button", name="Take back").click()
    await expect(card.locator(".result")).to_have_text("The correction was taken back.")
    await expect(item.locator(".chip")).to_have_text("taken back")
    await expect(card.get_by_role("button")).to_have_count(0)
    assert stand_in.posts == [("history/take-back", {"number": 7})]


async def test_without_corrections_there_is_no_list_of_them(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.data["corrections"] = {"corrections": []}
    page = await viewer.open("history")
    await expect(page.locator("[data-date='2026-11-22']")).to_be_visible()
    await expect(page.locator("#corrections")).to_be_hidden()
    assert ("corrections", {}) in stand_in.queries


async def test_a_range_that_ends_before_it_begins_is_not_sent(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("history")
    await page.get_by_label("From", exact=True).fill("2026-11-23T05:00")
    await page.get_by_label("To", exact=True).fill("2026-11-23T05:00")
    await page.get_by_role("button", name="Make this range agree").click()
    await expect(page.locator("form .result")).to_have_text("The range must end after it starts.")
    assert stand_in.posts == []


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


async def test_sites_does_not_say_what_is_not_known(viewer: Viewer, stand_in: StandIn) -> None:
    stand_in.data["sites"] = {"sites": [], "gone": [], "is_known": False}
    starting = examples.status_of("starting")
    page = await viewer.open("sites", status=starting)
    await expect(page.locator("#sites .empty")).to_have_text(
        "The cloud has not listed your inverters yet."
    )
    stand_in.data["sites"] = {"sites": [], "gone": [], "is_known": True}
    stand_in.publish(examples.status_of("no_inverter"))
    await expect(page.locator("#sites .empty")).to_have_text("Your account has no inverters.")


async def test_every_inverter_shows_its_battery_as_far_as_it_is_known(viewer: Viewer) -> None:
    page = await viewer.open("sites")
    for serial, text in (
        (SERIAL, f"{SERIAL} · SH5000 · 13.2 kWh battery"),
        ("RB22031109876543", "SI6000 · no battery"),
        ("RB23040112345678", "no details yet"),
    ):
        under = page.locator(f"#sites [data-serial={serial}] .under").first
        await expect(under).to_have_text(text)


async def test_sites_says_what_the_names_will_be(viewer: Viewer) -> None:
    page = await viewer.open("sites")
    all_of_it = "All inverters of this site, called House:"
    await expect(page.locator("#sites")).to_contain_text(all_of_it)
    unused = page.locator("#sites [data-serial=RB22031109876543]")
    await expect(unused).to_contain_text("With this line it is called Redback 6543.")


async def test_an_inverter_that_is_gone_can_be_forgotten(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("sites")
    gone = page.locator("#sites [data-gone=RB19010112345678]")
    await expect(gone).to_contain_text("Shed (RB19010112345678) is not in your account since")
    await expect(gone).to_contain_text("its entities are unavailable")
    refused = "Only administrators can do that."
    stand_in.answers["forget"] = (403, refused)
    await _forget(gone)
    await expect(gone.get_by_role("status")).to_have_text(refused)
    viewer.complaints.clear()  # Chromium tells of every error
    del stand_in.answers["forget"]
    stand_in.data["sites"] = examples.GIVEN["sites"] | {"gone": []}
    await _forget(gone)
    await expect(gone).to_have_count(0)
    assert stand_in.posts == 2 * [("forget", {"serial": "RB19010112345678"})]


async def _forget(gone: Locator) -> None:
    await gone.get_by_role("button").click()
    dialog = gone.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Forget it").click()


async def test_the_line_of_a_site_can_be_copied(viewer: Viewer) -> None:
    page = await viewer.open("sites")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy lines of site S2112091234567").click()
    copied = "navigator.clipboard.readText()"
    assert await page.evaluate(copied) == "- id: S2112091234567\n  name: House"
    await page.get_by_role("button", name="Copy ID of site S2112091234567").click()
    assert await page.evaluate(copied) == "S2112091234567"
    await page.get_by_role("button", name="Copy lines of inverter RB22031109876543").click()
    assert await page.evaluate(copied) == "- id: RB22031109876543\n  name: Redback 6543"
    await expect(page.locator("#announcer")).to_have_text(
        "Copied: lines of inverter RB22031109876543"
    )


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


async def test_each_entity_leads_to_its_history_in_home_assistant(viewer: Viewer) -> None:
    page = await viewer.open("entities")
    link = page.locator("[data-entity='sensor.house_solar_generation']").get_by_role("link")
    await expect(link).to_have_attribute("href", "/history?entity_id=sensor.house_solar_generation")
    await expect(link).to_have_attribute("target", "_top")


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


async def test_diagnostics_can_be_downloaded_and_looked_at(viewer: Viewer) -> None:
    page = await viewer.open("diagnostics")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "redback-diagnostics.json"
    await page.get_by_role("button", name="Show").click()
    shown = await page.locator(".file").text_content()
    assert json.loads(str(shown)) == {"version": "1.0.0", "options": {"sites": 1}}


async def test_an_answer_that_does_not_come_can_be_asked_for_again(
    viewer: Viewer, stand_in: StandIn
) -> None:
    saved = stand_in.data.pop("sites")
    page = await viewer.open("sites")
    await expect(page.get_by_role("alert")).to_have_text(
        "The add-on answered with error 503. Try again in a moment."
    )
    stand_in.data["sites"] = saved
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Site S2112091234567")).to_be_visible()
    viewer.complaints.clear()  # of the browser, about the answer 503
