"""That the diagnostics file helps, and does not show who it comes from."""

import asyncio
import json
import re

import pytest

from fake_clock import FakeClock
from house import CREDENTIAL, SECOND, TOKEN
from panel.scenes import House
from panel.visitor import Visitor, running
from redback.panel.diagnostics import hide
from redback.publishing.entity_ids import entity_id
from simulator import CLIENT_ID, SECOND_CLIENT_ID, SECOND_CREDENTIAL, Fault, Kind
from standin.core import Core

pytestmark = pytest.mark.process

_NAMES = ("Zoë's house at 12 Wattle Street", "Granny flat")


def _identities(person: Visitor) -> list[str]:
    """Return everything that shows who or where it is, as the simulated cloud has it."""
    world = person.home.simulator.world
    found = [
        CLIENT_ID,
        CREDENTIAL,
        SECOND_CLIENT_ID,
        SECOND_CREDENTIAL,
        "farm",
        TOKEN,
        *_NAMES,
        "wattle",
        "granny",
        "eyJ0eXAi",
    ]
    for account in world.accounts:
        for site in account.sites:
            found += [site.site_id, site.site_id[1:], site.nmi or site.site_id]
            for inverter in site.inverters:
                found += [inverter.serial, inverter.serial[2:], f"_{inverter.serial[-4:]}_"]
    return found


async def test_ids_of_every_kind_are_hidden_and_those_that_people_gave(clock: FakeClock) -> None:
    house = House(clock)
    house.add("RB26030100000011", "Zoë's house")
    house.registered = {"sensor.zoe_s_house_grid_power", "select.wattle_street"}
    shown = {
        "sensor.zoe_s_house_grid_power": "binary_sensor.zoe_s_house_problem and 2 more",
        "ids": ["number.zoe_s_house_power", "select.wattle_street", "sensor.redback_grid_power"],
    }
    assert hide(house.context, shown) == {
        "sensor.name-1_grid_power": "binary_sensor.name-1_problem and 2 more",
        "ids": ["number.name-1_power", "select.renamed-1", "sensor.redback_grid_power"],
    }


async def test_the_name_of_an_inverter_that_is_gone_is_hidden_too(clock: FakeClock) -> None:
    house = House(clock)
    house.add("RB26030100000011", "House")
    house.leave("RB26030100000022", "Granny's shed", days=2)
    (notice,) = house.status.notices
    assert hide(house.context, notice.title) == "name-2 is no longer in your account"


async def _download(person: Visitor) -> str:
    async with person.get("diagnostics") as answer:
        assert answer.status == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        text: str = await answer.text()
    return text


async def test_nothing_in_it_shows_who_or_where_it_is() -> None:
    async with Core() as core, running("two-sites", core=core.address) as person:
        await person.all_well()
        home = person.home
        core.registry.add(entity_id(_NAMES[1], "grid_power"), "redback")
        await home.service.stop()
        entries = [
            {"id": serial, "name": name}
            for serial, name in zip(home.inverters, _NAMES, strict=True)
        ]
        entries.append({"id": "S9999999999999", "name": "Aunt Matilda"})
        home.service.options(sites=entries)
        home.simulator.faults.add(
            Fault(kind=Kind.STATUS, status=503, serial=home.inverters[0], path="Dynamic")
        )
        await person.start()
        await person.until("status", lambda status: len(status["notices"]) > 1, seconds=60)
        text = await _download(person)
        for identity in [*_identities(person), "S9999999999999", "Matilda"]:
            assert identity.casefold() not in text.casefold(), identity
        # The text that contains all that is there, as somebody has called it.
        assert _NAMES[1] in json.dumps(await person.data("status"))


async def test_it_contains_what_helps() -> None:
    async with running(options={"history_days": 4}) as person:
        await person.all_well()
        await asyncio.sleep(1)
        file = json.loads(await _download(person))
        assert file["options"] == {
            "more_accounts": 0,
            "sites": [],
            "history_days": 4,
            "detailed_sensors": file["options"]["detailed_sensors"],
            "log_level": "debug",
            "devices": False,
            "controls": False,
            "has_own_broker": False,
        }
        assert file["status"]["version"]
        assert file["home_assistant"]
        (inverter,) = file["inverters"].values()
        assert re.fullmatch(r"[\d.]+", inverter["software"])
        assert "grid_import_total" in inverter["counters"]
        (account,) = file["accounts"]
        assert any("Dynamic" in route for route in account["answers"])
        assert [one["is_read"] for one in account["inverters"]] == [True]
        assert file["status"]["health"]["counts"]["requests"] > 0


async def test_all_accounts_are_in_it_and_nothing_shows_whose_they_are() -> None:
    options = {"more_accounts": [SECOND]}
    async with running("st", second=["sh", "si"], options=options) as person:
        await person.all_well()
        wrong = Fault(kind=Kind.WRONG_SECRET, path="", client_id=SECOND_CLIENT_ID)
        person.home.simulator.faults.add(wrong)
        await person.home.service.stop()
        await person.start()
        await person.first_notice("credentials")
        assert "Account Farm" in json.dumps(await person.data("status"))
        text = await _download(person)
        for identity in _identities(person):
            assert identity.casefold() not in text.casefold(), identity
        saved = json.loads((person.home.data / "memory.json").read_bytes())
        assert not [key for key in saved["accounts"] if key in text]
        file = json.loads(text)
        assert [len(account["inverters"]) for account in file["accounts"]] == [1, 2]
        assert file["options"]["more_accounts"] == 1
