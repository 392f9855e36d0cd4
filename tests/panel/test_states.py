"""That whatever goes wrong the page says what it is, and what to do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from panel.visitor import running, visitor
from simulator import Fault, Kind
from standin.core import Core
from standin.faults import Faults

pytestmark = pytest.mark.process

_FAKETIME = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]


async def test_the_first_seconds_are_shown_as_such() -> None:
    async with visitor() as person:
        person.home.simulator.faults.add(Fault(kind=Kind.SLOW, seconds=3, path="token", times=1))
        await person.start()
        assert (await person.first_notice("starting"))["level"] == "info"
        assert await person.data("sites") == {
            "accounts": [{"name": "", "is_listed": False, "sites": []}],
            "gone": [],
            "missing": [],
        }
        await person.all_well()


async def test_before_the_first_reading_the_page_says_so() -> None:
    async with visitor() as person:
        person.home.simulator.faults.add(Fault(kind=Kind.SLOW, seconds=4, path="Dynamic", times=2))
        await person.start()
        notice = await person.first_notice("first_reading")
        assert notice["text"].startswith("Redback: the first reading")
        await person.all_well()


async def test_refused_credentials_lead_to_the_options() -> None:
    async with visitor() as person:
        person.home.simulator.faults.add(Fault(kind=Kind.WRONG_SECRET))
        await person.start()
        notice = await person.first_notice("credentials")
        assert notice == notice | {
            "title": "Credentials rejected",
            "level": "error",
            "to_options": True,
        }
        # Home Assistant too may be away in the first moment.
        status = await person.until("status", lambda status: len(status["notices"]) == 1)
        cloud = status["health"]["cloud"]
        assert (cloud["state"], cloud["text"]) == ("bad", "Credentials rejected.")
        assert status["notices"][0]["kind"] == "credentials"
        # Redback has mended them: nobody has to wait for the quarter of an hour to be over.
        assert status["notices"][0]["may_retry"]
        person.home.simulator.faults.clear()
        assert (await person.post("history/retry"))[0] == 200
        await person.all_well()


async def test_an_account_without_an_inverter_is_shown() -> None:
    async with running("fleet") as person:  # of no inverter at all
        notice = await person.first_notice("no_inverter")
        assert "Ask Redback support" in notice["text"]
        assert notice["to_options"] is True
        assert await person.data("sites") == {
            "accounts": [{"name": "", "is_listed": True, "sites": []}],
            "gone": [],
            "missing": [],
        }
        assert (await person.data("status"))["inverters"] == []


async def test_an_entry_that_the_account_does_not_have_leads_to_the_sites_it_has() -> None:
    options = {"sites": [{"id": "S0000000000", "name": "Holiday house"}]}
    async with running(options=options) as person:
        notice = await person.first_notice("unknown_site")
        assert "an entry (Holiday house) that your account does not have" in notice["text"]
        assert "S0000000000" not in notice["text"]
        assert person.home.inverters[0] not in notice["text"]
        assert (notice["to_options"], notice["to_sites"]) == (True, True)
        assert (await person.data("status"))["health"]["cloud"]["text"] == "Unknown site."
        answer = await person.data("sites")
        assert answer["missing"] == ["S0000000000"]
        (account,) = answer["accounts"]
        (site,) = account["sites"]
        assert [one["in_use"] for one in site["inverters"]] == [False]


async def test_a_cloud_that_is_away_is_shown_and_that_it_is_over() -> None:
    async with running() as person:
        await person.all_well()
        await person.home.service.stop()
        person.home.simulator.faults.add(Fault(kind=Kind.STATUS, status=503, path="Dynamic"))
        await person.start()
        notice = await person.first_notice("cloud_away")
        assert notice["level"] == "warning"
        health = (await person.data("status"))["health"]
        assert health["cloud"]["state"] == "bad"
        assert "You don't need to do anything: it retries every minute" in notice["text"]
        assert (await person.data("status"))["summary"] == {
            "level": "warning",
            "text": notice["title"],
        }
        assert health["inverters"][0]["state"] != "good"
        assert health["counts"]["failed_requests"] > 0
        assert "http:" not in notice["text"]
        assert health["last_error"] is None, "it is shown twice"
        person.home.simulator.faults.clear()
        after = (await person.all_well(seconds=90))["health"]
        assert after["cloud"]["state"] == "good"
        assert after["last_error"]["sentence"] in notice["text"]


async def test_the_history_is_what_it_was_before_the_first_reading_after_a_restart() -> None:
    def codes(calendar: dict[str, Any]) -> list[str]:
        return [hour["code"] for day in calendar["days"] for hour in day["hours"]]

    async with running() as person:
        await person.all_well()
        before = await person.until("calendar?days=3", lambda found: "before" not in codes(found))
        await person.home.service.stop()
        person.home.simulator.faults.add(Fault(kind=Kind.STATUS, status=503, path="Dynamic"))
        await person.start()
        await person.first_notice("cloud_away")
        assert codes(await person.data("calendar?days=3")) == codes(before)


async def test_what_core_does_not_answer_is_said_in_a_sentence() -> None:
    """Energy and its files are Core's to tell."""

    async def said(path: str) -> tuple[int, str]:
        async with person.get(path) as answer:
            return answer.status, (await answer.json())["text"]

    async with running() as person:
        await person.all_well()
        core = person.home.supervisor
        core.faults = Faults(status=502)
        await core.close_websockets()
        await person.first_notice("core_away")
        for path in ("data/period?period=month", "energy.csv?period=day"):
            assert await said(path) == (503, "Home Assistant does not answer.")


async def test_a_firewall_is_named_as_one_with_what_to_do() -> None:
    async with visitor() as person:
        person.home.simulator.faults.add(Fault(kind=Kind.NOT_JSON))
        await person.start()
        notice = await person.first_notice("cloud_away")
        assert notice["title"] == "Something blocks the Redback cloud"
        assert "a web page came instead of an answer" in notice["text"]
        assert "Allow api.redbacktech.com" in notice["text"]
        assert "don't need to do anything" not in notice["text"]


@pytest.mark.fast_clock
@pytest.mark.parametrize(("hours", "words"), [(3, "3 h 0 min fast"), (-3, "3 h 0 min slow")])
async def test_a_clock_that_is_wrong_is_the_problem_and_not_the_inverter(
    monkeypatch: pytest.MonkeyPatch, hours: int, words: str
) -> None:
    monkeypatch.setenv("LD_PRELOAD", *map(str, _FAKETIME))
    monkeypatch.setenv("FAKETIME", f"{hours:+d}h")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    async with visitor() as person:
        await person.start()
        notice = await person.first_notice("clock")
        assert words in notice["text"]
        assert "let this machine reach a time server" in notice["text"]
        status = await person.until(
            "status", lambda status: [one["kind"] for one in status["notices"]] == ["clock"]
        )
        (inverter,) = status["health"]["inverters"]
        assert inverter["state"] != "good"
        assert "WARNING: Redback is offline" not in person.home.service.log


async def test_a_core_that_is_away_is_shown_until_it_is_back() -> None:
    async with running() as person:
        await person.all_well()
        person.home.supervisor.faults = Faults(status=502)
        await person.home.supervisor.close_websockets()
        assert (await person.first_notice("core_away"))["to_options"] is False
        assert (await person.data("status"))["health"]["core"]["state"] == "bad"
        person.home.supervisor.faults = Faults()
        await person.all_well(seconds=60)


async def test_entities_of_an_integration_are_named_until_they_are_deleted() -> None:
    async with Core() as core, visitor(core=core.address) as person:
        core.registry.add("sensor.redback_grid_power", "redback")
        core.write("sensor.redback_grid_power", "7")
        await person.start()
        notice = await person.first_notice("taken")
        assert notice.pop("since")
        assert notice.pop("count") >= 1
        assert notice == {
            "kind": "taken",
            "title": "An integration has the same entities",
            "text": "The add-on does not write sensor.redback_grid_power: the integration redback"
            " has the same entities. In Settings → Devices & services → Entities, delete or rename"
            " the integration's entities, or disable them; the add-on then writes its own. Or give"
            " the site another name in the option Sites.",
            "level": "error",
            "to_options": True,
            "to_sites": False,
            "to_history": False,
            "may_retry": False,
        }
        await person.home.shows("redback_site_load")
        assert await person.home.value("redback_grid_power") == "7"
        listed = {one["entity_id"] for one in (await person.data("entities"))["entities"]}
        assert "sensor.redback_site_load" in listed
        assert "sensor.redback_grid_power" not in listed
        core.registry.remove("sensor.redback_grid_power")
        core.remove("sensor.redback_grid_power")
        await person.all_well()
        assert await person.home.shows("redback_grid_power") != "7"


async def test_an_inverter_that_is_offline_is_named() -> None:
    now = datetime.now(UTC)
    async with visitor("two-inverters") as person:
        silent = person.home.inverters[1]
        person.home.simulator.faults.add(
            Fault(kind=Kind.OFFLINE, serial=silent, since=now - timedelta(minutes=30))
        )
        await person.start()
        notice = await person.first_notice("offline")
        assert notice["title"] == f"Redback {silent[-4:]} is offline"
        status = await person.data("status")
        assert {one["serial"]: one["state"] for one in status["health"]["inverters"]} == {
            person.home.inverters[0]: "good",
            silent: "bad",
        }


async def test_an_inverter_that_may_not_be_read_is_named() -> None:
    async with visitor("two-inverters") as person:
        closed = person.home.inverters[1]
        person.home.simulator.faults.add(Fault(kind=Kind.FORBIDDEN, serial=closed, path="Dynamic"))
        await person.start()
        await person.until(
            "status",
            lambda status: "denied" in {one["kind"] for one in status["notices"]},
            seconds=100,
        )
