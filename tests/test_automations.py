"""The automations that people can paste or import do on a real Core what they say."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
import yaml
from aiohttp import web

import addon
from bus import Bus, bus, ready, written
from examples import SERIAL, configuration, dynamic, static
from house import House, eventually, house, until
from redback.sensors.details import Details
from redback.sensors.reading import Reading
from redback.sensors.table import sensors
from simulator import Fault, Kind
from standin.broker import temporary_broker
from standin.client import Client
from standin.real_core import RealCore, find_hass, free_port, temporary_folder
from standin.serving import Message

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs/automations.md").read_text()
DOCS = (ROOT / "redback_addon/DOCS.md").read_text()
COMMANDS = (ROOT / "docs/controls.md").read_text()
BLUEPRINTS = ROOT / "blueprints/automation/redback"
PRICE, FEED_IN = "sensor.electricity_price", "sensor.feed_in_price"
BATTERY = "sensor.redback_battery_soc"
CHARGE, DISCHARGE = "Charge in free hours", "Discharge while the price is high"
LIMIT, HOLD = "No export at negative prices", "Hold the battery for the evening"
TELL = "Tell me what Redback refuses"
MODES = {CHARGE: "ChargeBattery", DISCHARGE: "DischargeBattery", HOLD: "Conserve"}
_BRISBANE = timezone(timedelta(hours=10))
# The battery's level is an integration's, so the add-on does not write what the simulator has.
_CONFIGURATION = """
automation: !include automations.yaml
blueprint:
schedule:
input_number:
  level:
    min: 0
    max: 100
    step: 0.1
template:
  - sensor:
      - name: Redback Battery SoC
        unique_id: level
        state: "{{ states('input_number.level') }}"
        unit_of_measurement: "%"
        device_class: battery
script:
  five_minutes:
    mode: parallel
    max: 100
    sequence:
      - action: automation.trigger
        target:
          entity_id: all
        data:
          skip_condition: false
"""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# One write in ten seconds, after those of the test before.
_SECONDS = 60

ON_CORE = [
    pytest.mark.core,
    pytest.mark.process,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]
WITH_BROKER = [*ON_CORE, pytest.mark.broker]


def examples() -> dict[str, Message]:
    """Return every automation that the guide has, by its name."""
    texts = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    return {one["alias"]: one for one in map(yaml.safe_load, texts)}


def _of_docs() -> list[Message]:
    """Return the actions that the documentation and the guide to commands have, as automations."""
    texts = re.findall(r"```yaml\n(actions:.*?)```", DOCS + COMMANDS, re.DOTALL)
    assert len(texts) == 2, "the tests know two"
    return [{"alias": "Mine", "triggers": [], **yaml.safe_load(text)} for text in texts]


WITH_EVENTS = [
    name
    for name, one in examples().items()
    if any(step.get("event") == "redback_command" for step in one["actions"])
]
WITH_ENTITIES = [name for name in examples() if name not in (*WITH_EVENTS, TELL)]


@dataclass
class Place:
    """A house with a real Core that has what people have for these automations."""

    home: House
    core: RealCore
    client: Client
    answers: Bus

    @asynccontextmanager
    async def running(self, *names: str) -> AsyncIterator[None]:
        """Paste examples of the guide, as Core's editor saves them, and delete them at the end."""
        async with self.having(*(examples()[name] for name in names)):
            yield

    @asynccontextmanager
    async def having(self, *automations: Message) -> AsyncIterator[None]:
        paths = [f"config/automation/config/{_slug(one['alias'])}" for one in automations]
        for path, automation in zip(paths, automations, strict=True):
            saved = await self.client.request("POST", path, automation)
            assert saved.body == {"result": "ok"}
        try:
            await until(lambda: self._are_on(len(automations)))
            yield
        finally:
            for path in paths:
                await self.client.request("DELETE", path)
            await until(lambda: self._are_on(0))

    async def _are_on(self, number: int) -> bool:
        states = await self.core.states()
        found = [one for one in states if one["entity_id"].startswith("automation.")]
        return [one["state"] for one in found] == ["on"] * number

    async def is_on(self, entity_id: str) -> bool:
        state = await self.core.state(entity_id)
        return state is not None and state["state"] == "on"

    async def is_available(self, entity_id: str) -> bool:
        state = await self.core.state(entity_id)
        return state is not None and state["state"] != "unavailable"

    async def set(self, entity_id: str, state: float) -> None:
        if entity_id == BATTERY:
            data = {"entity_id": "input_number.level", "value": state}
            answer = await self.client.request("POST", "services/input_number/set_value", data)
        else:
            answer = await self.client.push(entity_id, state)
        assert answer.status in (200, 201)

    async def tick(self) -> None:
        """Do what the five minutes do: run every automation whose conditions hold."""
        data = {"entity_id": "script.five_minutes"}
        answer = await self.client.request("POST", "services/script/turn_on", data)
        assert answer.status == 200

    async def opens(self, name: str) -> datetime:
        """Make a schedule of people that begins in a moment, and return when it ends."""
        now = datetime.now(_BRISBANE)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        if midnight - now < timedelta(minutes=2):
            await asyncio.sleep((midnight - now).total_seconds())
            return await self.opens(name)
        start = (now + timedelta(seconds=4)).replace(microsecond=0)
        end = min(start + timedelta(hours=1), midnight)
        hours = {"from": f"{start:%H:%M:%S}", "to": f"{end:%H:%M:%S}"}
        if end == midnight:
            hours["to"] = "24:00:00"
        week = {day: [hours] for day in _DAYS}
        await self.core.command({"type": "schedule/create", "name": name, **week})
        return end

    async def begins(self, name: str) -> datetime:
        """Make an example begin, and return when what it wants ends."""
        soon = datetime.now(UTC) + timedelta(minutes=15)
        what, _, with_entities = name.partition(", ")
        if what == CHARGE:
            return await self.opens("Free hours")
        if what == DISCHARGE:
            await self.set(PRICE, 0.45)
            return soon
        if what == LIMIT:
            await self.set(FEED_IN, -0.02)
            return soon
        assert what == HOLD, f"no test knows how {name} begins"
        end = await self.opens("Before the evening")
        await until(lambda: self.is_on("schedule.before_the_evening"))
        await self.set(BATTERY, 59)
        return soon if with_entities else end

    async def answer(self, result: str) -> Message:
        """Return the next answer with this result; the five minutes may bring others meanwhile."""
        heard: list[Message] = []
        try:
            async with asyncio.timeout(_SECONDS):
                while not heard or heard[-1]["result"] != result:
                    heard.append(await self.answers.next(_SECONDS))
        except TimeoutError:
            pytest.fail(f"no answer {result}, but {heard}")
        return heard[-1]

    def has_only_later_than(self, ends: list[float]) -> bool:
        """Whether there are one schedule and one limit, which end later than these."""
        made = [*self.schedules(), *self.envelopes()]
        return len(made) == len(ends) and all(
            one.end > end for one, end in zip(made, ends, strict=True)
        )

    async def has_ended(self, action: str) -> None:
        """Wait until a command has ended what there was."""
        while (await self.answer("ended"))["action"] != action:
            pass

    async def shows(self, message: str) -> bool:
        """Whether there is a notification with this text."""
        return message in (await self.home.notifications()).values()

    async def told(self, name: str) -> str:
        """Return what the notification of an automation says.

        It waits a minute for an answer, which the five minutes may begin again just before its end.
        """
        own = f"automation.{_slug(name)}"
        notices = await eventually(
            self.home.notifications, lambda shown: own in shown, 150, every=0.5
        )
        return notices[own]

    @asynccontextmanager
    async def following(self, blueprint: str, inputs: Message) -> AsyncIterator[None]:
        """Import a blueprint by an address, as people do, and make an automation of it."""
        async with _served() as address:
            asked = {"type": "blueprint/import", "url": f"{address}/{blueprint}.yaml"}
            imported = await self.core.command(asked)
        assert not imported["validation_errors"]
        path = f"redback/{blueprint}.yaml"
        if not imported["exists"]:
            await self.core.command(
                {
                    "type": "blueprint/save",
                    "domain": imported["blueprint"]["metadata"]["domain"],
                    "path": path,
                    "yaml": imported["raw_data"],
                    "source_url": asked["url"],
                    "allow_override": True,
                }
            )
        made = {"alias": blueprint, "use_blueprint": {"path": path, "input": inputs}}
        async with self.having(made):
            yield

    def schedules(self) -> list[Any]:
        """Return the inverter's schedules in the cloud."""
        return self.home.simulator.schedules.active(self.home.inverters[0], time.time())

    def envelopes(self) -> list[Any]:
        """Return the limits of its site in the cloud."""
        site = self.home.simulator.world.accounts[0].sites[0].site_id
        return self.home.simulator.envelopes.active(site, time.time())

    async def clean_up(self) -> None:
        """Leave nothing to the next test."""
        self.home.simulator.faults.clear()
        await self.client.request("POST", "services/persistent_notification/dismiss_all", {})
        for one in await self.core.command({"type": "schedule/list"}):
            deleted = {"type": "schedule/delete", "schedule_id": one["id"]}
            await self.core.command(deleted)
        running = {"auto": self.schedules(), "lift_limit": self.envelopes()}
        for action in [one for one, what in running.items() if what]:
            await self.answers.fire("redback_command", {"action": action, "id": "clean"})
            while (await self.answers.next(_SECONDS))["id"] != "clean":
                pass
        assert not self.schedules()
        assert not self.envelopes()


@asynccontextmanager
async def _served() -> AsyncIterator[str]:
    """Serve the blueprints, as GitHub does."""
    application = web.Application()
    application.router.add_static("/", BLUEPRINTS)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _slug(name: str) -> str:
    """Return what Core makes of a name in an entity id."""
    return name.lower().replace(" ", "_")


@asynccontextmanager
async def _place(*, devices: bool) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        (folder / "automations.yaml").write_text("[]\n")
        broker = (await stack.enter_async_context(temporary_broker())).address if devices else None
        core = await stack.enter_async_context(
            RealCore(find_hass(), folder, broker=broker, more=_CONFIGURATION)
        )
        home = await stack.enter_async_context(house("st", core=core.address, latency=1))
        home.supervisor.broker = broker
        home.service.options(controls=True, devices=devices)
        await home.service.start()
        await ready(home)
        answers = await stack.enter_async_context(bus(home, "redback_control"))
        client = await stack.enter_async_context(home.client())
        yield Place(home, core, client, answers)


@asynccontextmanager
async def _tidied(place: Place) -> AsyncIterator[Place]:
    """A place with low prices and most of a battery, and without commands."""
    for entity_id, state in ((PRICE, 0.20), (FEED_IN, 0.05), (BATTERY, 70)):
        await place.set(entity_id, state)
    yield place
    await place.clean_up()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def states() -> AsyncIterator[Place]:
    async with _place(devices=False) as place:
        yield place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def devices() -> AsyncIterator[Place]:
    async with _place(devices=True) as place:
        await until(lambda: place.is_available("select.redback_mode"), 60)
        yield place


def test_what_is_switched_on_is_looked_at_again() -> None:
    """A switch that is on is renewed: a change of the price that is missed must not leave it so."""
    switching = [one for one in examples().values() if "switch.turn_on" in str(one)]
    assert switching
    for one in switching:
        assert {"trigger": "time_pattern", "minutes": "/5"} in one["triggers"]


def test_every_address_is_that_of_the_repository() -> None:
    here = yaml.safe_load((ROOT / "repository.yaml").read_text())["url"] + "/blob/main/"
    there = [here + str(path.relative_to(ROOT)) for path in sorted(BLUEPRINTS.glob("*"))]
    assert [_blueprint(path)["source_url"] for path in sorted(BLUEPRINTS.glob("*"))] == there
    links = re.findall(r"\]\((https://\S+)\)", GUIDE)
    assert [parse_qs(urlsplit(link).query)["blueprint_url"] for link in links] == [
        [address] for address in there
    ]
    assert {urlsplit(link)._replace(query="").geturl() for link in links} == {
        "https://my.home-assistant.io/redirect/blueprint_import/"
    }
    guides = ("automations", "controls", "controls", "entities")
    linked = re.findall(r"\]\((https://\S+/docs/\w+\.md)\b", DOCS)
    assert sorted(linked) == [f"{here}docs/{guide}.md" for guide in guides]


def test_every_entity_of_the_add_on_is_one_that_it_has() -> None:
    reading = Reading(SERIAL, datetime.now(UTC), dynamic(), Details(static(), configuration()))
    keys = {sensor.key for sensor in sensors(reading, detailed=False)}
    texts = [GUIDE, *(path.read_text() for path in BLUEPRINTS.glob("*"))]
    named = {*re.findall(r"sensor\.redback_(\w+)", "\n".join(texts))}
    assert named
    assert named <= keys


@pytest.mark.parametrize("path", sorted(BLUEPRINTS.glob("*")), ids=lambda path: path.stem)
def test_a_blueprint_needs_the_core_that_the_add_on_needs(path: Path) -> None:
    oldest = addon.config()["homeassistant"]
    assert _blueprint(path)["homeassistant"] == {"min_version": oldest}


def _blueprint(path: Path) -> Message:
    """Return what a blueprint says of itself; what it does has tags that only Core knows."""
    about, _, _ = path.read_text().partition("\n\n")
    blueprint: Message = yaml.safe_load(about)["blueprint"]
    return blueprint


class TestOnCore:
    """What people paste or import, on a real Core."""

    pytestmark = ON_CORE

    @pytest_asyncio.fixture(loop_scope="module")
    async def place(self, states: Place) -> AsyncIterator[Place]:
        async with _tidied(states) as place:
            yield place

    @pytest.mark.parametrize("name", WITH_EVENTS)
    async def test_an_example_does_what_it_says_and_tells_people_if_not(
        self, place: Place, name: str
    ) -> None:
        place.home.simulator.faults.add(Fault(kind=Kind.STATUS, status=400, path="/Create/"))
        async with place.running(name):
            end = await place.begins(name)
            reason = (await place.answer("failed"))["reason"]
            assert reason.startswith("Redback's cloud refuses this")
            assert await place.told(name) == reason
            place.home.simulator.faults.clear()
            await place.tick()  # as in five minutes
            answer = await place.answer("started")
            assert answer["by"] == "automation"
            [made] = [*place.schedules(), *place.envelopes()]
            assert made.end == pytest.approx(end.timestamp(), abs=30)
            assert made.end == pytest.approx(_moment(answer["until"]), abs=1)
            if name == LIMIT:
                assert made.asked.max_export_power_w == 0
            else:
                assert made.mode.inverter_mode == MODES[name]
                assert made.mode.argument_in_watts == (0 if name == HOLD else 3000)
            if name in (CHARGE, HOLD):
                before = written(place.home)
                await place.tick()
                await place.answer("started")
                assert written(place.home) == before
            else:
                await place.set(*((FEED_IN, 0.01) if name == LIMIT else (PRICE, 0.30)))
                await place.has_ended("lift_limit" if name == LIMIT else "auto")
                assert [*place.schedules(), *place.envelopes()] == []

    async def test_it_ends_at_the_floor_and_does_not_begin_again(self, place: Place) -> None:
        async with place.running(DISCHARGE):
            await place.begins(DISCHARGE)
            await place.answer("started")
            await place.set(BATTERY, 19.9)
            await place.has_ended("auto")
            await place.tick()
            await asyncio.sleep(2)
            assert place.schedules() == []

    @pytest.mark.parametrize(
        ("name", "price", "ends"),
        [(DISCHARGE, (PRICE, 0.30), "auto"), (LIMIT, (FEED_IN, 0), "lift_limit")],
    )
    async def test_a_price_that_changes_before_the_answer_ends_it(
        self, place: Place, name: str, price: tuple[str, float], ends: str
    ) -> None:
        delay = Fault(kind=Kind.SLOW, seconds=5, path="/Create/")
        place.home.simulator.faults.add(delay)
        async with place.running(name):
            await place.begins(name)
            await asyncio.sleep(1)
            await place.set(*price)
            await place.answer("started")
            await place.has_ended(ends)
            assert [*place.schedules(), *place.envelopes()] == []

    async def test_each_repetition_extends_and_they_do_not_pile_up(self, place: Place) -> None:
        async with place.running(DISCHARGE, LIMIT):
            await place.begins(DISCHARGE)
            await place.answer("started")
            await place.begins(LIMIT)
            await place.answer("started")
            for _ in range(2):
                [schedule], [envelope] = place.schedules(), place.envelopes()
                await asyncio.sleep(61)
                await place.tick()
                ends = [schedule.end, envelope.end]
                await until(partial(place.has_only_later_than, ends), 60)
            assert await place.home.notifications() == {}

    @pytest.mark.parametrize("hours", [1, 23])
    async def test_the_blueprint_with_two_times_charges_between_them(
        self, place: Place, hours: int
    ) -> None:
        start = (datetime.now(_BRISBANE) + timedelta(seconds=10)).replace(microsecond=0)
        end = start + timedelta(hours=hours)
        inputs = {"start": f"{start:%H:%M:%S}", "end": f"{end:%H:%M:%S}", "power": 2500}
        async with place.following("charge_between_two_times", inputs):
            answer = await place.answer("started")
            assert _moment(answer["until"]) == end.timestamp()
            [schedule] = place.schedules()
            assert schedule.mode.inverter_mode == "ChargeBattery"
            assert schedule.mode.argument_in_watts == 2500
            assert schedule.end == end.timestamp()

    async def test_the_blueprint_with_a_price_discharges_while_that_is_high(
        self, place: Place
    ) -> None:
        inputs = {"price": PRICE, "limit": 0.6, "floor": 25, "power": 2500, "inverter": "redback"}
        async with place.following("discharge_at_a_high_price", inputs):
            await place.set(PRICE, 0.55)
            await place.tick()
            assert place.schedules() == []
            for reason, gone in ((PRICE, 0.55), (BATTERY, 24.5)):
                await place.set(PRICE, 0.65)
                await place.answer("started")
                [schedule] = place.schedules()
                assert schedule.mode.inverter_mode == "DischargeBattery"
                assert schedule.mode.argument_in_watts == 2500
                assert schedule.end == pytest.approx(time.time() + 15 * 60, abs=20)
                await place.set(reason, gone)
                await place.has_ended("auto")
                assert place.schedules() == []

    async def test_a_blueprint_tells_people_what_is_refused(self, place: Place) -> None:
        inputs = {"price": PRICE, "power": 2500, "inverter": "Shed"}
        async with place.following("discharge_at_a_high_price", inputs):
            await place.set(PRICE, 0.65)
            reason = (await place.answer("refused"))["reason"]
            assert reason == "Refused: There is no inverter Shed; there are: Redback."
            assert await place.told("discharge_at_a_high_price") == reason

    async def test_the_example_of_the_documentation_shows_the_answer(self, place: Place) -> None:
        async with place.having(_of_docs()[0]):
            await place.tick()
            assert (await place.answer("started"))["id"] == "free hours"
            [schedule] = place.schedules()
            assert schedule.mode.inverter_mode == "ChargeBattery"
            await until(lambda: place.shows("started"))

    async def test_the_page_says_when_nothing_answers(self, place: Place) -> None:
        assert await place.home.service.stop() == 0
        async with place.running(*WITH_EVENTS):
            for name in WITH_EVENTS:
                await place.begins(name)
            for name in WITH_EVENTS:
                assert await place.told(name) == "The Redback add-on does not answer."
        await place.home.service.start()
        await ready(place.home)


class TestOnCoreWithDevices:
    """The same with the entities of a device."""

    pytestmark = WITH_BROKER

    @pytest_asyncio.fixture(loop_scope="module")
    async def place(self, devices: Place) -> AsyncIterator[Place]:
        async with _tidied(devices) as place:
            yield place

    @pytest.mark.parametrize("name", WITH_ENTITIES)
    async def test_an_example_does_what_it_says(self, place: Place, name: str) -> None:
        what = name.partition(", ")[0]
        async with place.running(name):
            end = await place.begins(name)
            answer = await place.answer("started")
            assert answer["by"] == "mqtt"
            [made] = [*place.schedules(), *place.envelopes()]
            assert made.end == pytest.approx(end.timestamp(), abs=60)
            if what == LIMIT:
                assert made.asked.max_export_power_w == 0
                await until(lambda: place.is_on("switch.redback_export_limit"))
                await place.set(FEED_IN, 0.01)
                await place.has_ended("lift_limit")
            else:
                assert made.mode.inverter_mode == MODES[what]
                assert made.mode.argument_in_watts == (0 if what == HOLD else 3000)
            if what == DISCHARGE:
                await place.set(PRICE, 0.30)
                await place.has_ended("auto")
            assert bool(place.schedules()) == (what in (CHARGE, HOLD))
            assert not place.envelopes()

    async def test_a_change_of_the_price_that_was_missed_counts_later(self, place: Place) -> None:
        switch = "switch.redback_export_limit"
        async with place.running(f"{LIMIT}, with entities"):
            data = {"entity_id": switch}
            await place.client.request("POST", "services/switch/turn_on", data)
            await place.answer("started")
            await until(lambda: place.is_on(switch))
            await place.tick()
            await place.has_ended("lift_limit")
            assert place.envelopes() == []
            before = written(place.home)
            await place.tick()
            with pytest.raises(TimeoutError):
                await place.answers.next(5)  # nothing is sent where nothing is to be ended
            assert written(place.home) == before

    async def test_the_page_says_what_is_refused(self, place: Place) -> None:
        place.home.simulator.faults.add(Fault(kind=Kind.STATUS, status=400, path="/Create/"))
        name = f"{DISCHARGE}, with entities"
        async with place.running(TELL, name):
            await place.begins(name)
            assert await place.told(TELL) == (await place.answer("failed"))["reason"]

    async def test_the_example_of_the_documentation_is_a_command(self, place: Place) -> None:
        async with place.having(_of_docs()[1]):
            await place.tick()
            assert (await place.answer("started"))["id"] == "peak"
            [schedule] = place.schedules()
            assert schedule.mode.inverter_mode == "DischargeBattery"
