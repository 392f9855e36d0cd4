"""Polls the details that rarely change: the inverters' hardware and configuration."""

import asyncio
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NoReturn

from ..clock import Clock
from ..cloud import CloudError, Configuration, RedbackClient, Static, TransientError
from ..inverters.registry import Registry
from ..problems import AccountProblems, Kind
from .throttle import Throttle

_LOG = logging.getLogger(__name__)
_DETAILS_SECONDS = 30 * 60.0
_DETAILS_RETRY_SECONDS = 5 * 60.0
# With many inverters each is polled less often, so that there is one such request in two minutes.
_DETAILS_SECONDS_EACH = 120.0
# The details of an inverter that is not in use are only shown in the panel.
_OTHERS_SECONDS = 24 * 60 * 60.0
_OTHERS_RETRY_SECONDS = 60 * 60.0
_LONGEST_STEP_SECONDS = 60.0
_PACE_SECONDS = 1.0


@dataclass(eq=False)
class DetailsPoller:
    """Keeps the details of an account's inverters, in use and others, up to date."""

    _client: RedbackClient
    _throttle: Throttle
    _clock: Clock
    _problems: AccountProblems
    _registry: Registry
    # When the static data of each inverter, and the configuration of all, are due, in monotonic
    # seconds.
    _static_due: dict[str, float] = field(default_factory=dict)
    _configuration_due: float = 0.0
    # Of which the configuration was last asked.
    _configured: set[str] = field(default_factory=set)
    _others_due: dict[str, float] = field(default_factory=dict)
    others: dict[str, Static] = field(default_factory=dict)
    _described_once: set[str] = field(default_factory=set)
    _something_new: asyncio.Event = field(default_factory=asyncio.Event)

    def watch(self, serials: Iterable[str], others: Iterable[str] = ()) -> None:
        """Poll these inverters, and the others of the account when there is time."""
        now = self._clock.monotonic()
        known = self._static_due
        self._static_due = {serial: known.get(serial, now) for serial in serials}
        self._others_due = {
            serial: self._others_due.get(serial, now)
            for serial in others
            if serial not in self._static_due
        }
        self.others = {
            serial: static for serial, static in self.others.items() if serial in self._others_due
        }
        if self._static_due.keys() != known.keys():
            self._configuration_due = now
        if self._static_due or self._others_due:
            self._something_new.set()

    async def run(self) -> NoReturn:
        """Poll whatever is due, until cancelled."""
        while True:
            await self._something_new.wait()
            now = self._clock.monotonic()
            others = self._static_due.keys() - self._configured
            if any(map(self._may_have_battery, others)):  # the first reading may show one
                self._configuration_due = min(self._configuration_due, now)
            serial = min(self._static_due, key=self._static_due.__getitem__, default=None)
            static_due = math.inf if serial is None else self._static_due[serial]
            wait = min(static_due, self._configuration_due) - now
            other = next((one for one, due in self._others_due.items() if due <= now), None)
            if wait > 0 and other is not None:
                await self._describe_other(other)
            elif wait > 0:
                # In short steps, so that a new inverter does not wait for half an hour.
                await self._clock.sleep(min(wait, _LONGEST_STEP_SECONDS))
            elif serial is not None and static_due <= self._configuration_due:
                self._postpone(serial, good=await self._describe(serial))
            else:
                self._configuration_due = now + self._pause(good=await self._configure())
            await self._clock.sleep(_PACE_SECONDS)

    def _pause(self, *, good: bool) -> float:
        every = max(_DETAILS_SECONDS, _DETAILS_SECONDS_EACH * len(self._static_due))
        return every if good else _DETAILS_RETRY_SECONDS

    def _postpone(self, serial: str, *, good: bool) -> None:
        """Schedule when to describe an inverter again."""
        if serial not in self._static_due:  # no longer in use
            return
        pause = self._pause(good=good)
        if good and serial not in self._described_once:
            # At the start all are due at once: spread them from then on.
            self._described_once.add(serial)
            place = list(self._static_due).index(serial) + 1
            pause *= place / len(self._static_due)
        self._static_due[serial] = self._clock.monotonic() + pause

    async def _describe(self, serial: str) -> bool:
        try:
            static = await self._throttle.ask(lambda: self._client.static(serial))
        except CloudError as error:
            if serial in self._static_due:  # another account may read it by now
                self._problems.raise_(Kind.DETAILS, serial, error)
            return False
        self._problems.clear(Kind.DETAILS, serial)
        self._registry.describe(serial, replace(self._registry.details(serial), static=static))
        return True

    def _may_have_battery(self, serial: str) -> bool:
        """Whether a battery is counted, or shown by its values, or the count is not known yet."""
        static, reading = self._registry.details(serial).static, self._registry.reading(serial)
        is_counted = static is None or static.battery_count != 0
        return is_counted or (reading is not None and reading.has_battery)

    async def _describe_other(self, serial: str) -> None:
        """Describe an inverter that is not in use; a failure is no problem."""
        pause = _OTHERS_SECONDS
        try:
            static = await self._throttle.ask_later(lambda: self._client.static(serial))
        except CloudError as error:
            _LOG.debug("The details of %s cannot be read: %s.", serial, error)
            static, pause = None, _OTHERS_RETRY_SECONDS
        if serial in self._others_due:  # it may be in use by now
            self._others_due[serial] = self._clock.monotonic() + pause
            if static is not None:
                self.others[serial] = static

    async def _configure(self) -> bool:
        serials = tuple(sorted(filter(self._may_have_battery, self._static_due)))
        self._configured = set(serials)
        if not serials:
            self._problems.drop(Kind.CONFIGURATION)
            return True
        try:
            answer = await self._throttle.ask(lambda: self._client.configurations(serials))
        except CloudError as error:
            if self._static_due:
                self._problems.raise_(Kind.CONFIGURATION, why=error)
            return False
        transient = None
        for serial, outcome in answer.items():
            match outcome:
                case Configuration():
                    details = replace(self._registry.details(serial), configuration=outcome)
                    self._registry.describe(serial, details)
                case TransientError():
                    transient = outcome
                # Other errors are no problem: without a battery there may be no configuration.
        if transient is not None:
            self._problems.raise_(Kind.CONFIGURATION, why=transient)
            return False
        self._problems.clear(Kind.CONFIGURATION)
        return True
