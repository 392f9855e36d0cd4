"""That History shows which hours are there, fills the others, and lists corrections."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Route, expect

from browser import answers, examples
from browser.stand_in import StandIn
from browser.viewer import DESKTOP, PHONE, Viewer, keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SERIAL = "RB21120912345678"
_PAUSED = {"is_running": False, "is_paused": True, "rate": None, "ends_at": None}


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
            re.compile("Sun 22 Nov, 14:00 Missing: the cloud answered 500 .*; next try 15:12"),
            re.compile("Fri 20 Nov, 03:00 to 05:00 Could not be filled: Home Assistant has no"),
        ]
    )
    await keep_picture(page, "history-reasons-360")


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
async def test_all_reasons_can_be_seen_however_many_there_are(
    viewer: Viewer, stand_in: StandIn, size: tuple[int, int]
) -> None:
    made: dict[str, Any] = json.loads(json.dumps(answers.calendar()))
    for day in made["days"][1:4]:
        for number, hour in enumerate(day["hours"]):
            hour |= {"code": "failed", "why": f"the cloud answered {500 + number}"}
    stand_in.data["calendar"] = made
    page = await viewer.open("history", size=size)
    reasons = page.locator(".reasons li").filter(visible=True)
    await expect(reasons).to_have_count(30)
    await page.get_by_text("Show 43 more").click()
    await expect(reasons).to_have_count(73)
    await keep_picture(page, f"history-all-reasons-{size[0]}")
    await page.get_by_role("link", name="Now", exact=True).click()
    async with page.expect_response(re.compile("data/calendar")):
        await page.get_by_role("link", name="History", exact=True).click()
    await expect(reasons).to_have_count(73)


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
    page = await viewer.open("history", status=examples.filling(control=None))
    await expect(page.locator("#summary")).to_have_text("Catching up: 740 hours missing")
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
    stand_in.publish(examples.filling(is_paused=True))
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


async def test_hours_that_failed_are_in_the_status(viewer: Viewer) -> None:
    state = examples.history(
        failed=3, failed_lately=3, unrecorded="Home Assistant does not record it."
    )
    page = await viewer.open("now", status=examples.status(history=state))
    row = page.locator(".glance [href='#history']")
    await expect(row).to_contain_text("3 hours could not be filled.")
    await row.click()
    await expect(page.locator(".progress")).to_contain_text("Home Assistant does not record it.")


async def test_hours_that_failed_lead_to_the_history(viewer: Viewer) -> None:
    page = await viewer.open("now", size=PHONE, status=examples.status_of("unfilled"))
    notice = page.locator("[data-kind=unfilled]")
    await expect(notice.get_by_role("heading")).to_have_text("Warning: 1 hour could not be filled")
    await keep_picture(page, "unfilled-360", whole=False)
    await notice.get_by_role("link", name="Open History").click()
    await expect(page.locator("#history-title")).to_be_focused()
    await expect(page.locator(".reasons")).to_be_visible()


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
    await expect(item).to_contain_text("Corrected at Sun, 22 Nov, 14:12.")
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


async def test_on_today_there_are_no_newer_days(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("history")
    stand_in.data["calendar"] = answers.calendar(14)
    await page.get_by_role("button", name="Earlier days").click()
    stand_in.data["calendar"] = answers.calendar()
    await page.get_by_role("button", name="Newer days").click()
    await expect(page.locator("[data-date='2026-11-24']")).to_be_visible()
    await expect(page.get_by_role("button", name="Newer days")).to_have_count(0)


async def test_days_before_the_history_begins_are_left_out(viewer: Viewer) -> None:
    page = await viewer.open("history")
    await expect(page.locator("[data-date='2026-11-13']")).to_be_visible()
    await expect(page.locator("[data-date='2026-11-12']")).to_have_count(0)
    await expect(page.locator(".codes")).not_to_contain_text("Outside your history range")


async def test_what_the_network_drops_is_asked_for_again(viewer: Viewer) -> None:
    page = await viewer.open()
    dropped: list[str] = []

    async def drop(route: Route) -> None:
        if len(dropped) < 2:
            dropped.append(route.request.url)
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/data/calendar*", drop)
    await page.get_by_role("navigation").get_by_role("link", name="History").click()
    await expect(page.locator("table.calendar")).to_be_visible()
    assert len(dropped) == 2
    viewer.complaints.clear()
