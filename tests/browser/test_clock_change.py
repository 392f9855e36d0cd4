"""That each time on the page is the house's, on the days of a clock change too, wherever one is."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from playwright.async_api import Page, expect

from browser.stand_in import StandIn
from browser.viewer import Viewer, keep_picture
from redback.backfill import Coverage
from redback.ledger import local_day
from redback.panel import minutes
from redback.panel.calendar import calendar

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HOUR = timedelta(hours=1)
CHANGES = [
    ("Australia/Adelaide", date(2026, 4, 5)),
    ("Australia/Adelaide", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Chatham", date(2026, 4, 5)),
    ("Pacific/Chatham", date(2026, 9, 27)),
]
ELSEWHERE = "America/New_York"


def moment(zone: str, day: date, hour: int) -> datetime:
    """Return when an hour of a day begins in a zone, UTC."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def of_day(zone: str, day: date) -> list[str]:
    """Return the times at which the hours of a day begin, by Python's own zones."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    starts = (noon + number * HOUR for number in range(-48, 48))
    local = (start.astimezone(ZoneInfo(zone)) for start in starts)
    return [f"{time:%H:%M}" for time in local if time.date() == day]


async def shown(page: Page, day: date) -> list[str]:
    """Return the times of a day's hours, as its row says them."""
    cells = page.locator(f"tr[data-date='{day}'] td.hour")
    await cells.first.wait_for()
    words: list[str] = await cells.evaluate_all("all => all.map((one) => one.ariaLabel)")
    return [each[:5] for each in words]


async def lefts(page: Page, selector: str) -> list[int]:
    found: list[int] = await page.locator(selector).evaluate_all(
        "all => all.map((one) => Math.round(one.getBoundingClientRect().left))"
    )
    return found


@pytest.mark.parametrize(("zone", "day"), CHANGES, ids=str)
async def test_hours_are_named_and_stand_by_the_houses_clock(
    viewer: Viewer,
    stand_in: StandIn,
    place: Callable[[str], None],
    tmp_path: Path,
    zone: str,
    day: date,
) -> None:
    place(zone)
    coverage = Coverage(tmp_path / "history.db")
    now = moment(zone, day, 23)
    made = calendar(coverage, "RB21120912345678", "House", now - 90 * HOUR, 3, now)
    coverage.close()
    stand_in.zone, stand_in.data["calendar"] = None, msgspec.to_builtins(made)
    page = await viewer.open("history", zone=ELSEWHERE)
    times = await shown(page, day)
    assert times == of_day(zone, day)
    before = await shown(page, day - timedelta(days=1))
    assert before == of_day(zone, day - timedelta(days=1))
    # The first of each quarter stands below its name, in each row.
    heads = await lefts(page, "table.calendar th.from")
    for when, row in ((day, times), (day - timedelta(days=1), before)):
        places = await lefts(page, f"tr[data-date='{when}'] td.hour")
        firsts = [
            next(left for left, time in zip(places, row, strict=True) if int(time[:2]) == hour)
            for hour in (0, 6, 12, 18)
        ]
        assert firsts == pytest.approx(heads, abs=1)
    await keep_picture(page, f"clock-change-{zone.partition('/')[2]}-{day}")


@pytest.mark.parametrize(("zone", "day"), CHANGES, ids=str)
async def test_the_table_of_the_day_has_the_houses_hours(
    viewer: Viewer,
    stand_in: StandIn,
    place: Callable[[str], None],
    zone: str,
    day: date,
) -> None:
    place(zone)
    start, end = local_day(moment(zone, day, 12))
    whole = [
        (int(start.timestamp()) + second, minutes.Minute(solar=1.0))
        for second in range(0, int((end - start).total_seconds()), 60)
    ]
    stand_in.zone = None
    stand_in.data["day"] = msgspec.to_builtins(minutes.day([minutes.Seen(whole)], start, end, end))
    page = await viewer.open("day", zone=ELSEWHERE)
    await page.wait_for_selector(".powers .chart canvas")
    heads = await page.locator(".powers table.hours tbody th").all_text_contents()
    hours = (start + number * HOUR for number in range(25))
    local = (hour.astimezone(ZoneInfo(zone)) for hour in hours if hour < end)
    assert heads == [f"{time:%H:%M}" for time in local]
    assert heads[0] == "00:00"
    await keep_picture(page, f"clock-change-day-{zone.partition('/')[2]}-{day}")


async def test_a_time_before_a_clock_change_is_not_moved_by_it(
    viewer: Viewer, stand_in: StandIn
) -> None:
    stand_in.zone = ZoneInfo("Australia/Adelaide")
    # Half past one in the night to the 5th of April, before clocks were set back at three.
    times = {"at": "2026-04-05T02:00:00Z", "started_at": "2026-04-04T15:00:00Z"}
    page = await viewer.open("health", status={**stand_in.status, **times}, zone=ELSEWHERE)
    tile = page.locator(".tile", has_text="Running since").locator("b")
    assert await tile.inner_text() == "01:30"


async def test_a_zone_that_no_browser_knows_is_the_houses_all_the_same(
    viewer: Viewer, stand_in: StandIn, place: Callable[[str], None]
) -> None:
    place("HOME-9:45HOMEDT-10:45,M9.5.0/2:45,M4.1.0/3:45")
    stand_in.zone = None
    page = await viewer.open("health", zone=ELSEWHERE)
    tile = page.locator(".tile", has_text="Running since").locator("b")
    assert await tile.inner_text() == "06:15"


@pytest.mark.parametrize(
    ("at", "labels"),
    [
        ("2026-12-31T13:30:00Z", ["Thu 31 Dec", "Wed 30 Dec"]),
        ("2026-12-31T14:30:00Z", ["Fri 1 Jan", "31 Dec 2026"]),  # half past midnight in the house
    ],
)
async def test_a_day_is_named_by_the_year_in_the_house(
    viewer: Viewer,
    stand_in: StandIn,
    place: Callable[[str], None],
    tmp_path: Path,
    at: str,
    labels: list[str],
) -> None:
    place("Australia/Brisbane")
    coverage = Coverage(tmp_path / "history.db")
    now = datetime.fromisoformat(at)
    made = calendar(coverage, "RB21120912345678", "House", now - 90 * HOUR, 2, now)
    coverage.close()
    stand_in.data["calendar"] = msgspec.to_builtins(made)
    page = await viewer.open("history", status={**stand_in.status, "at": at}, zone=ELSEWHERE)
    dates = page.locator("table.calendar button.date")
    await expect(dates).to_have_text(labels)
