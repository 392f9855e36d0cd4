"""Inverters as devices over MQTT, with a real broker and a real Core: there, back, and restarts."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import aiohttp
import pytest

from devices import ADDED, ALL, NOTHING, TOTAL, Place, place
from house import SECOND, eventually, until
from panel.visitor import Visitor
from redback.ledger import FILE, HOUR, HourEnd, Ledger, floor, local_day
from standin.real_core import START_S

# What the option Detailed sensors adds of what the inverter is and may do.
FACTS = {
    f"sensor.redback_{key}"
    for key in (
        *("model", "system_type", "software_version", "firmware_version", "commissioning_date"),
        *("pv_size", "site_export_limit", "max_export_power", "max_import_power"),
        *("battery_count", "battery_max_charge_power", "battery_max_discharge_power"),
        *(f"battery_module_{number}_model" for number in range(1, 5)),
    )
}
pytestmark = [pytest.mark.broker, pytest.mark.core, pytest.mark.timeout(600)]


async def test_states_become_devices_and_states_again(measured: Callable[[str], None]) -> None:
    async with place() as here:
        await here.settle(as_devices=False)
        before = set(await here.states())
        await here.change(as_devices=True)
        assert set(await here.states()) == before | ADDED
        await here.agrees()
        await check_device(here)
        await check_restarts(here, measured)
        await check_deletion(here, measured)
        await here.change(as_devices=False)
        assert set(await here.states()) == before
        await here.agrees()
        assert await here.broker.retained("redback/#") == {}
        assert await here.broker.retained("homeassistant/#") == {}
        await here.change(as_devices=True)
        assert set(await here.states()) == before | ADDED
        assert await here.home.service.stop() == 0
        assert set((await here.states()).values()) == {"unavailable"}


async def check_device(here: Place) -> None:
    """There is one device, which says what it is, and whose entities have unique ids."""
    devices = await here.core.command({"type": "config/device_registry/list"})
    [device] = [one for one in devices if one["manufacturer"] == "Redback Technologies"]
    serial = here.home.inverters[0]
    assert device["serial_number"] == serial
    assert device["model"]
    assert device["name"] == "Redback"
    folder = "app" if here.core.release >= (2026, 2) else "hassio/ingress"
    assert device["configuration_url"] == f"homeassistant://{folder}/local_redback"
    registered = await here.registered()
    async with Visitor(here.home) as person:
        listed = (await person.data("entities"))["entities"]
    assert {one["entity_id"] for one in listed} == registered.keys()
    assert [(one["name"], one["state"]) for one in listed[-2:]] == [
        ("Online", "on"),
        ("Problem", "off"),
    ]
    assert {one["unique_id"] for one in registered.values()} == {
        f"redback_{serial}_{name.partition('.redback_')[2]}" for name in registered
    }
    [state] = [one for one in await here.core.states() if one["entity_id"] == TOTAL]
    assert state["attributes"] == {
        "state_class": "total_increasing",
        "unit_of_measurement": "kWh",
        "device_class": "energy",
        "friendly_name": "Redback Grid Import Total",
    }


async def check_restarts(here: Place, measured: Callable[[str], None]) -> None:
    """Everything is back soon after Core was restarted, and after the broker was."""
    await here.broker.publish(_BARE_CONFIG, json.dumps(_BARE), retain=True)
    await here.broker.publish(_BARE["state_topic"], "1", retain=True)
    await _bare_is_there(here)
    await here.core.stop()
    await asyncio.sleep(3)
    starting = asyncio.create_task(here.core.start())
    await until(here.core.answers, START_S, every=0.01)
    began = time.monotonic()
    waiting = asyncio.create_task(_bare_is_there(here))
    await here.settle(as_devices=True, seconds=60)
    took, bare = time.monotonic() - began, await waiting - began
    measured(f"all entities back {took:.1f} s after Core's API, a bare one {bare:.1f} s")
    # On a busy machine Core itself may need longer. What is not retained comes with its birth
    # message, which is five seconds later at the earliest.
    assert took < max(3, bare + 2)
    await starting
    for topic in (_BARE_CONFIG, _BARE["state_topic"]):
        await here.broker.publish(topic, retain=True)
    await here.broker.kill()
    gone = {"unavailable"}
    await eventually(here.states, lambda states: set(states.values()) == gone, 10)
    await asyncio.sleep(3)
    await here.broker.start()
    began = time.monotonic()
    await here.settle(as_devices=True, seconds=10)
    measured(f"all entities back {time.monotonic() - began:.1f} s after the broker's restart")


async def check_deletion(here: Place, measured: Callable[[str], None]) -> None:
    """A device that is in use comes back with all its ids if somebody deletes it."""
    before = await here.registered()
    devices = await here.core.command({"type": "config/device_registry/list"})
    [device] = [one for one in devices if one["manufacturer"] == "Redback Technologies"]
    (entry,) = device["config_entries"]
    began = time.monotonic()
    await here.core.command(
        {
            "type": "config/device_registry/remove_config_entry",
            "device_id": device["id"],
            "config_entry_id": entry,
        }
    )
    await eventually(here.registered, lambda found: not found, 10)
    await eventually(here.registered, lambda found: found.keys() == before.keys(), 30)
    await here.settle(as_devices=True)
    measured(f"a deleted device back after {time.monotonic() - began:.1f} s")


async def test_detailed_sensors_are_registered_whole_and_facts_are_diagnostic() -> None:
    async with place(devices=True, detailed_sensors=True) as here:
        topic = f"homeassistant/device/redback_{here.home.inverters[0]}/config"

        async def is_whole() -> bool:
            described = (await here.broker.retained(topic)).get(topic, b'{"cmps": {}}')
            ids = {one["default_entity_id"] for one in json.loads(described)["cmps"].values()}
            states, registered = await here.states(), await here.registered()
            is_same = ids == states.keys() == registered.keys()
            # The limits come last.
            is_all = ids >= FACTS | {"sensor.redback_min_soc"}
            return is_same and is_all and not NOTHING & {states[one] for one in FACTS}

        await until(is_whole, 60)
        registered = await here.registered()
        categories = {one: entry["entity_category"] for one, entry in registered.items()}
        assert {one: it for one, it in categories.items() if it} == dict.fromkeys(
            FACTS, "diagnostic"
        )
        shown = {one["entity_id"]: one for one in await here.core.states()}
        commissioned = shown["sensor.redback_commissioning_date"]
        assert commissioned["attributes"]["device_class"] == "date"
        assert date.fromisoformat(commissioned["state"]) < datetime.now(UTC).date()
        for name in ("status", "inverter_mode", "battery_cabinet_1_fan"):
            one = shown[f"sensor.redback_{name}"]
            assert one["state"] in one["attributes"]["options"]
        log = here.core.log.read_text()
        assert not re.findall(r"^.* ERROR .*(?:mqtt|redback).*$", log, re.MULTILINE)


@pytest.mark.parametrize("devices", [False, True])
async def test_what_was_counted_today_is_shown_as_states_and_as_devices(*, devices: bool) -> None:
    """As soon as it is known what the counters showed at midnight, which a restart keeps."""
    fields = {"solar_generation": "Pv", "site_load": "Load", "battery_charge": "BatteryCharge"}
    since, _ = local_day(datetime.now(UTC))

    async with place(devices=devices, detailed_sensors=True) as here:
        (serial,) = here.home.inverters

        def counters(at: datetime) -> dict[str, float]:
            record = here.home.simulator.truth(serial, at.timestamp())
            assert record is not None
            return {key: record[f"{name}AllTimeEnergykWh"] for key, name in fields.items()}

        async def shown() -> dict[str, Any]:
            states = {one["entity_id"]: one for one in await here.core.states()}
            return {key: states.get(f"sensor.redback_{key}_today") for key in fields}

        await eventually(shown, lambda found: all(found.values()), 60)
        assert await here.home.service.stop() == 0
        ledger = Ledger(here.home.data / FILE)
        hour, before = floor(since) - HOUR, counters(floor(since))
        ledger.put(serial, {f"{key}_total": [HourEnd(hour, kwh)] for key, kwh in before.items()})
        ledger.close()
        await here.home.service.start()

        async def is_so() -> bool:
            found, now = await shown(), counters(datetime.now(UTC))
            return all(
                one["state"] not in NOTHING
                and float(one["state"]) == pytest.approx(now[key] - before[key], abs=0.2)
                for key, one in found.items()
            )

        await until(is_so, 60)
        for one in (await shown()).values():
            assert one["attributes"] == one["attributes"] | {
                "state_class": "total",
                "device_class": "energy",
                "unit_of_measurement": "kWh",
                "last_reset": since.isoformat(),
            }
        async with Visitor(here.home) as person:
            listed = (await person.data("entities"))["entities"]
        kinds = [one["kind"] for one in listed if one["entity_id"].endswith("_today")]
        assert kinds == ["counter"] * 6


async def test_devices_of_an_account_that_goes_and_comes_back_are_the_same() -> None:
    async with place(second=["sh"], devices=True, more_accounts=[SECOND]) as here:
        first, second = (f".redback_{serial[-4:]}_" for serial in here.home.inverters)

        async def shows(part: str) -> bool:
            """Whether a device has many entities, and all of them have values."""
            states = [state for name, state in (await here.states()).items() if part in name]
            return len(states) > 30 and "unavailable" not in states

        async def known() -> dict[str, tuple[str, ...]]:
            entries = (await here.registered()).items()
            return {name: (one["id"], one["unique_id"], one["device_id"]) for name, one in entries}

        for part in (first, second):
            await until(partial(shows, part), 40)
        before = await known()
        for accounts in ([], [SECOND]):
            assert await here.home.service.stop() == 0
            here.home.service.options(devices=True, more_accounts=accounts)
            await here.home.service.start()
            await until(partial(shows, first), 40)
            if accounts:
                await until(partial(shows, second), 40)
            else:
                states = await here.states()
                assert {states[name] for name in before if second in name} == {"unavailable"}
            assert before.items() <= (await known()).items()
            assert not [name for name in await here.states() if name.endswith("_2")]


# An entity of nobody, to compare with.
_BARE_CONFIG = "homeassistant/sensor/bare/config"
_BARE = {"name": "Bare", "unique_id": "bare", "state_topic": "bare/state"}


async def _bare_is_there(here: Place) -> float:
    """Wait until Core shows the bare entity's value, and return when that was."""

    async def is_there() -> bool:
        try:
            state = await here.core.state("sensor.bare")
        except aiohttp.ClientError:
            return False
        return state is not None and state["state"] == "1"

    await until(is_there, 60)
    return time.monotonic()


@dataclass(frozen=True)
class Step:
    """A step of the change-over, as it shows outside."""

    as_devices: bool
    is_reached: Callable[[Place], Awaitable[object]]

    async def reach(self, here: Place) -> None:
        """Change the option, and kill the service when the step is reached."""
        assert await here.home.service.stop() == 0
        here.home.service.options(devices=self.as_devices)
        await here.home.service.start()
        await until(lambda: self.is_reached(here), 60, every=0.005)
        await here.home.service.kill()


async def _values_are_published(here: Place) -> object:
    return await here.broker.retained("redback/+/state")


async def _states_are_being_removed(here: Place) -> object:
    return len(await here.states()) < ALL


async def _device_is_described(here: Place) -> object:
    return await here.broker.retained("homeassistant/device/#")


async def _device_is_registered(here: Place) -> object:
    return await here.registered()


async def _description_is_gone(here: Place) -> object:
    return not await here.broker.retained("homeassistant/device/#")


async def _registry_is_empty(here: Place) -> object:
    return not await here.registered()


async def _states_are_being_pushed(here: Place) -> object:
    return not await here.registered() and await here.states()


async def _nothing(_: Place) -> None:
    """Let the service start again at once."""


async def _core_restarts(here: Place) -> None:
    await here.core.stop()
    await here.core.start()


_STEPS = {
    "values": Step(as_devices=True, is_reached=_values_are_published),
    "description": Step(as_devices=False, is_reached=_description_is_gone),
    "delete": Step(as_devices=True, is_reached=_states_are_being_removed),
    "registry": Step(as_devices=False, is_reached=_registry_is_empty),
    "discovery": Step(as_devices=True, is_reached=_device_is_described),
    "push": Step(as_devices=False, is_reached=_states_are_being_pushed),
    "registered": Step(as_devices=True, is_reached=_device_is_registered),
}
# Until a broker is back: devices that are taken back do not wait for it longer than that.
_SOON_SECONDS, _LATE_SECONDS = 5, 35


@pytest.mark.parametrize("meanwhile", [_nothing, _core_restarts])
async def test_the_change_over_survives_a_kill_at_each_step(
    meanwhile: Callable[[Place], Awaitable[None]],
) -> None:
    async with place() as here:
        await here.settle(as_devices=False)
        before = set(await here.states())
        for name, step in _STEPS.items():
            await step.reach(here)
            await meanwhile(here)
            await here.home.service.start()
            await here.settle(as_devices=step.as_devices, seconds=60)
            expected = before | ADDED if step.as_devices else before
            assert set(await here.states()) == expected, name
            await here.agrees()


async def test_the_change_over_survives_a_kill_while_the_broker_goes_away() -> None:
    async with place() as here:
        await here.settle(as_devices=False)
        before = set(await here.states())
        for name, seconds in (
            ("delete", _SOON_SECONDS),
            ("description", _LATE_SECONDS),
            ("discovery", _SOON_SECONDS),
            ("description", _SOON_SECONDS),
        ):
            step = _STEPS[name]
            await step.reach(here)
            await here.broker.stop()
            await here.home.service.start()
            await asyncio.sleep(seconds)
            await here.broker.start()
            await here.settle(as_devices=step.as_devices, seconds=90)
            expected = before | ADDED if step.as_devices else before
            assert set(await here.states()) == expected, name
            await here.agrees()
