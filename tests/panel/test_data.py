"""That the page shows the same numbers as Home Assistant and the inverters have."""

import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
import yaml

from panel.visitor import Visitor, running, visitor
from redback.options import check

pytestmark = [pytest.mark.process, pytest.mark.asyncio(loop_scope="module")]

_NO_DATE = "The date must be one of the calendar, such as 2026-03-24."


def listed(sites: dict[str, Any]) -> list[dict[str, Any]]:
    (account,) = sites["accounts"]
    return [one for site in account["sites"] for one in site["inverters"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def person() -> AsyncIterator[Visitor]:
    async with running("two-sites") as person:
        await person.all_well()
        await person.until(
            "sites", lambda sites: all(one["model"] for one in listed(sites)), seconds=60
        )
        yield person


async def test_the_powers_are_those_that_home_assistant_shows(person: Visitor) -> None:
    states = await person.home.states()
    status = await person.all_well()
    assert [one["serial"] for one in status["inverters"]] == sorted(
        person.home.inverters, key=lambda serial: f"Redback {serial[-4:]}"
    )
    for one in status["inverters"]:
        stem = f"redback_{one['serial'][-4:]}_"
        if datetime.fromisoformat(one["read_at"]) != datetime.fromisoformat(
            states[f"{stem}last_reading"]["state"]
        ):
            continue  # a reading has come between the two looks
        for field, name in (
            ("solar_kw", "solar_generation"),
            ("load_kw", "site_load"),
            ("battery_kw", "battery_power"),
            ("grid_kw", "grid_power"),
            ("soc", "battery_soc"),
        ):
            shown = float(states[stem + name]["state"])
            assert one[field] == pytest.approx(shown, abs=0.0011), name


async def test_powers_add_up_to_what_the_house_takes(person: Visitor) -> None:
    for one in (await person.data("status"))["inverters"]:
        sources = one["solar_kw"] + one["battery_kw"] + one["grid_kw"]
        assert one["load_kw"] == pytest.approx(sources, abs=0.15)


async def test_what_is_missing_is_counted_as_the_calendar_does(person: Visitor) -> None:
    status = await person.until("status", lambda status: status["history"]["is_known"])
    history = status["history"]
    waiting = 0
    for serial in person.home.inverters:
        days = (await person.data(f"calendar?serial={serial}&days=14"))["days"]
        codes = [hour["code"] for day in days for hour in day["hours"]]
        waiting += codes.count("waiting")
    # An hour is looked at when it is over, and ten minutes have passed.
    assert waiting - 2 * len(person.home.inverters) <= history["left"] <= waiting


async def test_counts_and_the_next_update_are_shown(person: Visitor) -> None:
    shown = len(await person.home.states())
    health = (await person.data("status"))["health"]
    counts = health["counts"]
    assert 0 < counts["requests"] <= person.home.simulator.journal.count("")
    assert counts["sent"] >= shown
    assert counts["failed_requests"] == 0
    next_poll = datetime.fromisoformat(health["next_poll"]).timestamp()
    assert -5 < next_poll - time.time() < 90
    assert [health["cloud"]["state"], health["core"]["state"]] == ["good", "good"]
    assert all(one["state"] == "good" for one in health["inverters"])


async def test_the_options_are_where_home_assistant_shows_them(person: Visitor) -> None:
    status = await person.data("status")
    assert status["options_url"].endswith("/config")


async def test_every_site_has_a_line_that_the_options_take(person: Visitor) -> None:
    (account,) = (await person.data("sites"))["accounts"]
    (first, second) = account["sites"]
    for site in (first, second):
        for line in (site["line"], *(one["line"] for one in site["inverters"])):
            (entry,) = yaml.safe_load(line)
            raw = {"client_id": "a", "credential": "b", "sites": [entry]}
            assert check(raw).sites[0].id in {site["site"], *person.home.inverters}
        assert all(one["in_use"] and one["model"] for one in site["inverters"])


async def test_what_is_not_in_use_is_described_too() -> None:
    async with visitor("two-sites") as person:
        used, *unused = person.home.inverters
        person.home.service.options(sites=[{"id": used}])
        await person.start()

        def is_described(sites: dict[str, Any]) -> bool:
            seen = {one["serial"]: one for one in listed(sites)}
            assert not any(one["in_use"] for serial, one in seen.items() if serial != used)
            return all(
                serial in seen and seen[serial]["model"] and seen[serial]["has_battery"] is not None
                for serial in (used, *unused)
            )

        await person.until("sites", is_described, seconds=60)


async def test_every_entity_is_listed_with_its_value(person: Visitor) -> None:
    listed = (await person.data("entities"))["entities"]
    states = await person.home.states()
    assert {one["entity_id"] for one in listed} == {f"sensor.{name}" for name in states}
    counters = {one["entity_id"] for one in listed if one["kind"] == "counter"}
    assert counters == {
        f"sensor.{name}"
        for name, state in states.items()
        if state["attributes"].get("state_class") == "total_increasing"
    }


async def test_the_day_is_sent_minute_by_minute(person: Visitor) -> None:
    serial = person.home.inverters[0]
    for query in ("", f"?serial={serial}"):
        day = await person.data(f"day{query}")
        columns = [day[name] for name in ("at", "solar", "load", "battery", "grid", "soc")]
        assert len({len(column) for column in columns}) == 1
        assert day["at"] == sorted(day["at"])
        assert day["start"] < day["end"]


async def test_the_energy_of_a_span_leads_to_its_entities(person: Visitor) -> None:
    serial = person.home.inverters[0]
    found = (await person.data(f"period?serial={serial}"))["entity_ids"]
    assert found["solar_kwh"] == [f"sensor.redback_{serial[-4:]}_solar_generation_total"]
    states = await person.home.states()
    assert {f"sensor.{one}" for one in states} >= {one for ids in found.values() for one in ids}


async def test_the_day_adds_up_the_inverters_of_a_site_and_never_of_two(person: Visitor) -> None:
    (account,) = (await person.data("sites"))["accounts"]
    sites = [one["site"] for one in account["sites"]]
    assert len(sites) == 2
    for query in ("", *(f"?site={site}" for site in sites)):
        assert not (await person.data(f"day{query}"))["is_total"]


async def test_the_calendar_has_the_days_of_an_inverter(person: Visitor) -> None:
    serial = person.home.inverters[1]
    calendar = await person.data(f"calendar?serial={serial}&days=3")
    assert calendar["serial"] == serial
    assert len(calendar["days"]) == 3
    now = time.time()
    for day in calendar["days"]:
        for hour in day["hours"]:
            is_future = datetime.fromisoformat(hour["start"]).timestamp() > now + 1
            assert (hour["code"] == "future") == is_future


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("day?serial=nobody", 404),
        ("day?site=nowhere", 404),
        ("calendar?serial=nobody", 404),
        ("calendar?days=many", 400),
        ("calendar?until=then", 400),
        ("nothing", 404),
    ],
)
async def test_what_makes_no_sense_is_an_answer_too(
    person: Visitor, path: str, status: int
) -> None:
    async with person.get(f"data/{path}") as answer:
        assert answer.status == status


async def test_the_energy_of_a_span_is_that_of_all_inverters_or_of_some(person: Visitor) -> None:
    serial = person.home.inverters[0]
    for query in ("", f"&serial={serial}"):
        for period, bars in (("day", {23, 24, 25}), ("week", {7}), ("year", {12}), ("all", {1})):
            found = await person.data(f"period?period={period}{query}")
            assert found["is_open"]
            assert {len(found["bars"]["start"])} <= bars
            assert {len(one) for one in found["bars"]["kwh"].values()} <= bars
            assert found["figures"]["load_kwh"] is not None, (
                "the open hour is known of the readings"
            )


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("data/period?period=decade", "Period must be day, week, month, year or all."),
        ("data/period?than=ever", "Than must be before or year."),
        ("data/period?date=2026-02-30", _NO_DATE),
        ("data/period?date=yesterday", _NO_DATE),
        ("data/period?date=9999-12-31", "This date is in the future."),
        ("data/period?date=1999-12-31", "No inverter has data from before 2000."),
        ("data/period?serial=nobody", "No inverter has this serial number."),
        ("data/period?site=nowhere", "There is no such site."),
        ("energy.csv?period=all&by=hour", "Hours can be downloaded of a year at most."),
        ("energy.csv?period=month&by=month", "Months can be downloaded of a year or of all."),
        ("energy.csv?period=month&by=minute", "By must be hour, day or month."),
        ("energy.csv?period=decade", "Period must be day, week, month, year or all."),
    ],
)
async def test_a_span_that_makes_no_sense_is_answered_with_a_sentence(
    person: Visitor, wanted: str, sentence: str
) -> None:
    async with person.get(wanted) as answer:
        assert answer.status == 400
        assert await answer.json() == {"text": sentence}


async def test_the_energy_of_a_span_is_a_file_too(person: Visitor) -> None:
    async with person.get("energy.csv?period=week&by=day") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"].startswith(
            'attachment; filename="redback-energy-week-'
        )
        head, *days = (await answer.text()).splitlines()
        assert head.startswith("start,solar_kwh,house_kwh,")
        assert 1 <= len(days) <= 7


async def test_no_answer_may_be_cached_or_framed_by_others(person: Visitor) -> None:
    for path in ("/", "/data/status", "/diagnostics", "/static/main.js"):
        async with person.get(path) as answer:
            assert answer.status == 200
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            expected = "no-cache" if path.startswith("/static") else "no-store"
            assert answer.headers["Cache-Control"] == expected


async def test_no_file_beside_the_pages_own_can_be_had(person: Visitor) -> None:
    for path in ("/static/../pages.py", "/static/%2e%2e/pages.py", "/static/", "/page.html"):
        async with person.get(path) as answer:
            assert answer.status in {403, 404}, path


async def test_the_status_comes_by_itself(person: Visitor) -> None:
    async with person.get("live") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        lines = [(await stream.content.readline()).decode().strip() for _ in range(2)]
    assert lines[0] == "event: status"
    assert json.loads(lines[1].removeprefix("data: "))["version"]


async def test_the_moment_of_connecting_stays_the_same(person: Visitor) -> None:
    """Else each second's status would be a change, and be sent."""
    moments = {(await person.data("status"))["health"]["core"]["since"] for _ in range(5)}
    assert len(moments) == 1
    assert None not in moments
