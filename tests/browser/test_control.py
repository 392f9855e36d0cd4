"""That Control says what runs, starts what is wanted once it is sure, and deletes what it may."""

import re
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from browser import examples
from browser.stand_in import StandIn
from browser.viewer import PHONE, Viewer, keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SERIAL = "RB21120912345678"
Json = dict[str, Any]


def status(**changes: object) -> Json:
    """Make a Status whose inverter, or part Control, is changed."""
    of_inverter = {name: changes.pop(name) for name in [*changes] if name in examples.inverter()}
    made: Json = cast("Json", examples.made())
    made["inverters"] = [one | of_inverter for one in made["inverters"]]
    made["control"] |= changes
    return made


def entries(made: Json) -> list[Json]:
    found: list[Json] = made["control"]["inverters"][0]["entries"]
    return found


def without_own(made: Json) -> Json:
    """Let nothing of the add-on's run or be planned."""
    made["control"]["inverters"][0]["entries"] = [
        one for one in entries(made) if one["whose"] != "own"
    ]
    return made


def card(page: Page, title: str) -> Any:  # noqa: ANN401 - a Locator
    return page.locator("#control .card").filter(has=page.get_by_role("heading", name=title))


async def test_what_runs_is_said_with_the_time_left_and_can_be_ended(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("control", status=status(mode="ChargeBattery", mode_power_w=3000))
    now = card(page, "Now")
    await expect(now.locator(".headline")).to_have_text(
        "Charging the battery with 3.0 kW until 16:30"
    )
    await expect(now.locator("li .under")).to_have_text(re.compile("^(1 h 59 min|2 h) left, from"))
    await expect(now).to_contain_text("The inverter reports Charge battery, 3.0 kW.")
    stand_in.answers["control/delete"] = (200, "Ended.")
    await now.get_by_role("button", name="End now: Charging").click()
    await expect(now.get_by_role("status")).to_have_text("Ended: Charging the battery with 3.0 kW.")
    assert stand_in.posts == [("control/delete", {"serial": SERIAL, "key": "charge-14"})]
    stand_in.publish(without_own(status()))
    await expect(now.locator(".headline")).to_have_text(
        "Nothing runs. The inverter decides by itself (auto)."
    )


async def test_what_may_have_been_made_is_ended_only_when_it_is_known(
    viewer: Viewer, stand_in: StandIn
) -> None:
    made = status()
    entries(made)[0] |= {"key": "", "can_delete": False}
    page = await viewer.open("control", status=made)
    button = page.get_by_role("button", name="End now: Charging")
    await expect(button).to_be_disabled()
    unsure = card(page, "Now").get_by_text("not confirmed by Redback's cloud yet")
    await expect(unsure).to_have_count(1)
    stand_in.publish(status())
    await expect(button).to_be_enabled()
    await expect(unsure).to_have_count(0)


async def test_charging_is_started_at_once_with_what_it_will_do(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("control", status=without_own(status(soc=40.0)))
    form = card(page, "Start")
    power = form.get_by_role("slider", name="Power")
    await expect(power).to_have_attribute("max", "10000")
    await power.focus()
    await page.keyboard.press("Home")
    for _ in range(24):
        await page.keyboard.press("ArrowRight")
    await expect(power).to_have_attribute("aria-valuetext", "2.5\u00a0kW")
    await form.get_by_label("How long").select_option("2 h")
    await expect(form.locator(".forecast")).to_have_text(
        re.compile(r"Charges the battery with 2.5\skW until 16:3\d: about 5.0\skWh, up to 78%\.$")
    )
    await keep_picture(page, "control-start-1280")
    await form.get_by_role("button", name="Start").click()
    result = card(page, "Now").get_by_role("status")
    await expect(result).to_have_text(
        re.compile(r"^Charging the battery with 2.5\skW until 16:3\d\.$")
    )
    sent = {"action": "charge", "power": 2500, "minutes": 120, "inverter": SERIAL}
    assert stand_in.posts == [("control", sent)]


@pytest.mark.parametrize(
    ("changes", "action", "says"),
    [
        ({"soc": 40.0}, "Charge battery", r"about 7.9\skWh, full at about 15:1\d\."),
        ({"soc": 100.0}, "Charge battery", r"it is full already\."),
        ({"soc": None}, "Charge battery", r"about 20.0\skWh at most\."),
        ({"soc": 84.0}, "Discharge battery", r"8.4\skWh, at its reserve of 20% at about 15:2"),
        ({"soc": 20.0}, "Discharge battery", r"it is at its reserve of 20% already\."),
        ({"soc": 84.0, "min_soc": None}, "Discharge battery", r"11.1\skWh, empty at about 15:3"),
        ({"soc": 50.0}, "Import power", r"about 20.0\skWh. The battery takes the power that"),
        ({"soc": 84.0}, "Export power", r"about 20.0\skWh\..* without sun about 8.4\skWh,"),
        ({}, "Conserve", "Keeps the battery's charge until 16:3"),
        ({}, "Limit export", r"Lets nothing out to the grid until 16:3\d, for the whole site\."),
    ],
)
async def test_each_action_says_what_it_will_do(
    viewer: Viewer, changes: Json, action: str, says: str
) -> None:
    made = without_own(status(**changes))
    made["control"]["inverters"][0]["entries"] = []
    page = await viewer.open("control", status=made)
    form = card(page, "Start")
    await form.get_by_role("button", name=action, exact=True).click()
    await form.get_by_label("How long").select_option("2 h")
    await expect(form.locator(".forecast")).to_have_text(re.compile(says))


@pytest.mark.parametrize("action", ["Discharge battery", "Export power"])
async def test_what_empties_the_battery_is_asked_about_first(
    viewer: Viewer, stand_in: StandIn, action: str
) -> None:
    page = await viewer.open("control", status=without_own(status()), size=PHONE)
    form = card(page, "Start")
    await form.get_by_role("button", name=action, exact=True).click()
    await form.get_by_role("button", name="Start").click()
    dialog = page.get_by_role("dialog", name=f"{action}?")
    await expect(dialog).to_contain_text(re.compile(r"until 15:3.*: about .*\skWh"))
    await keep_picture(page, f"control-question-{action.split(maxsplit=1)[0]}-360", whole=False)
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert stand_in.posts == []
    await form.get_by_role("button", name="Start").click()
    await dialog.get_by_role("button", name=action, exact=True).click()
    await expect(card(page, "Now").get_by_role("status")).to_have_class("result good")
    ((path, sent),) = stand_in.posts
    assert (path, cast("Json", sent)["minutes"]) == ("control", 60)


async def test_the_export_is_limited_until_a_time_without_a_question(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("control")
    form = card(page, "Start")
    await form.get_by_role("button", name="Limit export").click()
    await form.get_by_role("button", name="Until").click()
    start = form.get_by_role("button", name="Start")
    await expect(form.locator(".forecast")).to_have_text("Enter the time.")
    await expect(start).to_be_disabled()
    await form.get_by_label("Until when").fill("06:30")
    await expect(form.locator(".forecast")).to_contain_text("until Wed, 25 Nov, 06:30")
    await start.click()
    await expect(card(page, "Now").get_by_role("status")).to_have_text(
        "No export until Wed, 25 Nov, 06:30."
    )
    until = "2026-11-24T20:30:00.000Z"
    sent = {"action": "limit_export", "power": 0, "until": until, "inverter": SERIAL}
    assert stand_in.posts == [("control", sent)]


async def test_a_time_after_the_clocks_are_set_is_that_of_the_clock(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.zone = ZoneInfo("Australia/Sydney")
    made = without_own(status()) | {"at": "2026-10-03T12:00:00Z"}  # clocks go forward at 2:00
    page = await viewer.open("control", status=made, zone="Australia/Sydney")
    form = card(page, "Start")
    await form.get_by_role("button", name="Until").click()
    await form.get_by_label("Until when").fill("06:00")
    await form.get_by_role("button", name="Start").click()
    await expect(card(page, "Now").get_by_role("status")).to_contain_text("06:00.")
    ((_, sent),) = stand_in.posts
    assert cast("Json", sent)["until"] == "2026-10-03T19:00:00.000Z"


async def test_something_is_planned_for_the_night(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("control")
    form = card(page, "Start")
    await form.get_by_role("button", name="At", exact=True).click()
    await expect(form.locator(".forecast")).to_have_text("Enter the time.")
    await form.get_by_label("From when").fill("23:30")
    await form.get_by_role("button", name="Until").click()
    await form.get_by_label("Until when").fill("01:00")
    await expect(form.locator(".forecast")).to_have_text(
        "Charges the battery with 10.0 kW from 23:30 until Wed, 25 Nov, 01:00: "
        "about 15.0 kWh at most."
    )
    await keep_picture(page, "control-planned-1280")
    await form.get_by_role("button", name="Start").click()
    await expect(card(page, "Now").get_by_role("status")).to_have_text(
        "Scheduled: Charging the battery with 10.0 kW from 23:30 until Wed, 25 Nov, 01:00."
    )
    times = {"start": "2026-11-24T13:30:00.000Z", "until": "2026-11-24T15:00:00.000Z"}
    sent = {"action": "charge", "power": 10_000, "inverter": SERIAL} | times
    assert stand_in.posts == [("control", sent)]


async def test_what_else_there_is_at_that_time_is_said(viewer: Viewer) -> None:
    page = await viewer.open("control")
    form = card(page, "Start")
    await expect(form.locator(".forecast")).to_contain_text(
        "It replaces charging the battery with 3.0 kW."
    )
    await form.get_by_label("How long").select_option("1 day")
    await expect(form.locator(".forecast")).to_contain_text(
        "It replaces charging the battery with 3.0 kW and discharging the battery with 4.0 kW. "
        "Somebody else has a schedule at that time; Redback does not say which of the two counts."
    )


async def test_a_refusal_is_its_sentence_and_the_form_stays(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.answers["control"] = (400, "Refused: 12,000 W is more than the battery's 5,000 W.")
    page = await viewer.open("control", size=PHONE)
    start = card(page, "Start").get_by_role("button", name="Start")
    await start.click()
    result = card(page, "Now").get_by_role("status")
    await expect(result).to_have_text("Refused: 12,000 W is more than the battery's 5,000 W.")
    await expect(result).to_have_class("result bad")
    await expect(result).to_be_in_viewport()
    await expect(start).to_be_enabled()
    await keep_picture(page, "control-refused-360")
    viewer.complaints.clear()  # of the browser, about the answer 400


async def test_while_the_cloud_is_asked_nothing_is_sent_twice(viewer: Viewer) -> None:
    page = await viewer.open("control")
    asked: list[str] = []
    await page.route("**/do/control", lambda route: asked.append(route.request.url))
    start = card(page, "Start").get_by_role("button", name="Start")
    await start.click()
    await expect(card(page, "Now").get_by_role("status")).to_have_text(
        "Sending it to Redback's cloud …"
    )
    await expect(start).to_be_disabled()
    await page.get_by_role("button", name="End now: Charging").click()
    assert len(asked) == 1


async def test_two_days_show_everything_by_whomever(viewer: Viewer) -> None:
    page = await viewer.open("control")
    days = card(page, "Today and tomorrow")
    await expect(days.locator("h4")).to_have_text(["Today, Tue 24 Nov", "Tomorrow, Wed 25 Nov"])
    await expect(days.locator("li")).to_have_text(
        [
            "Charging the battery with 3.0 kWUntil 16:30, from the panel",
            "Discharging the battery with 4.0 kW17:30 to 20:00, from an automationDelete",
            "Charging the battery with 2.0 kW01:00 to 03:00, repeats daily, made by somebody else",
            re.compile("^Keeping the .*06:00 to 08:00, made by somebody else: “Peak saver”Del"),
            "Export at most 1.5 kW10:00 to 14:00, set by the energy network",
        ]
    )
    bars = page.locator("#control .track").nth(1).locator(".bar")
    await expect(bars).to_have_count(3)
    await expect(bars.nth(1)).to_have_attribute("x", "25%")
    await expect(bars.nth(1)).to_have_attribute("width", re.compile(r"^8\.3"))


async def test_what_somebody_else_made_is_deleted_after_a_question(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("control")
    delete = page.get_by_role("button", name="Delete: Keeping the battery's charge")
    await delete.click()
    dialog = page.get_by_role("dialog", name="Delete this? Keeping the battery's charge")
    await expect(dialog).to_contain_text("Somebody else made it.")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert stand_in.posts == []
    await delete.click()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(card(page, "Now").get_by_role("status")).to_have_text("Deleted.")
    assert stand_in.posts == [("control/delete", {"serial": SERIAL, "key": "peak-saver"})]


async def test_what_became_of_commands_comes_by_itself(viewer: Viewer, stand_in: StandIn) -> None:
    made = status(record=[])
    page = await viewer.open("control", status=made)
    last = card(page, "Last commands")
    await expect(last).to_contain_text("No command yet.")
    stand_in.publish(status())
    await expect(last.locator("li")).to_have_text(
        [
            "Discharge battery, 4.0 kW, until 20:00scheduled14:15 · Automation",
            "Charge battery, 3.0 kW, until 16:30started14:00 · Panel",
            re.compile(r"refusedRefused: 12,000 W is more than .* 5,000 W\.13:30 · Automation$"),
        ]
    )


async def test_switched_off_it_says_how_to_switch_it_on(viewer: Viewer) -> None:
    page = await viewer.open("control", status=examples.status(control=None), size=PHONE)
    await expect(page.locator("#control")).to_contain_text("switch on the option Controls")
    link = page.locator("#control").get_by_role("link", name="Open options")
    await expect(link).to_have_attribute("href", examples.OPTIONS_URL)
    await expect(page.locator("#control button")).to_have_count(0)
    await keep_picture(page, "control-off-360")


async def test_it_is_in_the_first_row_only_while_it_is_on(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("control", status=examples.status(control=None), size=(320, 568))
    first, more = page.locator("nav > ul > li > a"), page.locator("#more li")
    others = ["Health", "Sites", "Entities", "Diagnostics"]
    await expect(first).to_have_text(["Now", "Energy", "History", "Set up"])
    await expect(more).to_have_text(["Control", *others])
    await expect(page.locator("#more")).to_have_class("current")
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    stand_in.publish(examples.status())
    await expect(first).to_have_text(["Now", "Energy", "Control", "History"])
    await expect(more).to_have_text(["Set up", *others])
    await expect(page.locator("#more")).not_to_have_class("current")
    stand_in.publish(examples.status(control=None))
    await expect(first).to_have_text(["Now", "Energy", "History", "Set up"])
    await expect(more).to_have_text(["Control", *others])


async def test_of_several_inverters_one_is_chosen_and_shows_what_it_can(
    viewer: Viewer, stand_in: StandIn
) -> None:
    both = examples.status(examples.inverter(), examples.granny_flat())
    page = await viewer.open("control", status=both)
    await expect(page.locator("#control .modes button")).to_have_count(6)
    await page.locator("#control").get_by_label("Inverter").select_option("Granny flat")
    await expect(page.locator("#control .modes button")).to_have_text(["Limit export"])
    await expect(card(page, "Start").locator(".under").first).to_have_text(
        "This inverter has no schedules (SI series)."
    )
    await expect(card(page, "Now")).to_contain_text("Nothing runs.")
    await keep_picture(page, "control-si-1280")
    await card(page, "Start").get_by_role("button", name="Start").click()
    await expect(card(page, "Now").get_by_role("status")).to_have_class("result good")
    ((_, sent),) = stand_in.posts
    assert cast("Json", sent)["inverter"] == examples.granny_flat()["serial"]


async def test_without_a_battery_it_says_so(viewer: Viewer) -> None:
    made = without_own(status(has_battery=False, soc=None))
    of_grid = [
        one
        for one in made["control"]["inverters"][0]["abilities"]
        if one["action"] in {"import", "export", "limit_export"}
    ]
    made["control"]["inverters"][0] |= {
        "abilities": of_grid,
        "why_not": "This inverter has no battery.",
    }
    page = await viewer.open("control", status=made)
    await expect(card(page, "Start").locator(".under").first).to_have_text(
        "This inverter has no battery."
    )
    await page.get_by_role("button", name="Export power").click()
    await expect(page.locator(".forecast")).to_contain_text("as far as the sun gives it.")


@pytest.mark.parametrize("kind", ["cloud_away", "offline"])
async def test_where_nothing_can_be_started_it_says_why(viewer: Viewer, kind: str) -> None:
    page = await viewer.open("control", status=examples.status_of(kind))
    form = card(page, "Start")
    await expect(form.locator(".forecast")).to_have_text(
        "There is no reading of the last 10 minutes from House: nothing can be started now. "
        "Anything running now ends by itself."
    )
    says = "There is no connection to Redback's cloud: what is shown may be out of date."
    away = card(page, "Now").get_by_text(says)
    await expect(away).to_have_count(1 if kind == "cloud_away" else 0)
    await expect(form.get_by_role("button", name="Start")).to_be_disabled()
    await expect(page.get_by_role("button", name="End now: Charging")).to_be_enabled()
    await keep_picture(page, f"control-{kind}-1280")


async def test_what_is_entered_stays_while_the_status_changes(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("control")
    form = card(page, "Start")
    await form.get_by_role("button", name="Discharge battery").click()
    await form.get_by_label("How long").select_option("4 h")
    await page.get_by_role("button", name="Delete: Discharging").focus()
    stand_in.publish(status(soc=50.0, record=[]))
    await expect(card(page, "Last commands")).to_contain_text("No command yet.")
    discharge = form.get_by_role("button", name="Discharge battery")
    await expect(discharge).to_have_attribute("aria-pressed", "true")
    await expect(form.locator(".forecast")).to_contain_text("until 18:3")
    await expect(page.get_by_role("button", name="Delete: Discharging")).to_be_focused()


async def test_one_line_alone_is_announced(viewer: Viewer) -> None:
    page = await viewer.open("control")
    assert await page.locator("#control :is([role=status], [aria-live], output)").count() == 1
