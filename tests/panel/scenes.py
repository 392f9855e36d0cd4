"""A house for the panel, and everything that can be wrong with it, each as the program says it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from examples import dynamic
from fake_clock import FakeClock
from redback.backfill import Coverage, Progress
from redback.cloud import ListedInverter, Static
from redback.core import BrokerAddress, Notices
from redback.inverters.inverter import Inverter
from redback.inverters.naming import GivenName
from redback.notifications import AccountNotifications, Notification, Notifications
from redback.options import Options, Site
from redback.panel import Context
from redback.panel.minutes import Energy
from redback.panel.status import Status, status
from redback.polling.accounts import Accounts
from redback.problems import AccountProblems, Kind, Problems
from redback.publishing.publisher import text
from redback.saved_state import Saved
from redback.sensors.details import NO_DETAILS, Details
from redback.sensors.entities import Entities
from redback.sensors.reading import Reading
from renamed import ids_with

_HOUR = 3600.0


class House:
    """A house in which all is well, until something is let go wrong."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.problems = Problems(clock)
        self.notifications = Notifications(
            cast("Notices", SimpleNamespace(show=lambda *_: True, withdraw=lambda *_: None))
        )
        self.told = AccountNotifications(self.notifications, "")
        self.gone: dict[str, datetime] = {}
        self.missing: tuple[Site, ...] = ()
        self.options = Options(client_id="client", credential="secret")
        self.names: dict[str, GivenName] = {}
        self.inverters: dict[str, Inverter] = {}
        self.readings: dict[str, Reading] = {}
        self.saved = Saved()
        self.account = self._account("", "", self.names)
        self.second: SimpleNamespace | None = None
        self.progress = Progress(is_known=True)
        self.core = SimpleNamespace(up_since=clock.monotonic() - _HOUR, version="2026.11.0")
        self.started_at = clock.now() - timedelta(hours=1)
        self.counts = SimpleNamespace(requests=0, failures=0, states=0)
        self.options_url: str | None = None
        self.energy = Energy()
        self.is_paused = self.is_disk_full = False
        self.failed: list[datetime] = []
        self.taken: set[str] = set()  # the entities that somebody else has
        self.registered: set[str] = set()  # the entities of devices
        self.changes: dict[str, str | None] = {}  # ids that people gave, as those of `ids_with`
        self.broker = SimpleNamespace(
            is_up=False, address=BrokerAddress("core-mosquitto", 1883), messages=0
        )
        self.are_devices = False
        self.binary: dict[str, str] = {}  # what their binary sensors show, by key
        self.coverage: Coverage | None = None  # if it must be a real one
        self.controls: Any = None  # if that option is on

    def _account(self, key: str, label: str, names: Mapping[str, GivenName]) -> SimpleNamespace:
        return SimpleNamespace(
            key=key,
            label=label,
            problems=AccountProblems(self.problems, key, label),
            names=names,
            is_listed=True,
            details=SimpleNamespace(others={}),
            poller=SimpleNamespace(next_at=None),
            throttle=SimpleNamespace(closed_s=0.0),
        )

    def give_away(self, *serials: str) -> AccountNotifications:
        """Let these be of a second account, Farm; return its notifications."""
        left = {serial: name for serial, name in self.names.items() if serial not in serials}
        self.account = self._account("", "Account 1", left)
        own = {serial: self.names[serial] for serial in serials}
        self.second = self._account("2", "Account Farm", own)
        return AccountNotifications(self.notifications, "2", "Account Farm")

    def add(
        self,
        serial: str,
        name: str,
        site: str | None = None,
        details: Details = NO_DETAILS,
        **changes: object,
    ) -> None:
        """Add an inverter that was read a moment ago, with some of the answer's fields changed."""
        given = GivenName(name, name)
        self.names[serial] = given
        self.inverters[serial] = Inverter(serial, name, Entities(detailed=False), details)
        self.have(serial, site, given)
        self.problems.watch({serial: name})
        self.read(serial, **changes)

    def have(self, serial: str, site: str | None, name: GivenName | None = None) -> None:
        """Let the account have an inverter, which needs no name."""
        self.saved = Saved(
            names=self.saved.names | ({serial: name} if name else {}),
            inverters=(
                *(one for one in self.saved.inverters if one.serial != serial),
                ListedInverter(serial, site),
            ),
        )

    def read(self, serial: str, **changes: object) -> None:
        """Let an inverter be read; by default it is all right, and it is now."""
        now = self.clock.now()
        fields: dict[str, object] = {"TimestampUtc": f"{now:%Y-%m-%dT%H:%M:%SZ}", "Status": "OK"}
        answer = dynamic("three_phase_battery", **fields | changes)
        self.readings[serial] = Reading(serial, now, answer, self.inverters[serial].details)
        self.inverters[serial].entities.show(self.readings[serial])

    def age(self, minutes: float) -> None:
        """Let the last reading of each inverter be older."""
        for serial, reading in self.readings.items():
            at = reading.dynamic.timestamp - timedelta(minutes=minutes)
            older = msgspec.structs.replace(reading.dynamic, timestamp=at)
            self.readings[serial] = Reading(serial, reading.at, older, reading.details)

    def leave(self, serial: str, name: str, **ago: float) -> None:
        """Let an inverter be gone from the account."""
        self.have(serial, None, GivenName(name, name))
        self.gone[serial] = self.clock.now() - timedelta(**ago)

    @property
    def accounts(self) -> Accounts:
        """The accounts: one, or two."""
        each = [self.account, *([] if self.second is None else [self.second])]
        return some_accounts(each, self.saved, self.gone, self.missing)

    @property
    def context(self) -> Context:
        """What the panel is made of."""
        states = {
            given.name: {
                shown.key: text(shown)
                for shown in self.inverters[serial].entities.show(self.readings[serial])
            }
            for serial, given in self.names.items()
            if serial in self.readings
        }
        context = SimpleNamespace(
            version="2.0.0",
            clock=self.clock,
            started_at=self.started_at,
            options=self.options,
            problems=self.problems,
            notifications=self.notifications,
            registry=SimpleNamespace(
                names=self.names,
                inverter=self.inverters.get,
                reading=self.readings.get,
                details=self._details,
            ),
            publisher=SimpleNamespace(
                ownership=SimpleNamespace(
                    is_taken=self.taken.__contains__,
                    ids=ids_with(self.changes, are_devices=self.are_devices),
                    registered=self.registered,
                ),
                are_devices=self.are_devices,
                broker=self.broker,
                states=lambda device: states.get(device.name, {}) | self.binary,
            ),
            home_assistant=SimpleNamespace(
                websocket=self.core, options_url=self.options_url, rest=self.counts
            ),
            accounts=self.accounts,
            controls=self.controls,
            transport=self.counts,
            saved_state=SimpleNamespace(saved=self.saved),
            minutes=SimpleNamespace(today=lambda _: self.energy),
            coverage=self.coverage
            or SimpleNamespace(is_failing=self.is_disk_full, failed=self._failed_since),
            backfill=SimpleNamespace(
                progress=self.progress,
                is_paused=self.is_paused,
                since=lambda _: self.clock.now() - timedelta(days=30),
            ),
        )
        return cast("Context", context)

    def _details(self, serial: str) -> Details:
        inverter = self.inverters.get(serial)
        return NO_DETAILS if inverter is None else inverter.details

    def _failed_since(self, _: str, since: datetime) -> int:
        return sum(hour >= since for hour in self.failed)

    @property
    def status(self) -> Status:
        """What the page gets."""
        return status(self.context)

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

    @property
    def first(self) -> str:
        """The first inverter's serial number."""
        return next(iter(self.names))


def some_accounts(
    each: Sequence[SimpleNamespace],
    saved: Saved,
    gone: Mapping[str, datetime],
    missing: Sequence[Site] = (),
) -> Accounts:
    """Make accounts that read what has their names, and the first one everything else."""

    class Some:
        inverters = saved.inverters

        def __init__(self) -> None:
            self.gone, self.missing = gone, missing
            self.lost = {serial: saved.names[serial] for serial in gone}

        def __iter__(self) -> Iterator[object]:
            return iter(each)

        def __len__(self) -> int:
            return len(each)

        def reader(self, serial: str) -> object:
            return next((one for one in each[1:] if serial in one.names), each[0])

    return cast("Accounts", Some())


def _broker_away(house: House) -> None:
    house.problems.raise_(Kind.BROKER_AWAY, why="connection refused")


def _no_readings(house: House) -> None:
    house.age(25)
    house.problems.raise_(Kind.READINGS, why="the cloud answered 503 Service Unavailable")


def _credentials(house: House) -> None:
    house.readings.clear()
    house.told.show(Notification.CREDENTIALS)


def _no_access(house: House) -> None:
    house.age(25)
    house.told.show(Notification.TOKEN)


def _nothing_known(house: House) -> None:
    house.names.clear()
    house.inverters.clear()
    house.readings.clear()
    house.saved = Saved()
    house.account.is_listed = False
    house.progress = Progress()


def _no_inverter(house: House) -> None:
    _nothing_known(house)
    house.account.is_listed = True
    house.told.listed(())


def _unknown_site(house: House) -> None:
    house.missing = (Site("S9999999999999", "Beach"),)
    house.notifications.missing_sites(
        house.missing, house.saved.inverters, others=True, several=False
    )


def _denied(house: House) -> None:
    house.age(25)
    house.told.denied([house.first])
    house.problems.raise_(Kind.READINGS, why="the cloud answered 403 Forbidden")
    house.problems.raise_(Kind.OFFLINE, house.first, "no reading for ten minutes")


def _gone(house: House) -> None:
    house.leave("RB19010112345678", "Shed", days=4, hours=1.5)


def _taken(house: House) -> None:
    house.problems.raise_(Kind.OWNED, "Redback Technologies", "sensor.house_grid_power")


def _core_closed(house: House) -> None:
    house.core.up_since = None
    house.problems.raise_(Kind.CORE_CLOSED, "the WebSocket")


def _core_away(house: House) -> None:
    house.core.up_since = None
    house.problems.raise_(Kind.CORE_AWAY, "the WebSocket")


def _clock(house: House) -> None:
    house.inverters.clear()
    house.readings.clear()
    house.problems.raise_(Kind.CLOCK, why="it is 3 h 20 min slow")
    house.problems.raise_(Kind.FUTURE, house.first, "2026-11-24 04:29:18 UTC")


def _disk(house: House) -> None:
    house.is_disk_full = True
    house.problems.raise_(Kind.HISTORY_DISK, why="history.db cannot be written")


def _offline(house: House) -> None:
    house.age(180)
    house.problems.raise_(Kind.OFFLINE, house.first, "no reading for ten minutes")


def _unread(house: House) -> None:
    house.age(25)
    house.problems.raise_(Kind.INVERTER, house.first, "the cloud answered 404 Not Found")
    house.problems.raise_(Kind.OFFLINE, house.first, "no reading for ten minutes")


def _ignored(house: House) -> None:
    house.problems.raise_(Kind.FUTURE, house.first, f"{house.clock.now():%Y-%m-%d} 23:10:05 UTC")


def _unlisted(house: House) -> None:
    why = "2 of them are missing from the answer or make no sense"
    house.problems.raise_(Kind.LISTS, house.first, why)


def _not_following(house: House) -> None:
    house.problems.raise_(Kind.FOLLOW, house.first, "it reports Auto instead of ChargeBattery")


def _rejected(house: House) -> None:
    house.problems.raise_(Kind.ENTITY, "sensor.house_grid_power", "Core answered 400 Bad Request")


def _details(house: House) -> None:
    why = "the cloud answered 500 Internal Server Error"
    house.problems.raise_(Kind.DETAILS, house.first, why)


def _fault(house: House) -> None:
    house.read(house.first, Status="Fault")


def _unfilled(house: House) -> None:
    house.failed = [house.clock.now() - timedelta(days=2)]


def _first_reading(house: House) -> None:
    house.inverters.clear()
    house.readings.clear()
    house.progress = Progress()


SCENES: Mapping[str, Callable[[House], None]] = {
    "credentials": _credentials,
    "no_access": _no_access,
    "no_inverter": _no_inverter,
    "unknown_site": _unknown_site,
    "denied": _denied,
    "gone": _gone,
    "taken": _taken,
    "core_closed": _core_closed,
    "clock": _clock,
    "disk": _disk,
    "core_away": _core_away,
    "broker": _broker_away,
    "cloud_away": _no_readings,
    "offline": _offline,
    "unread": _unread,
    "ignored": _ignored,
    "unlisted": _unlisted,
    "not_following": _not_following,
    "rejected": _rejected,
    "details": _details,
    "fault": _fault,
    "unfilled": _unfilled,
    "starting": _nothing_known,
    "first_reading": _first_reading,
}
"""By the kind of a notice, what makes the program give it; each of a house with an inverter."""


def others(house: House, *inverters: tuple[str, str | None, Static | None]) -> None:
    """Let the account have inverters that are not in use, each with its site and its details."""
    for serial, site, static in inverters:
        house.have(serial, site)
        if static is not None:
            house.account.details.others[serial] = static
