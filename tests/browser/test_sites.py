"""That Sites shows what the account can see, with what to copy, and forgets what is gone."""

from collections.abc import Iterable
from typing import cast

import pytest
from playwright.async_api import Locator, expect

from browser import examples
from browser.stand_in import StandIn
from browser.viewer import Viewer, keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SERIAL = "RB21120912345678"


def _empty(*, is_listed: bool = True) -> examples.Json:
    """Make what there is of an account without inverters."""
    account = {"name": "", "is_listed": is_listed, "sites": []}
    return {"accounts": [account], "gone": [], "missing": []}


async def test_sites_does_not_say_what_is_not_known(viewer: Viewer, stand_in: StandIn) -> None:
    stand_in.data["sites"] = _empty(is_listed=False)
    starting = examples.status_of("starting")
    page = await viewer.open("sites", status=starting)
    await expect(page.locator("#sites .empty")).to_have_text(
        "The cloud has not listed your inverters yet."
    )
    stand_in.data["sites"] = _empty()
    stand_in.publish(examples.status_of("no_inverter"))
    await expect(page.locator("#sites .empty")).to_have_text("Your account has no inverters.")


async def test_entries_of_the_option_that_match_nothing_are_named(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.data["sites"] = _empty() | {"missing": ["S9", "RB9"]}
    page = await viewer.open("sites")
    await expect(page.locator("#sites [data-missing]")).to_have_text(
        "In the option Sites, but not in your account: S9, RB9."
    )


async def test_each_account_has_its_sites(viewer: Viewer, stand_in: StandIn) -> None:
    status, sites = examples.two_accounts()
    empty = {"name": "Account 3", "is_listed": True, "sites": []}
    stand_in.data["sites"] = sites | {
        "accounts": [*cast("Iterable[object]", sites["accounts"]), empty],
        "missing": ["S9"],
    }
    page = await viewer.open("sites", status=status)
    headings = page.locator("#sites h3")
    await expect(headings).to_have_text(
        ["Account 1", "Site S2112091234567", "Account Farm", "Site S2203110987654", "Account 3"]
    )
    shown = page.locator("#sites")
    await expect(shown).to_contain_text("Account 3 has no inverters of its own.")
    await expect(shown).to_contain_text("In the option Sites, but in none of your accounts: S9.")
    await keep_picture(page, "sites-accounts-light-1280")


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
    await expect(unused).to_contain_text("With these lines it will be called Redback 6543.")


async def test_an_inverter_that_is_gone_can_be_forgotten(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("sites")
    gone = page.locator("#sites [data-gone=RB19010112345678]")
    await expect(gone).to_contain_text("Shed (RB19010112345678) has not been in your account since")
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
