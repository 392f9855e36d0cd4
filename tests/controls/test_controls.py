"""Commands are carried out in the cloud, one thing at a time, each answered once."""

import asyncio
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from controls.stand_ins import (
    AWAY,
    CHARGE,
    REFUSED,
    SECOND,
    THIRD,
    UNKNOWN,
    Cloud,
    FakeHouse,
    FakeRegistry,
    account,
)
from examples import SERIAL, configuration, static
from fake_clock import FakeClock
from polling import stand_ins
from polling.stand_ins import DENIED
from redback.cloud import CloudError, Envelope, Envelopes, Schedule, Schedules
from redback.controls import controls, doors
from redback.controls.book import Answer, Book
from redback.controls.controls import Controls
from redback.controls.limits import Ability, abilities
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.options import Options
from redback.problems import Kind
from redback.sensors.details import Details


async def test_nothing_is_written_by_itself(house: FakeHouse) -> None:
    await house.clock.advance(3600)
    await house.kill()
    house.start()
    await house.clock.advance(3600)
    assert house.cloud.writes == []


async def test_what_runs_and_comes_is_left_alone_at_stop_start_and_update(
    house: FakeHouse,
) -> None:
    later = (house.clock.now() + timedelta(hours=5)).isoformat()
    await house.send(CHARGE | {"minutes": 600}, 60)
    await house.send({"action": "limit_export", "power": 0, "minutes": 600}, 60)
    await house.send(CHARGE | {"action": "export", "minutes": 60, "start": later}, 60)
    wanted, running = [*house.cloud.writes], [*house.cloud.made]
    for seconds in (0.0, 1.0, 60.0, 3600.0):
        await house.kill()
        await house.clock.advance(seconds)
        house.start()
        await house.clock.advance(600)
    assert house.cloud.writes == wanted
    assert [*house.cloud.made] == running


def test_without_the_option_there_is_nothing_that_could_write(
    clock: FakeClock, tmp_path: Path
) -> None:
    off = Options(client_id="a", credential="b")
    nobody = cast("Any", None)
    assert controls(off, tmp_path, (), nobody, nobody, clock) is None
    assert doors(None, tmp_path, nobody, nobody, nobody) == ()
    assert [*tmp_path.iterdir()] == []


async def test_a_command_is_answered_when_it_is_begun_and_when_it_is_over(house: FakeHouse) -> None:
    await house.send(CHARGE | {"id": "night", "inverter": "home"})
    (answer,) = house.answers
    assert (answer.id, answer.inverter, answer.serial) == ("night", "Home", SERIAL)
    assert (answer.action, answer.result, answer.power) == ("charge", "started", 3000)
    assert answer.until == house.end()
    assert answer.by == "automation"
    assert house.cloud.modes == ["ChargeBattery"]
    house.answers.clear()
    await house.clock.advance(3590)
    assert house.answers == []
    await house.clock.advance(20)
    assert [(one.id, one.result) for one in house.answers] == [("night", "ended")]
    assert house.cloud.writes == ["create ChargeBattery"]


async def test_a_later_start_is_scheduled(house: FakeHouse) -> None:
    start = house.clock.now() + timedelta(hours=3)
    await house.send(CHARGE | {"start": start.isoformat()})
    assert house.results() == ["scheduled"]


async def test_the_same_command_every_five_minutes_for_a_day_leaves_one_schedule(
    house: FakeHouse,
) -> None:
    most = 0
    for _ in range(288):
        await house.send(CHARGE | {"minutes": 15}, 20)
        most = max(most, len(house.cloud.made))
        await house.clock.advance(280)
        assert house.cloud.modes == ["ChargeBattery"]
        assert house.end() > house.clock.now() + timedelta(minutes=9)
    assert most <= 2
    assert set(house.results()) == {"started", "ended"}


async def test_the_same_end_again_writes_nothing(house: FakeHouse) -> None:
    until = (house.clock.now() + timedelta(hours=2)).isoformat()
    for _ in range(5):
        await house.send({"action": "charge", "power": 3000, "until": until}, 300)
    assert house.results() == ["started"] * 5
    assert house.cloud.writes == ["create ChargeBattery"]


async def test_another_command_replaces_and_the_old_one_goes_once_the_new_is_listed(
    house: FakeHouse,
) -> None:
    await house.send(CHARGE, 60)
    await house.send(CHARGE | {"action": "discharge"}, 2)
    assert house.cloud.modes == ["ChargeBattery", "DischargeBattery"]
    await house.clock.advance(10)
    assert house.cloud.modes == ["DischargeBattery"]
    assert house.results() == ["started", "started", "ended"]


async def test_what_is_refused_with_nothing_in_its_way_is_not_sent_again(house: FakeHouse) -> None:
    house.cloud.refuses_all = True
    await house.send(CHARGE, 60)
    assert house.cloud.writes == ["create ChargeBattery"]
    assert house.results() == ["failed"]


async def test_where_two_at_once_are_refused_the_old_one_makes_way(house: FakeHouse) -> None:
    house.cloud.refuses_overlaps = True
    await house.send(CHARGE, 60)
    await house.send(CHARGE | {"action": "discharge"}, 2)
    assert house.cloud.modes == ["DischargeBattery"]
    assert house.results() == ["started", "ended", "started"]


async def test_what_is_planned_for_another_time_stays(house: FakeHouse) -> None:
    start = house.clock.now() + timedelta(hours=3)
    await house.send(CHARGE | {"start": start.isoformat()}, 60)
    await house.send(CHARGE, 60)
    assert len(house.cloud.modes) == 2


async def test_auto_ends_what_is_ours_and_nothing_else(house: FakeHouse) -> None:
    now = house.clock.now()
    other = Schedule(schedule_id="other", start=now, duration=timedelta(hours=9), mode="Conserve")
    house.cloud.put("other", other)
    await house.send(CHARGE, 60)
    await house.send({"action": "limit_export", "power": 0, "minutes": 60}, 60)
    house.results()
    await house.send({"action": "auto", "id": "stop"})
    assert house.cloud.modes == ["Conserve"]
    assert house.cloud.limits == [0]
    assert [(one.id, one.result) for one in house.answers] == [(None, "ended"), ("stop", "ended")]
    house.answers.clear()
    await house.send({"action": "lift_limit"}, 20)
    assert house.cloud.limits == []
    assert house.results() == ["ended", "ended"]


async def test_auto_is_answered_where_nothing_runs(house: FakeHouse) -> None:
    await house.send({"action": "auto"})
    assert house.results() == ["ended"]
    assert house.cloud.writes == []


async def test_a_schedule_and_a_limit_that_are_wanted_at_once_are_both_made(
    house: FakeHouse,
) -> None:
    await house.send(CHARGE, 1)
    await house.send(CHARGE | {"minutes": 90}, 1)
    await house.send({"action": "limit_export", "power": 0, "minutes": 90}, 60)
    assert (house.cloud.modes, house.cloud.limits) == (["ChargeBattery"], [0])
    assert house.results() == ["started", "started", "ended", "started"]


async def test_of_fifty_commands_the_last_counts(house: FakeHouse) -> None:
    for power in range(1000, 1050):
        await house.send(CHARGE | {"power": power}, 0.1)
    await house.clock.advance(30)
    results = house.results()
    assert results.count("started") == 2
    assert results.count("refused") == 48
    assert len(house.cloud.made) == 1
    ((_, left),) = house.cloud.made.values()
    assert isinstance(left, Schedule)
    assert left.power_w == 1049


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (CHARGE | {"power": 12_000}, "Refused: 12,000 W is more than the battery's 10,000 W."),
        (
            {"action": "export", "power": 12_000, "minutes": 5},
            "Refused: 12,000 W is more than the inverter's 10,000 W.",
        ),
        (CHARGE | {"inverter": "Shed"}, "Refused: There is no inverter Shed; there are: Home."),
        ("charge", "Refused: A command is a list of fields, such as action and minutes."),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_written(
    house: FakeHouse, command: object, why: str
) -> None:
    await house.send(command, 30)
    assert [(one.result, one.reason) for one in house.answers] == [("refused", why)]
    assert house.cloud.writes == []


BAD: dict[str, object] = {
    "power above the limit": CHARGE | {"power": 12_000},
    "no end": {"action": "charge", "power": 3000},
    "an end in the past": {"action": "conserve", "until": "2026-03-01T00:00:00Z"},
    "an end that is now": {"action": "conserve", "until": "2026-03-02T01:02:09Z"},
    "too long": CHARGE | {"minutes": 1441},
    "too long in days": {"action": "conserve", "until": "2026-03-05T00:00:00Z"},
    "both ends": CHARGE | {"until": "2026-03-02T02:00:00Z"},
    "another inverter": CHARGE | {"inverter": "RB0"},
    "half an inverter": CHARGE | {"inverter": SERIAL[:-1]},
    "power as text": CHARGE | {"power": "3000"},
    "minutes as text": CHARGE | {"minutes": "60"},
    "no number": CHARGE | {"power": float("nan")},
    "half a watt": CHARGE | {"power": 0.5},
    "yes": CHARGE | {"power": True},
    "below zero": CHARGE | {"power": -3000},
    "an unknown field": CHARGE | {"watts": 3000},
    "a field of another action": CHARGE | {"max_export": 0},
    "an unknown action": CHARGE | {"action": "explode"},
    "a deletion": {"action": "delete", "inverter": SERIAL},
    "no fields": [],
    "text": "charge 3000 W",
    "nothing": None,
}


@pytest.mark.parametrize("door", ["automation", "panel", "mqtt"])
@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_with_one_sentence_and_nothing_is_written(
    house: FakeHouse, name: str, door: str
) -> None:
    house.controls.take(BAD[name], door)
    await house.clock.advance(50)
    (answer,) = house.answers
    assert (answer.result, answer.by) == ("refused", door)
    assert re.fullmatch(r"Refused: ([^.]|\.(?! ))+\.", answer.reason or "")
    assert house.cloud.writes == []


async def test_an_old_reading_refuses(house: FakeHouse) -> None:
    house.registry.age = timedelta(minutes=11)
    await house.send(CHARGE, 50)
    (answer,) = house.answers
    assert (answer.result, answer.reason) == (
        "refused",
        "Refused: There is no reading of the last 10 minutes from this inverter.",
    )
    assert house.cloud.writes == []


async def test_of_two_commands_in_a_second_both_are_answered_and_the_last_stays(
    house: FakeHouse,
) -> None:
    await house.send(CHARGE | {"id": "first"}, 0.5)
    await house.send(CHARGE | {"id": "second", "action": "discharge"}, 0)
    assert house.cloud.writes == ["create ChargeBattery"]
    await house.clock.advance(9)
    assert house.cloud.writes == ["create ChargeBattery"]  # ten seconds apart
    await house.clock.advance(35)
    assert [(one.id, one.result) for one in house.answers] == [
        ("first", "started"),
        ("second", "started"),
        ("first", "ended"),
    ]
    assert house.cloud.modes == ["DischargeBattery"]


async def test_fifty_commands_in_a_minute_are_each_answered_once_and_one_stays(
    house: FakeHouse,
) -> None:
    for number in range(50):
        await house.send(CHARGE | {"id": f"{number}", "power": 1000 + number}, 1.2)
    await house.clock.advance(60)
    first: dict[str | None, str] = {}
    for one in house.answers:
        first.setdefault(one.id, one.result)
    assert set(first) == {f"{number}" for number in range(50)}
    assert set(first.values()) == {"started", "refused"}
    assert sum(one.result != "ended" for one in house.answers) == 50
    assert 5 <= sum(one.startswith("create") for one in house.cloud.writes) <= 8
    assert first["49"] == "started"
    assert len(house.cloud.made) == 1


async def test_an_inverter_without_schedules_says_so(house: FakeHouse) -> None:
    of = msgspec.structs.replace(static(), model="SI5000")
    house.registry.described = Details(of, configuration())
    await house.send(CHARGE)
    assert house.answers[0].reason == "Refused: This inverter has no schedules (SI series)."
    house.answers.clear()
    await house.send({"action": "limit_export", "power": 0, "minutes": 5})
    assert house.results() == ["started"]


async def test_where_the_cloud_is_away_what_runs_is_said_to_end(house: FakeHouse) -> None:
    await house.send(CHARGE, 60)
    house.results()
    house.cloud.failing = [AWAY]
    await house.send(CHARGE | {"action": "discharge"}, 60)
    (answer,) = house.answers
    assert answer.result == "failed"
    assert answer.reason is not None
    assert answer.reason.startswith("Redback's cloud does not answer. Nothing was changed; what")
    assert house.cloud.modes == ["ChargeBattery"]


async def test_what_may_have_been_made_is_found_later_and_counts(house: FakeHouse) -> None:
    await house.send(CHARGE, 60)
    house.results()
    house.cloud.failing = [UNKNOWN]
    await house.send(CHARGE | {"action": "discharge"}, 2)
    assert house.results() == ["failed"]
    await house.clock.advance(30)
    assert house.cloud.modes == ["DischargeBattery"]
    await house.send({"action": "auto"}, 5)
    assert house.cloud.modes == []


@pytest.mark.parametrize("seconds", [0.0, 1.0, 4.0, 8.0, 40.0])
async def test_killed_while_it_replaces_there_is_one_afterwards(
    house: FakeHouse, seconds: float
) -> None:
    await house.send(CHARGE, 60)
    await house.send(CHARGE | {"action": "discharge"}, seconds)
    await house.kill()
    await house.clock.advance(30)
    house.start()
    await house.clock.advance(60)
    assert house.cloud.modes == ["DischargeBattery"]
    await house.clock.advance(4000)
    assert house.results().count("ended") == 2


async def test_killed_before_the_cloud_has_answered_it_is_found_and_answered(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = house.cloud.create_schedule

    def made_but_unheard(*arguments: Any, **more: Any) -> str:  # noqa: ANN401 - handed on
        create(*arguments, **more)
        raise asyncio.CancelledError  # as at the end of the process

    with monkeypatch.context() as patch:
        patch.setattr(house.cloud, "create_schedule", made_but_unheard)
        await house.send(CHARGE | {"id": "x"})
        await house.kill()
    assert house.answers == []
    house.start()
    await house.clock.advance(30)
    assert [(one.id, one.result) for one in house.answers] == [("x", "started")]
    assert house.cloud.writes == ["create ChargeBattery"]


async def test_killed_before_anything_was_made_it_is_answered_as_failed(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> str:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(house.cloud, "create_schedule", die)
        await house.send(CHARGE | {"id": "x"})
        await house.kill()
    house.start()
    await house.clock.advance(120)
    assert [(one.id, one.result) for one in house.answers] == [("x", "failed")]
    assert house.cloud.writes == []


async def test_the_record_has_the_last_hundred(house: FakeHouse) -> None:
    for number in range(120):
        await house.send({"action": "dance", "id": f"{number}"}, 10)
    record = Book(house.folder).record
    assert [one.id for one in record] == [f"{number}" for number in range(20, 120)]


async def test_a_flood_of_refusals_leaves_other_commands_in_the_record(house: FakeHouse) -> None:
    await house.send(CHARGE | {"id": "night"})
    for _ in range(200):
        await house.send({"action": "dance"}, 0)
    assert house.results().count("refused") == 200
    record = Book(house.folder).record
    assert record[0].id == "night"
    assert len(record) == 11
    await house.send({"action": "dance", "id": "later"}, 61)
    await house.send({"action": "dance", "id": "again"})
    assert house.controls.record[-1].id == "again"


async def test_a_command_that_waits_at_the_stop_is_refused_in_the_record(house: FakeHouse) -> None:
    await house.send(CHARGE | {"id": "first"})
    await house.send(CHARGE | {"action": "discharge", "id": "second"})
    await house.kill()
    last = Book(house.folder).record[-1]
    assert (last.id, last.result) == ("second", "refused")
    assert last.reason == "Refused: the add-on was stopped."
    house.start()
    await house.clock.advance(60)
    assert house.cloud.writes == ["create ChargeBattery"]


@pytest.mark.parametrize(
    ("given", "answered"), [(7, "7"), (7.5, "7.5"), (10**300, None), (["7"], None)]
)
async def test_an_id_that_is_a_number_is_in_the_refusal(
    house: FakeHouse, given: object, answered: str | None
) -> None:
    await house.send(CHARGE | {"id": given})
    assert [(one.id, one.result) for one in house.answers] == [(answered, "refused")]


async def test_a_limit_with_the_same_start_replaces_only_the_old_one(house: FakeHouse) -> None:
    start = (house.clock.now() + timedelta(hours=1)).isoformat()
    for power in (0, 1000):
        limit = {"action": "limit_export", "power": power, "minutes": 60, "start": start}
        await house.send(limit, 60)
    assert house.cloud.limits == [1000]


async def test_what_is_planned_for_later_leaves_what_runs_until_it_begins(house: FakeHouse) -> None:
    await house.send(CHARGE, 60)
    start = (house.clock.now() + timedelta(minutes=30)).isoformat()
    await house.send(CHARGE | {"action": "discharge", "start": start}, 60)
    assert house.cloud.modes == ["ChargeBattery", "DischargeBattery"]
    await house.clock.advance(31 * 60)
    assert house.cloud.modes == ["DischargeBattery"]


async def plan(house: FakeHouse, action: str, minutes: float, start: float) -> str:
    """Schedule something in some minutes; return its key."""
    before = {*house.cloud.made}
    moment = (house.clock.now() + timedelta(minutes=start)).isoformat()
    await house.send({"action": action, "power": 1000, "minutes": minutes, "start": moment}, 60)
    (key,) = {*house.cloud.made} - before
    return key


@pytest.mark.parametrize("by_person", [True, False])
async def test_what_runs_goes_on_if_the_plan_that_would_replace_it_is_deleted(
    house: FakeHouse, *, by_person: bool
) -> None:
    await house.send(CHARGE | {"minutes": 600}, 60)
    planned = await plan(house, "discharge", 30, 180)
    if by_person:
        await delete(house, planned)
    else:
        del house.cloud.made[planned]
    await house.clock.advance(600)
    assert house.cloud.modes == ["ChargeBattery"]
    (entry,) = house.controls.timeline(SERIAL)
    assert entry.end == house.end() > house.clock.now() + timedelta(minutes=500)


async def test_what_runs_goes_on_to_its_end_if_the_plan_after_it_makes_way_for_another(
    house: FakeHouse,
) -> None:
    await house.send(CHARGE | {"minutes": 60}, 60)
    await plan(house, "discharge", 90, 30)
    await plan(house, "export", 90, 90)
    assert house.cloud.modes == ["ChargeBattery", "ExportPower"]
    await house.clock.advance(54 * 60)
    assert house.cloud.wanted() == "ChargeBattery"


async def test_what_replaces_something_may_be_ended_before_that_is_gone(house: FakeHouse) -> None:
    await house.send(CHARGE | {"minutes": 600}, 60)
    await house.send(CHARGE | {"action": "discharge"}, 1)
    assert house.cloud.modes == ["ChargeBattery", "DischargeBattery"]
    _, key = house.cloud.made
    house.clock.skip(8)
    await delete(house, key)
    assert house.cloud.modes == []


async def test_after_a_start_only_what_has_a_successor_is_deleted(house: FakeHouse) -> None:
    await house.send(CHARGE | {"minutes": 600}, 60)
    await plan(house, "discharge", 30, 60)
    await house.kill()
    await house.clock.advance(2 * 3600)
    wanted = [*house.cloud.writes]
    house.start()
    await house.clock.advance(600)
    assert house.cloud.writes == wanted
    assert any(one.action == "charge" for one in house.controls.timeline(SERIAL))


async def test_after_a_start_nothing_is_deleted_that_a_command_of_long_ago_did_not_find(
    house: FakeHouse,
) -> None:
    house.cloud.failing = [UNKNOWN]
    await house.send(CHARGE | {"minutes": 600}, 0.1)
    house.cloud.is_away = True
    await house.send({"action": "auto"}, 12)
    await house.kill()
    await house.clock.advance(3600)
    house.cloud.is_away = False
    house.start()
    await house.clock.advance(600)
    assert house.cloud.writes == ["create ChargeBattery"]
    (entry,) = house.controls.timeline(SERIAL)
    assert (entry.action, entry.whose, entry.end) == ("charge", "own", house.end())


def only_charging(house: FakeHouse, patch: pytest.MonkeyPatch) -> None:
    """Let the cloud take nothing else."""
    create = house.cloud.create_schedule

    def create_charging(serial: str, schedule: Schedule, seconds: float, **more: object) -> str:
        if schedule.mode != "ChargeBattery":
            raise REFUSED
        return create(serial, schedule, seconds, **more)

    patch.setattr(house.cloud, "create_schedule", create_charging)


async def test_where_nothing_else_is_taken_the_old_one_comes_back(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.send(CHARGE, 60)
    end = house.end()
    house.results()
    only_charging(house, monkeypatch)
    await house.send(CHARGE | {"action": "discharge"}, 60)
    assert house.cloud.modes == ["ChargeBattery"]
    assert house.end() == end
    (answer,) = house.answers
    assert answer.result == "failed"
    assert "Nothing was changed" not in (answer.reason or "")


async def test_what_runs_does_not_make_way_again_and_again_for_what_is_refused_anyway(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.send(CHARGE | {"minutes": 600}, 60)
    only_charging(house, monkeypatch)
    for _ in range(10):
        await house.send(CHARGE | {"action": "discharge"}, 300)
    assert house.cloud.modes == ["ChargeBattery"]
    assert house.cloud.writes.count("delete schedule") == 1


async def test_what_a_start_finishes_is_not_made_twice_if_its_outcome_is_unknown(
    house: FakeHouse,
) -> None:
    await house.send(CHARGE, 60)
    await house.kill()
    house.cloud.made.clear()  # it has made way
    now, book = house.clock.now() - timedelta(seconds=20), Book(house.folder)
    (old,) = book.own
    new = msgspec.structs.replace(
        old, action="discharge", created=now, key="", id="peak", is_made=False, is_answered=False
    )
    book.change((), (new,))
    house.results()
    house.cloud.failing = [UNKNOWN]
    house.start()
    await house.clock.advance(60)
    assert house.cloud.modes == ["DischargeBattery"]
    assert [one.result for one in house.answers if one.id == "peak"] == ["failed"]


async def test_what_could_not_be_brought_back_is_answered_as_over(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.send(CHARGE | {"id": "night"}, 60)
    house.results()
    tries = iter([REFUSED, REFUSED, UNKNOWN])

    def fail(*_: object, **__: object) -> str:
        raise next(tries)

    monkeypatch.setattr(house.cloud, "create_schedule", fail)
    await house.send(CHARGE | {"action": "discharge", "id": "peak"}, 120)
    assert house.cloud.modes == []
    assert [(one.id, one.result) for one in house.answers] == [
        ("peak", "failed"),
        ("night", "ended"),
    ]


async def test_what_shows_up_after_auto_is_deleted(house: FakeHouse) -> None:
    house.cloud.failing = [UNKNOWN]
    await house.send(CHARGE, 0.5)
    await house.send({"action": "auto"}, 0.5)
    await house.clock.advance(90)
    assert house.cloud.modes == []


async def test_what_somebody_else_deletes_is_over(house: FakeHouse) -> None:
    await house.send(CHARGE, 300)
    house.results()
    house.cloud.made.clear()
    await house.clock.advance(900)
    (answer,) = house.answers
    assert (answer.result, answer.reason) == ("ended", "It is not in Redback's cloud any more.")


async def miss(house: FakeHouse, command: dict[str, object]) -> None:
    """Start something that the cloud lists no more once it has begun, though it runs on."""
    house.cloud.lists_no_begun = True
    await house.send(command | {"minutes": 600}, 600)
    assert house.results() == ["started", "ended"]
    assert (house.controls.timeline(SERIAL), house.controls.own(SERIAL)) == ((), [])
    assert len(house.cloud.made) == 1


@pytest.mark.parametrize(("command", "end"), [("charge", "auto"), ("limit_export", "lift_limit")])
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_what_the_cloud_lists_no_more_once_it_has_begun_is_ended_all_the_same(
    house: FakeHouse, command: str, end: str, *, is_restarted: bool
) -> None:
    await miss(house, {"action": command, "power": 3000})
    if is_restarted:
        await house.kill()
        house.start()
    house.cloud.failing = [REFUSED]
    await house.send({"action": end}, 30)
    (answer,) = house.answers
    assert answer.result == "failed"
    assert "Perhaps still there: " in (answer.reason or "")
    house.results()
    await house.send({"action": end}, 30)
    assert (house.cloud.made, house.results()) == ({}, ["ended"])


async def test_what_the_cloud_lists_no_more_ends_in_its_time_without_another_answer(
    house: FakeHouse,
) -> None:
    await miss(house, CHARGE)
    await house.clock.advance(600 * 60)
    assert (house.book.own, house.results()) == ((), [])
    assert house.cloud.writes == ["create ChargeBattery"]


@pytest.mark.parametrize("action", ["charge", "discharge"])
async def test_what_replaces_something_deletes_it_although_it_is_not_listed(
    house: FakeHouse, action: str
) -> None:
    await miss(house, CHARGE)
    (old,) = house.cloud.made
    await house.send(CHARGE | {"action": action, "minutes": 599}, 45)
    assert len(house.cloud.made) == 1
    assert old not in house.cloud.made
    assert house.results() == ["started"]


async def test_what_is_listed_again_is_ours_again(house: FakeHouse) -> None:
    await miss(house, CHARGE)
    house.cloud.lists_no_begun = False
    await house.clock.advance(400)
    (answer,) = house.answers
    assert (answer.result, answer.reason) == ("started", "It is in Redback's cloud again.")
    (entry,) = house.controls.timeline(SERIAL)
    assert (entry.whose, entry.is_listed) == ("own", True)
    house.registry.mode = "ChargeBattery"
    house.cloud.made.clear()
    await house.clock.advance(900)
    assert house.results() == ["started", "ended"]


async def test_what_is_not_listed_is_not_brought_back(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_charging(house, monkeypatch)
    await miss(house, CHARGE)
    await house.send(CHARGE | {"action": "discharge"}, 60)
    assert (house.cloud.modes, house.results()) == ([], ["failed"])
    assert house.book.own == ()


def mark(house: FakeHouse, key: str, status: str) -> None:
    """Let the cloud list a limit with a status."""
    _, made = house.cloud.made[key]
    assert isinstance(made, Envelope)
    house.cloud.put(key, msgspec.structs.replace(made, status=status))


@pytest.mark.parametrize(
    ("status", "does"),
    [
        ("Cancelled", "lists this without effect"),
        ("CancelledAfterStart", "lists this without effect"),
        ("RejectedPastEvent", "rejects this"),
    ],
)
async def test_a_limit_that_the_cloud_lists_without_effect_is_over(
    house: FakeHouse, status: str, does: str
) -> None:
    await house.send({"action": "limit_export", "power": 0, "minutes": 600}, 300)
    assert house.results() == ["started"]
    (key,) = house.cloud.made
    mark(house, key, status)
    await house.clock.advance(900)
    (answer,) = house.answers
    assert (answer.result, answer.reason) == ("ended", f"Redback's cloud {does}: {status}.")
    assert house.controls.timeline(SERIAL) == ()
    assert house.cloud.writes == ["create envelope"]


async def test_a_limit_stays_if_the_cloud_rejects_what_would_replace_it(house: FakeHouse) -> None:
    await house.send(LIMIT | {"minutes": 600}, 300)
    house.results()
    await house.send(LIMIT | {"power": 500, "minutes": 600}, 0.1)
    first, second = house.cloud.made
    mark(house, second, "RejectSuperseded")
    await house.clock.advance(900)
    assert [*house.cloud.made] == [first, second]
    assert [(one.power, one.result, one.reason) for one in house.answers] == [
        (500, "started", None),
        (500, "ended", "Redback's cloud rejects this: RejectSuperseded."),
    ]
    (entry,) = house.controls.timeline(SERIAL)
    assert (entry.key, entry.is_listed) == (first, True)


async def test_a_limit_that_was_rejected_before_it_was_answered_has_failed_for_that_reason(
    house: FakeHouse,
) -> None:
    await house.send(LIMIT | {"minutes": 600}, 0.1)
    await house.kill()
    (made,) = house.book.own
    house.book.change((made,), (msgspec.structs.replace(made, is_made=False, is_answered=False),))
    mark(house, made.key, "RejectSuperseded")
    house.results()
    house.start()
    await house.clock.advance(120)
    (answer,) = house.answers
    reason = "Redback's cloud rejects this: RejectSuperseded."
    assert (answer.result, answer.reason) == ("failed", reason)


async def test_after_30_seconds_what_replaces_another_is_trusted_to_be_there_by_its_id(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.send(CHARGE, 60)
    monkeypatch.setattr("controls.stand_ins.LATE", 45.0)
    await house.send(CHARGE | {"action": "discharge"}, 29)
    assert house.cloud.modes == ["ChargeBattery", "DischargeBattery"]
    await house.clock.advance(10)
    assert house.cloud.modes == ["DischargeBattery"]


async def test_a_limit_of_the_hardware_that_makes_no_sense_is_not_one(house: FakeHouse) -> None:
    absurd = msgspec.structs.replace(configuration(), battery_max_charge_power_kw=1e308)
    house.registry.described = Details(static(), absurd)
    await house.send(CHARGE)
    assert house.results() == ["started"]


async def test_half_of_a_character_is_refused(house: FakeHouse) -> None:
    for command in ({"action": "\ud800"}, CHARGE | {"\ud800": 1}, CHARGE | {"id": "\ud800"}):
        await house.send(command)
    assert house.results() == ["refused"] * 3


async def test_a_book_with_unknown_actions_or_times_without_a_zone_starts(house: FakeHouse) -> None:
    await house.send(CHARGE)
    await house.kill()
    file = house.folder / "controls.json"
    good = file.read_text()
    for bad in (good.replace('"charge"', '"dance"'), good.replace("Z", "").replace("+00:00", "")):
        file.write_text(bad)
        assert Book(house.folder).own == ()
    house.start()


async def test_a_command_is_answered_while_the_cloud_asks_to_wait(house: FakeHouse) -> None:
    house.throttle.close(600)
    await house.send(CHARGE, 1)
    assert house.answers[0].reason is not None
    assert house.answers[0].reason.startswith("Redback's cloud asks to wait.")


async def test_a_name_of_two_inverters_is_said_to_be_that(house: FakeHouse) -> None:
    house.registry.names["RB2"] = GivenName("Home", "Home")
    await house.send(CHARGE | {"inverter": "home"})
    assert "There is no inverter" not in (house.answers[0].reason or "")


def theirs(house: FakeHouse, minutes: float = 60) -> Schedule:
    duration = timedelta(minutes=minutes)
    return Schedule(schedule_id="b", start=house.clock.now(), duration=duration, mode="Conserve")


def limit(house: FakeHouse, event_id: str, *, of_network: bool | None = False) -> Envelope:
    now = house.clock.now()
    end = now + timedelta(hours=1)
    return Envelope(event_id=event_id, start=now, end=end, max_export_w=0, of_network=of_network)


async def delete(house: FakeHouse, key: str) -> Answer:
    """Delete as a person does in the panel."""
    deleting = asyncio.create_task(house.controls.delete(SERIAL, key, "panel"))
    await house.clock.advance(30)
    return await deleting


async def test_a_person_deletes_one_of_somebody_else_and_nothing_more(house: FakeHouse) -> None:
    house.cloud.put("b", theirs(house))
    house.cloud.put("c", msgspec.structs.replace(theirs(house), schedule_id="c"))
    await house.clock.advance(10)
    answer = await delete(house, "b")
    assert (answer.action, answer.result, answer.by) == ("delete", "ended", "panel")
    assert [*house.cloud.made] == ["c"]
    assert house.cloud.writes == ["delete schedule"]
    assert house.controls.record[-1] == answer == house.answers[-1]


async def test_a_person_ends_one_of_ours_which_is_answered_as_well(house: FakeHouse) -> None:
    await house.send(CHARGE | {"id": "night"}, 60)
    await house.send({"action": "limit_export", "power": 0, "minutes": 60}, 60)
    house.answers.clear()
    (key,) = (one.key for one in house.controls.timeline(SERIAL) if not one.is_limit)
    await delete(house, key)
    assert [(one.id, one.action, one.result) for one in house.answers] == [
        ("night", "charge", "ended"),
        (None, "delete", "ended"),
    ]
    assert (house.cloud.modes, house.cloud.limits) == ([], [0])


@pytest.mark.parametrize("of_network", [True, None])
async def test_what_may_be_the_networks_is_never_deleted(
    house: FakeHouse, *, of_network: bool | None
) -> None:
    house.cloud.put("e", limit(house, "e", of_network=of_network))
    await house.clock.advance(10)
    answer = await delete(house, "e")
    assert answer.result == "refused"
    assert house.cloud.writes == []


@pytest.mark.parametrize("key", ["", "elsewhere", "*", "%", "All", "../All"])
async def test_what_is_not_listed_is_not_deleted(house: FakeHouse, key: str) -> None:
    house.cloud.put("b", theirs(house))
    house.cloud.put("e", limit(house, "e"))
    assert (await delete(house, key)).result == "refused"
    assert (await house.controls.delete("RB0", "b", "panel")).result == "refused"
    assert house.cloud.writes == []


async def test_deleting_fails_where_the_list_cannot_be_read_or_the_cloud_does_not_answer(
    house: FakeHouse,
) -> None:
    house.cloud.put("b", theirs(house))
    await house.clock.advance(10)
    house.cloud.is_away = True
    assert (await delete(house, "b")).result == "failed"
    assert house.cloud.writes == []
    house.cloud.is_away = False
    house.cloud.failing = [AWAY]
    assert (await delete(house, "b")).result == "failed"
    house.throttle.close(600)
    answer = await delete(house, "b")
    assert (answer.reason or "").startswith("Redback's cloud asks to wait.")


async def test_every_door_hears_every_answer(house: FakeHouse) -> None:
    heard: list[Answer] = []
    house.controls.listen(heard.append)
    await house.send(CHARGE)
    assert heard == house.answers == [*house.controls.record]


async def test_each_inverter_is_reached_through_its_own_account(house: FakeHouse) -> None:
    await house.kill()
    second = Cloud(house.clock)
    registry = cast("Registry", house.registry)
    house.registry.names["RB2"] = GivenName("Shed", "Shed")
    accounts = (
        account(house.cloud, house.throttle, SERIAL),
        account(second, stand_ins.throttle(house.clock), "RB2"),
    )
    controls = Controls(accounts, registry, house.problems, house.clock, Book(house.folder))
    running = asyncio.create_task(controls.run())
    house.throttle.close(600)
    controls.take(CHARGE | {"inverter": "Shed"}, "automation")
    await house.clock.advance(1)
    assert second.writes == ["create ChargeBattery"]
    assert house.cloud.writes == []
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_account_that_has_to_wait_holds_up_no_other_and_no_end(house: FakeHouse) -> None:
    await house.kill()
    second, other = Cloud(house.clock), stand_ins.throttle(house.clock)
    registry = cast("Registry", house.registry)
    house.registry.names["RB2"] = GivenName("Shed", "Shed")
    accounts = (account(house.cloud, house.throttle, SERIAL), account(second, other, "RB2"))
    controls = Controls(accounts, registry, house.problems, house.clock, Book(house.folder))
    controls.listen(house.answers.append)
    house.registry.mode = "NoMode"
    schedules = house.cloud.schedules

    def throttled_meanwhile(serial: str, seconds: float) -> Schedules:
        house.throttle.close(3600)  # as the poller does
        return schedules(serial, seconds)

    cast("Any", house.cloud).schedules = throttled_meanwhile
    running = asyncio.create_task(controls.run())
    await house.clock.advance(10)
    controls.take(CHARGE | {"inverter": "Shed", "minutes": 20}, "automation")
    await house.clock.advance(60)
    controls.take(CHARGE | {"action": "discharge", "inverter": "Shed", "minutes": 20}, "automation")
    await house.clock.advance(60)
    assert second.modes == ["DischargeBattery"]
    await house.clock.advance(20 * 60)
    assert house.results() == ["started", "started", "ended", "ended"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_while_the_cloud_asks_to_wait_the_lists_are_not_asked_for(house: FakeHouse) -> None:
    house.throttle.close(900)
    await house.clock.advance(1000)  # never ends if it does not sleep
    assert house.throttle.throttled == 0
    assert house.registry.described.schedules is not None


def test_what_an_inverter_can_do_is_what_is_not_refused(clock: FakeClock) -> None:
    fake = FakeRegistry(clock, static(), lambda: "Auto")
    registry = cast("Registry", fake)
    can = abilities(SERIAL, registry)
    assert can["charge"] == Ability(10_000)
    assert can["conserve"] == can["limit_export"] == Ability()
    fake.described = Details(msgspec.structs.replace(static(), model="SI5000"), configuration())
    for action in ("charge", "export", "conserve"):
        assert abilities(SERIAL, registry)[action].why_not is not None
    assert abilities(SERIAL, registry)["limit"].why_not is None
    fake.payload = "single_phase"
    fake.described = Details(msgspec.structs.replace(static(), battery_count=0))
    can = abilities(SERIAL, registry)
    assert can["charge"].why_not == "This inverter has no battery."
    assert can["export"].why_not is None


async def test_sensors_know_at_once_what_was_written_and_keep_knowing_it(house: FakeHouse) -> None:
    def ends() -> datetime | None:
        return house.registry.described.control_ends(house.clock.now())

    assert ends() is None
    await house.send(CHARGE, 1)
    for _ in range(600):
        assert ends() == house.end()
        await house.clock.advance(1)
    await house.send({"action": "auto"}, 0.1)
    for _ in range(400):
        assert ends() is None
        await house.clock.advance(1)


@pytest.mark.parametrize("has_book", [True, False])
async def test_after_a_restart_sensors_have_what_the_cloud_lists(
    house: FakeHouse, *, has_book: bool
) -> None:
    await house.send(CHARGE, 60)
    await house.kill()
    if not has_book:
        (house.folder / "controls.json").unlink()
    house.registry.described = Details(static(), configuration())
    house.start()
    await house.clock.advance(1)
    assert house.registry.described.control_ends(house.clock.now()) == house.end()


async def test_after_a_restart_limits_are_read_as_soon_as_the_site_is_known(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    envelopes = house.cloud.envelopes

    def count(site: str, seconds: float = 20) -> Envelopes:
        asked.append(house.clock.monotonic())
        return envelopes(site, seconds)

    monkeypatch.setattr(house.cloud, "envelopes", count)
    await house.send(LIMIT, 60)
    await house.kill()
    (house.folder / "controls.json").unlink()
    house.registry.described = Details()
    house.start()
    await house.clock.advance(2)
    asked.clear()
    house.registry.described = replace(house.registry.described, static=static())
    await house.clock.advance(10)
    assert house.registry.described.export_limit_w(house.clock.now()) == 0
    await house.clock.advance(280)
    assert len(asked) == 1


LIMIT = {"action": "limit_export", "power": 0, "minutes": 60}


async def test_limits_of_one_site_take_turns_whichever_inverter_they_came_to(
    house: FakeHouse,
) -> None:
    await house.share_the_site()
    house.slow = 5
    await house.send(LIMIT | {"inverter": "Home", "id": "on"}, 2)
    assert house.cloud.writes == []  # it is being made
    house.slow = 0
    await house.send({"action": "lift_limit", "inverter": "Shed", "id": "off"}, 60)
    assert [(one.id, one.result) for one in house.answers] == [
        ("on", "started"),
        ("on", "ended"),
        ("off", "ended"),
    ]
    assert house.cloud.limits == []
    assert house.cloud.writes == ["create envelope", "delete envelope"]


async def test_of_the_limits_of_one_site_the_last_counts_and_the_one_before_goes_soon(
    house: FakeHouse,
) -> None:
    await house.share_the_site()
    for power, name in enumerate(["Home", "Shed", "Home", "Shed"]):
        await house.send(LIMIT | {"inverter": name, "power": power}, 1)
    await house.clock.advance(30)
    assert house.cloud.limits == [3]
    assert house.results() == ["started", "refused", "refused", "started", "ended"]
    await house.send(LIMIT | {"inverter": "Home", "power": 4}, 20)
    assert house.cloud.limits == [4]


async def use_no_more(house: FakeHouse, serial: str) -> None:
    """Start anew without an inverter."""
    await house.kill()
    del house.registry.names[serial]
    house.start()
    await house.clock.advance(1)


async def test_what_runs_goes_when_a_limit_of_an_inverter_that_is_in_use_no_more_begins(
    house: FakeHouse,
) -> None:
    await house.share_the_site()
    await house.send(LIMIT | {"inverter": "Home", "power": 1}, 60)
    start = (house.clock.now() + timedelta(minutes=30)).isoformat()
    await house.send(LIMIT | {"inverter": "Shed", "power": 2, "start": start}, 60)
    await use_no_more(house, SECOND)
    await house.clock.advance(31 * 60)
    assert house.cloud.limits == [2]


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_a_limit_of_an_inverter_that_is_in_use_no_more_is_still_watched(
    house: FakeHouse, *, is_deleted: bool
) -> None:
    await house.share_the_site()
    await house.send(LIMIT | {"inverter": "Shed", "power": 1}, 60)
    await use_no_more(house, SECOND)
    house.results()
    if is_deleted:
        house.cloud.made.clear()
    await house.clock.advance(900)
    assert house.results() == ["ended"] * is_deleted


async def test_one_late_list_that_two_inverters_read_is_not_two(house: FakeHouse) -> None:
    await house.share_the_site()
    await house.send(LIMIT | {"inverter": "Shed", "power": 1}, 900)
    house.results()
    house.registry.names[THIRD] = GivenName("Barn", "Barn")
    house.registry.others[THIRD] = house.registry.described
    listed = dict(house.cloud.made)
    house.cloud.made.clear()
    await use_no_more(house, SECOND)  # both others read what there is, one after the other
    await house.clock.advance(1)
    house.cloud.made.update(listed)
    await house.clock.advance(900)
    assert house.results() == []


async def test_a_limit_of_an_inverter_that_is_in_use_no_more_can_be_replaced(
    house: FakeHouse,
) -> None:
    await house.share_the_site()
    await house.send(LIMIT | {"inverter": "Shed", "power": 1, "minutes": 600}, 60)
    await use_no_more(house, SECOND)
    await house.send(LIMIT | {"inverter": "Home", "power": 2}, 60)
    assert house.cloud.limits == [2]
    assert house.results() == ["started", "started", "ended"]


async def test_schedules_of_two_inverters_of_a_site_do_not_wait_for_each_other(
    house: FakeHouse,
) -> None:
    await house.share_the_site()
    house.slow = 5
    await house.send(CHARGE | {"inverter": "Home"}, 0)
    await house.send(CHARGE | {"inverter": "Shed"}, 6)
    assert house.results() == ["started", "started"]


async def test_what_was_made_after_it_was_given_up_is_deleted_and_answered_once(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = house.cloud.create_schedule

    def give_up_meanwhile(*arguments: Any, **more: Any) -> str:  # noqa: ANN401 - handed on
        (one,) = house.book.own
        house.book.change((one,))
        return create(*arguments, **more)

    monkeypatch.setattr(house.cloud, "create_schedule", give_up_meanwhile)
    await house.send(CHARGE, 60)
    assert house.cloud.modes == []
    assert "started" not in house.results()


@pytest.mark.parametrize("unread", [1, None])
async def test_what_a_list_may_only_lack_because_it_is_not_whole_is_not_gone(
    house: FakeHouse, unread: int | None
) -> None:
    await house.send(CHARGE | {"minutes": 600}, 300)
    await house.send(LIMIT | {"minutes": 600}, 300)
    house.results()
    house.cloud.unread = unread
    await house.clock.advance(1800)
    assert house.results() == []
    assert (house.problems.find(Kind.LISTS, subject=SERIAL) is not None) is bool(unread)
    assert [one.action for one in house.controls.timeline(SERIAL)] == ["charge", "limit_export"]
    house.cloud.unread = 0
    await house.send(CHARGE | {"action": "discharge"}, 60)
    assert house.cloud.modes == ["DischargeBattery"]
    assert house.problems.find(Kind.LISTS, subject=SERIAL) is None


@pytest.mark.parametrize("command", [CHARGE, LIMIT])
async def test_what_may_have_been_made_is_kept_until_a_whole_list_lacks_it(
    house: FakeHouse, command: dict[str, object]
) -> None:
    house.cloud.failing = [UNKNOWN]
    house.cloud.unread = 1
    await house.send(command | {"minutes": 600}, 600)
    house.cloud.unread = 0
    await house.send({"action": "auto" if command is CHARGE else "lift_limit"}, 60)
    assert house.cloud.made == {}


async def test_nothing_makes_way_at_a_start_because_a_list_is_not_whole(house: FakeHouse) -> None:
    await house.send(CHARGE | {"minutes": 600}, 60)
    await house.kill()
    (old,) = house.book.own
    created = house.clock.now() - timedelta(seconds=10)
    new = {"action": "discharge", "created": created, "is_made": False, "is_answered": False}
    house.book.change((), (msgspec.structs.replace(old, key="", **new),))
    house.cloud.unread = 1
    house.start()
    await house.clock.advance(120)
    assert house.cloud.writes == ["create ChargeBattery"]


@pytest.mark.parametrize("unread", [1, None])
async def test_what_a_list_that_is_not_whole_lacks_is_not_said_to_be_missing(
    house: FakeHouse, unread: int | None
) -> None:
    house.cloud.put("b", theirs(house))
    house.cloud.unread = unread
    answer = await delete(house, "b")
    assert answer.reason == "Refused: Redback's list cannot be read completely."


async def test_a_command_that_waits_for_others_is_not_written_after_its_end(
    house: FakeHouse,
) -> None:
    slots = house.throttle._slots  # noqa: SLF001 - all are taken
    while not slots.locked():
        await slots.acquire()
    until = (house.clock.now() + timedelta(seconds=12)).isoformat()
    await house.send({"action": "charge", "power": 3000, "until": until}, 13)
    assert house.results() == ["failed"]
    slots.release()
    await house.clock.advance(60)
    assert house.cloud.writes == []


async def test_a_command_has_no_longer_than_until_its_end_to_be_written(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def away(_: str, __: object, seconds: float, **___: object) -> str:
        given.append(seconds)
        raise AWAY

    monkeypatch.setattr(house.cloud, "create_schedule", away)
    until = (house.clock.now() + timedelta(seconds=12)).isoformat()
    await house.send({"action": "charge", "power": 3000, "until": until})
    assert given == [12]


JUMPS = [timedelta(hours=-2), timedelta(minutes=-5), timedelta(minutes=5), timedelta(hours=2)]


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_clock_that_is_set_ends_nothing_and_keeps_nothing(
    house: FakeHouse, jump: timedelta
) -> None:
    await house.send(CHARGE | {"minutes": 60}, 1)
    await house.send(LIMIT | {"minutes": 60}, 60)
    await house.clock.advance(30 * 60)
    house.clock.set_wall(house.clock.now() + jump)
    await house.clock.advance(28 * 60)
    assert house.results() == ["started", "started"]
    assert len(house.controls.timeline(SERIAL)) == 2
    await house.clock.advance(2 * 60)
    assert house.results() == ["ended", "ended"]
    assert len(house.cloud.writes) == 2


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_command_with_a_wrong_clock_begins_now_and_ends_in_time(
    house: FakeHouse, jump: timedelta
) -> None:
    await house.send(CHARGE, 60)
    house.clock.set_wall(house.clock.now() + jump)
    await house.send(CHARGE | {"action": "discharge", "minutes": 20}, 60)
    assert house.cloud.modes == ["DischargeBattery"]
    assert house.cloud.wanted() == "DischargeBattery"
    assert house.end() - house.cloud.now() < timedelta(minutes=20)
    house.results()
    await house.clock.advance(20 * 60)
    assert house.results() == ["ended"]


@pytest.mark.parametrize("error", [REFUSED, UNKNOWN, DENIED])
async def test_what_cannot_be_deleted_is_tried_rarely_and_keeps_nothing_else(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch, error: CloudError
) -> None:
    delete_schedule = house.cloud.delete_schedule
    tries: list[str] = []

    def refuse_one(serial: str, key: str, seconds: float) -> None:
        tries.append(key)
        if key == "id-1":
            raise error
        delete_schedule(serial, key, seconds)

    await house.send(CHARGE | {"minutes": 600}, 60)
    first = {*house.cloud.made}
    await house.send(CHARGE | {"minutes": 600, "power": 1000}, 20)
    assert first.isdisjoint(house.cloud.made)
    monkeypatch.setattr(house.cloud, "delete_schedule", refuse_one)
    (stuck,) = house.cloud.made
    assert stuck == "id-1"
    for power in (2000, 2500):
        await house.send(CHARGE | {"minutes": 600, "power": power}, 60)
    assert len(house.cloud.made) == 2  # what is stuck, and the last
    tries.clear()
    await house.clock.advance(3600)
    assert set(tries) == {"id-1"}
    assert 3 <= len(tries) <= 8
    monkeypatch.undo()
    await house.clock.advance(1000)
    assert len(house.cloud.made) == 1


async def test_a_slow_list_does_not_outlast_the_command_that_needs_it(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def slow(_: str, seconds: float = 20) -> object:
        given.append(seconds)
        house.clock.skip(min(seconds, 20))
        raise AWAY

    def slow_but_there(of: str, seconds: float = 20) -> Schedules:
        given.append(seconds)
        house.clock.skip(min(seconds, 20))
        return schedules(of)

    schedules = house.cloud.schedules
    house.cloud.put("b", theirs(house))
    await house.clock.advance(10)
    monkeypatch.setattr(house.cloud, "schedules", slow_but_there)
    monkeypatch.setattr(house.cloud, "envelopes", slow)
    began = house.clock.monotonic()
    deleting = asyncio.create_task(house.controls.delete(SERIAL, "b", "panel"))
    await house.clock.advance(0)
    assert deleting.done()
    assert deleting.result().result == "failed"
    assert given == [35, 15]
    assert house.clock.monotonic() - began <= 43


@pytest.mark.parametrize(
    "change", [{"site_id": "S2"}, {"of_network": True}, {"of_network": None}, {"site_id": None}]
)
async def test_a_limit_that_shares_its_id_is_not_deleted_with_others_that_nobody_was_shown(
    house: FakeHouse, change: dict[str, object]
) -> None:
    house.cloud.put("e", limit(house, "e"))
    house.cloud.elsewhere = [msgspec.structs.replace(limit(house, "e"), **change)]
    await house.clock.advance(10)
    answer = await delete(house, "e")
    assert answer.result == "refused"
    assert answer.reason == (
        "Refused: other limits may have the same id in Redback's cloud, and would be deleted with"
        " this one."
    )
    assert house.cloud.writes == []
    house.cloud.elsewhere = []
    assert (await delete(house, "e")).result == "ended"
    assert house.cloud.limits == []


async def test_every_inverter_of_a_site_knows_at_once_of_its_limit(house: FakeHouse) -> None:
    def limits() -> list[int | None]:
        details = (house.registry.details(serial) for serial in house.registry.names)
        return [one.export_limit_w(house.clock.now()) for one in details]

    await house.share_the_site()
    await house.send(LIMIT | {"inverter": "Shed", "power": 500}, 1)
    for _ in range(600):
        assert limits() == [500, 500]
        await house.clock.advance(1)
    await house.send({"action": "lift_limit", "inverter": "Home"}, 0.1)
    for _ in range(400):
        assert limits() == [None, None]
        await house.clock.advance(1)
    house.cloud.put("grid", limit(house, "grid", of_network=True))
    seen = set()
    for _ in range(310):
        await house.clock.advance(1)
        seen.add(tuple(limits()))
    assert seen == {(None, None), (0, 0)}


async def test_a_list_that_was_not_whole_is_read_again_soon_if_something_depends_on_it(
    house: FakeHouse,
) -> None:
    house.cloud.failing = [UNKNOWN]
    house.cloud.unread = 1
    await house.send(CHARGE | {"minutes": 600}, 400)
    assert not any(one.can_delete for one in house.controls.timeline(SERIAL))
    house.cloud.unread = 0
    await house.clock.advance(61)
    assert all(one.can_delete for one in house.controls.timeline(SERIAL))
