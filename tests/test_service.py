"""The service as a process, from the outside: what a user would see of it."""

import asyncio
import json
import operator
import re
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from house import House, eventually, house, until
from simulator import Fault, Kind
from standin.core import Core
from standin.faults import Faults

pytestmark = pytest.mark.process

# The Supervisor allows ten seconds. The service uses 4.2 of these at most, and mostly none.
LONGEST_STOP = 5


async def settled(home: House, count: int = 43) -> dict[str, dict[str, Any]]:
    """Wait until all entities are there, and return them."""
    return await eventually(home.states, lambda states: len(states) >= count)


def values(states: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {state["state"] for state in states.values()}


async def test_within_seconds_every_reading_is_a_state_and_agrees_with_the_inverter() -> None:
    async with house("st") as home:
        await home.service.start()
        states = await settled(home)
        stamp = states["redback_last_reading"]["state"]
        truth = home.simulator.truth(home.inverters[0], time.time())
        assert truth is not None
        for name, field in (
            ("grid_import_total", "ImportAllTimeEnergykWh"),
            ("grid_export_total", "ExportAllTimeEnergykWh"),
            ("solar_generation_total", "PvAllTimeEnergykWh"),
            ("site_load_total", "LoadAllTimeEnergykWh"),
            ("battery_charge_total", "BatteryChargeAllTimeEnergykWh"),
            ("battery_discharge_total", "BatteryDischargeAllTimeEnergykWh"),
        ):
            shown = float(states[f"redback_{name}"]["state"])
            # The newest minute may not be visible yet: it adds no more than its own energy.
            assert 0 <= truth[field] - shown <= 30 / 60 * 2, name
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", stamp)


async def test_a_counter_that_the_past_does_not_have_comes_with_the_second_reading() -> None:
    async with house("st", past_of_v221=False) as home:
        await home.service.start()
        await home.shows("redback_grid_import_total")
        await home.shows("redback_battery_charge_total", seconds=100)


async def test_each_family_has_just_what_it_has() -> None:
    async with house("st", "sh", "si", "hybrid") as home:
        await home.service.start()
        await settled(home, 43 + 39 + 25 + 22)
        states = await home.states()
        of = {
            serial: {name for name in states if name.startswith(f"redback_{serial[-4:]}_")}
            for serial in home.inverters
        }
        three_phase, single_phase, without, hybrid = (of[serial] for serial in home.inverters)
        assert len(three_phase) == 43
        assert any(name.endswith("grid_voltage_c") for name in three_phase)
        assert any(name.endswith("battery_soc") for name in single_phase)
        for names in (single_phase, without):
            assert not any(name.endswith(("_b", "_c")) for name in names)
        for names in (without, hybrid):
            assert not any("battery" in name or "soc" in name for name in names)


@pytest.mark.parametrize("accepts", ["new", "old"])
async def test_the_token_endpoint_that_takes_the_account_is_found_and_remembered(
    accepts: str,
) -> None:
    async with house(accepts="new" if accepts == "new" else "old") as home:
        await home.service.start()
        await home.shows("redback_status")
        assert await home.service.stop() == 0
        home.simulator.journal.clear()
        await home.service.start()
        await home.shows("redback_status")
        assert home.simulator.journal.count("token") == 1


async def test_options_that_cannot_work_end_it_with_78_and_a_sentence_each() -> None:
    async with house() as home:
        home.service.options(client_id="", history_days=5000)
        await home.service.start()
        assert await home.service.ended() == 78
        lines = [re.sub(r"^\[[\d:]+\] ", "", line) for line in home.service.log.splitlines()]
        assert lines == [
            "ERROR: Days of history must be a whole number from 0 to 3650.",
            "ERROR: Client ID is empty: enter the one from Redback support.",
        ]
        notice = (await home.notifications())["redback_options"]
        assert "Days of history must be" in notice
        assert "Client ID is empty" in notice

        home.service.options()
        await home.service.start()
        await home.shows("redback_status")
        await eventually(home.notifications, operator.not_)


async def test_a_site_that_the_account_does_not_have_stops_nothing_and_is_reported() -> None:
    async with house("two-sites") as home:
        site = home.simulator.world.account.sites[0].site_id
        home.service.options(
            sites=[{"id": site, "name": "Home"}, {"id": "S404", "name": "Nowhere"}]
        )
        await home.service.start()
        await home.shows("home_grid_import_total")
        notices = await home.notifications()
        for text in (notices["redback_missing_sites"], home.service.log):
            assert "S404" in text
            assert all(serial in text for serial in home.inverters)
        assert not [name for name in await home.states() if not name.startswith("home_")]


async def test_sigterm_makes_everything_unavailable_and_ends_it_with_0_in_time() -> None:
    async with house() as home:
        await home.service.start()
        await settled(home)
        started = time.monotonic()
        assert await home.service.stop() == 0
        assert time.monotonic() - started < LONGEST_STOP
        assert values(await home.states()) == {"unavailable"}


async def test_sigterm_makes_everything_unavailable_through_a_slow_home_assistant() -> None:
    async with house() as home:
        await home.service.start()
        await settled(home)
        home.supervisor.faults = Faults(delay_s=0.3)
        started = time.monotonic()
        assert await home.service.stop() == 0
        assert time.monotonic() - started < LONGEST_STOP
        assert values(await home.states()) == {"unavailable"}
        assert "could not be made unavailable" not in home.service.log


async def test_sigterm_ends_it_in_time_and_says_what_a_silent_home_assistant_keeps() -> None:
    async with house() as home:
        await home.service.start()
        count = len(await settled(home))
        home.supervisor.faults = Faults(delay_s=30)
        started = time.monotonic()
        assert await home.service.stop() == 0
        assert time.monotonic() - started < LONGEST_STOP
        left = f"{count} of {count} entities could not be made unavailable"
        assert home.service.log.count(left) == 1


@pytest.mark.parametrize("fault", [Kind.SLOW, Kind.DRIP])
async def test_sigterm_ends_it_in_time_while_the_cloud_hangs(fault: Kind) -> None:
    async with house() as home:
        home.simulator.faults.add(Fault(kind=fault, seconds=30, path=""))
        await home.service.start()
        await until(lambda: home.simulator.journal.count() or "Redback add-on" in home.service.log)
        await asyncio.sleep(0.5)
        started = time.monotonic()
        assert await home.service.stop() == 0
        assert time.monotonic() - started < LONGEST_STOP


async def test_after_a_restart_of_core_all_states_are_back_within_ten_seconds() -> None:
    async with Core() as core, house(core=core.address) as home:
        await home.service.start()
        before = await settled(home)
        await core.stop()
        await asyncio.sleep(8)
        await core.start()
        assert not await home.states()
        await eventually(home.states, lambda states: states.keys() >= before.keys(), 10)
        assert home.service.log.count("Home Assistant does not answer") >= 1
        # A push may have failed the moment before the disconnection was noticed.
        assert len(re.findall("WARNING", home.service.log)) <= 2


async def test_a_name_once_given_stays_when_a_second_inverter_comes() -> None:
    async with house() as home:
        await home.service.start()
        await home.shows("redback_grid_import_total")
        await home.service.stop()
        home.simulator.faults.add(Fault(kind=Kind.EXTRA_INVERTER))
        await home.service.start()

        def statuses(states: Iterable[str]) -> set[str]:
            return {name for name in states if name.endswith("_status")}

        # The next round of readings is up to a minute away.
        names = statuses(
            await eventually(home.states, lambda states: len(statuses(states)) == 2, 90)
        )
        assert "redback_status" in names
        assert any(re.fullmatch(r"redback_\d{4}_status", name) for name in names)


async def test_a_list_of_inverters_that_fails_at_the_start_stops_no_readings() -> None:
    async with Core() as core, house("two-sites", core=core.address) as home:
        await home.service.start()
        for serial in home.inverters:
            await home.shows(f"redback_{serial[-4:]}_status")
        assert await home.service.stop() == 0
        await core.restart()
        home.simulator.faults.add(Fault(kind=Kind.WRONG_SHAPE, path="With/Nodes"))
        await home.service.start()
        for serial in home.inverters:
            await home.shows(f"redback_{serial[-4:]}_status")


async def test_sigkill_at_any_moment_loses_nothing() -> None:
    async with house() as home:
        chance = Random(5)
        believed: dict[str, float] = {}
        for file in (None, "memory.json", "counters.json", "entities.json") * 3:
            await home.service.start()
            if file is None:
                await asyncio.sleep(chance.uniform(0.1, 1.5))
            else:
                await rewritten(home.data / file, chance.uniform(0, 0.02))
            await home.service.kill()
            now = counters_on_disk(home.data)
            assert all(now[name] >= value for name, value in believed.items())
            believed = now
        assert len(believed) == 6
        await home.service.start()
        states = await settled(home)
        assert "damaged" not in home.service.log
        shown = sorted(
            float(state["state"])
            for state in states.values()
            if state["attributes"].get("state_class") == "total_increasing"
        )
        pairs = zip(shown, sorted(believed.values()), strict=True)
        assert all(now >= before for now, before in pairs)


async def rewritten(path: Path, seconds: float) -> None:
    """Wait until a file is being written, and a little longer; not for long where it is not."""

    def written_at() -> int | None:
        if path.with_name(f".{path.name}.new").exists():
            return None
        return path.stat().st_mtime_ns if path.exists() else 0

    before = written_at()
    with suppress(TimeoutError):
        async with asyncio.timeout(3):
            while written_at() == before:
                await asyncio.sleep(0.0005)
            await asyncio.sleep(seconds)


def counters_on_disk(data: Path) -> dict[str, float]:
    """Return what is believed of the counters of the only inverter, kWh."""
    path = data / "counters.json"
    pages = json.loads(path.read_bytes()) if path.exists() else {}
    return {name: one["value"] for page in pages.values() for name, one in page.items()}


async def test_after_a_kill_nothing_of_before_stands_when_the_credentials_are_refused() -> None:
    async with house() as home:
        await home.service.start()
        before = await settled(home)
        await home.service.kill()
        home.simulator.faults.add(Fault(kind=Kind.WRONG_SECRET, path="token"))
        await home.service.start()
        after = await eventually(home.states, lambda states: values(states) == {"unavailable"})
        assert after.keys() == before.keys()


async def test_after_a_kill_sigterm_makes_everything_unavailable_without_any_reading() -> None:
    async with house() as home:
        await home.service.start()
        await settled(home)
        await home.service.kill()
        home.simulator.faults.add(Fault(kind=Kind.STATUS, status=503, path=""))
        home.simulator.journal.clear()
        await home.service.start()
        await until(home.simulator.journal.count)
        assert await home.service.stop() == 0
        assert values(await home.states()) == {"unavailable"}


@pytest.mark.timeout(360)
async def test_no_secret_is_in_the_log_at_debug_level_whatever_happens() -> None:
    async with house() as home:
        faults = home.simulator.faults
        faults.add(Fault(kind=Kind.WRONG_SECRET, path="token", times=1))
        faults.add(Fault(kind=Kind.STATUS, status=500, times=2))
        faults.add(Fault(kind=Kind.DROP, times=1))
        await home.service.start()
        await home.shows("redback_status", seconds=180)

        faults.add(Fault(kind=Kind.TOKEN_EXPIRY))
        faults.add(Fault(kind=Kind.NOT_JSON, times=1))
        home.supervisor.faults = Faults(status=502, times=3)
        home.simulator.journal.clear()
        await until(lambda: home.simulator.journal.count("token"), 70)
        await asyncio.sleep(1)
        assert await home.service.stop() == 0

        faults.add(Fault(kind=Kind.WRONG_SECRET))
        await home.service.start()
        await eventually(home.notifications, lambda notices: "redback_credentials" in notices)
        assert await home.service.stop() == 0
        # That no secret is in it, every house looks for at its end.
        assert "DEBUG" in home.service.log


async def test_a_part_that_crashes_ends_the_whole_with_a_traceback_and_a_code() -> None:
    with socket.create_server(("", 0)) as taken:
        async with house(panel_port=taken.getsockname()[1]) as home:
            await home.service.start()
            assert await home.service.ended() == 1
            assert "Traceback" in home.service.log
            assert "address already in use" in home.service.log


async def test_a_full_disk_is_logged_and_readings_go_on() -> None:
    async with house() as home:
        for name in ("memory.json", "counters.json"):
            (home.data / name).mkdir()
        await home.service.start()
        await settled(home)
        assert await home.service.stop() == 0
        log = home.service.log
        assert log.count("memory.json cannot be written (Is a directory)") == 1
        assert log.count("counters.json cannot be written (Is a directory)") == 1


async def test_the_panels_port_refuses_an_address_that_is_not_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with house(panel_port=port) as home, aiohttp.ClientSession() as session:
        await home.service.start()
        await home.shows("redback_status")
        async with session.get(f"http://127.0.0.1:{port}/") as answer:
            assert answer.status == 403
        async with session.get(f"http://127.0.0.1:{port}/health") as answer:
            assert answer.status == 200


async def test_counters_go_on_after_a_restart_as_if_there_had_been_none() -> None:
    async with Core() as core, house(core=core.address) as home:
        await home.service.start()
        before = float(await home.shows("redback_grid_import_total"))
        await home.service.kill()
        await core.restart()  # so that nothing of before is shown any more
        now, span = datetime.now(UTC), timedelta(minutes=10)
        zero = Fault(kind=Kind.COUNTER_ZERO, since=now - span, until=now + span)
        home.simulator.faults.add(zero)
        await home.service.start()
        assert float(await home.shows("redback_grid_import_total")) == before


async def test_a_core_that_refuses_for_a_while_has_every_state_afterwards() -> None:
    async with house() as home:
        home.supervisor.faults = Faults(status=403)
        await home.service.start()
        await asyncio.sleep(5)
        assert not await home.states()
        home.supervisor.faults = Faults()
        await settled(home)
        assert home.service.log.count("WARNING") == 1


async def test_an_inverter_that_may_not_be_read_is_reported_and_costs_the_others_nothing() -> None:
    async with house("two-inverters") as home:
        denied, other = home.inverters
        home.simulator.faults.add(Fault(kind=Kind.FORBIDDEN, serial=denied))
        await home.service.start()
        await home.shows(f"redback_{other[-4:]}_grid_import_total")
        shown = await eventually(home.notifications, lambda notices: "redback_denied" in notices)
        assert denied in shown["redback_denied"]


async def test_an_inverter_that_has_left_the_account_costs_the_others_nothing_at_a_start() -> None:
    async with house("two-inverters") as home:
        left, other = home.inverters
        fault = Fault(kind=Kind.STATUS, status=401, serial=left)
        await home.service.start()
        await home.shows(f"redback_{other[-4:]}_grid_import_total")
        home.simulator.faults.add(fault)
        for _ in range(2):
            await home.service.stop()  # makes everything unavailable
            home.simulator.journal.clear()
            await home.service.start()
            await home.shows(f"redback_{other[-4:]}_solar_generation")
            shown = await eventually(home.notifications, lambda found: "redback_denied" in found)
            assert left in shown["redback_denied"]
            assert home.simulator.journal.count("token") == 1
            assert not {"redback_token", "redback_credentials"} & shown.keys()


async def test_an_inverter_that_was_replaced_while_the_add_on_was_away_keeps_its_entities() -> None:
    async with house("st") as home:
        (site,) = home.simulator.world.account.sites
        saved = {
            "inverters": [{"serial": "RB19010112345678", "site_id": site.site_id}],
            "names": {"RB19010112345678": {"base": "Redback", "name": "Redback"}},
        }
        (home.data / "memory.json").write_text(json.dumps(saved))
        await home.service.start()
        shown = await eventually(home.notifications, bool)
        assert f"`{home.inverters[0]}` instead of `RB19010112345678`" in shown.popitem()[1]
        await home.service.stop()
        await home.service.start()
        await home.shows("redback_grid_import_total")
        assert not [one for one in await home.states() if re.match(r"redback_\d", one)]
        assert home.service.log.count("instead of") == 1
