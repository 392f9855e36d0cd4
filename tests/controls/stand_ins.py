"""A house in which commands are carried out: a cloud, a registry, and a clock moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import msgspec

from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from polling import stand_ins
from redback.cloud import (
    CloudError,
    Envelope,
    Envelopes,
    OutcomeUnknownError,
    RequestError,
    Schedule,
    Schedules,
    Static,
    TransientError,
)
from redback.controls.book import Answer, Book
from redback.controls.controls import Controls
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.polling.account import Account
from redback.polling.throttle import Throttle
from redback.problems import Problems
from redback.sensors.details import Details
from redback.sensors.reading import Reading

AWAY = TransientError("no answer", method="POST", url="http://cloud/")
UNKNOWN = OutcomeUnknownError("cut", method="POST", url="http://cloud/")
REFUSED = RequestError("the cloud answered 400", method="POST", url="http://cloud/")
CHARGE = {"action": "charge", "power": 3000, "minutes": 60}
LATE = 5.0
SECOND, THIRD = "RB2", "RB3"
_T = TypeVar("_T")
_H = TypeVar("_H", bound="House")


class Cloud:
    """Schedules and envelopes, listed seconds late; `failing` are the next writes' errors.

    A write that fails with an unknown outcome was done. `writes` has them all.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._began = clock.now(), clock.monotonic()
        self.failing: list[CloudError | None] = []
        self.is_away = False
        # Those of other sites with the same event id as any.
        self.elsewhere: list[Envelope] = []
        # How many of a list cannot be read, of which all others are missing then; None = no list.
        self.unread: int | None = 0
        self.writes: list[str] = []
        self.made: dict[str, tuple[float, Schedule | Envelope]] = {}
        self.refuses_overlaps = self.refuses_all = self.lists_no_begun = False

    def now(self) -> datetime:
        """Return the time, whatever the clock in the house is set to."""
        began, at = self._began
        return began + timedelta(seconds=self._clock.monotonic() - at)

    @property
    def clock_ahead(self) -> timedelta:
        return self._clock.now() - self.now()

    @property
    def modes(self) -> list[str]:
        """What is in the cloud, whether listed or not."""
        return [one.mode or "" for _, one in self.made.values() if isinstance(one, Schedule)]

    def wanted(self) -> str:
        """Return the mode of the newest schedule that runs."""
        now = self.now()
        schedules = (one for _, one in self.made.values() if isinstance(one, Schedule))
        return next(
            (one.mode or "" for one in reversed([*schedules]) if one.is_active(now)), "Auto"
        )

    @property
    def limits(self) -> list[int | None]:
        return [one.max_export_w for _, one in self.made.values() if isinstance(one, Envelope)]

    def put(self, key: str, one: Schedule | Envelope) -> None:
        self.made[key] = (self._clock.monotonic(), one)

    def schedules(self, _: str, __: float = 20) -> Schedules:
        once = tuple(one for one in self._listed() if isinstance(one, Schedule))
        return Schedules(once=once, unread=self.unread)

    def envelopes(self, _: str, __: float = 20) -> Envelopes:
        envelopes = tuple(one for one in self._listed() if isinstance(one, Envelope))
        return Envelopes(all=envelopes, unread=self.unread)

    def envelopes_of_event(self, event_id: str, _: float) -> Envelopes:
        meant = (one for one in self.envelopes("").all if one.event_id == event_id)
        return Envelopes(all=(*meant, *self.elsewhere))

    def _listed(self) -> list[Schedule | Envelope]:
        if self.is_away:
            raise AWAY
        if self.unread != 0:
            return []
        now = self._clock.monotonic()
        listed = (one for since, one in self.made.values() if now - since >= LATE)
        return [one for one in listed if not self.lists_no_begun or one.start > self.now()]

    def create_schedule(self, _: str, schedule: Schedule, __: float, **___: object) -> str:
        key = f"id-{len(self.writes)}"
        self._write(f"create {schedule.mode}")
        if self.refuses_all or (self.refuses_overlaps and self.modes):
            raise REFUSED
        self._do(lambda: self.put(key, msgspec.structs.replace(schedule, schedule_id=key)))
        return key

    def delete_schedule(self, _: str, key: str, __: float) -> None:
        self._write("delete schedule")
        self._do(lambda: self.made.pop(key, None))

    def create_envelope(self, _: str, envelope: Envelope, __: float) -> None:
        self._write("create envelope")
        if self.refuses_all or (self.refuses_overlaps and self.limits):
            raise REFUSED
        self._do(lambda: self.put(envelope.event_id or "", envelope))

    def delete_envelope(self, _: str, key: str, __: float) -> None:
        self._write("delete envelope")
        self._do(lambda: self.made.pop(key, None))

    def _write(self, what: str) -> None:
        self.writes.append(what)

    def _do(self, work: Any) -> None:  # noqa: ANN401 - any callable
        error = self.failing.pop(0) if self.failing else None
        if error is None or isinstance(error, OutcomeUnknownError):
            work()
        if error is not None:
            raise error


class OneInverter:
    """The registry's names and details of a single inverter; `others` are details of more."""

    def __init__(self, described: Details) -> None:
        self.names = {SERIAL: GivenName("Home", "Home")}
        self.described = described
        self.others: dict[str, Details] = {}

    def sorted_names(self) -> list[str]:
        return ["Home"]

    def details(self, serial: str) -> Details:
        return self.others.get(serial, self.described)

    def describe(self, serial: str, details: Details) -> None:
        if serial in self.others:
            self.others[serial] = details
        else:
            self.described = details


class FakeRegistry(OneInverter):
    """One whose reading is always new."""

    def __init__(self, clock: FakeClock, of: Static, wanted: Callable[[], str]) -> None:
        super().__init__(Details(of, configuration()))
        self._clock = clock
        self._wanted = wanted
        self.age = timedelta(seconds=30)
        self.payload = "three_phase_battery"
        # What it reports instead of what is wanted.
        self.mode: str | None = None
        # What flows to the grid, W, by the inverter that says so; by default nothing.
        self.exports: dict[str, float | None] = {}

    def reading(self, serial: str) -> Reading:
        now = self._clock.now()
        moment = (now - self.age).isoformat()
        power = {"InverterMode": self._wanted() if self.mode is None else self.mode}
        inverters = [{"SerialNumber": SERIAL, "PowerMode": power}]
        phases = [_phase(self.exports.get(serial, 0.0))]
        data = dynamic(self.payload, TimestampUtc=moment, Inverters=inverters, Phases=phases)
        return Reading(SERIAL, now, data, self.described)


def _phase(export: float | None) -> dict[str, object]:
    """Return a phase that exports so much, W, or imports what is below zero."""
    exported, imported = (None, None) if export is None else (max(export, 0), max(-export, 0))
    return {
        "Id": "A",
        "VoltageInstantaneousV": 240,
        "ActiveExportedPowerInstantaneouskW": None if exported is None else exported / 1000,
        "ActiveImportedPowerInstantaneouskW": None if imported is None else imported / 1000,
    }


class _Client(SimpleNamespace):
    """One that knows the time of a cloud."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(controls=cloud)

    @property
    def clock_ahead(self) -> timedelta:
        return cast("Cloud", self.controls).clock_ahead


def account(api: object, throttle: Throttle, *serials: str) -> Account:
    """Return what the controls use of an account."""
    client = SimpleNamespace(controls=api, clock_ahead=None)
    if isinstance(api, Cloud):
        client = _Client(api)
    made = SimpleNamespace(
        client=client, throttle=throttle, names={*serials}, inverters=(), gone={}
    )
    return cast("Account", made)


class House:
    """Everything around the controls; `start` and `kill` are those of the add-on."""

    def __init__(self, clock: FakeClock, folder: Path, api: object, registry: object) -> None:
        self.clock = clock
        self.folder = folder
        self.answers: list[Answer] = []
        self.problems = Problems(clock)
        self.slow = 0.0  # how long each request takes before anything is done, seconds
        self.throttle = stand_ins.throttle(clock, self._take_time)
        self._api = api
        self._registry = registry
        self._task: asyncio.Task[Any] | None = None

    async def _take_time(self, work: Callable[[], _T]) -> _T:
        if self.slow > 0:
            await self.clock.sleep(self.slow)
        return work()

    def start(self) -> None:
        self.book = Book(self.folder)
        names = cast("Any", self._registry).names
        self.account = account(self._api, self.throttle, *names)
        self.controls = Controls(
            (self.account,),
            cast("Registry", self._registry),
            self.problems,
            self.clock,
            self.book,
        )
        self.controls.listen(self.answers.append)
        self._task = asyncio.create_task(self.controls.run())

    async def kill(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, command: object, wait: float = 1) -> None:
        self.controls.take(command, "automation")
        await self.clock.advance(wait)

    def results(self) -> list[str]:
        """Return what was answered since the last time."""
        results = [one.result for one in self.answers]
        self.answers.clear()
        return results


@asynccontextmanager
async def begun(house: _H) -> AsyncIterator[_H]:
    """Start the add-on in a house, and kill it at the end."""
    house.start()
    await house.clock.advance(1)
    yield house
    await house.kill()


class FakeHouse(House):
    """One whose cloud and registry are stand-ins."""

    def __init__(self, clock: FakeClock, folder: Path) -> None:
        self.cloud = Cloud(clock)
        self.registry = FakeRegistry(clock, static(), self.cloud.wanted)
        super().__init__(clock, folder, self.cloud, self.registry)

    async def share_the_site(self) -> None:
        """Start anew with a second inverter on the site."""
        await self.kill()
        self.registry.names[SECOND] = GivenName("Shed", "Shed")
        self.registry.others[SECOND] = Details(static(), configuration())
        self.start()
        await self.clock.advance(1)

    def end(self) -> datetime:
        """Return when the only thing in the cloud ends."""
        ((_, one),) = self.cloud.made.values()
        return one.end
