"""That Energy shows any day, week, month and year: as bars, figures and a table."""

import asyncio
import gzip
import re
import time
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest
from playwright.async_api import Locator, Page, Route, expect

from browser import answers, examples
from browser.stand_in import StandIn
from browser.viewer import DESKTOP, PHONE, Theme, Viewer, keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL_PHONE = (320, 568)
_MOST_BYTES = 300_000


async def _drawn(page: Page) -> Locator:
    """Wait until the bars are drawn, and return their chart."""
    await page.wait_for_selector(".energies .chart canvas")
    return page.get_by_role("slider", name="Energy; use")


async def _turn_to(page: Page, length: str) -> None:
    async with page.expect_response(re.compile("data/period")):
        await page.get_by_role("button", name=length, exact=True).click()


def _title(page: Page) -> Locator:
    return page.locator("#day h3").first


async def _asked(stand_in: StandIn) -> dict[str, str]:
    return [query for path, query in stand_in.queries if path == "period"][-1]


@pytest.mark.parametrize(
    ("length", "title", "bars"),
    [
        ("Day", "Tue 24 Nov 2026", 15),
        ("Week", "23 Nov to 29 Nov 2026", 2),
        ("Month", "November 2026", 24),
        ("Year", "2026", 11),
        ("All", "2024 to 2026", 3),
    ],
)
@pytest.mark.parametrize("size", [SMALL_PHONE, DESKTOP])
async def test_each_span_has_its_bars_its_figures_and_its_table(
    viewer: Viewer,
    stand_in: StandIn,
    length: str,
    title: str,
    bars: int,
    size: tuple[int, int],
) -> None:
    theme: Theme = "light" if size == SMALL_PHONE else "dark"
    query = {"period": length.lower()}
    page = await viewer.open("day", size=size, theme=theme)
    await _drawn(page)
    if length != "Day":
        await _turn_to(page, length)
    await expect(_title(page)).to_have_text(title)
    assert await _asked(stand_in) == query
    made = answers.period(query)
    await page.locator(".energies").get_by_text("Show as table").click()
    rows = page.locator(".energies tbody tr")
    await expect(rows).to_have_count(bars)
    shown = page.locator("#day [data-energy=solar_kwh] b")
    figures = made["figures"]
    assert isinstance(figures, dict)
    kwh = figures["solar_kwh"]
    await expect(shown).to_have_text(f"{kwh:,.2f}" if kwh < 1000 else f"{kwh:,.1f}")
    await expect(page.locator(".energies .pointed")).to_have_text("Together")
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    await keep_picture(page, f"energy-{length.lower()}-{theme}-{size[0]}")


async def test_one_goes_back_and_forward_and_to_any_date(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    forward = page.get_by_role("button", name="Next day")
    await expect(forward).to_be_disabled()
    await page.get_by_role("button", name="Previous day").click()
    await expect(_title(page)).to_have_text("Mon 23 Nov 2026")
    await forward.click()
    await expect(_title(page)).to_have_text("Tue 24 Nov 2026")
    await expect(forward).to_be_disabled()
    assert await _asked(stand_in) == {"period": "day"}, "today, whichever day that is by then"
    await page.get_by_label("Date").fill("2025-03-31")
    await expect(_title(page)).to_have_text("Mon 31 Mar 2025")
    await _turn_to(page, "Month")
    await expect(_title(page)).to_have_text("March 2025")
    await page.get_by_role("button", name="Previous month").click()
    await expect(_title(page)).to_have_text("February 2025")
    assert await _asked(stand_in) == {"period": "month", "date": "2025-02-01"}
    await _turn_to(page, "Year")
    await expect(_title(page)).to_have_text("2025")
    back = page.get_by_role("button", name="Previous year")
    await back.click()
    await expect(_title(page)).to_have_text("2024")
    await expect(back).to_be_disabled()  # nothing is known of before
    await page.get_by_role("button", name="Today").click()
    await expect(_title(page)).to_have_text("2026")
    await _turn_to(page, "All")
    for name in ("Previous all", "Next all"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    await expect(page.get_by_label("Date")).to_be_hidden()


async def test_fast_presses_are_all_counted(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    answered = asyncio.Event()

    async def later(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.route("**/data/period*", later)
    back = page.get_by_role("button", name="Previous day")
    for _ in range(3):
        await back.click()
    await page.get_by_role("button", name="Next day").click()
    answered.set()
    await expect(_title(page)).to_have_text("Sun 22 Nov 2026")
    assert await _asked(stand_in) == {"period": "day", "date": "2026-11-22"}
    answered.clear()
    await back.click()
    await page.get_by_role("button", name="Today").click()
    await back.click()
    answered.set()
    await expect(_title(page)).to_have_text("Mon 23 Nov 2026")
    answered.clear()
    await back.click()
    await page.get_by_role("button", name="Month", exact=True).click()
    await page.get_by_role("button", name="Previous month").click()
    answered.set()
    await expect(_title(page)).to_have_text("October 2026")
    await page.unroute("**/data/period*")


async def _at_a_clock(viewer: Viewer) -> Page:
    """Open Energy in a page whose time passes only when a test lets it."""
    page = await viewer.open()
    await page.clock.install()
    await page.get_by_role("navigation").get_by_role("link", name="Energy").click()
    await page.clock.run_for(100)
    await expect(_title(page)).to_have_text("Tue 24 Nov 2026")
    return page


async def _minute(page: Page) -> None:
    await page.clock.run_for(61_000)


async def test_a_span_is_asked_for_again_until_it_is_over_and_whole(
    viewer: Viewer, stand_in: StandIn
) -> None:
    def asked() -> int:
        return sum(path == "period" for path, _ in stand_in.queries)

    page = await _at_a_clock(viewer)
    await page.get_by_label("Date").fill("2026-11-20")
    await expect(_title(page)).to_have_text("Fri 20 Nov 2026")
    for length, title, is_asked in (
        ("Month", "November 2026", True),
        ("Week", "16 Nov to 22 Nov 2026", False),
    ):
        await _turn_to(page, length)
        await expect(_title(page)).to_have_text(title)
        before = asked()
        if is_asked:
            async with page.expect_response(re.compile("data/period")):
                await _minute(page)
        else:
            await _minute(page)
        assert asked() - before == int(is_asked)
    await page.get_by_label("Date").fill("2026-11-12")  # hours of it may still be filled
    await expect(_title(page)).to_have_text("9 Nov to 15 Nov 2026")
    async with page.expect_response(re.compile("data/period")):
        await _minute(page)


async def test_of_the_present_span_there_is_no_next_one(viewer: Viewer) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    await page.get_by_label("Date").fill("2026-11-03")
    await _turn_to(page, "Month")
    await expect(_title(page)).to_have_text("November 2026")
    await expect(page.get_by_role("button", name="Next month")).to_be_disabled()
    await expect(page.get_by_role("button", name="Today")).to_be_hidden()
    await _turn_to(page, "Day")
    await expect(_title(page)).to_have_text("Tue 3 Nov 2026")
    await expect(page.get_by_role("button", name="Next day")).to_be_enabled()


async def test_a_date_that_is_being_typed_is_waited_for(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    field = page.get_by_label("Date")
    await field.focus()
    await page.keyboard.type("05052025")
    await expect(_title(page)).to_have_text("Mon 5 May 2025")
    asked = [query.get("date") for path, query in stand_in.queries if path == "period"]
    assert not [date for date in asked if date and not "2000" < date < "2026-11-24"]
    await field.fill("1999-12-31")
    await page.get_by_role("button", name="Previous day").focus()
    await expect(field).to_have_value("2025-05-05")
    await expect(_title(page)).to_have_text("Mon 5 May 2025")


async def test_a_refresh_leaves_the_focus_where_it_is(viewer: Viewer) -> None:
    page = await _at_a_clock(viewer)
    await _turn_to(page, "Month")
    await page.clock.run_for(100)
    section = page.locator("#day")
    await section.get_by_text("Show as table").first.click()
    table = page.locator(".energies .scroll")
    await page.set_viewport_size({"width": 360, "height": 740})
    await table.evaluate("one => { one.scrollLeft = 40; }")
    for where in (
        page.locator(".energies .series").nth(1),
        page.locator(".energies .chart"),
        section.get_by_role("button", name="Sun 1 Nov"),
        section.locator("[data-energy=solar_kwh]").get_by_role("link"),
        section.get_by_role("link", name="See History").first,
        section.get_by_role("link", name="CSV by day"),
        section.get_by_text("Show as table").first,
    ):
        await where.focus()
        async with page.expect_response(re.compile("data/period")):
            await _minute(page)
        await page.clock.run_for(100)
        await expect(where).to_be_focused()
    assert await table.evaluate("one => one.scrollLeft") == 40


async def test_both_charts_wait_for_the_style_of_the_library_and_ask_for_it_once(
    viewer: Viewer,
) -> None:
    page = await viewer.open()
    answered, asked = asyncio.Event(), 0

    async def later(route: Route) -> None:
        nonlocal asked
        asked += 1
        await answered.wait()
        await route.continue_()

    await page.route("**/uPlot.min.css", later)
    async with page.expect_request("**/uPlot.min.css"):
        await page.get_by_role("navigation").get_by_role("link", name="Energy").click()
    await expect(page.locator(".powers .pointed")).to_have_text("")
    assert await page.locator(".chart canvas").count() == 0
    answered.set()
    await expect(page.locator(".chart canvas")).to_have_count(2)
    assert asked == 1


async def test_the_buttons_of_a_choice_share_their_borders(viewer: Viewer) -> None:
    page = await viewer.open("day")
    boxes = [
        await one.bounding_box()
        for one in await page.get_by_role("group", name="Period").get_by_role("button").all()
    ]
    for before, after in pairwise(filter(None, boxes)):
        assert before["x"] + before["width"] - after["x"] == pytest.approx(1, abs=0.1)


async def test_figures_have_their_difference_to_what_they_are_compared_with(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("day", size=PHONE)
    await _drawn(page)
    words = page.locator("#day").get_by_text("Compared with Mon")
    await expect(words).to_have_text("Compared with Mon 23 Nov 2026 until 14:00.")
    solar = page.locator("#day [data-energy=solar_kwh] .change")
    await expect(solar).to_have_text(re.compile(r"^Compared: \+\d+\.\d\d \(\+\d+%\)$"))
    share = page.locator("#day [data-energy=self_sufficiency] .change")
    await expect(share).to_have_text(re.compile(r"^Compared: [+\u2212]\d+ points?$"))
    await page.get_by_label("Compared with").select_option("The same day of last year")
    await expect(page.locator("#day")).to_contain_text("Compared with Mon 24 Nov 2025 until")
    assert await _asked(stand_in) == {"period": "day", "than": "year"}
    # Nothing is known of the first year's year before.
    await _turn_to(page, "Year")
    await page.get_by_label("Date").fill("2024-07-01")
    await expect(page.locator("#day")).to_contain_text("Nothing is known of 2023 to compare with.")
    await expect(solar).to_have_count(0)


async def test_hours_without_data_are_named_and_not_zero(viewer: Viewer) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    await page.get_by_label("Date").fill("2026-11-12")
    told = page.locator(".energies .holes")
    await expect(told).to_have_text(
        "4 hours are missing. What was counted meanwhile may be part of the hour after."
        " See History."
    )
    await page.locator(".energies").get_by_text("Show as table").click()
    row = page.locator(".energies tbody tr", has_text="09:00 to 10:00")
    await expect(row.locator("td")).to_have_text(["\u2013"] * 6 + ["1"])
    chart = await _drawn(page)
    await chart.focus()
    await page.keyboard.press("Home")
    for _ in range(9):
        await page.keyboard.press("ArrowRight")
    await expect(page.locator(".energies .pointed")).to_have_text("09:00 to 10:00, no data")
    await expect(page.locator(".energies .series").first).to_have_text("Solarunknown")
    await keep_picture(page, "energy-missing-1280")
    await page.get_by_label("Date").fill("2026-08-03")
    await expect(told).to_have_text("24 hours are missing. See History.")
    for name in ("solar_kwh", "charge_kwh"):
        await expect(page.locator(f"#day [data-energy={name}] dd")).to_have_text("\u2013")
    await told.get_by_role("link", name="See History").click()
    await expect(page.locator("#history-title")).to_be_focused()


async def test_what_home_assistant_does_not_record_is_told(
    viewer: Viewer, stand_in: StandIn
) -> None:
    why = "Home Assistant does not record sensor.house_solar_generation_total"
    stand_in.made["period"] = lambda query: {**answers.period(query), "unrecorded": [why]}
    page = await viewer.open("day")
    await _drawn(page)
    told = page.locator(".energies .holes")
    await expect(told).to_have_text(f"{why}, so this energy is unknown.")
    await page.get_by_label("Date").fill("2026-11-12")
    await expect(told).to_contain_text(f"{why}, so this energy is unknown. 4 hours are missing.")


async def test_the_arrow_keys_move_through_the_bars(viewer: Viewer) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    await _turn_to(page, "Month")
    chart = await _drawn(page)
    await expect(_title(page)).to_have_text("November 2026")
    await chart.focus()
    for key, day in (("Home", "Sun 1"), ("ArrowRight", "Mon 2"), ("End", "Mon 30")):
        await page.keyboard.press(key)
        await expect(page.locator(".energies .pointed")).to_have_text(f"{day} Nov 2026")
    await expect(chart).to_have_attribute("aria-valuetext", re.compile("^Mon 30 Nov 2026, Solar "))
    await expect(chart).to_have_attribute("aria-valuemax", "29")


async def test_sources_are_stacked_above_zero_and_uses_below(viewer: Viewer) -> None:
    page = await viewer.open("day")
    names = ("solar", "load", "import", "export", "charge", "discharge")
    values = {name: [number + 1.0, None] for number, name in enumerate(names)}
    bars = await page.evaluate(
        """async kwh => {
          const { stackBars } = await import(new URL("static/stack.js", document.baseURI));
          return stackBars(kwh, () => true).map(({ colour, values }) => [colour, values]);
        }""",
        values,
    )
    assert bars == [
        ["--grid-out", [-11, None]],
        ["--battery-in", [-7, None]],
        ["--house", [-2, None]],
        ["--grid-in", [10, None]],
        ["--battery-out", [7, None]],
        ["--solar", [1, None]],
    ]


async def test_the_best_and_the_worst_day_can_be_turned_to(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    await expect(page.locator("#day").get_by_text("Best day")).to_be_hidden()
    await _turn_to(page, "Month")
    await expect(page.locator("#day").get_by_text("Best day")).to_have_text(
        "Best day: Sun 1 Nov with 31.42 kWh of solar. Worst: Mon 2 Nov with 4.20 kWh of solar."
    )
    await page.get_by_role("button", name="Mon 2 Nov").click()
    await expect(_title(page)).to_have_text("Mon 2 Nov 2026")
    assert await _asked(stand_in) == {"period": "day", "date": "2026-11-02"}
    await expect(page.get_by_role("button", name="Day", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )


async def test_a_house_without_a_battery_has_no_figures_of_one(
    viewer: Viewer, stand_in: StandIn
) -> None:
    def without(_: object) -> object:
        made = answers.period({"period": "day"})
        bars = made["bars"]
        assert isinstance(bars, dict)
        bars["kwh"] |= {name: [None] * 24 for name in ("charge", "discharge")}
        return made | {"entity_ids": {}}

    stand_in.made["period"] = without
    page = await viewer.open("day")
    await _drawn(page)
    await expect(page.locator(".energies .series")).to_have_count(4)
    tiles = page.locator("#day [data-energy]")
    assert await tiles.evaluate_all("all => all.map((one) => one.dataset.energy)") == [
        "solar_kwh",
        "load_kwh",
        "import_kwh",
        "export_kwh",
        "self_consumption",
        "self_sufficiency",
    ]


async def test_money_is_shown_as_core_worked_it_out(viewer: Viewer, stand_in: StandIn) -> None:
    money: dict[str, object] = {
        "currency": "AUD",
        "amounts": {"cost": 4.2, "compensation": 6.456, "net": -2.256},
        "since": {},
        "without": {},
    }

    def with_money(query: Mapping[str, str]) -> object:
        made = answers.period(query)
        compared = made["compared"]
        assert isinstance(compared, dict)
        compared["change"] |= {"cost": -0.5, "net": 0.0}
        return {**made, "money": money}

    stand_in.made["period"] = with_money
    page = await viewer.open("day")
    await _drawn(page)
    tiles = [page.locator(f"#day [data-energy={key}]") for key in ("cost", "compensation", "net")]
    for one, shown in zip(tiles, ("$4.20", "$6.46", "\u2212$2.26"), strict=True):
        await expect(one.locator("b")).to_have_text(shown)
    await expect(tiles[0].locator(".change")).to_have_text("Compared: \u2212$0.50")
    await expect(tiles[2].locator(".change")).to_have_text("Compared: no change")
    await expect(page.locator("#day")).to_contain_text(
        "Money is what Home Assistant's Energy dashboard has worked out."
    )
    await keep_picture(page, "energy-money-1280")
    begin = {"cost": "2026-11-03T04:00:00Z"}
    without = {"cost": ["House", "Shed"]}
    money |= {"amounts": {"cost": 4.2, "compensation": None}, "since": begin, "without": without}
    for length, since in (("Month", "since Tue 3 Nov 2026"), ("Day", "since 14:00")):
        await _turn_to(page, length)
        await expect(tiles[0].locator(".change")).to_have_text(since)
        await expect(tiles[1].locator("b")).to_have_text("\u2013")
        await expect(tiles[2]).to_have_count(0)
        await expect(page.locator("#day")).to_contain_text(
            "It has no price for the energy from the grid of House and Shed, which is left out."
            " What was before the time below an amount is not known."
        )


async def test_each_energy_leads_to_its_history_in_home_assistant(viewer: Viewer) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    link = page.locator("#day [data-energy=solar_kwh]").get_by_role("link")
    await expect(link).to_have_attribute(
        "href", "/history?entity_id=sensor.house_solar_generation_total"
    )
    await expect(page.locator("#day [data-energy=load_kwh]").get_by_role("link")).to_have_count(0)


async def test_that_core_does_not_answer_is_said(viewer: Viewer) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    sentence = "Home Assistant does not answer."
    await page.route(
        "**/data/period*", lambda route: route.fulfill(status=503, json={"text": sentence})
    )
    await _turn_to(page, "Week")
    await expect(page.locator("#day").get_by_role("alert")).to_have_text(sentence)
    await keep_picture(page, "energy-away-1280")
    await page.unroute("**/data/period*")
    await page.get_by_role("button", name="Try again").click()
    await expect(_title(page)).to_have_text("23 Nov to 29 Nov 2026")
    viewer.complaints.clear()


async def test_what_is_shown_is_the_total_or_one_inverters(
    viewer: Viewer, stand_in: StandIn
) -> None:
    two = examples.status(examples.inverter(), examples.granny_flat())
    page = await viewer.open("day", status=two)
    await _turn_to(page, "Month")
    assert await _asked(stand_in) == {"period": "month"}
    async with page.expect_response(re.compile("data/period")):
        await page.locator("#day").get_by_label("Inverter").select_option("Granny flat")
    assert await _asked(stand_in) == {"period": "month", "serial": "RB22031109876543"}


async def test_what_is_shown_can_be_downloaded_as_a_file_and_as_a_picture(viewer: Viewer) -> None:
    two = examples.status(examples.inverter(), examples.granny_flat())
    page = await viewer.open("day", status=two)
    await _drawn(page)
    await page.locator("#day").get_by_label("Inverter").select_option("House")
    offered = page.get_by_role("group", name="Download")
    await expect(offered.get_by_role("link")).to_have_text(["CSV by hour"])
    await _turn_to(page, "Year")
    await expect(offered.get_by_role("link")).to_have_text(
        ["CSV by hour", "CSV by day", "CSV by month"]
    )
    await page.get_by_role("button", name="Previous year").click()
    await expect(offered.get_by_role("link").last).to_have_attribute(
        "href", "energy.csv?period=year&date=2025-01-01&serial=RB21120912345678&by=month"
    )
    await expect(_title(page)).to_have_text("2025")
    await _drawn(page)
    async with page.expect_download() as coming:
        await offered.get_by_role("button", name="Picture").click()
    download = await coming.value
    assert download.suggested_filename == "Energy 2025, House.png"
    picture = (await download.path()).read_bytes()
    assert picture.startswith(b"\x89PNG")
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert width > 1000
    assert height > 400


async def test_a_year_is_few_requests_and_few_bytes_from_an_empty_browser(
    viewer: Viewer, stand_in: StandIn, measured: Callable[[str], None]
) -> None:
    page = await viewer.open("day")
    await _drawn(page)
    before = len(stand_in.queries)
    began = time.monotonic()
    await _turn_to(page, "Year")
    await expect(_title(page)).to_have_text("2026")
    took = time.monotonic() - began
    assert [path for path, _ in stand_in.queries[before:]] == ["period"]
    bodies = await page.evaluate("""async () => {
      const all = performance.getEntriesByType("resource")
        .concat(performance.getEntriesByType("navigation"));
      return Promise.all(all.filter(({ name }) => !name.endsWith("/live"))
        .map(async ({ name }) => (await fetch(name)).text()));
    }""")
    size = sum(len(gzip.compress(body.encode())) for body in bodies)  # as Home Assistant does
    measured(f"a year: {took:.2f} s, {size / 1000:.0f} kB in {len(bodies)} files")
    assert 50_000 < size < _MOST_BYTES
