"""That the page lives where no event comes from the add-on, and where one stops to come."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, Request, Route, expect

from browser import examples
from browser.stand_in import StandIn
from browser.viewer import Viewer
from house import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def _opened(viewer: Viewer, stand_in: StandIn) -> Page:
    """Open a page whose time passes only where a test lets it."""
    page = await viewer.open(url=stand_in.home)
    await page.clock.install(time=_NOW)
    await page.clock.pause_at(_NOW + timedelta(seconds=1))
    await page.goto(stand_in.url)
    return page


async def test_where_no_event_comes_the_page_asks(viewer: Viewer, stand_in: StandIn) -> None:
    stand_in.is_silent = True
    page = await _opened(viewer, stand_in)
    await page.clock.run_for(5_000)
    house = page.locator("[data-part=house]")
    await expect(house).to_have_text("1.3")
    await expect(page.locator("#summary")).to_have_text("All is well")
    stand_in.status = examples.status(examples.evening())
    await page.clock.run_for(7_000)
    await expect(house).to_have_text("3.6")


async def test_minutes_later_the_page_still_asks_every_few_seconds(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.is_silent = True
    page = await _opened(viewer, stand_in)
    opened: list[Request] = []
    page.on("request", lambda one: opened.append(one) if one.url.endswith("/live") else None)
    await page.clock.run_for(300_000)
    # The stream is tried once a minute by now: what follows shortly after that is only asked for.
    opened.clear()
    while not opened:
        await page.clock.run_for(1_000)
    async with page.expect_response("**/data/status"):
        await page.clock.run_for(4_000)
    opened.clear()
    stand_in.status = examples.status(examples.evening())
    await page.clock.run_for(10_000)
    await expect(page.locator("[data-part=house]")).to_have_text("3.6")
    assert not opened


async def test_a_stream_that_stops_is_made_up_for(viewer: Viewer, stand_in: StandIn) -> None:
    page = await _opened(viewer, stand_in)
    house = page.locator("[data-part=house]")
    await expect(house).to_have_text("1.3")
    stand_in.is_silent = True
    stand_in.status = examples.status(examples.evening())
    await page.clock.run_for(15_000)
    await expect(house).to_have_text("1.3")
    await page.clock.run_for(7_000)
    await expect(house).to_have_text("3.6")
    await expect(page.locator("#connection")).to_have_text("")


async def test_after_sleep_the_page_asks_at_once(viewer: Viewer, stand_in: StandIn) -> None:
    page = await _opened(viewer, stand_in)
    house = page.locator("[data-part=house]")
    await expect(house).to_have_text("1.3")
    stand_in.is_silent = True
    stand_in.status = examples.status(examples.evening())
    await page.clock.fast_forward(3_600_000)
    await expect(house).to_have_text("3.6")


async def test_a_stream_that_works_again_is_used_again(viewer: Viewer, stand_in: StandIn) -> None:
    stand_in.is_silent = True
    page = await _opened(viewer, stand_in)
    house = page.locator("[data-part=house]")
    await page.clock.run_for(5_000)
    await expect(house).to_have_text("1.3")
    stand_in.is_silent = False
    opened: list[Request] = []
    page.on("request", lambda one: opened.append(one) if one.url.endswith("/live") else None)
    while not opened:
        await page.clock.run_for(1_000)
    # No time passes now: nothing but the stream can bring these.
    stand_in.publish(examples.status(examples.evening()))
    await expect(house).to_have_text("3.6")
    stand_in.publish(examples.status())
    await expect(house).to_have_text("1.3")


async def test_an_older_answer_does_not_win_over_a_newer_event(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.is_silent = True
    page = await viewer.open(url=stand_in.home)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/data/status", hold)
    await page.clock.install(time=_NOW)
    await page.clock.pause_at(_NOW + timedelta(seconds=1))
    await page.goto(stand_in.url)
    while not held:
        await page.clock.run_for(1_000)
    older = json.dumps(stand_in.status)
    before = stand_in.opened
    async with page.expect_request("**/live"):
        await page.clock.run_for(3_000)
    await until(lambda: stand_in.opened > before)  # the request is under way
    stand_in.publish(examples.status(examples.evening()))
    house = page.locator("[data-part=house]")
    await expect(house).to_have_text("3.6")
    stand_in.drop()
    async with page.expect_response("**/data/status"):
        await held[0].fulfill(body=older, content_type="application/json")
    await expect(house).to_have_text("3.6")
    await page.unroute_all(behavior="ignoreErrors")
