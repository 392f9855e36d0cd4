"""Telling an inverter what to do through entities over MQTT, with a real Core and a real broker."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bus import bus, ready
from devices import Place, place
from house import eventually, until
from simulator.envelopes import Envelope
from simulator.schedules import Schedule

pytestmark = [pytest.mark.broker, pytest.mark.core, pytest.mark.timeout(600)]

MODE, SWITCH, EVENT = "select.redback_mode", "switch.redback_export_limit", "event.redback_control"
POWER, DURATION = "number.redback_power", "number.redback_duration"
# By id, with the category in the registry.
ENTITIES = {
    MODE: None,
    POWER: "config",
    DURATION: "config",
    "button.redback_back_to_auto": None,
    SWITCH: None,
    "number.redback_export_limit": "config",
    "notify.redback_command": None,
    EVENT: None,
}
# One sends a command that is made by a template, the other hears its answer on the bus.
_AUTOMATIONS = """
automation:
  - alias: Free hour
    triggers:
      - trigger: event
        event_type: free_hour
    actions:
      - action: notify.send_message
        target:
          entity_id: notify.redback_command
        data:
          message: >-
            {"action": "charge", "power": {{ 1000 * 1.5 }}, "minutes": 20, "id": "free hour"}
  - alias: Answered
    triggers:
      - trigger: event
        event_type: redback_control
        event_data:
          id: free hour
          by: mqtt
          result: started
    actions:
      - action: persistent_notification.create
        data:
          notification_id: answered
          message: "{{ trigger.event.data.power }} W"
"""


async def act(here: Place, action: str, entity_id: str, **data: object) -> int:
    """Do something with an entity, as people and automations do; return the status."""
    domain, _, name = action.partition(".")
    async with here.core.client() as client:
        fields = {"entity_id": entity_id, **data}
        return (await client.request("POST", f"services/{domain}/{name}", fields)).status


async def choose(here: Place, option: str, entity_id: str = MODE) -> None:
    assert await act(here, "select.select_option", entity_id, option=option) == 200


async def shows(here: Place, entity_id: str, state: str, seconds: float = 30) -> None:
    async def is_so() -> bool:
        found = await here.core.state(entity_id)
        return found is not None and found["state"] == state

    await until(is_so, seconds)


async def answered(here: Place, result: str, **expected: object) -> dict[str, Any]:
    """Wait until the event entity has this answer, and return it."""
    found: dict[str, Any] = {}

    async def is_so() -> bool:
        found.update((await here.core.state(EVENT) or {}).get("attributes", {}))
        return found.items() >= {"event_type": result, **expected}.items()

    await until(is_so, 30)
    return found


def schedules(here: Place) -> list[Schedule]:
    return here.home.simulator.schedules.active(here.home.inverters[0], time.time())


def envelopes(here: Place) -> list[Envelope]:
    site = here.home.simulator.world.account.sites[0].site_id
    return here.home.simulator.envelopes.active(site, time.time())


async def appear(here: Place, names: set[str]) -> None:
    """Wait until exactly these entities take commands, or tell of them, and are available."""
    kinds = {name.partition(".")[0] for name in ENTITIES}

    async def is_so() -> bool:
        states = await here.states()
        registered = {one for one in await here.registered() if one.partition(".")[0] in kinds}
        shown = {one for one in states if one.partition(".")[0] in kinds}
        available = {one for one in shown if states[one] != "unavailable"}
        return available == shown == registered == names

    await until(is_so, 60)


async def test_people_choose_in_home_assistant_and_see_what_is_so() -> None:
    async with place(more=_AUTOMATIONS, devices=True, controls=True) as here:
        await appear(here, {*ENTITIES})
        registered = await here.registered()
        assert {one: registered[one]["entity_category"] for one in ENTITIES} == ENTITIES
        await shows(here, MODE, "Auto")
        await check_modes(here)
        await check_switch(here)
        await check_notify(here)
        await check_restarts(here)
        await check_other_ids(here)
        await check_removal(here)
        log = here.core.log.read_text().splitlines()
        assert not [line for line in log if "ERROR" in line and "mqtt" in line]


async def check_modes(here: Place) -> None:
    """A mode is a schedule with what the numbers say, until Auto ends it."""
    await act(here, "number.set_value", POWER, value=2000)
    await act(here, "number.set_value", DURATION, value=30)
    await shows(here, POWER, "2000")
    assert not schedules(here)
    await choose(here, "Charge battery")
    await shows(here, MODE, "Charge battery")
    answer = await answered(here, "started", id="mode", by="mqtt", action="charge")
    assert answer["power"] == 2000
    (schedule,) = schedules(here)
    assert schedule.mode.inverter_mode == "ChargeBattery"
    assert schedule.mode.argument_in_watts == 2000
    assert schedule.end - schedule.start == 30 * 60
    await choose(here, "Auto")
    await shows(here, MODE, "Auto")
    await answered(here, "ended", id="mode", action="auto")
    assert not schedules(here)
    assert await act(here, "number.set_value", POWER, value=99_999) >= 400


async def check_switch(here: Place) -> None:
    """The switch is an envelope."""
    await act(here, "switch.turn_on", SWITCH)
    await shows(here, SWITCH, "on")
    (envelope,) = envelopes(here)
    assert envelope.asked.max_export_power_w == 0
    assert envelope.end - envelope.start == 30 * 60
    await shows(here, "sensor.redback_export_limit_active", "0")
    await act(here, "switch.turn_off", SWITCH)
    await shows(here, SWITCH, "off")
    assert not envelopes(here)


async def check_notify(here: Place) -> None:
    """One action carries a whole command; what is none is refused in one sentence."""
    await act(here, "notify.send_message", "notify.redback_command", message="charge, please")
    answer = await answered(here, "refused")
    assert answer["reason"] == 'Refused: The message is not JSON, such as {"action": "auto"}.'
    async with here.core.client() as client:
        await client.request("POST", "events/free_hour", {})
    await answered(here, "started", id="free hour")
    await eventually(here.home.notifications, lambda shown: shown.get("answered") == "1500 W")
    await shows(here, MODE, "Charge battery")
    await act(here, "button.press", "button.redback_back_to_auto")
    await shows(here, MODE, "Auto")
    assert not schedules(here)


async def check_restarts(here: Place) -> None:
    """Everything works after broker, Core and add-on were restarted; old commands do not."""
    await here.broker.publish(f"redback/{here.home.inverters[0]}/mode/set", "Conserve", retain=True)
    await answered(here, "started", action="conserve")  # to whoever was there, it was new
    await choose(here, "Auto")
    await shows(here, MODE, "Auto")
    await here.broker.restart()
    await appear(here, {*ENTITIES})
    await choose(here, "Import power")
    await shows(here, MODE, "Import power")
    await here.core.restart()
    await appear(here, {*ENTITIES})
    await shows(here, MODE, "Import power")
    await choose(here, "Auto")
    await shows(here, MODE, "Auto")
    assert await here.home.service.stop() == 0
    await here.home.service.start()
    await appear(here, {*ENTITIES})
    await shows(here, MODE, "Auto")
    await shows(here, POWER, "2000")
    assert not schedules(here)


async def check_other_ids(here: Place) -> None:
    """An entity works under the id that a person has given it."""
    change = {"type": "config/entity_registry/update", "entity_id": MODE}
    await here.core.command({**change, "new_entity_id": "select.redback_mine"})
    await choose(here, "Export power", "select.redback_mine")
    await shows(here, "select.redback_mine", "Export power")
    await choose(here, "Auto", "select.redback_mine")
    await shows(here, "select.redback_mine", "Auto")


async def check_removal(here: Place) -> None:
    """Without the option there is none of them, also where Core knows only their entries."""
    for is_forgotten in (False, True):
        assert await here.home.service.stop() == 0
        if is_forgotten:
            await here.core.stop()
            serial = here.home.inverters[0]
            config = f"homeassistant/device/redback_{serial}/config"
            await here.broker.publish(config, retain=True)
            await here.core.start()
        here.home.service.options(devices=True)
        await here.home.service.start()
        await appear(here, set())
        await shows(here, "sensor.redback_status", "OK")
        if not is_forgotten:
            assert await here.home.service.stop() == 0
            here.home.service.options(devices=True, controls=True)
            await here.home.service.start()
            await appear(here, {*ENTITIES})


async def test_sensors_show_what_runs_and_comes_both_ways_also_after_the_book_is_lost() -> None:
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    async with place(controls=True) as here:
        await ready(here.home)
        async with bus(here.home, "redback_control") as events:
            planned = {"action": "discharge", "power": 500, "start": later.isoformat()}
            for command in (
                planned | {"minutes": 30},
                {"action": "limit_export", "power": 700, "minutes": 60},
                {"action": "charge", "power": 1000, "minutes": 60},
            ):
                await events.fire("redback_command", command)
                answer = await events.next()
                assert answer["result"] in {"started", "scheduled"}
        ends = datetime.fromisoformat(answer["until"])
        wanted = {"next_schedule": later, "control_ends": ends, "export_limit_active": 700.0}

        async def are_shown() -> bool:
            states = await here.states()
            shown = {key: states.get(f"sensor.redback_{key}") for key in wanted}
            return all(
                value not in {None, "unknown", "unavailable"} and _parsed(value) == wanted[key]
                for key, value in shown.items()
            )

        await until(are_shown, 30)
        for as_devices in (True, False):
            assert await here.home.service.stop() == 0
            (here.home.data / "controls.json").unlink(missing_ok=True)
            here.home.service.options(devices=as_devices, controls=True)
            await here.home.service.start()
            await until(are_shown, 60)
            registered = await here.registered()
            assert ("sensor.redback_next_schedule" in registered) == as_devices
        await here.core.restart()
        await until(are_shown, 60)


def _parsed(value: str | None) -> object:
    """Return a state as what it says: a number or a time."""
    try:
        return float(value or "")
    except ValueError:
        return datetime.fromisoformat(value or "")
