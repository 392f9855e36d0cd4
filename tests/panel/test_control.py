"""That the panel shows what inverters can do and are to do, and passes on what people press."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

import examples
from browser.commands import ControlsOfExample
from fake_clock import FakeClock
from house import until
from panel.scenes import House
from panel.visitor import Visitor, running
from redback.controls import Answer
from redback.panel.control import Control, control
from redback.sensors.details import Details
from simulator import Fault, Kind
from simulator.envelopes import CreateEnvelope

_NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
_CHARGE = {"action": "charge", "power": 2000, "minutes": 30}


def house(payload: Mapping[str, object] = {}, **changes: object) -> House:
    """Make a house with one inverter, whose model and so on are changed, and controls."""
    made = House(FakeClock(_NOW))
    made.controls = ControlsOfExample("serial", _NOW)
    details = Details(msgspec.structs.replace(examples.static(), **changes))
    made.add("serial", "Home", "S1", details, **payload)
    return made


def shown(made: House) -> Control:
    found = control(made.context)
    assert found is not None
    return found


class TestWhatIsShown:
    """The part of the status."""

    def test_without_the_option_there_is_nothing(self) -> None:
        made = house()
        made.controls = None
        assert made.status.control is None

    def test_each_action_has_the_most_that_the_inverter_can(self) -> None:
        changes: dict[str, object] = {
            "battery_max_charge_power_kw": 5.2,
            "battery_max_discharge_power_kw": None,
            "inverter_max_import_power_kw": 9.98,
            "inverter_max_export_power_kw": 5,
        }
        (one,) = shown(house({}, **changes)).inverters
        assert [(ability.action, ability.most) for ability in one.abilities] == [
            ("charge", 5200),
            ("discharge", None),
            ("import", 9980),
            ("export", 5000),
            ("conserve", None),
            ("limit_export", 5000),
        ]
        assert one.why_not is None

    def test_of_the_si_series_the_export_alone_can_be_limited(self) -> None:
        (one,) = shown(house(model="SI6000")).inverters
        assert [ability.action for ability in one.abilities] == ["limit_export"]
        assert one.why_not == "This inverter has no schedules (SI series)."

    def test_without_a_battery_nothing_is_offered_for_one(self) -> None:
        none = dict.fromkeys(
            (
                "Battery",
                "BatterySoCInstantaneous0to1",
                "BatteryPowerNegativeIsChargingkW",
                "BatteryChargeAllTimeEnergykWh",
                "BatteryDischargeAllTimeEnergykWh",
            )
        )
        (one,) = shown(house(none, battery_count=0, battery_capacity_kwh=None)).inverters
        offered = [ability.action for ability in one.abilities]
        assert offered == ["import", "export", "limit_export"]
        assert one.why_not == "This inverter has no battery."

    def test_the_last_answers_come_first_without_what_their_senders_call_them(self) -> None:
        made = house()
        made.controls.record = [
            Answer(id=f"Kim's {number}", result="ended", by="mqtt", power=number, at=_NOW)
            for number in range(12)
        ]
        record = shown(made).record
        assert [one.power for one in record] == [*range(11, 1, -1)]
        assert {one.id for one in record} == {None}

    def test_the_days_are_today_and_tomorrow(self) -> None:
        today, tomorrow = shown(house()).days
        assert today.start <= _NOW < today.end == tomorrow.start
        assert f"{tomorrow.start.astimezone():%Y-%m-%d %H:%M}" == f"{tomorrow.date} 00:00"
        assert timedelta(hours=23) <= tomorrow.end - tomorrow.start <= timedelta(hours=25)

    def test_what_runs_is_whose_it_is(self) -> None:
        (one,) = shown(house()).inverters
        whose = [(entry.action, entry.whose) for entry in one.entries]
        assert ("charge", "own") in whose
        assert ("limit_export", "network") in whose
        assert not any(entry.can_delete for entry in one.entries if entry.whose == "network")

    def test_another_status_is_another_state_only_if_something_has_changed(self) -> None:
        made = house()
        assert made.status == made.status
        before = made.status
        made.controls.record = [Answer(result="ended", by="panel", at=_NOW)]
        assert made.status != before


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def person() -> AsyncIterator[Visitor]:
    options = {"history_days": 1, "controls": True}
    async with running(options=options, latency=1) as person:
        await person.until("status", is_ready, seconds=60)
        yield person


def is_ready(status: dict[str, Any]) -> bool:
    """Whether the inverter is read and described."""
    control, inverters = status["control"], status["inverters"]
    most = [one["most"] for each in control["inverters"] for one in each["abilities"]]
    return any(most) and all(one["is_live"] and one["has_battery"] for one in inverters)


def entries(status: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = status["control"]["inverters"][0]["entries"]
    return found


async def turn(person: Visitor) -> None:
    """Wait until the next command may write: ten seconds after the last one."""
    answers = (await person.data("status"))["control"]["record"]
    wrote = [datetime.fromisoformat(one["at"]) for one in answers if one["result"] != "refused"]
    if wrote:
        await until(lambda: datetime.now(UTC) - wrote[0] > timedelta(seconds=11), 15)


@pytest.mark.process
@pytest.mark.asyncio(loop_scope="module")
class TestWhatIsPressed:
    """The actions, in front of the real service and the simulated cloud."""

    async def test_a_command_is_answered_when_it_runs_and_shows_by_itself(
        self, person: Visitor
    ) -> None:
        serial = person.home.inverters[0]
        sent = _CHARGE | {"inverter": serial}
        assert await person.post("control", sent) == (200, "Started.")
        (schedule,) = person.home.simulator.schedules.active(serial, time.time())
        assert (schedule.mode.inverter_mode, schedule.mode.argument_in_watts) == (
            "ChargeBattery",
            2000,
        )
        status = await person.until("status", entries)
        (entry,) = entries(status)
        assert (entry["whose"], entry["by"], entry["power"]) == ("own", "panel", 2000)
        (answer,) = status["control"]["record"]
        assert (answer["result"], answer["by"], answer["id"]) == ("started", "panel", None)
        await turn(person)
        assert await person.post("control", {"action": "auto", "inverter": serial}) == (
            200,
            "Ended.",
        )
        assert person.home.simulator.schedules.active(serial, time.time()) == []

    async def test_one_of_somebody_else_is_deleted_alone(self, person: Visitor) -> None:
        serial, schedules = person.home.inverters[0], person.home.simulator.schedules
        now = time.time()
        start = now + 3600
        keys = [
            schedules.add(serial, "Conserve", 0, start=start, minutes=60, now=now, notes=note)
            for note in ("theirs", "theirs too")
        ]
        await turn(person)
        body = {"serial": serial, "key": keys[0]}
        assert await person.post("control/delete", body) == (200, "Ended.")
        assert [one.schedule_id for one in schedules.active(serial, now)] == keys[1:]

    async def test_nothing_of_the_network_is_deleted(self, person: Visitor) -> None:
        home, now = person.home, datetime.now(UTC)
        account = home.simulator.world.account
        asked = CreateEnvelope(
            start_at_utc=now,
            end_at_utc=now + timedelta(hours=1),
            event_id="of the network",
            site_id=account.sites[0].site_id,
            max_export_power_w=1500,
        )
        home.simulator.envelopes.add_of_network(account, asked, now.timestamp() - 60)
        await turn(person)
        body = {"serial": home.inverters[0], "key": "of the network"}
        status, text = await person.post("control/delete", body)
        assert (status, "network's" in text) == (400, True), text
        assert home.simulator.envelopes.active(asked.site_id, time.time())

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (_CHARGE | {"power": 99_000}, "Refused: 99,000 W is more than the battery's"),
            ({"action": "charge", "power": 2000}, "Refused: A command needs an end"),
            ({"action": "dance"}, "Refused: The action must be one of"),
            (_CHARGE | {"inverter": "nobody"}, "Refused: There is no inverter nobody"),
            ([], "The request cannot be understood."),
        ],
    )
    async def test_what_is_refused_says_why(self, person: Visitor, body: object, says: str) -> None:
        text = msgspec.json.encode(body).decode()
        status, answer = await person.post("control", text)
        assert (status, answer.startswith(says)) == (400, True), answer

    async def test_what_the_cloud_does_not_do_is_a_failure(self, person: Visitor) -> None:
        fault = Fault(kind=Kind.STATUS, status=400, path="/Create/", times=1)
        await turn(person)
        person.home.simulator.faults.add(fault)
        status, text = await person.post("control", _CHARGE)
        assert (status, "Nothing was changed" in text) == (503, True), text

    async def test_a_phone_that_falls_asleep_finds_the_answer_in_the_record(
        self, person: Visitor
    ) -> None:
        serial, schedules = person.home.inverters[0], person.home.simulator.schedules
        before = len(schedules.active(serial, time.time()))
        await turn(person)
        slow = Fault(kind=Kind.SLOW, path="/Create/", seconds=3, how="after", times=1)
        person.home.simulator.faults.add(slow)
        pressing = asyncio.create_task(person.post("control", _CHARGE))
        await until(lambda: len(schedules.active(serial, time.time())) > before)
        assert not pressing.done()
        pressing.cancel()
        status = await person.until(
            "status", lambda status: status["control"]["record"][0]["result"] == "started"
        )
        assert "charge" in [one["action"] for one in entries(status) if one["whose"] == "own"]

    async def test_the_diagnostics_file_has_no_word_of_others(self, person: Visitor) -> None:
        await person.until("status", lambda status: "theirs too" in str(entries(status)))
        async with person.get("diagnostics") as answer:
            text = await answer.text()
        assert '"whose": "other"' in text
        assert "theirs" not in text


@pytest.mark.process
async def test_without_the_option_nothing_can_be_pressed() -> None:
    async with running(latency=1) as person:
        await person.until("status", lambda status: status["inverters"])
        serial = person.home.inverters[0]
        for path, body in (
            ("control", _CHARGE),
            ("control", {"action": "auto"}),
            ("control/delete", {"serial": serial, "key": "x"}),
        ):
            assert await person.post(path, body) == (
                403,
                "Switch on the option Controls first.",
            )
        assert (await person.data("status"))["control"] is None
        asked = [entry.path for entry in person.home.simulator.journal.entries]
        assert not any("/Schedule/" in one or "/OperatingEnvelope/" in one for one in asked)
