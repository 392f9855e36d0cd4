"""That the page shows at once what the house is doing, and what there is to do."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from browser import examples
from browser.stand_in import StandIn
from browser.viewer import PHONE, Viewer, flows, keep_picture, parts

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HOUSE = "RB21120912345678"
_MINUS, _UNKNOWN = "\N{MINUS SIGN}", "\N{EN DASH}"


async def test_the_inverters_own_names_are_words(viewer: Viewer) -> None:
    busy = examples.inverter(mode="ForceChargeBattery", mode_power_w=3000, status="OFFLINE")
    page = await viewer.open(status=examples.status(busy))
    facts = page.locator(".facts").first
    await expect(facts).to_contain_text("Force charge battery, 3.0 kW")
    await expect(facts).to_contain_text("Offline")


async def test_the_numbers_are_those_of_the_reading(viewer: Viewer) -> None:
    page = await viewer.open(status=examples.status(control=None))
    assert await parts(page, HOUSE) == {
        "solar": "4.9 kW",
        "house": "1.3 kW",
        "battery": "84% 2.4 kW",
        "grid": "1.2 kW",
    }
    assert await flows(page, f"[data-serial={HOUSE}]") == {
        "solar-house": 1.25,
        "solar-battery": 2.4,
        "solar-grid": 1.223,
    }
    await expect(page.locator(".sentence")).to_have_text(
        "Solar powers the house, charges the battery and exports to the grid."
    )
    await keep_picture(page, "now")


async def test_the_flows_of_an_evening_come_from_the_battery_and_the_grid(viewer: Viewer) -> None:
    page = await viewer.open(status=examples.status(examples.evening()))
    assert await flows(page, f"[data-serial={HOUSE}]") == {"battery-house": 2.1, "grid-house": 1.5}
    await expect(page.locator(".sentence")).to_have_text(
        "The battery and the grid power the house."
    )
    await keep_picture(page, "now-evening")


async def test_what_an_inverter_draws_at_night_is_shown_with_its_sign(viewer: Viewer) -> None:
    night = examples.evening(solar_kw=-0.012, battery_kw=-0.0, grid_kw=3.612)
    page = await viewer.open(status=examples.status(night))
    assert await parts(page, HOUSE) == {
        "solar": f"{_MINUS}12 W",
        "house": "3.6 kW",
        "battery": "31% 0 W",
        "grid": "3.6 kW",
    }
    assert await flows(page, f"[data-serial={HOUSE}]") == {"grid-house": 3.6}


@pytest.mark.parametrize(
    ("kw", "written"),
    [
        (-0.0004, "0 W"),
        (0.0, "0 W"),
        (-0.001, f"{_MINUS}1 W"),
        (0.9994, "999 W"),
        (0.9995, "1.0 kW"),
    ],
)
async def test_a_power_is_written_as_home_assistant_does(
    viewer: Viewer, kw: float, written: str
) -> None:
    page = await viewer.open(status=examples.status(examples.evening(solar_kw=kw)))
    assert (await parts(page, HOUSE))["solar"] == written


async def test_a_battery_whose_level_is_unknown_shows_its_power(viewer: Viewer) -> None:
    page = await viewer.open(status=examples.status(examples.inverter(soc=None)))
    assert (await parts(page, HOUSE))["battery"] == "2.4 kW"


async def test_numbers_that_change_keep_their_width_in_any_font(viewer: Viewer) -> None:
    page = await viewer.open()
    numbers = page.locator("[data-part], .age, #now dd")
    # Every digit of this machine's fonts is as wide as the others, of people's fonts is not.
    look = "all => all.map((one) => getComputedStyle(one).fontVariantNumeric)"
    shown = await numbers.evaluate_all(look)
    assert len(shown) > 10
    assert {*shown} == {"tabular-nums"}


@pytest.mark.parametrize(
    ("kw", "colour"),
    [(-1.2, "--grid-out"), (1.2, "--grid-in"), (0, "--text-2"), (None, "--text-2")],
)
async def test_the_grids_icon_has_the_colour_of_its_direction(
    viewer: Viewer, kw: float | None, colour: str
) -> None:
    page = await viewer.open(status=examples.status(examples.inverter(grid_kw=kw)))
    shown = await page.locator(".part.grid .icon").evaluate(
        """(icon, name) => {
          const other = document.createElement("i");
          other.style.color = `var(${name})`;
          document.body.append(other);
          return [getComputedStyle(icon).color, getComputedStyle(other).color];
        }""",
        colour,
    )
    assert shown[0] == shown[1]


async def test_what_the_rings_mean_is_explained(viewer: Viewer) -> None:
    both = examples.inverter(), examples.granny_flat()
    page = await viewer.open(status=examples.status(*both))
    house = "The house's ring shows where its power comes from."
    battery = "The battery's ring shows its level"
    await expect(page.locator("figcaption .below")).to_have_text(
        [f"{house} {battery}.", f"{house} {battery}, with a mark at the 20% reserve.", house]
    )


async def test_a_wider_line_carries_more_power(viewer: Viewer) -> None:
    page = await viewer.open()
    width = "line => parseFloat(getComputedStyle(line).strokeWidth)"
    widths = [
        await page.locator(f"[data-flow={flow}] .stream").evaluate(width)
        for flow in ("solar-grid", "solar-house", "solar-battery")
    ]
    assert widths == sorted(widths)
    assert widths[2] > 1.4 * widths[0]


async def test_the_picture_says_in_words_what_it_shows(viewer: Viewer) -> None:
    page = await viewer.open()
    await expect(
        page.get_by_role(
            "img",
            name="House: Solar 4.9 kW, House 1.3 kW, Battery 2.4 kW charging, 84% full, "
            "Grid 1.2 kW exporting",
        )
    ).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="2.4 kW from solar")).to_have_text(
        "2.4 kW from solar to the battery"
    )


async def test_several_inverters_of_a_site_are_summed_first(viewer: Viewer) -> None:
    page = await viewer.open(status=examples.status(examples.inverter(), examples.granny_flat()))
    names = page.locator(".inverter > header h3")
    await expect(names).to_have_text(["All inverters", "House", "Granny flat"])
    assert await parts(page, "RB22031109876543") == {
        "solar": "2.1 kW",
        "house": "640 W",
        "grid": "1.5 kW",
    }
    assert await flows(page, ".overview") == {
        "solar-house": 1.89,
        "solar-battery": 2.4,
        "solar-grid": 2.683,
    }
    await expect(page.locator(".overview")).to_contain_text(
        "Redback does not say whether grid and load are each inverter's own or the whole site's."
    )
    await keep_picture(page, "now-two-inverters")


_CABIN = {"serial": "RB23010100000001", "name": "Cabin", "site": "S2301010000001"}
_NIGHT = {"solar_kw": 0, "load_kw": 5, "battery_kw": 0, "grid_kw": 5}
_NOON = {"solar_kw": 5.5, "load_kw": 0.5, "battery_kw": 0, "grid_kw": -5}


@pytest.mark.parametrize("size", [PHONE, (1280, 900)])
async def test_sites_stand_side_by_side_and_are_not_added_up(
    viewer: Viewer, size: tuple[int, int]
) -> None:
    both = examples.inverter(**_NIGHT), examples.inverter(**_NOON, **_CABIN)
    page = await viewer.open(status=examples.status(*both), size=size)
    await expect(page.locator(".inverter > header h3")).to_have_text(["House", "Cabin"])
    await expect(page.locator(".overview")).to_have_count(0)
    await expect(page.get_by_role("article").filter(has_text="Redback cloud")).to_be_visible()
    edges = "all => all.map((one) => one.getBoundingClientRect()).map(({ x, y }) => [x, y])"
    (left, top), (other, below) = await page.locator(".inverter").evaluate_all(edges)
    are_beside = size != PHONE
    assert (other > left, below > top) == (are_beside, not are_beside)
    await keep_picture(page, f"now-two-sites-{size[0]}")


@pytest.mark.parametrize("size", [PHONE, (1280, 900)])
async def test_each_site_has_a_total_of_its_own(viewer: Viewer, size: tuple[int, int]) -> None:
    house, cabin = examples.inverter(**_NIGHT), examples.inverter(**_NOON, **_CABIN)
    status = examples.status(house, cabin, examples.granny_flat())
    page = await viewer.open(status=status, size=size)
    await expect(page.locator(".inverter > header h3")).to_have_text(
        ["House and Granny flat", "House", "Granny flat", "Cabin"]
    )
    assert await flows(page, ".overview") == {"solar-house": 2.1, "grid-house": 3.54}
    await keep_picture(page, f"now-mixed-sites-{size[0]}")


async def test_a_total_is_unknown_while_a_part_of_it_is(viewer: Viewer) -> None:
    one = examples.granny_flat() | {"grid_kw": None}
    page = await viewer.open(status=examples.status(examples.inverter(), one))
    await expect(page.locator(".overview [data-part=grid]")).to_have_text(_UNKNOWN)
    await expect(page.locator(".overview [data-part=house]")).to_have_text("1.9")


async def test_a_site_without_recent_readings_does_not_say_that_nothing_flows(
    viewer: Viewer,
) -> None:
    off = {"is_live": False, "solar_kw": None, "load_kw": None, "battery_kw": None, "grid_kw": None}
    both = examples.inverter(**off), examples.granny_flat() | off
    page = await viewer.open(status=examples.status(*both))
    await expect(page.locator(".sentence")).to_have_text(3 * ["No recent reading."])


async def test_a_total_says_how_many_it_lacks(viewer: Viewer, stand_in: StandIn) -> None:
    off = examples.granny_flat() | {"is_live": False}
    third = examples.inverter(serial="RB23010100000001", name="Shed")
    page = await viewer.open(status=examples.status(examples.inverter(), off))
    overview = page.locator(".overview header")
    await expect(overview).to_contain_text(
        "Total of 1 of 2 inverters; no recent reading from the other"
    )
    await expect(overview).not_to_contain_text("others")
    stand_in.publish(examples.status(examples.inverter(), off, third | {"is_live": False}))
    await expect(overview).to_contain_text(
        "Total of 1 of 3 inverters; no recent reading from the others"
    )


async def test_a_new_reading_is_shown_without_reloading(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open()
    await page.evaluate("window.isTheSamePage = true")
    stand_in.publish(examples.status(examples.inverter(solar_kw=5.017, grid_kw=-1.367)))
    await expect(page.locator("[data-part=solar]")).to_have_text("5.0")
    assert await page.evaluate("window.isTheSamePage")


async def test_the_age_of_the_reading_counts_up(viewer: Viewer) -> None:
    page = await viewer.open()
    age = page.locator(".age")
    await expect(age).to_have_text(re.compile("^4[2-9] s ago$"))
    first = await age.text_content()
    await expect(age).not_to_have_text(str(first))


async def test_a_lost_connection_is_shown_and_comes_back_by_itself(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open()
    stand_in.is_away = True
    stand_in.drop()
    connection = page.locator("#connection")
    await expect(connection).to_contain_text("Connection to the add-on lost")
    await expect(page.locator("#summary")).to_have_text("Disconnected")
    await keep_picture(page, "connection-lost")
    stand_in.status = examples.status(examples.evening())
    stand_in.is_away = False
    await expect(connection).to_have_text("")
    await expect(page.locator("#summary")).to_have_text("All is well")
    await expect(page.locator("[data-part=house]")).to_have_text("3.6")
    viewer.complaints.clear()  # of the browser, about what did not answer


async def test_each_state_of_the_page_says_what_to_do(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open(size=PHONE)
    shown = page.get_by_role("region", name="Notices").get_by_role("article")
    link = shown.get_by_role("link", name="Open options")
    for kind in examples.KINDS:
        given = examples.notice(kind)
        stand_in.publish(examples.status_of(kind))
        await expect(page.locator("#summary")).to_have_text(str(given["title"]))
        await expect(shown).to_have_count(1)
        await expect(shown.locator("h2")).to_contain_text(str(given["title"]))
        await expect(shown.locator("p").first).to_have_text(str(given["text"]))
        await expect(link).to_have_count(int(bool(given["to_options"])))
        if given["to_options"]:
            await expect(link).to_have_attribute("href", examples.OPTIONS_URL)
            await expect(link).to_have_attribute("target", "_top")
        places = shown.get_by_role("link", name="Open Sites")
        await expect(places).to_have_count(int(bool(given["to_sites"])))
        again = shown.get_by_role("button", name="Try again now")
        await expect(again).to_have_count(int(bool(given["may_retry"])))
        log = shown.get_by_role("link", name="Log")
        await expect(log).to_have_count(int(given["level"] != "info"))
        if given["level"] != "info":
            await expect(log).to_have_attribute("href", "/hassio/addon/local_redback/logs")
        await keep_picture(page, f"state-{kind}")


async def test_what_is_waited_for_can_be_tried_at_once(viewer: Viewer, stand_in: StandIn) -> None:
    page = await viewer.open(status=examples.status_of("cloud_away"))
    await page.locator(".notice").get_by_role("button", name="Try again now").click()
    await expect(page.locator(".notice").get_by_role("status")).to_have_text("Done.")
    assert stand_in.posts == [("history/retry", {})]


async def test_an_address_that_is_none_of_home_assistants_gets_no_link(
    viewer: Viewer, stand_in: StandIn
) -> None:
    page = await viewer.open(status=examples.status_of("credentials"))
    link = page.locator(".notice a")
    for url in (None, "javascript:alert(1)", "//example.com/", "https://example.com/"):
        await expect(link).to_have_count(3)
        stand_in.publish(examples.status_of("credentials") | {"options_url": url})
        await expect(link).to_have_count(0)
        stand_in.publish(examples.status_of("credentials"))


async def test_a_name_from_the_cloud_is_text_and_nothing_else(viewer: Viewer) -> None:
    name = "<script>alert(1)</script>"
    site = "<img src=x onerror=alert(1)>"
    unkind = examples.inverter(name=name, site=site, status="<b>OK</b>")
    page = await viewer.open(
        status=examples.status(unkind, examples.granny_flat() | {"site": site})
    )
    await expect(page.locator(".inverter > header h3").nth(1)).to_have_text(name)
    assert await page.locator("body script, body img, .inverter b:has-text('OK')").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, (1280, 900)])
async def test_it_is_drawn_in_both_themes_on_a_phone_and_a_desktop(
    viewer: Viewer, theme: str, size: tuple[int, int]
) -> None:
    page = await viewer.open(size=size, theme="dark" if theme == "dark" else "light")
    await expect(page.locator(".flows")).to_be_visible()
    await keep_picture(page, f"now-{theme}-{size[0]}")


async def test_values_lead_to_their_history_in_home_assistant(viewer: Viewer) -> None:
    page = await viewer.open()
    house = page.locator("[data-serial=RB21120912345678]")
    for name, entity in (
        ("Battery SoC", "sensor.house_battery_soc"),
        ("From the grid", "sensor.house_grid_import_total"),
    ):
        link = house.get_by_role("link", name=name)
        await expect(link).to_have_attribute("href", f"/history?entity_id={entity}")
        await expect(link).to_have_attribute("target", "_top")


async def test_what_a_battery_took_today_is_unknown_and_not_left_out(viewer: Viewer) -> None:
    house = examples.inverter()
    known: Any = house["today"]
    house["today"] = known | {"charge_kwh": None, "discharge_kwh": None}
    page = await viewer.open(status=examples.status(house, examples.granny_flat()))
    for name in ("charge_kwh", "discharge_kwh"):
        tiles = page.locator(f"[data-energy={name}] dd")
        await expect(tiles).to_have_text([_UNKNOWN])  # and none where there is no battery


async def test_a_level_that_is_not_known_is_left_out(viewer: Viewer) -> None:
    page = await viewer.open(status=examples.status(examples.inverter(soc=None)))
    await expect(page.locator(".facts dd").last).to_have_text("13.2 kWh, 20% reserve")
