"""Polls the readings: one round a minute, just after the cloud has new ones."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from ..clock import Clock, wait
from ..cloud import (
    CloudError,
    CredentialsError,
    Dynamic,
    RedbackClient,
)
from ..inverters.registry import Registry
from ..notifications import AccountNotifications, Notification
from ..problems import AccountProblems, Kind
from .cadence import PERIOD, Cadence
from .throttle import Throttle

# A round must end before the next one is due, whatever the cloud does.
_ROUND_SECONDS = 45.0
_SHORTEST_WAIT = 1.0
# If a token that was just issued is refused, the cloud is to blame, not the credentials.
_REFUSED_WAITS = (60.0, 120.0, 300.0)
# The limit in case the clock is set in between.
_LONGEST_WAIT = 1.25 * PERIOD
# After a round without readings: the cloud may recover right after it, and readings must be back
# within a minute.
_TROUBLE_PERIOD = 50.0
# Readings are shown for ten minutes, by this machine's clock, and may be stamped as much ahead.
_CLOCK_TOLERANCE = timedelta(minutes=5)


class Watcher(Protocol):
    """Learns which inverters the account can read."""

    def answered(self, outcomes: Mapping[str, Dynamic | CloudError]) -> None:
        """Note what came of each: where another account can read it, this one no longer does."""


@dataclass(eq=False)
class Poller:
    """Reads all inverters round by round, and passes each answer on as it comes."""

    _client: RedbackClient
    _throttle: Throttle
    _clock: Clock
    _problems: AccountProblems
    _registry: Registry
    _notifications: AccountNotifications
    _watcher: Watcher
    _refusals: int = 0
    _cadence: Cadence = field(default_factory=Cadence)
    _serials: tuple[str, ...] = ()
    # Those that another account has read since the round began, even if not any more.
    _lost: set[str] = field(default_factory=set)
    _something_to_do: asyncio.Event = field(default_factory=asyncio.Event)
    _urged: asyncio.Event = field(default_factory=asyncio.Event)
    # The next round, UTC; None while one is under way, or no inverter is known.
    next_at: datetime | None = None

    def watch(self, serials: Iterable[str]) -> None:
        """Read these inverters and no others, from the next round on."""
        before, self._serials = self._serials, tuple(sorted(serials))
        self._lost.update(set(before).difference(self._serials))
        if self._serials:
            self._something_to_do.set()
        else:
            self._something_to_do.clear()
            self._problems.drop(Kind.READINGS)
            self._problems.drop(Kind.CLOCK)

    async def run(self) -> None:
        """Poll round after round, until cancelled."""
        while True:
            await self._something_to_do.wait()
            await self._throttle.opened()
            self._urged.clear()
            asked, began = self._clock.now(), self._clock.monotonic()
            timestamps = await self.round()
            self._cadence.observe(asked, timestamps)
            left = (self._cadence.next_after(asked) - self._clock.now()).total_seconds()
            if not timestamps:
                left = min(left, began + _TROUBLE_PERIOD - self._clock.monotonic())
            left = min(max(left, _SHORTEST_WAIT), _LONGEST_WAIT)
            self.next_at = self._clock.now() + timedelta(seconds=left)
            await wait(self._clock, left, self._urged)
            self.next_at = None

    def retry(self) -> None:
        """Begin the next round at once."""
        self._urged.set()

    async def round(self) -> dict[str, datetime]:
        """Read every inverter once; return the timestamp of each reading that came."""
        self._lost.clear()
        batches = self._client.batches(self._serials)
        outcomes: dict[str, Dynamic | CloudError] = {}
        for answer in await asyncio.gather(*(self._read(batch) for batch in batches)):
            outcomes |= answer
        watched = frozenset(self._serials) - self._lost  # some may no longer be in use
        self._report({serial: one for serial, one in outcomes.items() if serial in watched})
        self._notifications.connection(self._problems.lasting(Kind.CLOCK, Kind.READINGS))
        return {
            serial: outcome.timestamp
            for serial, outcome in outcomes.items()
            if isinstance(outcome, Dynamic)
        }

    async def _read(self, batch: tuple[str, ...]) -> dict[str, Dynamic | CloudError]:
        """Read one batch, and pass it on without waiting for others."""
        try:
            outcomes = await self._throttle.ask(lambda: self._client.dynamic(batch, _ROUND_SECONDS))
        except CloudError as error:
            return dict.fromkeys(batch, error)
        self._check_clock()
        self._registry.dynamic(
            {
                serial: one
                for serial, one in outcomes.items()
                if isinstance(one, Dynamic) and serial not in self._lost
            }
        )
        for outcome in outcomes.values():
            if isinstance(outcome, CloudError):
                self._throttle.note(outcome)
        return outcomes

    def _check_clock(self) -> None:
        """Compare this machine's clock with the cloud's, by the answer that has just come."""
        ahead = self._client.clock_ahead
        if ahead is None or abs(ahead) < _CLOCK_TOLERANCE:
            self._problems.clear(Kind.CLOCK)
            return
        minutes = round(abs(ahead).total_seconds() / 60)
        hours = f"{minutes // 60:,} h " if minutes >= 60 else ""  # noqa: PLR2004 - an hour
        slow_or_fast = "slow" if ahead < timedelta() else "fast"
        self._problems.raise_(Kind.CLOCK, why=f"it is {hours}{minutes % 60} min {slow_or_fast}")

    def _report(self, outcomes: Mapping[str, Dynamic | CloudError]) -> None:
        """Raise what went wrong in a round, and clear what works again."""
        errors = {serial: one for serial, one in outcomes.items() if isinstance(one, CloudError)}
        if outcomes.keys() - errors.keys():
            self._refusals = 0
            self._notifications.withdraw(Notification.TOKEN)
        elif any(map(_is_token_refused, errors.values())):
            self._note_refused()
        self._watcher.answered(outcomes)
        outcomes = {serial: one for serial, one in outcomes.items() if serial in self._serials}
        errors = {serial: one for serial, one in errors.items() if serial in outcomes}
        if errors and len(errors) == len(outcomes):
            error = next(iter(errors.values()))
            if not isinstance(error, CredentialsError):  # for which there is a notification
                self._problems.raise_(Kind.READINGS, why=error)
            return
        self._problems.clear(Kind.READINGS)
        for serial in outcomes:
            if serial in errors:
                self._problems.raise_(Kind.INVERTER, serial, errors[serial])
            else:
                self._problems.clear(Kind.INVERTER, serial)

    def _note_refused(self) -> None:
        """Wait longer and longer while the token is refused; the first time is not shown."""
        self._refusals += 1
        if self._refusals > 1:
            self._notifications.show(Notification.TOKEN)
        self._throttle.close(_REFUSED_WAITS[min(self._refusals, len(_REFUSED_WAITS)) - 1])


def _is_token_refused(error: CloudError) -> bool:
    return isinstance(error, CredentialsError) and error.token_refused
