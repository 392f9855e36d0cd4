"""The Energy dashboard, set up from the page, and what Home Assistant's own page then shows.

A new Core gets two days of the past in a world whose clock runs faster; then a person sets up the
Energy dashboard, and looks at the last whole day.
"""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

import fast_world
from browser.viewer import CORE_TIMEOUT_MS, Visit, core_page, keep_picture
from house import until
from panel.visitor import Visitor, visitor
from standin.real_core import RealCore, find_hass

pytestmark = [
    pytest.mark.browser,
    pytest.mark.chaos,
    pytest.mark.core,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]

# How long ago the past is made, so that it stays the past.
_AGO = timedelta(hours=4)
_NAMES = ("House", "Shed")


@pytest.fixture(scope="module")
def folder() -> Path:
    """Make a folder that stays where the test fails, for its logs."""
    return fast_world.new_folder("energy")


@pytest.fixture(scope="module")
def past(folder: Path) -> dict[str, Any]:
    beginning = f"{datetime.now(UTC) - _AGO:%Y-%m-%d %H:%M:%S}"
    program = ("browser.past", f"--folder={folder}")
    return fast_world.run(*program, folder=folder, beginning=beginning, seconds=400)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def core(folder: Path, past: dict[str, Any]) -> AsyncIterator[RealCore]:
    assert past
    async with RealCore(find_hass(), folder / "core", frontend=True) as core:
        yield core


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person(core: RealCore) -> AsyncIterator[Visitor]:
    async with visitor("st", "si", core=core.address) as person:
        named = zip(person.home.inverters, _NAMES, strict=True)
        person.home.service.options(sites=[{"id": one, "name": name} for one, name in named])
        await person.home.service.start()
        await until(person.answers)
        await person.all_well(seconds=90)
        yield person


async def test_core_shows_the_days_that_were_fetched_as_the_inverters_lived_them(
    browser: Browser, person: Visitor, core: RealCore, past: dict[str, Any], folder: Path
) -> None:
    visit = Visit(browser, f"{person.home.panel_url}/", await core.owner())
    page = await visit.open("setup")
    # A counter may wait for a second reading; the section shows it by itself.
    await expect(page.locator("#setup")).to_contain_text("Solar, Shed", timeout=CORE_TIMEOUT_MS * 3)
    await page.get_by_role("button", name="Add to the Energy dashboard").click()
    await keep_picture(page, "energy-question", whole=False)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Add to the Energy dashboard").click()
    await expect(page.locator("#setup")).to_contain_text(
        "Grid, solar and battery of House and grid and solar of Shed are now in the Energy"
    )
    await keep_picture(page, "energy-added", whole=False)
    assert visit.complaints == []
    found = await core.command({"type": "energy/validate"})
    assert [issue for source in found["energy_sources"] for issue in source] == []

    energy = await core_page(browser, core, "/energy")
    await energy.get_by_label("Previous").first.wait_for()
    today, day = datetime.now(UTC).date(), date.fromisoformat(past["day"])
    for _ in range((today - day).days):
        await energy.get_by_label("Previous").first.click()
    # The month is abbreviated or not, which is the matter of Core's page alone.
    written = re.compile(rf"\b{day:%b}[a-z]* {day.day}\b")
    await expect(energy.get_by_text(written).first).to_be_visible()
    solar = _together(past, "solar_generation_total")
    battery = _together(past, "battery_discharge_total") - _together(past, "battery_charge_total")
    grid = _together(past, "grid_import_total") - _together(past, "grid_export_total")
    wanted = pytest.approx([solar, battery, grid], abs=0.02)
    shown: list[float] = []

    async def is_shown() -> bool:
        shown[:] = [await _total(energy, f"{name} total") for name in ("Solar", "Battery", "Grid")]
        return shown == wanted

    with suppress(TimeoutError):  # and reported below
        await until(is_shown)
    assert shown == wanted
    await energy.mouse.move(0, 0)
    await keep_picture(energy, "core-energy", whole=False)
    await energy.context.close()
    shutil.rmtree(folder, ignore_errors=True)


def _together(past: dict[str, Any], sensor: str) -> float:
    energies: dict[str, float] = past["energies"]
    return sum(kwh for entity, kwh in energies.items() if entity.endswith(sensor))


async def _total(page: Page, name: str) -> float:
    """Read a row of the table of totals, kWh."""
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
    text = await row.get_by_role("cell").last.inner_text()
    return float(text.replace("\u2212", "-").removesuffix("kWh").strip())
