"""What people do with the entities over MQTT becomes commands, and they show what is so."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import structs

from controls.stand_ins import AWAY, UNKNOWN, FakeHouse, begun
from examples import SERIAL, static
from fake_clock import FakeClock
from redback.cloud import Schedule
from redback.controls.mqtt_door import MqttDoor
from redback.controls.settings import FILE, Settings
from redback.core import BrokerAwayError
from redback.inverters.inverter import Inverter
from redback.inverters.registry import Registry
from redback.publishing.mqtt import MqttPublisher
from redback.sensors.details import Details
from redback.sensors.entities import Entities

AUTO = "Auto"
ACTIONS = (
    *("charge", "discharge", "import", "export", "conserve"),
    *("auto", "limit", "limit_export", "lift_limit"),
)


class Publisher:
    """Notes what is shown and answered; the broker may be away."""

    def __init__(self) -> None:
        self.answers: list[Mapping[str, object]] = []
        self.shown: list[str] = []
        self.is_lost = False
        self.is_heard = True
        self.up = asyncio.Event()
        self.up.set()
        self.broker = SimpleNamespace(ready=self.up.wait)

    def take_commands(self, commands: MqttDoor) -> None:
        self.commands = commands

    def show_controls(self, serial: str) -> None:
        self.shown.append(serial)

    async def answer(self, _: str, answer: Mapping[str, object]) -> None:
        self.answers.append(answer)
        if self.is_lost:
            raise BrokerAwayError("PUBLISH", "", None, "cut")


class Home(FakeHouse):
    """A house with a door of entities."""

    def start(self) -> None:
        super().start()
        # What the door asks for besides what commands need.
        cast("Any", self.registry).inverter = lambda _: self.inverter
        self.publisher = Publisher()
        self.door = MqttDoor(
            self.controls,
            cast("MqttPublisher", self.publisher),
            cast("Registry", self.registry),
            Settings(self.folder),
        )
        self._run = asyncio.create_task(self.door.run())

    async def kill(self) -> None:
        await super().kill()
        self._run.cancel()
        await asyncio.gather(self._run, return_exceptions=True)

    @property
    def inverter(self) -> Inverter | None:
        return Inverter(SERIAL, "Home", Entities(detailed=False), self.registry.described)

    async def do(self, key: str, payload: str, wait: float = 11, serial: str = SERIAL) -> None:
        """Let people do something, and wait until the next write is allowed."""
        self.publisher.commands.command(serial, key, payload)
        await self.clock.advance(wait)

    def mode(self) -> object:
        return self.door.values(SERIAL)["mode"]

    def switch(self) -> object:
        return self.door.values(SERIAL)["export_limit"]

    def reasons(self) -> list[object]:
        """Return why what was done since the last time was refused."""
        found = [one["reason"] for one in self.publisher.answers if one["result"] == "refused"]
        self.publisher.answers.clear()
        return found


@pytest.fixture
async def home(clock: FakeClock, tmp_path: Path) -> AsyncIterator[Home]:
    async with begun(Home(clock, tmp_path)) as home:
        yield home


@pytest.mark.parametrize(
    ("option", "mode", "power"),
    [
        ("Charge battery", "ChargeBattery", 2500),
        ("Discharge battery", "DischargeBattery", 2500),
        ("Import power", "ImportPower", 2500),
        ("Export power", "ExportPower", 2500),
        ("Conserve", "Conserve", None),
    ],
)
async def test_a_mode_is_a_schedule_with_what_is_set(
    home: Home, option: str, mode: str, power: int | None
) -> None:
    await home.do("power", "2500")
    await home.do("duration", "90")
    assert home.cloud.writes == []
    assert home.mode() == AUTO
    await home.do("mode", option)
    ((_, schedule),) = home.cloud.made.values()
    assert isinstance(schedule, Schedule)
    assert (schedule.mode, schedule.power_w) == (mode, power)
    assert home.end() - schedule.start == timedelta(minutes=90)
    assert home.mode() == option
    (answer,) = home.publisher.answers
    assert (answer["event_type"], answer["id"], answer["by"]) == ("started", "mode", "mqtt")
    assert "at" not in answer
    await home.do("mode", AUTO)
    assert home.mode() == AUTO
    assert home.cloud.made == {}


async def test_what_runs_is_shown_until_its_end_whoever_started_it(home: Home) -> None:
    await home.send({"action": "conserve", "minutes": 30})
    assert home.mode() == "Conserve"
    assert home.publisher.shown[-1] == SERIAL
    await home.clock.advance(30 * 60)
    assert home.mode() == AUTO
    await home.do("mode", "Import power")
    await home.do("back_to_auto", "PRESS")
    assert home.mode() == AUTO


async def test_a_planned_schedule_is_not_the_mode_yet(home: Home) -> None:
    start = (home.clock.now() + timedelta(hours=1)).isoformat()
    await home.send({"action": "conserve", "minutes": 30, "start": start})
    assert home.mode() == AUTO
    await home.clock.advance(61 * 60)
    assert home.mode() == "Conserve"


async def test_while_the_cloud_is_away_the_mode_stays_what_it_is(home: Home) -> None:
    home.cloud.failing = [AWAY]
    await home.do("mode", "Conserve")
    assert home.mode() == AUTO
    assert [one["event_type"] for one in home.publisher.answers] == ["failed"]


async def test_what_makes_no_sense_is_refused_in_one_sentence(home: Home) -> None:
    await home.do("mode", "Dance")
    await home.do("power", "much")
    await home.do("power", "20000")
    await home.do("power", "nan")
    await home.do("duration", "4")
    await home.do("duration", "7.5")
    await home.do("export_limit", "maybe")
    await home.do("command", "{")
    await home.do("command", "[" * 100_000)
    await home.do("command", "[]")
    await home.do("command", '{"action": "dance"}')
    assert home.reasons() == [
        "Refused: Dance is not one of the modes.",
        *2 * ["Refused: Power must be a whole number from 100 to 10,000."],
        "Refused: Power must be a whole number from 100 to 10,000.",
        *2 * ["Refused: Duration must be a whole number from 5 to 1,440."],
        "Refused: The switch takes ON and OFF.",
        *2 * ['Refused: The message is not JSON, such as {"action": "auto"}.'],
        "Refused: A command is a list of fields, such as action and minutes.",
        f"Refused: The action must be one of {', '.join(ACTIONS)}.",
    ]
    assert home.cloud.writes == []


async def test_what_is_none_of_ours_is_ignored(home: Home) -> None:
    await home.do("dance", "ON")
    assert home.answers == []


async def test_an_inverter_that_is_gone_gets_no_command(home: Home) -> None:
    await home.do("mode", "Conserve", serial="RB9")
    await home.do("power", "500", serial="RB9")
    await home.do("command", '{"action": "auto"}', serial="RB9")
    assert home.reasons() == 3 * ["Refused: There is no inverter RB9; there are: Home."]
    assert home.cloud.writes == []


async def test_a_message_is_a_whole_command_for_this_inverter(home: Home) -> None:
    await home.do("command", '{"action": "charge", "power": 700, "minutes": 10, "id": "mine"}')
    assert home.mode() == "Charge battery"
    await home.do("command", '{"action": "auto", "inverter": "Garage", "id": "other"}')
    assert home.mode() == "Charge battery"
    assert [(one["id"], one["result"], one["serial"]) for one in home.publisher.answers] == [
        ("mine", "started", SERIAL),
        ("other", "refused", SERIAL),
    ]


async def test_what_is_set_outlives_a_restart_but_not_a_smaller_inverter(home: Home) -> None:
    await home.do("power", "9000")
    await home.do("export_limit_power", "500.0")
    await home.kill()
    home.start()
    assert home.door.values(SERIAL)["power"] == 9000
    assert home.door.values(SERIAL)["export_limit_power"] == 500
    limits = ("battery_max_charge", "battery_max_discharge", "inverter_max_import")
    smaller = {f"{one}_power_kw": 3.0 for one in (*limits, "inverter_max_export")}
    home.registry.described = Details(structs.replace(static(), **smaller))
    assert home.door.values(SERIAL)["power"] == 3000
    await home.do("mode", "Charge battery")
    assert [one.power for one in home.answers] == [3000]


async def test_a_damaged_file_costs_only_what_was_set(
    clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_text("{")
    home = Home(clock, tmp_path)
    home.start()
    assert home.door.values(SERIAL)["power"] == 1000
    assert "what the next commands use has to be set again" in caplog.text
    await home.kill()


def kinds(home: Home) -> dict[str, str]:
    found = home.door.components(SERIAL)
    assert found is not None
    return {key: one.platform for key, one in found.items()}


async def test_an_inverter_has_entities_for_what_it_can_do(home: Home) -> None:
    found = home.door.components(SERIAL)
    assert found is not None
    assert kinds(home) == {
        "mode": "select",
        "back_to_auto": "button",
        "power": "number",
        "duration": "number",
        "export_limit": "switch",
        "export_limit_power": "number",
        "command": "notify",
        "control": "event",
    }
    assert found["power"].described["max"] == 10_000
    assert home.door.values(SERIAL).keys() == {key for key, one in found.items() if one.has_value}


async def test_without_a_battery_there_are_only_modes_of_the_grid(home: Home) -> None:
    home.registry.payload = "single_phase"
    home.registry.described = Details(structs.replace(static(), battery_count=0))
    found = home.door.components(SERIAL)
    assert found is not None
    assert found["mode"].described["ops"] == [AUTO, "Import power", "Export power"]


async def test_the_si_series_has_only_what_limits_the_export(home: Home) -> None:
    home.registry.described = Details(structs.replace(static(), model="SI5000"))
    assert kinds(home).keys() == {
        "duration",
        "export_limit",
        "export_limit_power",
        "command",
        "control",
    }
    assert home.door.values(SERIAL).keys() >= {"duration", "export_limit"}


async def test_before_it_is_known_what_it_can_do_nothing_is_said_of_it(home: Home) -> None:
    home.registry.described = Details()
    assert home.door.components(SERIAL) is None


async def test_the_switch_is_an_envelope_that_is_renewed_while_it_is_on(home: Home) -> None:
    await home.do("export_limit_power", "500")
    await home.do("export_limit", "ON")
    assert home.switch() == "ON"
    first = home.end()
    assert home.cloud.limits == [500]
    assert home.mode() == AUTO
    await home.do("export_limit_power", "800")
    for _ in range(6):
        await home.clock.advance(3600)
        assert home.switch() == "ON"
        # At any time it ends by itself, within the duration that is set.
        assert timedelta() < home.end() - home.clock.now() <= timedelta(minutes=60)
    assert home.end() > first + timedelta(hours=5)
    assert home.cloud.limits == [800]
    await home.do("export_limit", "OFF")
    assert home.switch() == "OFF"
    assert home.cloud.limits == []
    writes = len(home.cloud.writes)
    await home.clock.advance(3 * 3600)
    assert len(home.cloud.writes) == writes


async def test_after_a_restart_the_envelope_ends_by_itself(home: Home) -> None:
    await home.do("export_limit", "ON")
    writes = len(home.cloud.writes)
    await home.kill()
    home.start()
    await home.clock.advance(1800)
    assert home.switch() == "ON"
    await home.clock.advance(1800)
    assert home.switch() == "OFF"
    assert len(home.cloud.writes) == writes
    # Switched on again, it is renewed again.
    await home.do("export_limit", "ON")
    await home.clock.advance(3 * 3600)
    assert home.switch() == "ON"


@pytest.mark.parametrize(
    "other",
    [
        {"action": "lift_limit"},
        {"action": "limit_export", "power": 100, "minutes": 20},
        {"action": "limit", "max_export": 100, "minutes": 20},
    ],
)
async def test_what_takes_its_place_is_not_renewed(home: Home, other: dict[str, object]) -> None:
    await home.do("export_limit", "ON")
    await home.send(other, 11)
    await home.clock.advance(2 * 3600)
    assert home.switch() == "OFF"
    assert len([one for one in home.cloud.writes if one.startswith("create")]) <= 2


async def test_a_renewal_is_tried_again_until_the_end_and_never_after_it(home: Home) -> None:
    await home.do("export_limit", "ON")
    end = home.end()
    await home.clock.advance((end - home.clock.now()).total_seconds() - 310)
    home.cloud.failing = [AWAY, AWAY]
    await home.clock.advance(150)
    assert home.end() > end  # the third time
    end = home.end()
    await home.clock.advance((end - home.clock.now()).total_seconds() - 310)
    home.cloud.failing = [*20 * [AWAY]]
    await home.clock.advance(330)
    assert home.switch() == "OFF"
    home.cloud.failing = []
    writes = len(home.cloud.writes)
    await home.clock.advance(2 * 3600)
    assert len(home.cloud.writes) == writes


async def test_what_may_have_been_renewed_is_renewed_again(home: Home) -> None:
    await home.do("export_limit", "ON")
    home.cloud.failing = [UNKNOWN]  # it was done all the same
    for _ in range(4):
        await home.clock.advance(3600)
        assert home.switch() == "ON"
    assert home.cloud.limits == [0]


async def test_what_may_have_been_switched_on_is_renewed(home: Home) -> None:
    home.cloud.failing = [UNKNOWN]
    await home.do("export_limit", "ON")
    await home.clock.advance(3 * 3600)
    assert home.switch() == "ON"


async def test_what_was_not_made_after_all_is_tried_again_in_time(home: Home) -> None:
    await home.do("export_limit", "ON")
    cloud = cast("Any", home.cloud)
    create = cloud.create_envelope

    def lose(*_: object) -> None:
        home.cloud.writes.append("lost")
        cloud.create_envelope = create
        raise UNKNOWN

    cloud.create_envelope = lose
    await home.clock.advance(3 * 3600)
    assert "lost" in home.cloud.writes
    assert home.switch() == "ON"


async def test_switched_on_again_and_again_it_is_renewed(home: Home) -> None:
    for _ in range(4):
        home.publisher.commands.command(SERIAL, "export_limit", "ON")
        await home.clock.advance(0.5)
    await home.clock.advance(3 * 3600)
    assert "refused" in home.results()  # those that waited, since a later one came
    assert home.switch() == "ON"


async def test_the_switch_renews_what_it_has_found_there(home: Home) -> None:
    await home.send({"action": "limit_export", "power": 0, "minutes": 60}, 20)
    await home.do("export_limit", "ON")
    assert len(home.cloud.writes) == 1
    await home.clock.advance(3 * 3600)
    assert home.switch() == "ON"


async def test_it_is_not_renewed_while_nobody_could_switch_it_off(home: Home) -> None:
    await home.do("export_limit", "ON")
    home.publisher.is_heard = False
    await home.clock.advance(3000)
    home.publisher.is_heard = True  # as after a restart of Home Assistant
    await home.clock.advance(3600)
    assert home.switch() == "ON"
    home.publisher.is_heard = False
    # Once more, as it could be back within the hour; but no longer than two hours in all.
    await home.clock.advance(2 * 3600)
    assert home.switch() == "OFF"
    writes = len(home.cloud.writes)
    home.publisher.is_heard = True
    await home.clock.advance(3600)
    assert len(home.cloud.writes) == writes


async def test_it_is_renewed_for_a_day_after_it_was_switched_on(home: Home) -> None:
    await home.do("duration", "1440")
    await home.do("export_limit", "ON")
    home.clock.skip(20 * 3600)
    await home.do("export_limit", "ON")
    home.clock.skip(23.5 * 3600)
    await home.clock.advance(3600)
    assert home.switch() == "ON"
    home.clock.skip(23 * 3600)
    await home.clock.advance(3600)
    assert home.switch() == "OFF"
    assert home.answers[-1].result == "ended"
    creations = [one for one in home.cloud.writes if one.startswith("create")]
    assert len(creations) == 3


async def test_a_switch_that_could_not_be_switched_on_is_off(home: Home) -> None:
    home.registry.age = timedelta(minutes=11)
    await home.do("export_limit", "ON")
    assert home.switch() == "OFF"
    home.registry.age = timedelta()
    await home.clock.advance(3600)
    assert home.cloud.writes == []


async def test_answers_wait_for_the_broker_but_not_for_too_long(home: Home) -> None:
    home.publisher.up.clear()
    await home.do("mode", "Conserve")
    await home.do("mode", "Dance", wait=120)
    assert home.publisher.answers == []
    home.publisher.is_lost = True
    home.publisher.up.set()
    await home.clock.advance(1)
    # That it was started is no news; what may have arrived is not told again.
    assert [one["event_type"] for one in home.publisher.answers] == ["refused"]
