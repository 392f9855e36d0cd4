"""Commands from an automation to the inverter and back, with the service as a process."""

import asyncio
import json
import time

import pytest

from bus import bus, ready, written
from house import eventually, house, until
from panel.visitor import Visitor
from simulator import Fault, Kind
from standin.broker import temporary_broker
from standin.core import Core
from standin.real_core import free_port, temporary_core

pytestmark = pytest.mark.process

CHARGE = {"action": "charge", "power": 2000, "minutes": 30, "id": "free hour"}
# What people do with each entity that takes commands.
DRIVEN = {
    "mode": "Charge battery",
    "power": "2000",
    "duration": "30",
    "back_to_auto": "PRESS",
    "export_limit": "ON",
    "export_limit_power": "0",
    "command": json.dumps(CHARGE),
}
_AUTOMATION = """
automation:
  - alias: Free hour
    triggers:
      - trigger: event
        event_type: free_hour
    actions:
      - event: redback_command
        event_data:
          action: charge
          power: "{{ 1000 * 2 }}"
          minutes: 30
          id: free hour
      - wait_for_trigger:
          - trigger: event
            event_type: redback_control
            event_data:
              id: free hour
        timeout: 45
      - event: free_hour_answered
        event_data:
          result: "{{ wait.trigger.event.data.result }}"
          until: "{{ wait.trigger.event.data.until }}"
"""


@pytest.mark.timeout(240)  # the inverter begins with a full minute, and is read a minute later
async def test_an_event_becomes_a_schedule_and_an_answer_and_the_inverter_follows() -> None:
    async with house("st", latency=1) as home, bus(home, "redback_control") as events:
        home.service.options(controls=True)
        await home.service.start()
        await ready(home)
        serial = home.inverters[0]
        await events.fire("redback_command", CHARGE)
        answer = await events.next()
        assert answer["result"] == "started"
        assert (answer["id"], answer["by"], answer["serial"]) == (
            "free hour",
            "automation",
            serial,
        )
        ends = await home.shows("redback_control_ends")
        assert ends == answer["until"].replace("Z", "+00:00")
        await eventually(
            lambda: home.value("redback_inverter_mode"), lambda mode: mode == "ChargeBattery", 130
        )
        # Killed, and started again, it knows what is its own.
        await home.service.kill()
        await home.service.start()
        await ready(home)
        await asyncio.sleep(11)  # one write in ten seconds
        await events.fire("redback_command", {"action": "auto", "id": "stop"})
        ended = [await events.next(), await events.next()]
        assert [(one["id"], one["result"]) for one in ended] == [
            ("free hour", "ended"),
            ("stop", "ended"),
        ]
        assert len(written(home)) == 2
        assert await home.service.stop() == 0
        assert len(written(home)) == 2


async def test_a_write_that_was_done_although_it_failed_is_not_done_again() -> None:
    async with house("st", latency=1) as home, bus(home, "redback_control") as events:
        home.service.options(controls=True)
        await home.service.start()
        await ready(home)
        fault = Fault(kind=Kind.STATUS, status=502, path="/Create/", how="after", times=1)
        home.simulator.faults.add(fault)
        await events.fire("redback_command", CHARGE)
        assert (await events.next())["result"] == "started"
        assert len(written(home)) == 1


async def test_killed_at_create_and_at_replace_one_is_left_and_each_command_answered() -> None:
    async with (
        Core() as core,
        house("st", core=core.address, latency=1) as home,
        bus(home, "redback_control") as events,
    ):
        home.service.options(controls=True)
        await home.service.start()
        await ready(home)
        serial, schedules = home.inverters[0], home.simulator.schedules
        slow = Fault(kind=Kind.SLOW, path="/Create/", seconds=3, how="after", times=1)
        home.simulator.faults.add(slow)
        await events.fire("redback_command", CHARGE)
        await until(lambda: schedules.active(serial, time.time()))
        await home.service.kill()
        await home.service.start()
        assert (await events.next())["result"] == "started"
        assert len(written(home)) == 1
        await until(lambda: core.listeners("redback_command") == 1)
        await events.fire("redback_command", CHARGE | {"action": "discharge", "id": "peak"})
        assert (await events.next())["id"] == "peak"
        await home.service.kill()
        await home.service.start()
        ended = await events.next(60)
        assert (ended["id"], ended["result"]) == ("free hour", "ended")
        (left,) = schedules.active(serial, time.time())
        assert left.mode.inverter_mode == "DischargeBattery"


async def test_without_the_option_no_door_is_open_and_nothing_is_asked_or_written() -> None:
    async with (
        Core() as core,
        house("st", core=core.address, latency=1) as home,
        bus(home, "redback_control") as events,
    ):
        await home.service.start()
        await ready(home)
        for command in (CHARGE, {"action": "auto"}, {"action": "lift_limit"}, {"action": "dance"}):
            await events.fire("redback_command", command)
        with pytest.raises(TimeoutError):
            await events.next(3)
        assert core.listeners("redback_command") == 0
        assert await home.service.stop() == 0
        asked = [entry.path for entry in home.simulator.journal.entries]
        assert not any("/Schedule/" in one or "/OperatingEnvelope/" in one for one in asked)


@pytest.mark.broker
async def test_without_the_option_every_door_is_driven_in_vain() -> None:
    async with (
        temporary_broker() as broker,
        house("st", latency=1, panel_port=free_port(), panel_allow="127.0.0.1") as home,
        bus(home, "redback_control") as events,
        Visitor(home) as person,
    ):
        home.supervisor.broker = broker.address
        home.service.options(devices=True)
        await home.service.start()
        await until(lambda: broker.retained("redback/+/state"))
        [topic] = await broker.retained("redback/+/state")
        identity, serial = topic.split("/")[1], home.inverters[0]
        schedule = home.simulator.schedules.add(
            serial, "Conserve", 0, start=time.time(), minutes=60, now=time.time()
        )
        await events.fire("redback_command", CHARGE)
        for key, payload in DRIVEN.items():
            await broker.publish(f"redback/{identity}/{key}/set", payload)
        pressed = [
            await person.post("control", {"inverter": serial, **CHARGE}),
            await person.post("control", {"inverter": serial, "action": "auto"}),
            await person.post("control/delete", {"serial": serial, "key": schedule}),
        ]
        assert pressed == 3 * [(403, "Switch on the option Controls first.")]
        with pytest.raises(TimeoutError):
            await events.next(3)
        assert await broker.retained("redback/+/controls") == {}
        assert await home.service.stop() == 0
        asked = [entry.path for entry in home.simulator.journal.entries]
        assert not any("/Schedule/" in one or "/OperatingEnvelope/" in one for one in asked)


@pytest.mark.parametrize("controls", [True, False])
async def test_nothing_is_written_at_start_stop_and_restart(*, controls: bool) -> None:
    async with house("st", latency=1) as home:
        home.service.options(controls=controls)
        for _ in range(2):
            await home.service.start()
            await ready(home)
            assert await home.service.stop() == 0
        await home.service.start()
        await ready(home)
        await home.service.kill()
        assert written(home) == []


@pytest.mark.core
@pytest.mark.timeout(600)
async def test_an_automation_of_a_real_core_charges_the_battery_and_hears_the_answer() -> None:
    async with temporary_core(more=_AUTOMATION) as core, house("st", core=core.address) as home:
        home.service.options(controls=True)
        await home.service.start()
        await ready(home)
        async with bus(home, "free_hour_answered") as events:
            await events.fire("free_hour", {})
            answer = await events.next()
        (schedule,) = home.simulator.schedules.active(home.inverters[0], 0)
        assert answer["result"] == "started"
        assert schedule.mode.argument_in_watts == 2000
        assert schedule.notes == "Home Assistant"
        await until(lambda: home.value("redback_control_ends"))
        assert len(written(home)) == 1
