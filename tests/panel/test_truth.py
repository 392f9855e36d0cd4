"""That all is well only where it is, and that each thing that is wrong is shown once."""

from datetime import timedelta
from typing import get_args

import msgspec
import pytest

from examples import SERIAL
from fake_clock import FakeClock
from panel.scenes import SCENES, House
from redback.backfill import Hold, Progress
from redback.notifications import Notification, Shown
from redback.panel.entities import Entity, entities
from redback.panel.notices import NoticeKind
from redback.panel.status import Health
from redback.problems import OF_BROKER, Kind

OTHER = "RB26030100000022"


@pytest.fixture
def house(clock: FakeClock) -> House:
    made = House(clock)
    made.add(SERIAL, "House")
    return made


def test_all_is_well_where_nothing_is_wrong(house: House) -> None:
    assert house.summary == ("good", "All is well")
    assert house.titles == []


@pytest.mark.parametrize("kind", get_args(NoticeKind))
def test_each_kind_of_notice_can_be_had_and_stands_alone(house: House, kind: str) -> None:
    SCENES[kind](house)
    (notice,) = house.status.notices
    assert notice.kind == kind
    assert house.summary[0] != "good"
    assert house.summary[1] == notice.title


# What people have chosen, and what the history waits for and says itself.
_HARMLESS = {Kind.UNRECORDED, Kind.HISTORY_CORE, Kind.HISTORY_CLOUD}


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in _HARMLESS])
def test_no_problem_leaves_all_well_and_each_is_shown_once_with_what_to_do(
    house: House, kind: Kind
) -> None:
    house.problems.raise_(kind, SERIAL, "of a reason")
    found = house.status
    assert found.summary.level in {"warning", "error"}
    (notice,) = found.notices
    assert found.summary.text == notice.title
    (problem,) = house.problems.now.values()
    assert notice.text == f"{problem.sentence} {kind.advice}"
    texts = [one.text for one in (found.health.cloud, found.health.core, *found.health.inverters)]
    assert problem.sentence not in texts
    assert found.health.last_error is None
    house.problems.clear(kind, SERIAL)
    assert house.summary == ("good", "All is well")
    assert found.health.last_error != house.status.health.last_error


_ACCOUNT = (
    Notification.CREDENTIALS,
    Notification.TOKEN,
    Notification.NO_INVERTER,
    Notification.MISSING_SITES,
    Notification.DENIED,
)


@pytest.mark.parametrize("notification", _ACCOUNT)
def test_what_home_assistant_notifies_of_is_what_is_wrong(
    house: House, notification: Notification
) -> None:
    house.notifications.show(Shown(notification, "A text", "A text"))
    assert house.summary[0] in {"warning", "error"}
    assert house.titles == [notification.title]


def test_the_broker_of_devices_is_a_connection_like_the_others(house: House) -> None:
    assert house.status.health.broker is None
    house.are_devices = house.broker.is_up = True
    assert house.summary == ("good", "All is well")
    assert house.status.health.broker == Health(
        state="good", text="Connected to core-mosquitto:1883."
    )
    house.broker.is_up = False
    text = "Connecting to the MQTT broker."
    assert house.status.health.broker == Health(state="waiting", text=text)
    assert house.summary == ("waiting", text)
    for kind in OF_BROKER:
        house.problems.raise_(kind, why="of a reason")
        since = house.clock.now()
        away = Health(state="bad", text="Not connected.", since=since)
        assert house.status.health.broker == away
        assert house.summary[0] in {"warning", "error"}
        house.problems.clear(kind)


def test_values_lead_to_the_ids_that_people_gave_their_entities(house: House) -> None:
    house.changes = {
        "sensor.house_grid_power": "sensor.street",
        "sensor.house_grid_import_total": "sensor.from_the_street",
        "sensor.house_site_load": None,
    }
    shown = house.status.inverters[0].entity_ids
    assert (shown["grid_kw"], shown["soc"]) == ("sensor.street", "sensor.house_battery_soc")
    assert "sensor.from_the_street" in shown.values()
    assert "load_kw" not in shown
    listed = {one.entity_id: one.name for one in entities(house.context)}
    assert listed["sensor.street"] == "Grid Power"
    assert not listed.keys() & house.changes.keys()
    assert "Site Load" not in listed.values()


def test_what_only_devices_have_is_listed_with_all_other_entities(house: House) -> None:
    before = [*entities(house.context)]
    house.are_devices = house.broker.is_up = True
    house.binary = {"online": "on", "problem": "off"}
    house.changes = {"binary_sensor.house_problem": "binary_sensor.trouble"}
    assert [*entities(house.context)][: len(before)] == before
    assert [*entities(house.context)][len(before) :] == [
        Entity("binary_sensor.house_online", "Online", "on", None, "none", "connectivity", "House"),
        Entity("binary_sensor.trouble", "Problem", "off", None, "none", "problem", "House"),
    ]


def test_a_cloud_that_gives_nothing_leaves_no_inverter_that_is_read(
    house: House, clock: FakeClock
) -> None:
    house.problems.raise_(Kind.READINGS, why="no answer")
    house.problems.raise_(Kind.DISCOVERY, why="no answer")
    house.problems.raise_(Kind.OFFLINE, SERIAL)
    assert house.titles == ["The Redback cloud is unavailable"]
    (one,) = house.status.health.inverters
    assert (one.state, one.text, one.since) == ("waiting", "No new readings.", clock.now())


def test_an_inverter_that_cannot_be_read_is_not_called_offline_too(house: House) -> None:
    house.add(OTHER, "Shed")
    house.problems.raise_(Kind.INVERTER, OTHER, "not found")
    house.problems.raise_(Kind.OFFLINE, OTHER)
    assert house.titles == ["Shed cannot be read"]
    assert [one.state for one in house.status.health.inverters] == ["good", "bad"]


def test_an_inverter_without_access_is_reported_once(house: House) -> None:
    house.add(OTHER, "Shed")
    house.told.denied([OTHER])
    house.problems.raise_(Kind.INVERTER, OTHER, "forbidden")
    house.problems.raise_(Kind.OFFLINE, OTHER)
    assert house.titles == ["No access to an inverter"]


def test_a_hundred_entities_that_are_rejected_are_one_notice(house: House) -> None:
    for number in range(100):
        house.problems.raise_(Kind.ENTITY, f"sensor.redback_{number}", "of a reason")
    (notice,) = house.status.notices
    assert notice.count == 100
    assert "sensor.redback_2: of a reason. The same with 97 more. Restart" in notice.text


def test_a_fault_of_the_inverter_is_one(house: House) -> None:
    house.read(SERIAL, Status="Fault")
    assert house.summary == ("warning", "House reports a fault")
    assert house.status.health.inverters[0].state == "bad"


def test_a_disk_that_takes_nothing_is_shown_whatever_the_history_does(house: House) -> None:
    house.is_disk_full = True
    assert house.summary == ("error", "The disk is full or cannot be written")


def test_before_the_first_reading_all_is_not_well_yet(house: House) -> None:
    house.inverters.clear()
    house.readings.clear()
    assert house.summary == ("waiting", "Waiting for the first reading")
    house.names.clear()
    assert house.summary == ("waiting", "Looking for your inverters")


def test_hours_that_are_missing_are_caught_up(house: House) -> None:
    house.progress = Progress(is_known=True, left=1_200)
    assert house.summary == ("waiting", "Catching up: 1,200 hours missing")
    house.problems.raise_(Kind.HISTORY_CLOUD, why="busy")
    assert house.titles == [], "it is shown with the history"


def test_what_was_not_looked_for_yet_is_not_well(house: House) -> None:
    house.progress = Progress()
    assert house.summary == ("waiting", "Checking for gaps")
    house.is_paused = True
    assert house.summary == ("waiting", "Filling is paused")


def test_nothing_is_caught_up_while_filling_is_paused_or_waits(house: House) -> None:
    house.progress = Progress(is_known=True, left=3, hold=Hold("it is starting"))
    assert house.summary == ("waiting", "Filling is waiting: 3 hours missing")
    house.is_paused = True
    assert house.summary == ("waiting", "Filling is paused: 3 hours missing")
    house.progress = Progress(is_known=True)
    assert house.summary == ("waiting", "Filling is paused")


def test_hours_that_failed_are_what_is_wrong(house: House, clock: FakeClock) -> None:
    house.failed = [clock.now() - timedelta(days=2)]
    house.progress = Progress(is_known=True, left=2)
    assert house.summary == ("warning", "1 hour could not be filled")
    (notice,) = house.status.notices
    assert "choose its day." in notice.text
    assert notice.to_history


def test_hours_for_which_nothing_can_come_any_more_are_in_the_history_alone(
    house: House, clock: FakeClock
) -> None:
    house.failed = [clock.now() - timedelta(days=4), clock.now() - timedelta(days=20)]
    assert house.summary == ("good", "All is well")
    assert (house.history["failed"], house.history["failed_lately"]) == (2, 0)


def test_the_cloud_gives_no_readings_while_all_inverters_are_offline(house: House) -> None:
    house.age(30)
    house.problems.raise_(Kind.OFFLINE, SERIAL)
    assert house.status.health.cloud.text == "Connected. There are no new readings."
    house.add(OTHER, "Shed")
    assert house.status.health.cloud.text == "Receiving readings."


def test_an_inverter_without_access_is_named_and_its_serial_number_is_under_sites(
    house: House,
) -> None:
    house.told.denied([SERIAL])
    (notice,) = house.status.notices
    assert "read House." in notice.text
    assert SERIAL not in notice.text
    assert notice.to_sites


def test_an_inverter_that_is_gone_is_missed_until_it_is_forgotten(house: House) -> None:
    SCENES["gone"](house)
    (notice,) = house.status.notices
    assert notice.title == "Shed is no longer in your account"
    assert "press Forget it in Sites" in notice.text
    assert (notice.to_sites, notice.since) == (True, house.gone["RB19010112345678"])
    house.add(OTHER, "Barn")
    house.give_away(OTHER)
    assert house.titles == ["Shed is in none of your accounts"]
    house.gone.clear()
    assert house.summary == ("good", "All is well")


def test_an_entry_of_the_options_without_an_inverter_leads_to_the_sites(house: House) -> None:
    SCENES["unknown_site"](house)
    (notice,) = house.status.notices
    assert "has an entry (Beach) that your account does not have. Correct it in" in notice.text
    assert not [one.serial for one in house.saved.inverters if one.serial in notice.text]
    assert "S9999999999999" not in notice.text
    assert (notice.to_options, notice.to_sites) == (True, True)


@pytest.mark.parametrize(
    "kind", ["first_reading", "cloud_away", "credentials", "unread", "unknown_site", "gone"]
)
def test_beside_a_wait_for_the_cloud_one_can_try_again(house: House, kind: str) -> None:
    SCENES[kind](house)
    (notice,) = house.status.notices
    assert notice.may_retry


def test_nothing_is_being_filled_while_something_holds_it(house: House, clock: FakeClock) -> None:
    house.progress = Progress(is_known=True, left=2, ends_at=clock.now())
    assert house.history["is_running"]
    house.is_paused = True
    assert not house.history["is_running"]
    house.is_paused = False
    house.problems.raise_(Kind.READINGS, why="no answer")
    assert house.history["hold"] == Hold("no answer", may_retry=True)
    house.problems.clear(Kind.READINGS)
    house.account.throttle.closed_s = 60.0
    assert house.history["hold"].until == clock.now() + timedelta(minutes=1)
    assert house.history["hold"].may_retry
    held = Hold("it is starting", clock.now())
    house.progress = Progress(is_known=True, left=2, ends_at=clock.now(), hold=held)
    assert house.history["hold"] == held
    assert (house.history["is_running"], house.history["ends_at"]) == (False, None)


def test_what_is_not_recorded_is_said_with_the_history_alone(house: House) -> None:
    house.problems.raise_(Kind.UNRECORDED, why="sensor.redback_grid_power")
    assert house.summary == ("good", "All is well")
    assert house.history["unrecorded"].startswith(
        "Home Assistant does not record sensor.redback_grid_power"
    )


def test_a_broker_from_which_core_takes_no_device_is_not_well(house: House) -> None:
    house.are_devices = house.broker.is_up = True
    house.problems.raise_(Kind.NOT_TAKEN, why="House from what the MQTT broker has")
    found = house.status.health.broker
    assert found is not None
    assert found.state == "bad"
    assert found.text == (
        "Connected to core-mosquitto:1883, but Home Assistant takes no devices from there."
    )


def test_what_is_sent_is_counted_over_rest_and_over_mqtt(house: House) -> None:
    house.counts.states, house.broker.messages = 40, 2
    assert house.status.health.counts.sent == 42


def test_each_value_leads_to_its_entity_unless_somebody_else_has_that(house: House) -> None:
    (now,) = house.status.inverters
    assert now.entity_ids["solar_kw"] == "sensor.house_solar_generation"
    assert now.entity_ids["import_kwh"] == "sensor.house_grid_import_total"
    values = {*msgspec.structs.asdict(now), *msgspec.structs.asdict(now.today)}
    assert now.entity_ids.keys() <= values
    house.taken.add("sensor.house_solar_generation")
    assert "solar_kw" not in house.status.inverters[0].entity_ids
    SCENES["first_reading"](house)
    assert house.status.inverters[0].entity_ids == {}
