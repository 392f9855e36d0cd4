"""The page in front of the real service: what a person sees is what the inverters do."""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from browser.viewer import PHONE, Visit, flows, keep_picture, parts, visiting
from house import until
from panel.visitor import Visitor, running, visitor
from simulator import Fault, Kind

pytestmark = [
    pytest.mark.browser,
    pytest.mark.process,
    pytest.mark.asyncio(loop_scope="session"),
]

_ROUNDED_KW = 0.051
_STRANGE = '<script>alert(1)</script> & "Sons" <img src=x onerror=alert(2)>'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person() -> AsyncIterator[Visitor]:
    async with running("two-sites", options={"history_days": 2}) as person:
        await person.all_well()
        yield person


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, person: Visitor) -> AsyncIterator[Visit]:
    async with visiting(browser, person.home.panel_url) as visit:
        yield visit


async def _numbers(page: Page, serial: str) -> dict[str, float]:
    """Return the number of each part in an inverter's picture, kW."""
    numbers = {}
    for part, text in (await parts(page, serial)).items():
        number, unit = text.replace("\u2212", "-").split()[-2:]  # a level first
        numbers[part] = float(number) / {"kW": 1, "W": 1000}[unit]
    return numbers


async def test_the_numbers_and_flows_are_those_of_the_inverters(
    person: Visitor, visit: Visit
) -> None:
    page = await visit.open()
    for serial in person.home.inverters:
        while True:  # until no reading has come between the looks
            before = await _shown_at(page, serial)
            numbers = await _numbers(page, serial)
            shown = await flows(page, f"[data-serial={serial}]")
            if await _shown_at(page, serial) == before:
                break
        truth = person.home.simulator.truth(serial, datetime.fromisoformat(before).timestamp())
        assert truth is not None
        grid = sum(
            phase["ActiveImportedPowerInstantaneouskW"]
            - phase["ActiveExportedPowerInstantaneouskW"]
            for phase in truth["Phases"]
        )
        solar, battery = truth["PvPowerInstantaneouskW"], truth["BatteryPowerNegativeIsChargingkW"]
        assert numbers["solar"] == pytest.approx(solar, abs=_ROUNDED_KW)
        assert abs(numbers["grid"]) == pytest.approx(abs(grid), abs=_ROUNDED_KW)
        assert abs(numbers["battery"]) == pytest.approx(abs(battery), abs=_ROUNDED_KW)
        assert numbers["house"] == pytest.approx(solar + battery + grid, abs=0.2)
        for part, power in (("grid", grid), ("battery", battery)):
            out = sum(kw for name, kw in shown.items() if name.startswith(f"{part}-"))
            into = sum(kw for name, kw in shown.items() if name.endswith(f"-{part}"))
            assert out - into == pytest.approx(power, abs=0.1), part
    await keep_picture(page, "whole-now")


async def _shown_at(page: Page, serial: str) -> str:
    """Return of when the reading is that the page shows."""
    at = await page.locator(f"[data-serial={serial}] .age").get_attribute("data-time")
    assert at is not None
    return at


async def _read_at(person: Visitor, serial: str) -> str:
    inverters = (await person.data("status"))["inverters"]
    (read_at,) = (one["read_at"] for one in inverters if one["serial"] == serial)
    return str(read_at)


async def test_the_next_reading_comes_by_itself(person: Visitor, visit: Visit) -> None:
    page = await visit.open()
    serial = person.home.inverters[0]
    before = await _read_at(person, serial)
    await page.evaluate("window.isTheSame = true")

    async def is_another() -> bool:
        return await _read_at(person, serial) != before

    await until(is_another, 90)
    age = page.locator(f"[data-serial={serial}] .age")
    await expect(age).to_have_attribute("data-time", await _read_at(person, serial))
    assert await page.evaluate("window.isTheSame") is True


async def test_every_section_shows_something_of_a_service_that_has_just_begun(
    visit: Visit,
) -> None:
    sections = {
        "day": "#day .chart, #day .content p",
        "control": "#control .content p",
        "history": "[data-date]",
        "health": "#health .content *",
        "sites": "#sites button",
        "entities": "#entities tbody tr, #entities li",
        "setup": "#setup button, #setup .content p",
        "diagnostics": "#diagnostics a",
    }
    for section, shown in sections.items():
        for size in ((1280, 900), PHONE):
            page = await visit.open(section, size=size)
            await page.wait_for_selector(shown, state="attached")
            await expect(page.locator(f"#{section}").get_by_text("Loading …")).to_have_count(0)
            await keep_picture(page, f"whole-{section}-{size[0]}")
            await page.context.close()


async def test_everything_that_the_account_can_see_is_named(person: Visitor, visit: Visit) -> None:
    page = await visit.open("sites")
    await expect(page.locator("#sites")).to_contain_text(person.home.inverters[0])
    await expect(page.locator("#sites")).to_contain_text("in use")


async def test_the_history_waits_when_somebody_says_so(person: Visitor, visit: Visit) -> None:
    page = await visit.open("history")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert (await person.data("status"))["history"]["is_paused"]
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()


async def test_the_diagnostics_file_can_be_had(
    person: Visitor, visit: Visit, tmp_path: Path
) -> None:
    page = await visit.open("diagnostics")
    async with page.expect_download() as waiting:
        await page.locator("#diagnostics a[download], #diagnostics a[href*=diagnostics]").click()
    download = await waiting.value
    await download.save_as(tmp_path / "file.json")
    text = (tmp_path / "file.json").read_text()
    assert json.loads(text)["status"]["version"]
    assert person.home.inverters[0] not in text


async def test_a_strange_name_is_a_name(browser: Browser) -> None:
    async with visitor() as person:
        serial = person.home.inverters[0]
        person.home.service.options(sites=[{"id": serial, "name": _STRANGE}])
        await person.home.service.start()
        await until(person.answers)
        await person.all_well()
        async with visiting(browser, person.home.panel_url) as visit:
            page = await visit.open()
            await expect(page.locator("#now")).to_contain_text(_STRANGE)
            for section in ("history", "health", "sites", "entities", "setup"):
                await page.evaluate("name => { location.hash = name; }", section)
                await expect(page.locator(f"#{section}")).to_contain_text("script")
            assert await page.locator("main script, main img").count() == 0


_FAULTS = {
    "credentials": Fault(kind=Kind.WRONG_SECRET),
    "cloud_away": Fault(kind=Kind.STATUS, status=503),
}


@pytest.mark.parametrize("kind", ["credentials", "no_inverter", "unknown_site", "cloud_away"])
async def test_what_is_wrong_is_the_first_that_a_person_sees(kind: str, browser: Browser) -> None:
    async with visitor("fleet" if kind == "no_inverter" else "st") as person:
        if kind in _FAULTS:
            person.home.simulator.faults.add(_FAULTS[kind])
        if kind == "unknown_site":
            person.home.service.options(sites=[{"id": "S0000000000", "name": "Beach"}])
        await person.home.service.start()
        await until(person.answers)
        shown = await person.first_notice(kind)
        async with visiting(browser, person.home.panel_url) as visit:
            page = await visit.open(size=PHONE)
            notice = page.locator("#notices > *").first
            await expect(notice).to_contain_text(shown["title"])
            await expect(notice).to_contain_text(shown["text"][:40])
            if shown["to_options"]:
                link = notice.get_by_role("link", name="Open options")
                await expect(link).to_have_attribute("href", re.compile("/config$"))
                await expect(link).to_have_attribute("target", "_top")
            await keep_picture(page, f"whole-{kind}-360")


async def test_the_page_comes_back_after_a_restart_of_the_service(browser: Browser) -> None:
    async with running() as person:
        await person.all_well()
        async with visiting(browser, person.home.panel_url) as visit:
            page = await visit.open()
            await person.home.service.stop()
            await expect(page.locator("#connection")).not_to_be_empty()
            await person.home.service.start()
            await page.wait_for_selector("body[data-connected=true]", timeout=40_000)
            await expect(page.locator("#now")).to_contain_text("Redback")
            visit.complaints.clear()  # those of a connection that was refused
