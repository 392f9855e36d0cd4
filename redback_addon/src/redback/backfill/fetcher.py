"""Fetches hours again from the cloud, one at a time and at a pace that is kind to it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from ..clock import Clock
from ..cloud import (
    AccessError,
    CloudError,
    Dynamic,
    NotFoundError,
    RedbackClient,
    RequestError,
    TransientError,
)
from ..inverters.hourly import summarise
from ..inverters.inverter import Inverter
from ..ledger import HOUR, Ledger, Meters
from ..polling.throttle import Throttle
from ..sensors.counters import COUNTERS
from ..sensors.reading import STALE_AFTER
from .coverage import NO_READINGS, Coverage, Hour, Stage

_PACE_SECONDS = 1.0
_SLOWEST_PACE_SECONDS = 60.0
# After this long without a refusal it asks this much faster. The cloud's limits are not known, and
# each try to find them may cost a live reading.
_FASTER = 0.9
_CONTENT_SECONDS = 10 * 60.0
# An inverter that was offline may send its readings later: hours with a hole are fetched again
# after these times, and then no more.
_AGAIN_AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
# This long after an outage, the cloud has all that it will ever have of its hours.
_MAY_CHANGE = timedelta(days=3)
# An hour at which alone the cloud fails is retried after these times, and then no more. Its gap
# waits for the first two of them, so that a hiccup costs nothing, and is then written without it.
_TRIED_AGAIN_AFTER = (timedelta(minutes=10), timedelta(hours=1), timedelta(days=1))
_WAITED_FOR = 2
_HOLE = timedelta(minutes=5)
_REFUSALS = (AccessError, NotFoundError, RequestError)
# In an outage the cloud may return nothing for any period. Trust an empty hour only if a period
# known to hold data was returned within this time.
_PROVEN_SECONDS = 10.0


class SilentError(Exception):
    """The cloud has no readings even for a time known to have some; the text is a clause."""


class Fetcher:
    """Fetches hours of the inverters that one account reads.

    Args:
        client: asks the cloud.
        throttle: limits the requests.
        clock: the time.
        reads: whether the account reads an inverter.
        seen: called with an inverter's readings each time that an hour was fetched.
        coverage: knows the last reading that Core was shown, which the cloud must have.
        ledger: gets what the counters showed and counted.
    """

    def __init__(
        self,
        client: RedbackClient,
        throttle: Throttle,
        clock: Clock,
        coverage: Coverage,
        ledger: Ledger,
        *,
        reads: Callable[[str], bool],
        seen: Callable[[Inverter, Sequence[Dynamic]], None],
    ) -> None:
        self.reads = reads
        self._seen = seen
        self._coverage = coverage
        self._ledger = ledger
        self._client = client
        self._throttle = throttle
        self._clock = clock
        self._pace = _PACE_SECONDS
        self._throttled, self._content_since = throttle.throttled, clock.monotonic()
        # By inverter, the end of the last hour, its last reading, with which the next one begins,
        # and its meters, which go on.
        self._last: dict[str, tuple[datetime, Dynamic | None, Meters]] = {}
        # Until when (monotonic seconds) the cloud is trusted about the past, by inverter.
        self._proven: dict[str, float] = {}

    async def fetch(self, inverter: Inverter, hour: Hour, ended: datetime) -> Hour:
        """Fetch one hour.

        A refusal, an empty answer or a failure at just this hour is believed only if the cloud
        returns readings of another time.

        Args:
            inverter: the inverter.
            hour: which one.
            ended: the end of the outage that it is part of.

        Raises:
            CloudError, SilentError: retry later.
        """
        try:
            before = await self._before(inverter.serial, hour)
            readings = await self._readings(inverter.serial, hour.start, hour.start + HOUR)
        except _REFUSALS as error:
            await self._prove(inverter.serial, error)
            return self._fetched(hour, ended, is_whole=False, why=error.detail)
        except TransientError as error:
            if not error.arrived:
                raise
            await self._prove(inverter.serial, error)
            return self._failed(hour, error)
        edges = [hour.start, *(reading.timestamp for reading in readings), hour.start + HOUR]
        steps = (after - before for before, after in pairwise(edges))
        why = None if readings else NO_READINGS
        fetched = self._fetched(hour, ended, is_whole=max(steps) <= _HOLE, why=why)
        inside = self._keep_books(inverter, hour.start, before, readings)
        self._seen(inverter, inside)
        return replace(fetched, summary=summarise(inverter, inside, hour.start, before))

    def _keep_books(
        self,
        inverter: Inverter,
        start: datetime,
        before: Dynamic | None,
        readings: Sequence[Dynamic],
    ) -> tuple[Dynamic, ...]:
        """Enter an hour into the ledger; return its readings with believed counters."""
        serial, end = inverter.serial, start + HOUR
        until, _, meters = self._last.get(serial, (None, None, None))
        if until != start or meters is None:
            known = self._ledger.believed(serial, [row.key for row in COUNTERS], start)
            meters = Meters(f"{inverter.name} (history)", known)
            if before is not None:
                meters.believe(before, inverter.details)
        believed, ended = [], []
        for reading in readings:
            believed.append(meters.believe(reading, inverter.details))
            ended.append(meters.ended)
        meters.end_hour(end)
        self._ledger.put(serial, *ended, meters.ended)
        self._last[serial] = end, readings[-1] if readings else None, meters
        return tuple(believed)

    async def _before(self, serial: str, hour: Hour) -> Dynamic | None:
        """Return the last reading before an hour, if it was still shown when that began."""
        start, oldest = hour.start, hour.start - STALE_AFTER
        until, last, _ = self._last.get(serial, (None, None, None))
        if until != start:
            try:
                found = await self._ask(serial, oldest, start)
            except (*_REFUSALS, TransientError) as error:
                # Only the time before this hour may be unreadable.
                if isinstance(error, TransientError) and hour.tries == 0:
                    raise
                found = ()
            last = found[-1] if found else None
        return last if last is not None and oldest <= last.timestamp else None

    async def _readings(self, serial: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        """Ask for readings; that there are none is believed if there are some of another time."""
        readings = await self._ask(serial, since, until)
        if readings:
            self._proven.pop(serial, None)
        else:
            await self._prove(serial)
        return readings

    async def _prove(self, serial: str, error: CloudError | None = None) -> None:
        """Make sure that the cloud returns readings of a time that must have some.

        Args:
            serial: of the inverter.
            error: why another request failed; None = its answer was empty.

        Raises:
            CloudError, SilentError: it does not, so none of its answers is believed.
        """
        if self._clock.monotonic() < self._proven.get(serial, 0.0):
            return
        latest = self._coverage.latest(serial)
        second = timedelta(seconds=1)
        if latest is None or not await self._ask(serial, latest - HOUR + second, latest + second):
            raise error or SilentError("it returns no readings, even for a time that has some")
        self._proven[serial] = self._clock.monotonic() + _PROVEN_SECONDS

    async def _ask(self, serial: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        """Ask the cloud for readings, at the current pace."""
        await self._clock.sleep(self._pace)
        try:
            return await self._throttle.ask_later(
                lambda: self._client.history(serial, since, until)
            )
        finally:
            self._keep_pace()

    def _keep_pace(self) -> None:
        """Slow down once the cloud has asked anyone to wait; later speed up again."""
        now = self._clock.monotonic()
        if self._throttle.throttled > self._throttled:
            self._throttled, self._content_since = self._throttle.throttled, now
            self._pace = min(self._pace * 2, _SLOWEST_PACE_SECONDS)
        elif now - self._content_since >= _CONTENT_SECONDS:
            self._content_since = now
            self._pace = max(self._pace * _FASTER, _PACE_SECONDS)

    def _failed(self, hour: Hour, error: TransientError) -> Hour:
        """Return an hour at which the cloud failed; one that was filled before stays filled."""
        is_given_up = hour.stage is Stage.WANTED and hour.tries >= _WAITED_FOR
        return replace(
            hour,
            stage=Stage.FETCHED if is_given_up else hour.stage,
            tries=hour.tries + 1,
            due=_again(_TRIED_AGAIN_AFTER, hour.tries, self._clock.now()),
            why=error.detail if hour.stage is Stage.WANTED else hour.why,
        )

    def _fetched(self, hour: Hour, ended: datetime, *, is_whole: bool, why: str | None) -> Hour:
        now = self._clock.now()
        # An hour that is fetched again is alone: the rest of the outage is filled.
        may_change = not is_whole and (hour.due is not None or now - ended < _MAY_CHANGE)
        return replace(
            hour,
            stage=Stage.FETCHED,
            tries=hour.tries + 1,
            due=_again(_AGAIN_AFTER, hour.tries, now) if may_change else None,
            why=why,
        )


def _again(after: Sequence[timedelta], tries: int, now: datetime) -> datetime | None:
    return now + after[tries] if tries < len(after) else None
