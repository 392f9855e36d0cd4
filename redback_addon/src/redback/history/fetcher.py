"""Fetches hours again from the cloud, one at a time and at a pace that is kind to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from ..clock import Clock
from ..cloud import (
    AccessError,
    Account,
    Dynamic,
    NotFoundError,
    RequestError,
    ThrottledError,
)
from ..desk import Desk
from ..known import Known
from ..reading import STALE_AFTER
from .coverage import NO_READINGS, Hour, Stage
from .gaps import HOUR
from .summary import believed, last_counted, summarise

_PACE_SECONDS = 1.0
_SLOWEST_PACE_SECONDS = 60.0
# An inverter that was offline may tell the cloud later what it did: hours with a hole in them are
# looked at again after so long, and then no more.
_AGAIN_AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
# In hours that are older the cloud has what it will ever have.
_MAY_CHANGE = timedelta(days=3)
_HOLE = timedelta(minutes=5)
# Around a moment there is more than one reading, so that a glitch is found out.
_AROUND = timedelta(minutes=5)
# What was shown when an hour began is at most so old.
_BEFORE = STALE_AFTER


class Fetcher:
    """Fetches hours.

    Args:
        account: where from.
        desk: the way there.
        clock: tells the time, and waits.
        seen: takes what an inverter did, each time that an hour was fetched.
    """

    def __init__(
        self,
        account: Account,
        desk: Desk,
        clock: Clock,
        seen: Callable[[Known, Sequence[Dynamic]], None],
    ) -> None:
        self._seen = seen
        self._account = account
        self._desk = desk
        self._clock = clock
        self._pace = _PACE_SECONDS
        # The last reading of what was last fetched, by inverter: the next hour begins with it.
        self._last: dict[str, Dynamic] = {}

    async def fetch(self, known: Known, hour: Hour, shown_until: datetime | None) -> Hour:
        """Fetch one hour; that the cloud refuses it is taken for having nothing there.

        Args:
            known: the inverter.
            hour: which one.
            shown_until: the time of its last reading that Core was shown; None = there was none.

        Raises:
            CloudError: it is to be tried again later.
        """
        try:
            before = await self._before(known.serial, hour.start)
            readings = await self._ask(known.serial, hour.start, hour.start + HOUR)
        except (AccessError, NotFoundError, RequestError) as error:
            return self._fetched(hour, is_whole=False, why=str(error))
        edges = [hour.start, *(reading.timestamp for reading in readings), hour.start + HOUR]
        steps = (after - before for before, after in pairwise(edges))
        why = None if readings else NO_READINGS
        fetched = self._fetched(hour, is_whole=max(steps) <= _HOLE, why=why)
        held = believed(known, readings if before is None else (before, *readings))
        inside = held[len(held) - len(readings) :]
        self._seen(known, inside)
        summary = summarise(
            known, inside, hour.start, None if before is None else held[0], shown_until
        )
        return replace(fetched, summary=summary)

    async def shown(self, known: Known, moment: datetime) -> Mapping[str, float]:
        """Give what each counter really showed at a moment or soon after, by entity id; kWh.

        Raises:
            CloudError: it is to be tried again later.
        """
        try:
            readings = await self._ask(known.serial, moment - _AROUND, moment + _AROUND)
        except (AccessError, NotFoundError, RequestError):
            return {}
        return last_counted(known, believed(known, readings))

    async def _before(self, serial: str, start: datetime) -> Dynamic | None:
        """Give the last reading before a moment, if it was still shown then."""
        last = self._last.get(serial)
        if last is None or not start - _BEFORE <= last.timestamp < start:
            found = await self._ask(serial, start - _BEFORE, start)
            last = found[-1] if found else None
        return last

    async def _ask(self, serial: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        """Ask the cloud for readings, when it is time to."""
        await self._clock.sleep(self._pace)
        try:
            readings = await self._desk.ask(lambda: self._account.history(serial, since, until))
        except ThrottledError:
            self._pace = min(self._pace * 2, _SLOWEST_PACE_SECONDS)
            raise
        self._pace = max(self._pace * 0.9, _PACE_SECONDS)
        if readings:
            self._last[serial] = readings[-1]
        return readings

    def _fetched(self, hour: Hour, *, is_whole: bool, why: str | None) -> Hour:
        now = self._clock.now()
        may_change = not is_whole and now - hour.start < _MAY_CHANGE
        return replace(
            hour,
            stage=Stage.FETCHED,
            tries=hour.tries + 1,
            due=_again(hour.tries, now) if may_change else None,
            why=why,
        )


def _again(tries: int, now: datetime) -> datetime | None:
    return now + _AGAIN_AFTER[tries] if tries < len(_AGAIN_AFTER) else None
