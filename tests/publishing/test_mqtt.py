"""What is published over MQTT, to a real broker, and what the stand-in Core's registry changes."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pytest

from dashboards.inverters import inverter
from examples import SERIAL, configuration, static
from house import until
from publishing.devices_home import CONFIG, HOUSE, LIVE, STATE, STATUS, TOTAL, Home, values
from redback.problems import Kind
from redback.publishing.components import Component
from redback.publishing.device import Device
from redback.publishing.mqtt import MqttPublisher
from redback.sensors.details import Details
from redback.sensors.entities import Shown
from standin.client import Client
from standin.integrations import PLATFORM
from standin.supervisor import Supervisor


class Obedient:
    """Has a mode and a button, once that is known; notes the commands it gets."""

    def __init__(self) -> None:
        self.has: dict[str, Component] | None = {
            "mode": Component("select", "Mode", {"ops": ["Auto", "Charge"]}, has_value=True),
            "press": Component("button", "Back To Auto", {}),
            "control": Component("event", "Control", {"evt_typ": ["ended"]}),
        }
        self.mode = "Auto"
        self.told: list[tuple[str, str, str]] = []

    def components(self, _: str) -> Mapping[str, Component] | None:
        return self.has

    def values(self, _: str) -> Mapping[str, object]:
        return {"mode": self.mode}

    def command(self, serial: str, key: str, payload: str) -> None:
        self.told.append((serial, key, payload))


async def test_an_inverter_is_one_device_with_one_message_of_all_values(home: Home) -> None:
    async with home.started() as way:
        way.describe(HOUSE, Details(static(), configuration()))
        way.offer(HOUSE, values(status="OK", grid_power=1.25, grid_import_total=1000.5))
        retained = await home.has(lambda found: found[CONFIG])
        assert retained["redback/status"] == retained[STATUS] == retained[LIVE] == "online"
        assert retained[STATE] == {
            "status": "OK",
            "grid_power": 1.25,
            TOTAL: 1000.5,
            "online": "ON",
            "problem": "OFF",
        }
        message = retained[CONFIG]
        assert message["dev"] == {
            "ids": [f"redback_{SERIAL}"],
            "name": "House",
            "mf": "Redback Technologies",
            "mdl": static().model,
            "sn": SERIAL,
            "sw": static().software_version,
            "hw": static().firmware_version,
            "cu": "homeassistant://app/local_redback",
        }
        assert message["o"] == {"name": "Redback", "sw": version("redback")}
        assert message["cmps"].keys() == retained[STATE].keys()
        assert message["cmps"][TOTAL] == {
            "p": "sensor",
            "uniq_id": f"redback_{SERIAL}_{TOTAL}",
            "name": "Grid Import Total",
            "val_tpl": f"{{{{ value_json.{TOTAL} | default('') }}}}",
            "default_entity_id": f"sensor.house_{TOTAL}",
            "object_id": f"house_{TOTAL}",
            "unit_of_meas": "kWh",
            "dev_cla": "energy",
            "stat_cla": "total_increasing",
            "sug_dsp_prc": 2,
        }
        assert message["cmps"]["problem"]["p"] == "binary_sensor"
    assert (await home.retained())["redback/status"] == "offline"


async def test_what_was_counted_today_says_since_when(home: Home) -> None:
    async with home.started() as way:
        for day in (2, 3):
            since = datetime(2026, 3, day, 14, tzinfo=UTC)
            today = Shown("solar_generation_today", 0.0, since=since)
            way.offer(HOUSE, [*values(status="OK", grid_power=1.25), today])
            state = {"solar_generation_today": 0.0, "last_reset": since.isoformat()}

            def is_so(found: Mapping[str, Any], state: Mapping[str, object] = state) -> bool:
                return bool(state.items() <= found[STATE].items())

            await home.has(is_so)
        component = (await home.has(lambda found: found[CONFIG]))[CONFIG]["cmps"][today.key]
        assert component["stat_cla"] == "total"
        assert component["lrst_val_tpl"] == "{{ value_json.last_reset | default('') }}"
        assert "avty" not in component


async def test_what_an_inverter_is_and_may_do_is_no_more_than_a_detail(home: Home) -> None:
    async with home.started() as way:
        facts = values(model="ST10000", export_hard_limit=5.0, min_soc=10)
        way.offer(HOUSE, [*facts, *values(status="OK", grid_import_a=1.5)])
        components = (await home.has(lambda found: found[CONFIG]))[CONFIG]["cmps"]
        diagnostic = {key for key, one in components.items() if one.get("ent_cat") == "diagnostic"}
        assert diagnostic == {"model", "export_hard_limit"}
        assert not {one.get("ent_cat") for one in components.values()} - {"diagnostic", None}


async def test_all_is_sent_again_when_core_has_started(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        retained = await home.has(lambda found: found[CONFIG])
        heard: dict[str, str | bytes] = {}
        async with home.broker.client() as client, asyncio.timeout(10):
            await client.subscribe("redback/#", qos=1)
            await client.subscribe("homeassistant/device/#", qos=1)
            await home.broker.publish("homeassistant/status", "online")
            async for message in client.messages:
                if not message.retain:
                    heard[message.topic.value] = bytes(message.payload)
                if heard.keys() == retained.keys():
                    break
    assert json.loads(heard[CONFIG]) == retained[CONFIG]
    assert json.loads(heard[STATE]) == retained[STATE]


async def test_a_broker_whose_password_changes_at_its_restart_is_logged_in_to_again(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    broker = home.broker
    await broker.stop()
    broker.username, broker.password = "addons", "first-password"
    await broker.start()
    home.supervisor.broker = broker.address
    async with home.started(own_broker=False) as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
        # Its app takes the service back while it restarts.
        home.supervisor.broker = None
        await broker.stop()
        await home.when(lambda: home.problems.find(Kind.BROKER_MISSING))
        broker.password = "another-password"
        await broker.start()
        home.supervisor.broker = broker.address
        await home.when(lambda: way.broker.is_up)
        assert not home.problems.now
    assert Kind.BROKER_REFUSED.sentence.partition("{")[0] not in caplog.text


async def test_what_is_too_old_is_unavailable_and_counters_stay(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25, grid_import_total=1000.5))
        message = (await home.has(lambda found: found[CONFIG]))[CONFIG]
        topics = {
            key: [one["t"] for one in component.get("avty", message["avty"])]
            for key, component in message["cmps"].items()
        }
        assert topics["grid_power"] == ["redback/status", STATUS, LIVE]
        assert topics[TOTAL] == topics["online"] == ["redback/status", STATUS]
        lapsed = Shown("grid_power", is_available=False)
        way.offer(HOUSE, [Shown("status", "OFFLINE"), lapsed, Shown(TOTAL, 1000.5)])
        retained = await home.has(lambda found: found[LIVE] == "offline")
        assert retained[STATUS] == "online"
        assert retained[STATE]["online"] == "OFF"
        assert retained[STATE][TOTAL] == 1000.5
        assert {"status": "OFFLINE", "online": "off", "problem": "off"}.items() <= (
            way.states(HOUSE).items()
        )
        way.offer(
            HOUSE, [Shown(key, is_available=False) for key in ("status", "grid_power", TOTAL)]
        )
        await home.has(lambda found: found[STATUS] == "offline")
        assert {*way.states(HOUSE).values()} == {"unavailable"}


async def test_a_problem_of_an_inverter_is_one_for_automations(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="FAULT"))
        await home.has(lambda found: found[STATE]["problem"] == "ON")
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[STATE]["problem"] == "OFF")
        # At once, not with the next reading, which may never come.
        home.problems.raise_(Kind.ENTITY, "sensor.house_grid_power", "no", within=SERIAL)
        await home.has(lambda found: found[STATE]["problem"] == "ON")
        home.problems.clear(Kind.ENTITY, "sensor.house_grid_power")
        await home.has(lambda found: found[STATE]["problem"] == "OFF")
        home.problems.raise_(Kind.OFFLINE, SERIAL)
        await home.has(lambda found: found[STATE]["problem"] == "ON")
        home.problems.raise_(Kind.CLOCK, why="it is slow")  # which explains the other one
        await home.has(lambda found: found[STATE]["problem"] == "OFF")
        home.problems.watch({}, [SERIAL])
        home.problems.clear(Kind.CLOCK)
        assert (await home.retained())[STATE]["problem"] == "OFF"


async def test_no_entity_takes_an_id_that_somebody_else_has(home: Home) -> None:
    home.core.registry.add("sensor.house_grid_power", PLATFORM)
    home.core.registry.add("sensor.house_site_load", PLATFORM, disabled_by="user")
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25, site_load=2.5))
        retained = await home.has(lambda found: found[CONFIG])
        assert retained[CONFIG]["cmps"].keys() == {"status", "online", "problem"}
        assert home.problems.find(Kind.OWNED)
        home.core.registry.remove("sensor.house_site_load")
        await home.has(lambda found: "site_load" in found[CONFIG]["cmps"])


async def test_a_state_that_we_pushed_is_removed_first(home: Home) -> None:
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        async with Client.of_core(home.core.url, home.core.token) as client:

            async def state() -> object:
                return (await client.request("GET", "states/sensor.house_grid_power")).status

            async def is_there() -> bool:
                return await state() == 200

            await until(is_there)
            home.core.write("sensor.other", "1")
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.has(lambda found: "grid_power" in found[CONFIG]["cmps"])
    async with Client.of_core(home.core.url, home.core.token) as client:
        assert (await client.request("GET", "states/sensor.house_grid_power")).status == 404
        assert (await client.request("GET", "states/sensor.other")).status == 200


async def test_ids_that_people_gave_are_used_and_disabled_ones_are_left_alone(home: Home) -> None:
    home.register("status", "sensor.mine")
    home.register("grid_power")
    home.core.registry.disable("sensor.house_grid_power")
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        message = (await home.has(lambda found: found[CONFIG]))[CONFIG]
        assert message["cmps"]["status"]["default_entity_id"] == "sensor.mine"
        assert message["cmps"]["status"]["uniq_id"] == f"redback_{SERIAL}_status"
        # A disabled one has no statistics, which nobody waits for or writes.
        given = inverter().inverter
        ids, series = way.ownership.ids(given), way.ownership.series(given)
        assert ids["status"] == "sensor.mine"
        assert ids["site_load"] == series["site_load"].entity_id == "sensor.house_site_load"
        assert ids["problem"] == "binary_sensor.house_problem"
        assert "grid_power" in given.entities.sensors
        assert not {"grid_power"} & {*ids, *series}


async def test_a_reading_has_arrived_when_core_shows_it(home: Home) -> None:
    shown = home.register("last_reading")
    home.register("grid_power")
    home.core.registry.disable("sensor.house_grid_power")
    moment = home.clock.now()
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25, last_reading=moment))
        way.sent(HOUSE, moment)
        await home.has(lambda found: found[CONFIG])
        await home.clock.advance(5)
        assert not home.noted
        home.core.write(shown, (moment - timedelta(minutes=1)).isoformat(timespec="seconds"))
        home.core.write(shown, moment.isoformat(timespec="seconds"))
        await until(lambda: home.noted)
    assert home.noted == {moment: {"last_reading"}}


async def test_what_core_makes_of_our_messages_is_nobody_elses(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    keys = [f"pv_{number}_{part}" for number in range(32) for part in ("voltage", "power")]
    async with home.started() as way:
        way.offer(HOUSE, values(**dict.fromkeys(keys, 1.5)))
        await home.has(lambda found: len(found[CONFIG]["cmps"]) == len(keys) + 2)
        for key in keys:
            # In this order, as Core does it.
            home.core.write(home.register(key), "1.5")
            await asyncio.sleep(0)
        home.core.write("sensor.house_pv_0_power", "2.5")
        await home.clock.advance(1)
    assert "no longer writes" not in caplog.text


async def test_a_value_that_nobody_foresaw_is_one_that_core_shows(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(inverter_mode="Auto"))
        before = (await home.has(lambda found: found[CONFIG]))[CONFIG]
        way.offer(HOUSE, values(inverter_mode="Dance"))
        retained = await home.has(lambda found: found[CONFIG] != before)
        first, second = (one["cmps"]["inverter_mode"]["ops"] for one in (before, retained[CONFIG]))
        assert second == [*first, "Dance"]
        assert retained[STATE]["inverter_mode"] == "Dance"


async def test_ids_that_another_inverter_has_are_named(home: Home) -> None:
    other = Device("RB9", "House")
    theirs = home.register("grid_power")
    home.register("status", "sensor.first_status")
    async with home.started() as way:
        way.offer(Device(SERIAL, "Garage"), values(status="OK", grid_power=1.25))
        way.offer(other, values(status="OK", grid_power=2.5))
        retained = await home.has(lambda found: found["homeassistant/device/redback_RB9/config"])
        shown = retained["homeassistant/device/redback_RB9/config"]["cmps"]
        assert shown.keys() == {"status", "online", "problem"}
        problem = home.problems.find(Kind.OCCUPIED, subject="RB9")
        assert problem is not None
        assert problem.sentence == f"RB9 lacks {theirs}: another of your inverters has these ids."
        assert not home.problems.find(Kind.OCCUPIED, subject=SERIAL)
        # Somebody gives the other one's entity an id of its name.
        home.core.registry.rename(theirs, "sensor.garage_grid_power")
        await home.when(lambda: not home.problems.now)
        shown = (await home.retained())["homeassistant/device/redback_RB9/config"]["cmps"]
        assert shown["grid_power"]["default_entity_id"] == theirs


async def test_a_sensor_that_is_gone_is_removed(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.has(lambda found: found[CONFIG])
        way.offer(HOUSE, [Shown("grid_power", is_available=False, is_gone=True)])
        retained = await home.has(lambda found: len(found[CONFIG]["cmps"]["grid_power"]) == 1)
        assert retained[CONFIG]["cmps"]["grid_power"] == {"p": "sensor"}


async def test_a_successor_keeps_the_device_of_the_first(home: Home) -> None:
    successor = Device("RB9", "House", (SERIAL,))
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
        way.offer(HOUSE, [Shown("status", is_available=False)])
        way.offer(successor, values(status="FAULT"))
        retained = await home.has(lambda found: found[CONFIG]["dev"]["sn"] == "RB9")
        assert retained[STATE]["status"] == "FAULT"
        assert [topic for topic in retained if "RB9" in topic] == []
        way.offer(HOUSE, [Shown("status", is_available=False)])
        await asyncio.sleep(0)
        assert (await home.retained())[STATUS] == "online"


async def test_devices_are_taken_back_before_states_are_pushed(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.has(lambda found: found[CONFIG])
    ids = [home.register(key) for key in ("status", "grid_power")]
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.has(lambda found: not found)
        assert way.states(HOUSE) == {"status": "OK", "grid_power": "1.25"}
        async with Client.of_core(home.core.url, home.core.token) as client:
            assert (await client.request("GET", f"states/{ids[0]}")).status == 404
            for one in ids:
                home.core.registry.remove(one)

            async def is_pushed() -> bool:
                return (await client.request("GET", f"states/{ids[0]}")).status == 200

            await until(is_pushed)


async def test_without_its_broker_devices_are_removed_from_the_registry_and_later_from_the_broker(
    home: Home,
) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.has(lambda found: found[CONFIG])
    ids = [home.register(key) for key in ("status", "grid_power")]
    await home.broker.stop()
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.pushed(ids[0])
        assert not home.problems.now
        # Before Core makes entities of it, beside the states.
        await home.clock.advance(60)
        await home.broker.start()
        assert CONFIG in await home.retained()
        before = home.clock.monotonic()
        await home.has(lambda found: not found)
        assert home.clock.monotonic() - before < 30
    assert not json.loads((home.folder / "devices.json").read_text())


async def test_a_broker_that_comes_back_after_a_restart_is_cleared_too(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.has(lambda found: found[CONFIG])
    await home.broker.stop()
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.clock.advance(60)
    await home.broker.start()
    assert CONFIG in await home.retained()
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.has(lambda found: not found)
        # In the end there is nothing left to do, also for the next start.
        await home.when(lambda: not json.loads((home.folder / "devices.json").read_text()))


async def test_a_broker_that_rejects_the_password_is_named_on_the_way_back_too(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
    await home.broker.stop()
    home.broker.username, home.broker.password = "addons", "s3cret"
    await home.broker.start()
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK"))
        await home.when(lambda: home.problems.find(Kind.BROKER_REFUSED))
        await home.broker.stop()
        home.broker.username = ""
        # That it is away is no problem for those who do not want devices any more.
        await home.clock.advance(120)
        await home.when(lambda: not home.problems.now)
        await home.broker.start()
        await home.has(lambda found: not found)
        assert not home.problems.now


async def test_what_others_have_over_mqtt_is_theirs(home: Home) -> None:
    home.core.registry.add("sensor.mine", "mqtt", unique_id="redback_soc")
    home.core.registry.add("sensor.house_status", "mqtt", unique_id=f"redback_{SERIAL}_status")
    home.core.registry.add("sensor.old", "old", unique_id=cast("str", 5))
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.pushed("sensor.house_grid_power")
        await home.clock.advance(120)
        assert home.problems.find(Kind.OWNED)
    entries = home.core.registry.list({})
    assert [one["entity_id"] for one in entries] == [
        "sensor.mine",
        "sensor.house_status",
        "sensor.old",
    ]


async def test_an_inverter_that_gives_its_name_away_gets_a_device_of_its_own(home: Home) -> None:
    heir = Device("RB9", "House", (SERIAL,))
    former = Device(SERIAL, "Garage")
    async with home.started() as way:
        way.offer(HOUSE, values(grid_import_total=1000.5))
        await home.has(lambda found: found[CONFIG])
        way.offer(heir, values(grid_import_total=5.5))
        way.offer(former, values(grid_import_total=1000.6))
        own = f"homeassistant/device/redback_{SERIAL}r/config"
        retained = await home.has(lambda found: found[own])
        assert retained[STATE][TOTAL] == 5.5
        assert retained[f"redback/{SERIAL}r/state"][TOTAL] == 1000.6
        assert retained[own]["dev"]["name"] == "Garage"


async def test_what_an_earlier_run_showed_is_not_taken_for_the_present(home: Home) -> None:
    other = Device("RB9", "Shed")
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        way.offer(other, values(status="OK"))
        await home.has(lambda found: found["redback/RB9/status"] == "online")
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        retained = await home.has(lambda found: found["redback/status"] == "online")
        assert retained["redback/RB9/status"] == "offline"
        assert retained[STATUS] == "online"


async def test_a_late_last_will_does_not_stand(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
        await home.broker.publish("redback/status", "offline", retain=True)
        await home.has(lambda found: found["redback/status"] == "online")


async def test_without_the_integration_nothing_is_taken_away(home: Home) -> None:
    home.core.components.remove("mqtt")
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK"))
        await home.pushed("sensor.house_status")
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        await home.when(lambda: home.problems.find(Kind.INTEGRATION))
        await home.clock.advance(30)
        assert CONFIG not in await home.retained()
        await home.pushed("sensor.house_status")
        home.core.components.append("mqtt")
        await home.has(lambda found: found[CONFIG])
        assert not home.problems.find(Kind.INTEGRATION)


async def test_a_device_that_core_does_not_take_is_named(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        way.offer(Device("RB9", "Garage"), values(status="OK"))
        await home.has(lambda found: found[CONFIG])
        home.core.registry.add("sensor.mine", "mqtt", unique_id="redback_RB9_status")
        await home.clock.advance(50)
        assert not home.problems.now
        await home.clock.advance(20)
        problem = home.problems.find(Kind.NOT_TAKEN)
        assert problem is not None
        assert problem.sentence == (
            "Home Assistant makes no device of House from what the MQTT broker"
            f" 127.0.0.1:{home.broker.port} has."
        )
        assert "discovery is on" in problem.advice
        await home.clock.advance(600)
        assert home.problems.now[Kind.NOT_TAKEN, None].count == 1
        # It depends on the broker, which is what is wrong now.
        await home.broker.stop()
        await home.when(lambda: [kind for kind, _ in home.problems.now] == [Kind.BROKER_AWAY])
        await home.broker.start()
        await home.when(lambda: home.problems.find(Kind.NOT_TAKEN))
        home.register("status")
        await home.when(lambda: not home.problems.now)


async def test_nobody_waits_for_a_device_whose_ids_are_all_somebody_elses(home: Home) -> None:
    for one in ("sensor.house_status", "binary_sensor.house_online", "binary_sensor.house_problem"):
        home.core.registry.add(one, PLATFORM)
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        await home.when(lambda: home.problems.find(Kind.OWNED))
        await home.clock.advance(120)
        assert [kind for kind, _ in home.problems.now] == [Kind.OWNED]


async def test_a_fleet_may_take_its_time_while_devices_appear(home: Home) -> None:
    async with home.started() as way:
        for number in range(5):
            way.offer(Device(f"RB{number}", f"House {number}"), values(status="OK"))
        await home.has(lambda found: found["homeassistant/device/redback_RB4/config"])
        for number in range(4):
            await home.clock.advance(50)
            ours = f"redback_RB{number}_status"
            home.core.registry.add(f"sensor.house_{number}_status", "mqtt", unique_id=ours)
            await home.clock.advance(1)
        await home.clock.advance(50)
        assert not home.problems.now
        await home.when(lambda: home.problems.find(Kind.NOT_TAKEN))


async def test_a_device_that_somebody_deletes_is_back_at_once_while_it_is_in_use(
    home: Home,
) -> None:
    ids = [home.register(key) for key in ("status", "grid_power")]
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        before = (await home.has(lambda found: "grid_power" in found[CONFIG]["cmps"]))[CONFIG]
        # Core empties the topic too.
        await home.broker.publish(CONFIG, retain=True)
        for one in ids:
            home.core.registry.remove(one)
        # Not with the next start of Core, or connection to the broker.
        await home.has(lambda found: found[CONFIG] == before)
        await home.when(lambda: home.problems.find(Kind.NOT_TAKEN))


async def test_a_device_that_somebody_deletes_stays_away_while_nothing_is_known_of_it(
    home: Home,
) -> None:
    entity_id = home.register("status")
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
        way.offer(HOUSE, [Shown("status", is_available=False)])
        await home.has(lambda found: found[STATUS] == "offline")
        await home.broker.publish(CONFIG, retain=True)
        home.core.registry.remove(entity_id)
        await home.clock.advance(30)
        await home.core.restart()
        assert isinstance(way, MqttPublisher)
        await home.broker.stop()
        await home.when(lambda: not way.broker.is_up)
        await home.broker.start()
        await home.when(lambda: way.broker.is_up)
        await home.broker.publish("homeassistant/status", "online")
        await home.clock.advance(120)
        assert CONFIG not in await home.retained()
        assert not home.problems.now
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])


async def test_an_id_that_we_have_given_up_is_free_for_anybody(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK", grid_power=1.25))
        await home.has(lambda found: "grid_power" in found[CONFIG]["cmps"])
        ids = [home.register(key) for key in ("status", "grid_power")]
        home.core.write(ids[1], "1.25")
        await home.clock.advance(1)
        assert ids[1] in way.ownership.registered_ids
        # Its state goes with it.
        home.core.registry.rename(ids[1], "sensor.mine")
        home.core.remove(ids[1])
        home.core.write("sensor.mine", "1.25")
        await home.when(lambda: "sensor.mine" in way.ownership.registered_ids)
        await home.clock.advance(1)
        home.core.registry.add(ids[1], "template")
        home.core.write(ids[1], "7")
        # And one that nobody registers.
        home.core.registry.rename(ids[0], "sensor.second")
        await home.when(lambda: "sensor.second" in way.ownership.registered_ids)
        await home.clock.advance(1)
        home.core.write(ids[0], "8")
        await home.clock.advance(5)
        assert not home.problems.now
        assert not way.ownership.is_taken(ids[1])
        assert "template" not in caplog.text
        # Until ours needs it again.
        home.core.registry.remove("sensor.mine")
        await home.when(lambda: home.problems.find(Kind.OWNED))


async def test_devices_that_a_full_disk_did_not_take_are_remembered_once_there_is_space(
    home: Home,
) -> None:
    obstacle = home.folder / ".devices.json.new"
    obstacle.mkdir()
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
        assert not (home.folder / "devices.json").exists()
        obstacle.rmdir()
        await home.when((home.folder / "devices.json").exists)
    entity_id = home.register("status")
    async with home.started(devices=False) as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: not found)
        await home.pushed(entity_id)
        assert not home.problems.now


async def test_the_page_of_a_device_leads_to_the_panel_as_soon_as_the_supervisor_answers(
    home: Home, supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.options = tmp_path / "missing.json"  # so it fails when it is asked for them
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        retained = await home.has(lambda found: found[CONFIG])
        assert "cu" not in retained[CONFIG]["dev"]
        supervisor.options = None
        # Asked again after a while; nothing else changes.
        await home.clock.advance(5 * 60)
        retained = await home.has(lambda found: "cu" in found[CONFIG]["dev"])
        assert retained[CONFIG]["dev"]["cu"] == "homeassistant://app/local_redback"


async def test_nothing_is_pushed_over_devices_at_a_stop_before_the_first_check(home: Home) -> None:
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
    async with home.started(devices=False) as way:
        way.offer(HOUSE, [Shown("status", is_available=False)])
        await way.farewell(asyncio.get_running_loop().time() + 5)
    async with Client.of_core(home.core.url, home.core.token) as client:
        assert (await client.request("GET", "states/sensor.house_status")).status == 404


FLEET = 1000
KEYS = [f"pv_{number}_{part}" for number in range(19) for part in ("voltage", "power")]
# From the stop until everything is offline.
STOP_SECONDS = 5.0
# A page or a reading waits no longer than this for the publisher.
LONGEST_BLOCK_SECONDS = 1.0


async def _longest_block() -> float:
    """Return how long the event loop was busy at a stretch, once it is cancelled."""
    longest, loop = 0.0, asyncio.get_running_loop()
    with suppress(asyncio.CancelledError):
        while True:
            began = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - began)
            await asyncio.sleep(0.002)
    return longest


async def test_a_thousand_inverters_are_published_without_a_block_and_offline_at_the_stop(
    home: Home, measured: Callable[[str], None]
) -> None:
    loop = asyncio.get_running_loop()
    offline = asyncio.Event()

    async def watch() -> None:
        async with home.broker.client() as client:
            await client.subscribe("redback/status", qos=1)
            async for message in client.messages:
                if message.payload == b"offline":
                    offline.set()

    watcher, block = asyncio.create_task(watch()), asyncio.create_task(_longest_block())
    async with home.started() as way:
        began = loop.time()
        for number in range(FLEET):
            way.offer(Device(f"RB{number}", f"House {number}"), values(**dict.fromkeys(KEYS, 1.5)))
            await asyncio.sleep(0)
        await home.has(lambda found: len(found) == 4 * FLEET + 1)
        measured(f"{FLEET} inverters published in {loop.time() - began:.1f} s")
        block.cancel()
        longest = await block
        measured(f"the longest block of the event loop was {1000 * longest:.0f} ms")
        for number in range(FLEET):  # the stop comes while a round is under way
            way.offer(Device(f"RB{number}", f"House {number}"), values(**dict.fromkeys(KEYS, 2.5)))
        assert not offline.is_set()
        began = loop.time()
    await asyncio.wait_for(offline.wait(), STOP_SECONDS)
    took = loop.time() - began
    measured(f"everything offline {took:.2f} s after the stop")
    watcher.cancel()
    assert took < STOP_SECONDS
    assert longest < LONGEST_BLOCK_SECONDS


COMMANDS = "redback/+/+/set"
COMMAND = f"redback/{SERIAL}/mode/set"
CONTROLS = f"redback/{SERIAL}/controls"


async def test_what_takes_commands_is_a_part_of_the_device(home: Home) -> None:
    obedient = Obedient()
    async with home.started(commands=obedient) as way:
        assert isinstance(way, MqttPublisher)
        way.offer(HOUSE, values(status="OK"))
        retained = await home.has(lambda found: found[CONFIG])
        assert retained[CONTROLS] == {"mode": "Auto"}
        components = retained[CONFIG]["cmps"]
        assert components["mode"] == {
            "p": "select",
            "uniq_id": f"redback_{SERIAL}_mode",
            "name": "Mode",
            "default_entity_id": "select.house_mode",
            "object_id": "house_mode",
            "ops": ["Auto", "Charge"],
            "cmd_t": COMMAND,
            "stat_t": CONTROLS,
            "val_tpl": "{{ value_json.mode | default('') }}",
        }
        assert components["press"]["default_entity_id"] == "button.house_back_to_auto"
        assert "stat_t" not in components["press"]
        assert components["control"]["stat_t"] == f"redback/{SERIAL}/answer"
        assert "cmd_t" not in components["control"]
        obedient.mode = "Charge"
        way.show_controls(SERIAL)
        await home.has(lambda found: found[CONTROLS] == {"mode": "Charge"})


async def test_commands_arrive_also_after_the_broker_was_away_but_not_retained_ones(
    home: Home,
) -> None:
    obedient = Obedient()
    async with home.started(commands=obedient) as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
        await home.broker.publish(COMMAND, "Charge")
        await until(lambda: obedient.told == [(SERIAL, "mode", "Charge")])
        assert isinstance(way, MqttPublisher)
        assert way.is_heard
        await home.broker.stop()
        await home.when(lambda: not way.broker.is_up)
        assert not way.is_heard
        await home.broker.start()
        await home.broker.publish(COMMAND, "Dance", retain=True)
        await home.when(lambda: way.broker.is_up)
        for topic in ("redback/strange/mode/set", "redback/set", f"redback/{SERIAL}/mode/get"):
            await home.broker.publish(topic, "Charge")
        await home.broker.publish(COMMAND, "Auto")
        await until(lambda: len(obedient.told) > 1)
        assert obedient.told[1:] == [(SERIAL, "mode", "Auto")]


async def test_an_answer_is_heard_by_those_who_listen_now(home: Home) -> None:
    async with home.started(commands=Obedient()) as way:
        assert isinstance(way, MqttPublisher)
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
        await way.answer("another", {"event_type": "ended"})
        async with home.broker.client() as client:
            await client.subscribe("redback/+/answer")
            await way.answer(SERIAL, {"event_type": "ended"})
            message = await anext(aiter(client.messages))
        assert json.loads(message.payload) == {"event_type": "ended"}
        assert message.topic.value == f"redback/{SERIAL}/answer"
        assert not [topic for topic in await home.retained() if topic.endswith("/answer")]


async def test_without_commands_nothing_takes_any_and_what_did_is_removed(home: Home) -> None:
    obedient = Obedient()
    async with home.started(commands=obedient) as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG])
    mine = home.register("mode", "select.mine")
    press = home.register("press", "button.house_back_to_auto")
    subscribed = home.broker.log.count(COMMANDS)
    assert subscribed
    async with home.started() as way:
        way.offer(HOUSE, values(status="OK"))
        retained = await home.has(lambda found: len(found[CONFIG]["cmps"]["mode"]) == 1)
        assert retained[CONFIG]["cmps"]["mode"] == {"p": "select"}
        assert retained[CONFIG]["cmps"]["press"] == {"p": "button"}
        assert "control" not in retained[CONFIG]["cmps"]
        assert CONTROLS not in retained
        home.core.registry.remove(mine)
        # A Core that has just started knows only the entry, and does not remove it.
        await home.has(lambda found: "press" not in found[CONFIG]["cmps"])
        assert press not in {one["entity_id"] for one in home.core.registry.list({})}
    assert home.broker.log.count(COMMANDS) == subscribed


async def test_what_takes_commands_goes_with_its_device(home: Home) -> None:
    async with home.started(commands=Obedient()) as way:
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONTROLS])
    async with home.started(devices=False):
        await home.has(lambda found: not found)


async def test_nothing_is_removed_until_it_is_known_what_an_inverter_can_do(home: Home) -> None:
    obedient = Obedient()
    obedient.has = None
    mine = home.register("mode", "select.mine")
    async with home.started(commands=obedient) as way:
        way.offer(HOUSE, values(status="OK"))
        retained = await home.has(lambda found: found[CONFIG])
        assert "mode" not in retained[CONFIG]["cmps"]
        await home.clock.advance(60)
        assert mine in {one["entity_id"] for one in home.core.registry.list({})}
        obedient.has = Obedient().has
        way.offer(HOUSE, values(status="OK"))
        retained = await home.has(lambda found: found[CONFIG]["cmps"]["mode"])
        assert retained[CONFIG]["cmps"]["mode"]["default_entity_id"] == mine


async def test_what_others_do_with_an_entity_through_the_supervisor_removes_no_state(
    home: Home,
) -> None:
    obedient = Obedient()
    mine = home.register("mode", "select.house_mode")
    async with (
        home.started(commands=obedient) as way,
        Client.of_core(home.core.url, home.core.token) as client,
    ):
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG]["cmps"]["mode"])
        # Its context is that of the action, whose user is the Supervisor's.
        await client.request("POST", f"states/{mine}", {"state": "Charge"})
        await home.clock.advance(1)
        obedient.has = {**(obedient.has or {}), "more": Component("button", "More", {})}
        way.offer(HOUSE, values(status="OK"))
        await home.has(lambda found: found[CONFIG]["cmps"]["more"])
        assert (await client.request("GET", f"states/{mine}")).status == 200
