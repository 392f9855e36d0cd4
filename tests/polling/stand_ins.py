"""What surrounds the parts of an account, for tests that are about something else."""

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

import msgspec

from examples import configuration, dynamic, static
from fake_clock import FakeClock, at_once
from redback.cloud import (
    AccessError,
    CloudError,
    Configuration,
    CredentialsError,
    Dynamic,
    ListedInverter,
    Static,
    TransientError,
)
from redback.ledger import HourEnd, Ledger
from redback.polling.throttle import Runner, Throttle
from redback.publishing.entity_ids import entity_id
from redback.saved_state import Saved, SavedState

AWAY = TransientError("no answer", method="GET", url="http://cloud/")
DENIED = AccessError("no access", method="GET", url="http://cloud/")
TOKEN_REFUSED = CredentialsError("refused", method="GET", url="http://cloud/", token_refused=True)
# A real publisher looks for it once; days of readings would else be spent on it.
first_id = cache(entity_id)


class Cloud:
    """The cloud of one account, with a new reading each time.

    `asked` has every question but those for readings. Every question meets `failing`, those for
    readings, of which there were `polls`, `unreadable`, and those for an inverter's static data
    what it has in `undescribed`.
    """

    def __init__(self, clock: FakeClock, *serials: str) -> None:
        self.serials = list(serials)
        self.site = "S1"
        self.asked: list[str] = []
        self.failing: CloudError | None = None
        self.unreadable: CloudError | None = None
        self.undescribed: dict[str, CloudError] = {}
        self.battery_count = 4
        self.polls = 0
        self.configuration: Configuration | CloudError = configuration()
        self.clock_ahead = timedelta()
        self._clock = clock

    def inverters(self) -> tuple[ListedInverter, ...]:
        self._answer("inverters")
        return tuple(ListedInverter(serial, self.site) for serial in self.serials)

    def batches(self, serials: Iterable[str]) -> list[tuple[str, ...]]:
        return [tuple(serials)]

    def dynamic(self, batch: Iterable[str], _: float, /) -> dict[str, Dynamic | CloudError]:
        self.polls += 1
        if self.failing is not None:
            raise self.failing
        reading = dynamic(TimestampUtc=self._clock.now().isoformat())
        return dict.fromkeys(batch, self.unreadable or reading)

    def static(self, serial: str) -> Static:
        self._answer(f"static {serial}")
        if serial in self.undescribed:
            raise self.undescribed[serial]
        return msgspec.structs.replace(static(), battery_count=self.battery_count)

    def configurations(self, serials: Iterable[str]) -> dict[str, Configuration | CloudError]:
        self._answer(f"configurations {' '.join(serials)}")
        return dict.fromkeys(serials, self.configuration)

    def history(self, serial: str, _: datetime, __: datetime) -> tuple[Dynamic, ...]:
        self._answer(f"history {serial}")
        return ()

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        if self.failing is not None:
            raise self.failing


class Unwatched:
    """Takes in nothing of the credentials."""

    def credentials_refused(self) -> None:
        pass

    def credentials_accepted(self) -> None:
        pass


class Unheeded:
    """Takes in nothing of what may be read."""

    def answered(self, outcomes: Mapping[str, Dynamic | CloudError]) -> None:
        pass


def throttle(clock: FakeClock, runner: Runner = at_once) -> Throttle:
    """Make one that runs its questions without threads."""
    return Throttle(clock, Unwatched(), runner)


class Unsaved(SavedState):
    """Has no file."""

    def __init__(self, saved: Saved | None = None) -> None:
        self.saved = saved or Saved()
        self._lock = threading.Lock()

    def _change(self, changes: Mapping[str, Any]) -> None:
        self.saved = msgspec.structs.replace(self.saved, **changes)


class Forgetful:
    """A ledger that keeps nothing."""

    def put(self, *_: object) -> None:
        pass

    def hours(self, *_: object) -> list[HourEnd]:
        return []


def ledger() -> Ledger:
    return cast("Ledger", Forgetful())
