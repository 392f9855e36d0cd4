"""What the inverter reports is compared with what was started."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from controls.stand_ins import CHARGE, SECOND, FakeHouse
from examples import SERIAL
from fake_clock import START
from redback.cloud import ListedInverter
from redback.problems import Kind

MINUTES = 60.0


LIMIT = {"action": "limit_export", "power": 1000, "minutes": 60}


def problem(house: FakeHouse, kind: Kind = Kind.FOLLOW) -> str | None:
    found = house.problems.find(kind, subject=SERIAL)
    return None if found is None else found.detail


async def test_an_inverter_that_does_something_else_is_reported_once_after_five_minutes(
    house: FakeHouse,
) -> None:
    house.registry.mode = "Auto"
    await house.send(CHARGE | {"id": "night"}, 5 * MINUTES)
    assert house.results() == ["started"]
    assert problem(house) is None
    await house.clock.advance(1 * MINUTES)
    (answer,) = house.answers
    assert (answer.id, answer.result) == ("night", "failed")
    reason = "The inverter does not follow: it reports Auto instead of ChargeBattery."
    assert (answer.reason or "").startswith(reason)
    assert problem(house) == "it reports Auto instead of ChargeBattery"
    house.answers.clear()
    await house.clock.advance(30 * MINUTES)
    assert house.answers == []
    assert house.cloud.writes == ["create ChargeBattery"]


async def test_after_a_start_of_the_add_on_it_has_its_five_minutes_again(
    house: FakeHouse,
) -> None:
    await house.send(CHARGE, 20 * MINUTES)
    await house.kill()
    house.registry.mode = "Auto"  # as in a reading from before it did what was started
    house.start()
    await house.clock.advance(4 * MINUTES)
    assert house.results() == ["started"]
    await house.clock.advance(2 * MINUTES)
    assert house.results() == ["failed"]


async def test_the_problem_ends_when_the_inverter_follows(house: FakeHouse) -> None:
    house.registry.mode = "Auto"
    await house.send(CHARGE, 7 * MINUTES)
    assert problem(house) is not None
    house.registry.mode = None
    await house.clock.advance(1 * MINUTES)
    assert problem(house) is None


async def test_the_problem_ends_when_what_was_started_ends(house: FakeHouse) -> None:
    house.registry.mode = "Auto"
    await house.send(CHARGE, 7 * MINUTES)
    await house.send({"action": "auto"}, 15)
    assert problem(house) is None
    await house.send(CHARGE | {"minutes": 10}, 8 * MINUTES)
    assert problem(house) is not None
    await house.clock.advance(3 * MINUTES)
    assert problem(house) is None


async def test_what_replaces_it_has_its_own_five_minutes(house: FakeHouse) -> None:
    house.registry.mode = "Auto"
    await house.send(CHARGE, 7 * MINUTES)
    await house.send(CHARGE | {"action": "discharge"}, 4 * MINUTES)
    assert problem(house) is None
    await house.clock.advance(2 * MINUTES)
    assert problem(house) == "it reports Auto instead of DischargeBattery"


async def test_the_same_command_every_five_minutes_does_not_hide_it(house: FakeHouse) -> None:
    house.registry.mode = "Auto"
    for _ in range(12):
        await house.send(CHARGE | {"minutes": 15}, 5 * MINUTES)
    assert problem(house) is not None
    assert house.results().count("failed") == 1


@pytest.mark.parametrize(
    "mode", ["chargebattery", "ForceChargeBattery", "Dance", "NoMode", "", " ChargeBattery "]
)
async def test_other_words_for_the_same_and_unknown_ones_are_no_failure(
    house: FakeHouse, mode: str
) -> None:
    house.registry.mode = mode
    await house.send(CHARGE, 30 * MINUTES)
    assert problem(house) is None
    assert house.results() == ["started"]


async def test_a_battery_that_takes_less_power_is_no_failure(house: FakeHouse) -> None:
    assert house.registry.reading(SERIAL).battery_charge_kw != CHARGE["power"]
    await house.send(CHARGE, 59 * MINUTES)
    assert house.results() == ["started"]


async def test_without_a_recent_reading_nothing_is_said(house: FakeHouse) -> None:
    await house.send(CHARGE, 1)
    house.registry.mode = "Auto"
    house.registry.age = timedelta(minutes=11)
    await house.clock.advance(30 * MINUTES)
    assert house.results() == ["started"]


async def test_a_short_other_mode_in_between_is_no_failure(house: FakeHouse) -> None:
    await house.send(CHARGE, 20 * MINUTES)
    house.registry.mode = "Auto"
    await house.clock.advance(3 * MINUTES)
    house.registry.mode = None
    await house.clock.advance(20 * MINUTES)
    assert house.results() == ["started"]
    house.registry.mode = "Conserve"
    await house.clock.advance(7 * MINUTES)
    assert house.results() == ["failed"]


async def test_after_a_restart_it_is_not_answered_again_but_still_a_problem(
    house: FakeHouse,
) -> None:
    house.registry.mode = "Auto"
    await house.send(CHARGE, 7 * MINUTES)
    house.results()
    await house.kill()
    house.problems.drop(Kind.FOLLOW, SERIAL)
    house.start()
    await house.clock.advance(1 * MINUTES)
    assert problem(house) is not None
    assert house.results() == []


async def test_what_begins_later_is_not_expected_before(house: FakeHouse) -> None:
    start = (house.clock.now() + timedelta(hours=2)).isoformat()
    await house.send(CHARGE | {"start": start}, 60 * MINUTES)
    assert problem(house) is None
    assert house.results() == ["scheduled"]


async def test_a_limit_that_is_not_followed_is_told_once_after_five_minutes(
    house: FakeHouse,
) -> None:
    house.registry.exports[SERIAL] = 4200
    await house.send(LIMIT | {"id": "price"}, 5 * MINUTES)
    assert house.results() == ["started"]
    assert problem(house, Kind.LIMIT) is None
    await house.clock.advance(1 * MINUTES)
    (answer,) = house.answers
    assert (answer.id, answer.action, answer.result) == ("price", "limit_export", "failed")
    instead = "4,200 W flow to the grid instead of at most 1,000 W"
    assert (answer.reason or "").startswith(f"The inverter does not follow: {instead}. The command")
    assert problem(house, Kind.LIMIT) == instead
    house.answers.clear()
    await house.clock.advance(30 * MINUTES)
    assert (house.answers, house.cloud.writes) == ([], ["create envelope"])
    house.registry.exports[SERIAL] = 900
    await house.clock.advance(1 * MINUTES)
    assert problem(house, Kind.LIMIT) is None


async def test_a_limit_is_doubted_until_its_end_or_until_another_one_has_its_five_minutes(
    house: FakeHouse,
) -> None:
    house.registry.exports[SERIAL] = 4200
    await house.send(LIMIT | {"minutes": 15}, 7 * MINUTES)
    assert problem(house, Kind.LIMIT) is not None
    await house.send(LIMIT | {"power": 0, "minutes": 15}, 4 * MINUTES)
    assert problem(house, Kind.LIMIT) is None
    await house.clock.advance(2 * MINUTES)
    assert problem(house, Kind.LIMIT) is not None
    await house.clock.advance(10 * MINUTES)
    assert problem(house, Kind.LIMIT) is None


async def test_the_same_limit_every_five_minutes_does_not_hide_it(house: FakeHouse) -> None:
    house.registry.exports[SERIAL] = 4200
    for _ in range(12):
        await house.send(LIMIT | {"minutes": 15}, 5 * MINUTES)
    assert problem(house, Kind.LIMIT) is not None
    assert house.results().count("failed") == 1


@pytest.mark.parametrize("export", [1200.0, 0.0, -3000.0, None])
async def test_what_is_within_the_limit_or_not_known_is_no_failure(
    house: FakeHouse, export: float | None
) -> None:
    house.registry.exports[SERIAL] = export
    await house.send(LIMIT, 30 * MINUTES)
    assert house.results() == ["started"]


async def test_a_short_exceedance_and_one_with_a_gap_are_no_failure(house: FakeHouse) -> None:
    await house.send(LIMIT, 1)
    for other in (0.0, None, 0.0, None):
        house.registry.exports[SERIAL] = 4200
        await house.clock.advance(4 * MINUTES)
        house.registry.exports[SERIAL] = other
        await house.clock.advance(1 * MINUTES)
    house.registry.exports[SERIAL] = 4200
    house.registry.age = timedelta(minutes=11)
    await house.clock.advance(30 * MINUTES)
    assert house.results() == ["started"]
    assert problem(house, Kind.LIMIT) is None


async def test_a_limit_of_something_else_says_nothing_about_the_export(house: FakeHouse) -> None:
    house.registry.exports[SERIAL] = 4200
    await house.send({"action": "limit", "max_import": 0, "minutes": 60}, 30 * MINUTES)
    assert house.results() == ["started"]


@pytest.mark.parametrize(
    ("home", "shed", "is_too_much"),
    [
        (4200.0, 4200.0, True),  # both report the site's
        (4200.0, 100.0, True),
        (4200.0, -4200.0, False),  # one uses what the other exports
        (700.0, 700.0, False),  # either the site's, or 1,400 W
        (4200.0, None, False),
    ],
)
async def test_of_several_inverters_only_what_flows_for_sure_is_too_much(
    house: FakeHouse, home: float, shed: float | None, *, is_too_much: bool
) -> None:
    await house.share_the_site()
    house.registry.exports = {SERIAL: home, SECOND: shed}
    await house.send(LIMIT | {"inverter": "Home"}, 10 * MINUTES)
    assert (problem(house, Kind.LIMIT) is not None) == is_too_much
    assert house.results() == ["started", *["failed"] * is_too_much]


@pytest.mark.parametrize(
    ("is_here", "gone", "is_too_much"),
    [(True, {}, False), (False, {}, True), (True, {SECOND: START}, True)],
)
async def test_where_another_inverter_of_the_site_is_not_in_use_nobody_knows_what_flows(
    house: FakeHouse, gone: dict[str, datetime], *, is_here: bool, is_too_much: bool
) -> None:
    site = house.registry.described.site_id
    account = cast("Any", house.account)
    mate = ListedInverter(SECOND, site if is_here else "S9")
    account.inverters, account.gone = (ListedInverter(SERIAL, site), mate), gone
    house.registry.exports[SERIAL] = 4200
    await house.send(LIMIT, 10 * MINUTES)
    assert (problem(house, Kind.LIMIT) is not None) == is_too_much


async def test_a_doubted_limit_is_a_problem_again_after_a_restart_and_not_answered_again(
    house: FakeHouse,
) -> None:
    house.registry.exports[SERIAL] = 4200
    await house.send(LIMIT, 7 * MINUTES)
    house.results()
    await house.kill()
    house.problems.drop(Kind.LIMIT, SERIAL)
    house.start()
    await house.clock.advance(1 * MINUTES)
    assert problem(house, Kind.LIMIT) is not None
    assert house.results() == []
    house.registry.exports[SERIAL] = 0
    await house.clock.advance(1 * MINUTES)
    house.registry.exports[SERIAL] = 4200
    await house.clock.advance(2 * MINUTES)
    assert problem(house, Kind.LIMIT) is None  # a short time
