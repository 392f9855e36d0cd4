"""That all is well only where it is, and that each thing that is wrong is told once."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from examples import SERIAL, dynamic
from fake_clock import FakeClock
from redback.backfill import Hold, Progress
from redback.core import Notices
from redback.inverters.naming import GivenName
from redback.notifications import AccountNotifications, Notification, Notifications
from redback.panel import Context
from redback.panel.minutes import Energy
from redback.panel.status import Status, status
from redback.problems import Kind, Problems
from redback.sensors.reading import Reading

OTHER = "RB26030100000022"


class House:
    """A house in which all is well, until a test lets something go wrong."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.problems = Problems(clock)
        self.notifications = Notifications(
            cast("Notices", SimpleNamespace(show=lambda *_: True, withdraw=lambda *_: None))
        )
        self.told = AccountNotifications(self.notifications, "")
        self.names: dict[str, GivenName] = {}
        self.readings: dict[str, Reading] = {}
        self.progress = Progress(is_known=True)
        self.core = SimpleNamespace(up_since=0.0, version="2026.11.0")
        self.throttle = SimpleNamespace(closed_s=0.0)
        self.is_paused = self.is_disk_full = False
        self.failed = 0
        self.add(SERIAL, "House")

    def add(self, serial: str, name: str, **changes: object) -> None:
        """Add an inverter that was read a moment ago."""
        self.names[serial] = GivenName(name, name)
        now = self.clock.now()
        fields: dict[str, object] = {"TimestampUtc": f"{now:%Y-%m-%dT%H:%M:%SZ}", "Status": "OK"}
        self.readings[serial] = Reading(
            serial, now, dynamic("three_phase_battery", **fields | changes)
        )
        self.problems.watch({serial: name})

    @property
    def status(self) -> Status:
        """What the page gets."""
        registry = SimpleNamespace(
            names=self.names,
            inverter=lambda serial: (
                SimpleNamespace(details=SimpleNamespace(static=None))
                if serial in self.readings
                else None
            ),
            reading=self.readings.get,
        )
        context = SimpleNamespace(
            version="1",
            clock=self.clock,
            started_at=self.clock.now(),
            problems=self.problems,
            notifications=self.notifications,
            registry=registry,
            home_assistant=SimpleNamespace(
                websocket=self.core, options_url=None, rest=SimpleNamespace(states=0)
            ),
            account=SimpleNamespace(poller=SimpleNamespace(next_at=None), throttle=self.throttle),
            transport=SimpleNamespace(requests=0, failures=0),
            saved_state=SimpleNamespace(saved=SimpleNamespace(inverters=())),
            minutes=SimpleNamespace(today=lambda _: Energy()),
            coverage=SimpleNamespace(is_failing=self.is_disk_full, failed=lambda *_: self.failed),
            backfill=SimpleNamespace(
                progress=self.progress, is_paused=self.is_paused, since=lambda _: self.clock.now()
            ),
        )
        return status(cast("Context", context))

    @property
    def summary(self) -> tuple[str, str]:
        """What the line at the top says."""
        return self.status.summary.level, self.status.summary.text

    @property
    def titles(self) -> list[str]:
        """The titles of the notices."""
        return [notice.title for notice in self.status.notices]

    @property
    def history(self) -> dict[str, Any]:
        """What is said of the history."""
        return self.status.history


@pytest.fixture
def house(clock: FakeClock) -> House:
    return House(clock)


def test_all_is_well_where_nothing_is_wrong(house: House) -> None:
    assert house.summary == ("good", "All is well")
    assert house.titles == []


_HARMLESS = {Kind.UNRECORDED, Kind.HISTORY_CORE, Kind.HISTORY_CLOUD}


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in _HARMLESS])
def test_no_problem_leaves_all_well_and_each_is_told_once_with_what_to_do(
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
    house.notifications.show(notification, "A text")
    assert house.summary[0] in {"warning", "error"}
    assert house.titles == [notification.title]


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


def test_an_inverter_without_access_is_told_once(house: House) -> None:
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
    house.add(SERIAL, "House", Status="Fault")
    assert house.summary == ("warning", "House reports a fault")
    assert house.status.health.inverters[0].state == "bad"


def test_a_disk_that_takes_nothing_is_told_whatever_the_history_does(house: House) -> None:
    house.is_disk_full = True
    assert house.summary == ("error", "The disk is full or cannot be written")


def test_before_the_first_reading_all_is_not_well_yet(house: House) -> None:
    house.readings.clear()
    assert house.summary == ("waiting", "Waiting for the first reading")
    house.names.clear()
    assert house.summary == ("waiting", "Looking for your inverters")


def test_hours_that_are_missing_are_caught_up(house: House) -> None:
    house.progress = Progress(is_known=True, left=1_200)
    assert house.summary == ("waiting", "Catching up: 1,200 hours missing")
    house.problems.raise_(Kind.HISTORY_CLOUD, why="busy")
    assert house.titles == [], "it is told with the history"


def test_hours_that_failed_are_what_is_wrong(house: House) -> None:
    house.failed = 1
    house.progress = Progress(is_known=True, left=2)
    assert house.summary == ("warning", "1 hour could not be filled")


def test_nothing_is_being_filled_while_something_holds_it(house: House, clock: FakeClock) -> None:
    house.progress = Progress(is_known=True, left=2, ends_at=clock.now())
    assert house.history["is_running"]
    house.is_paused = True
    assert not house.history["is_running"]
    house.is_paused = False
    house.problems.raise_(Kind.READINGS, why="no answer")
    assert house.history["hold"] == Hold("no answer")
    house.problems.clear(Kind.READINGS)
    house.throttle.closed_s = 60.0
    assert house.history["hold"].until == clock.now() + timedelta(minutes=1)
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
