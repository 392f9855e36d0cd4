"""A home with several accounts, lived through in seconds: simulator, product, and Core's model.

The product's own accounts, registry and history ask the simulated cloud with the real client, at a
fake clock's time. Core's recorder is the model of it; what else of Core they need is in memory, and
outlives the service, as does the data folder.
"""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import requests
import time_machine

from backfill.days import Link, LivingModel
from backfill.fake_statistics import FakeOwnership
from controls.simulated import simulated
from fake_clock import FakeClock
from polling.test_account import Shown as Notices
from recorder_model import Recorder
from recorder_model.recorder import Row
from redback import core, problems
from redback.backfill import Files, History
from redback.cloud import RedbackClient, Transport
from redback.core import HomeAssistant, Series
from redback.environment import Environment
from redback.inverters.registry import Registry
from redback.inverters.stores import counters_file, sensors_file
from redback.notifications import Notifications
from redback.options import Login, Options
from redback.polling.account import Account, Shared
from redback.polling.accounts import Accounts
from redback.polling.throttle import Runner
from redback.problems import Problems
from redback.publishing.device import Device
from redback.publishing.ownership import Ownership
from redback.publishing.states import state
from redback.saved_state import FILE, SavedState
from redback.sensors.details import Details
from redback.sensors.entities import Shown
from redback.sensors.table import find
from running import running
from simulator import (
    CLIENT_ID,
    CREDENTIAL,
    SECOND_CLIENT_ID,
    SECOND_CREDENTIAL,
    Fault,
    Kind,
    Simulator,
    World,
)
from sqlite_file import opened

FIRST = Login(CLIENT_ID, CREDENTIAL)
SECOND = Login(SECOND_CLIENT_ID, SECOND_CREDENTIAL, "Farm")
# The files that have something of an inverter by its serial number: where, or how to ask for it.
JSON_FILES = {"memory.json": "names", "counters.json": None, "sensors.json": None}
DATABASES = {
    "history.db": [
        "SELECT * FROM span JOIN inverter ON inverter = id WHERE serial = ? ORDER BY since",
        "SELECT * FROM hour JOIN inverter ON inverter = id WHERE serial = ? ORDER BY start",
    ],
    "ledger.db": ["SELECT * FROM hour JOIN counter ON counter = id WHERE serial = ? ORDER BY 1, 2"],
}

_T = TypeVar("_T")


class Line:
    """The way to the cloud: who waits for it costs nobody else any time.

    Attributes:
        slow: the Client IDs of those who get no answer in time.
    """

    def __init__(self, clock: FakeClock, now: time_machine.Traveller) -> None:
        self.slow: set[str] = set()
        self._clock = clock
        self._now = now
        # How long the present question has waited, s, and whether it gets an answer.
        self._waited = 0.0
        self._is_slow = False
        session = _Session(self)
        self.transport = Transport(session, monotonic=self._monotonic, sleep=self._wait)

    def runner(self, client_id: str) -> Runner:
        """Return what lets an account's questions wait in the fake clock's time."""

        async def run(question: Callable[[], _T], /) -> _T:
            self._now.move_to(self._clock.now())
            self._waited, self._is_slow = 0.0, client_id in self.slow
            try:
                return question()
            finally:
                waited, self._waited = self._waited, 0.0
                if waited:
                    await self._clock.sleep(waited)

        return run

    def pass_on(self, seconds: float) -> None:
        """Let a request through; raise Timeout where it has no answer within these seconds."""
        if self._is_slow:
            self._wait(seconds)
            raise requests.ReadTimeout

    def _monotonic(self) -> float:
        return self._clock.monotonic() + self._waited

    def _wait(self, seconds: float) -> None:
        self._waited += seconds


class _Session(requests.Session):
    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def request(self, *args: Any, **options: Any) -> requests.Response:  # noqa: ANN401 - handed on
        self._line.pass_on(options["timeout"][1])
        return super().request(*args, **options)


class _Accounts(Accounts):
    """Accounts whose questions go that way."""

    def __init__(self, shared: Shared, line: Line, logins: Iterable[Login]) -> None:
        super().__init__(shared, sites=())
        self._runners = (line.runner(one.client_id) for one in logins)

    def add(self, client: RedbackClient, key: str = "", label: str = "", *_: Runner) -> Account:
        return super().add(client, key, label, next(self._runners))


@dataclass(frozen=True)
class Moment:
    """What there is to see at a moment.

    Attributes:
        states: by entity id.
        notifications: the messages, by their keys.
        problems: their sentences, by kind and subject.
    """

    states: Mapping[str, str]
    notifications: Mapping[str, str]
    problems: Mapping[tuple[problems.Kind, str | None], str]


class Home:
    """A home; `async with home.started(FIRST, SECOND)` lets the service work.

    Attributes:
        accounts: those of the service that was started last.
    """

    def __init__(self, folder: Path, clock: FakeClock, simulator: Simulator, line: Line) -> None:
        self.folder = folder
        self.clock = clock
        self.simulator = simulator
        self.notices = Notices()
        # By the inverter's serial number and the entity's id.
        self._states: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.accounts: Accounts
        self.registry: Registry
        self._line = line
        self._recorder = Recorder(clock.now().timestamp(), [])
        self._model = LivingModel(self._recorder, clock)
        self._link = Link()
        self._link.up_since = clock.monotonic()
        self._problems = Problems(clock)
        self._files: Files
        self._second_key = "no account"

    @asynccontextmanager
    async def started(self, *logins: Login) -> AsyncIterator[None]:
        """Let the service work with these accounts, as `service.py` puts it together."""
        clock, folder = self.clock, self.folder
        self._problems = problems = Problems(clock)
        self._files = files = Files(folder)
        believed, existing = counters_file(folder), sensors_file(folder)
        self.registry = registry = Registry(
            clock,
            problems,
            believed,
            files.ledger,
            existing,
            self,
            seen=lambda *_: None,
            detailed=False,
        )
        notifications = Notifications(cast("core.Notices", self.notices))
        shared = Shared(clock, problems, notifications, registry, SavedState(folder / FILE))
        first, *others = logins
        options = Options(
            first.client_id, first.credential, history_days=0, more_accounts=(*others,)
        )
        url = self.simulator.url
        environment = Environment("", api_url=url, login_url=url, data=folder)
        self.accounts = _Accounts(shared, self._line, logins)
        self.accounts.connect(options, self._line.transport, environment, lambda _: None)
        self._second_key = next((one.key for one in self.accounts if one.key), self._second_key)
        home_assistant = SimpleNamespace(statistics=self._model, websocket=self._link)
        history = History(
            files,
            cast("HomeAssistant", home_assistant),
            cast("Ownership", FakeOwnership()),
            self.accounts,
            clock,
            registry=registry,
            seen=lambda *_: None,
            days=options.history_days,
        )
        self.accounts.use_saved()
        try:
            async with running(registry, self.accounts, history):
                yield
        finally:
            registry.clear()
            registry.close()
            existing.write()
            files.close()

    # A publisher

    def describe(self, device: Device, details: Details) -> None:
        pass

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        self._model.catch_up()
        for one in shown:
            made = state(device.name, one)
            self._states[device.serial][made.entity_id] = made.value
            sensor = find(one.key)
            if sensor is not None and sensor.quantity.state_class is not None:
                quantity = sensor.quantity
                self._recorder.add(Series(made.entity_id, quantity.unit, quantity.is_counter))
                is_number = one.is_available and isinstance(one.value, int | float)
                value = cast("float", one.value) if is_number else None
                self._recorder.push(made.entity_id, value)

    def sent(self, device: Device, moment: datetime) -> None:
        self._files.note(device.serial, moment, {"all"})

    # What is there

    @property
    def names(self) -> Mapping[str, str]:
        """The names of the inverters in use, by serial number."""
        return {serial: one.name for serial, one in self.registry.names.items()}

    @property
    def serials(self) -> Sequence[str]:
        """The serial numbers of all inverters in the cloud, the first account's first."""
        return [one.serial for one in self.simulator.world.inverters]

    def of(self, number: int) -> Moment:
        """Return what there is to see now of one account, 0 or 1, and of its inverter."""
        serial = self.serials[number]
        subjects = (None, self._second_key)[number], serial
        messages, problems = self.notices.messages, self._problems.now
        return Moment(
            dict(self._states[serial]),
            {
                key: text
                for key, text in messages.items()
                if key.endswith(self._second_key) == bool(number)
            },
            {key: one.sentence for key, one in problems.items() if key[1] in subjects},
        )

    def row_count(self, number: int) -> int:
        """Return how many hourly rows all statistics of an account's inverter have."""
        self._model.catch_up()
        hourly = self._recorder.database.hourly
        return sum(len(hourly.get(one, ())) for one in self._states[self.serials[number]])

    def rows(self, number: int) -> Mapping[str, Sequence[Row]]:
        """Return the hourly rows of all statistics of an account's inverter."""
        self._model.catch_up()
        found = {one: self._recorder.hourly(one) for one in self._states[self.serials[number]]}
        return {entity_id: deepcopy(rows) for entity_id, rows in found.items() if rows}

    def kept(self, number: int) -> Mapping[str, object]:
        """Return what the files in the data folder have of an account's inverter."""
        serial = self.serials[number]
        found: dict[str, object] = {}
        for name, file in JSON_FILES.items():
            content = json.loads((self.folder / name).read_text())
            found[name] = (content if file is None else content[file]).get(serial)
        for name, queries in DATABASES.items():
            with opened(self.folder / name) as database:
                found[name] = [database.execute(one, (serial,)).fetchall() for one in queries]
        return found

    def strike(self, fault: Fault, login: Login) -> Callable[[], None]:
        """Let something go wrong with one account; return what ends it."""
        faults = self.simulator.faults
        if fault.kind is Kind.SLOW:
            self._line.slow.add(login.client_id)
            return self._line.slow.clear
        number = faults.add(replace(fault, client_id=login.client_id))
        return lambda: faults.clear(number)


@contextmanager
def home(folder: Path, *, is_shared: bool = False) -> Iterator[Home]:
    """Make one, in a new folder, with two accounts in the cloud.

    Each has an inverter; or, where `is_shared`, both have the same one.
    """
    folder.mkdir()
    clock = FakeClock()
    with time_machine.travel(clock.now(), tick=False) as now:
        world = World(commissioned=date(2026, 2, 20), past_of_v221=True)
        first = world.add_account(["st"], credential=CREDENTIAL)
        world.add_account(
            [] if is_shared else ["sh"],
            client_id=SECOND_CLIENT_ID,
            credential=SECOND_CREDENTIAL,
            shared=first.sites if is_shared else (),
        )
        with simulated(world) as simulator:
            yield Home(folder, clock, simulator, Line(clock, now))
