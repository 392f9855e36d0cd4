"""The history: fills what was not published, newest first, for as long as anything is missing."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from enum import Enum, auto
from functools import partial

from ..clock import Clock, wait
from ..cloud import CloudError, CredentialsError
from ..core import CoreError, WebSocket
from ..inverters.inverter import Inverter
from ..inverters.registry import Registry
from ..problems import Kind, Problems
from ..publishing.entity_ids import series
from .coverage import Coverage, DamagedError, Hour, Stage, UnwritableError
from .ends import NotYetError
from .fetcher import Fetcher, SilentError
from .gaps import HOUR, Finder, Gap, shown_until
from .importer import Importer
from .progress import Counting, Progress

_LOG = logging.getLogger(__name__)

# How long after its end an hour is looked at: Core has written it by then, and the cloud has heard
# from the inverter.
_SETTLE = timedelta(minutes=10)
# The same for a Core that has been away: it makes up first for what it has missed.
_SETTLE_SECONDS = _SETTLE.total_seconds()
_IDLE_SECONDS = 60.0
# Until there is a first reading.
_FIRST_SECONDS = 5.0
# An hour is summed up of the entities that there are, and some take a while: a counter must be
# believed, and the size of a battery must be known. So long they are waited for.
_WELL_KNOWN_SECONDS = 10 * 60.0
_TROUBLE_SECONDS = 60.0
# After trouble with the cloud, or with the disk, it waits twice as long each time, until there is
# an hour again.
_LONGEST_TROUBLE_SECONDS = 10 * 60.0
_LOG_EVERY = timedelta(hours=1)
_WAITING = Kind.HISTORY_CORE, Kind.HISTORY_CLOUD, Kind.HISTORY_DISK


class _Outcome(Enum):
    """What came of a gap; trouble is such that the others would meet it too."""

    FILLED = auto()
    LEFT = auto()
    TROUBLE = auto()


class Backfill:
    """Fills gaps.

    Args:
        coverage: what is published and filled.
        fetcher: gets hours from the cloud.
        writer: brings them to Core.
        link: tells since when Core is there.
        clock: the time.
        faults: are told what is in its way.
        registry: knows which inverters are in use, and what each of them is.
        days: how far the past goes back before the first reading.
    """

    def __init__(
        self,
        coverage: Coverage,
        fetcher: Fetcher,
        writer: Importer,
        link: WebSocket,
        clock: Clock,
        problems: Problems,
        *,
        registry: Registry,
        days: int,
    ) -> None:
        self._coverage = coverage
        self._finder = Finder(coverage)
        self._fetcher = fetcher
        self._writer = writer
        self._link = link
        self._clock = clock
        self._problems = problems
        self._registry = registry
        self._days = timedelta(days=days)
        # Since when (monotonic seconds) each inverter is known.
        self._known_since: dict[str, float] = {}
        self._counting = Counting()
        self._told_at = clock.now()
        self._patience = _TROUBLE_SECONDS
        self._going = asyncio.Event()
        self._going.set()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._counting.tell(self._clock.now())

    @property
    def is_paused(self) -> bool:
        """Whether it waits until it is told to go on."""
        return not self._going.is_set()

    def since(self, serial: str) -> datetime | None:
        """Tell from when on an inverter is to have a history; None before its first reading."""
        known, begun = self._registry.known(serial), self._coverage.begun(serial)
        if known is None or begun is None:
            return None
        return max(begun - self._days, _earliest(known))

    def watched(self) -> Iterator[tuple[Inverter, datetime]]:
        """Give the inverters with a history, and from when on each is to have it, UTC."""
        for serial in sorted(self._registry.names):
            known, since = self._registry.known(serial), self.since(serial)
            if known is not None and since is not None:
                yield known, since

    def pause(self) -> None:
        """Wait, from the next hour on."""
        self._going.clear()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    async def run(self) -> None:
        """Fill whatever is missing, for ever."""
        while True:
            gaps = await self._gaps()
            if not gaps:
                for kind in _WAITING:
                    self._problems.drop(kind)
            if self._is_begun():
                self._counting.begin(sum(len(gap.hours) for gap in gaps))
            if self.is_paused:
                await wait(self._clock, self._idle_seconds(), self._going)
                continue
            found_at = self._clock.now()
            is_filled = False
            for gap in gaps:
                outcome = await self._fill(gap)
                is_filled |= outcome is _Outcome.FILLED
                if outcome is _Outcome.TROUBLE or self.is_paused:
                    break
                if is_filled and self._clock.now() - found_at > _SETTLE:
                    break  # there may be newer ones by now
            if not is_filled:
                await self._clock.sleep(self._idle_seconds())

    def _idle_seconds(self) -> float:
        return _IDLE_SECONDS if self._counting.is_known else _FIRST_SECONDS

    def _is_begun(self) -> bool:
        """Tell whether there has been a reading of anything, so that something can be missing."""
        return any(self._is_well_known(known) for known, _ in self.watched())

    async def _gaps(self) -> list[Gap]:
        """Find what is missing, newest first."""
        now = self._clock.now()
        gaps: list[Gap] = []
        for known, since in self.watched():
            if self._is_well_known(known):
                for found in self._finder.search(known.serial, since, now - _SETTLE):
                    gaps += [gap for gap in found if not gap.goes_on]
                    await asyncio.sleep(0)  # so that nothing else waits for all of it
        return sorted(gaps, key=lambda gap: gap.until, reverse=True)

    def _is_well_known(self, known: Inverter) -> bool:
        """Tell whether all is known that an hour is summed up of, or not after a long time."""
        now = self._clock.monotonic()
        since = self._known_since.setdefault(known.serial, now)
        sensors = [*known.entities.statistics()]
        details = known.details
        is_described = details.static is not None and details.configuration is not None
        if is_described and any(one.quantity.is_counter for one in sensors):
            return True
        return bool(sensors) and now - since >= _WELL_KNOWN_SECONDS

    async def _fill(self, gap: Gap) -> _Outcome:
        """Fill a gap as far as possible."""
        try:
            is_filled = await self._try_to_fill(gap)
        except (NotYetError, DamagedError):
            return _Outcome.LEFT
        except CoreError as error:
            self._problems.raise_(Kind.HISTORY_CORE, why=error)
            await self._clock.sleep(_TROUBLE_SECONDS)
            return _Outcome.LEFT
        except (CloudError, SilentError) as error:
            if not isinstance(error, CredentialsError):  # of which people are told elsewhere
                self._problems.raise_(Kind.HISTORY_CLOUD, why=error)
            return await self._wait()
        except UnwritableError as error:
            self._problems.raise_(Kind.HISTORY_DISK, why=error)
            return await self._wait()
        if not is_filled:
            return _Outcome.LEFT
        for kind in _WAITING:
            self._problems.clear(kind)
        self._tell()
        return _Outcome.FILLED

    async def _wait(self) -> _Outcome:
        """Wait for trouble to pass, each time twice as long."""
        await self._clock.sleep(self._patience)
        self._patience = min(2 * self._patience, _LONGEST_TROUBLE_SECONDS)
        return _Outcome.TROUBLE

    async def _try_to_fill(self, gap: Gap) -> bool:
        known = self._registry.known(gap.serial)
        if known is None:
            return False
        if gap.past and self._is_core_ready() and await self._stands(gap, known):
            return True
        is_fetched = await self._fetch(gap, known)
        if not is_fetched or not self._is_core_ready():
            return False
        await self._write(gap, known)
        return True

    def _is_core_ready(self) -> bool:
        """Tell whether Core has been there for so long that it has made up for its absence."""
        since = self._link.up_since
        return since is not None and self._clock.monotonic() - since >= _SETTLE_SECONDS

    async def _stands(self, gap: Gap, known: Inverter) -> bool:
        """Settle a gap of the past for which Core has all rows, from somebody else."""
        if gap.asked or any(hour.tries for hour in gap.hours):
            return False
        if not await self._writer.stands(gap, series(known).values()):
            return False
        self._settle(gap)
        return True

    async def _fetch(self, gap: Gap, known: Inverter) -> bool:
        """Fetch those hours of a gap that are due; tells whether it is to wait for none."""
        now = self._clock.now()
        stages: set[Stage] = set()
        for hour in gap.hours:
            if self.is_paused:
                return False
            is_due = hour.stage is Stage.WANTED if hour.due is None else hour.due <= now
            fetched = await self._fetch_hour(gap, known, hour) if is_due else hour
            stages.add(fetched.stage)
        return Stage.WANTED not in stages

    async def _fetch_hour(self, gap: Gap, known: Inverter, hour: Hour) -> Hour:
        """Fetch an hour; where there is nothing now, what was fetched of it before stays."""
        shown_until = self._shown_until(gap, hour)
        fetched = await self._fetcher.fetch(known, hour, shown_until, gap.until)
        if fetched.summary is None and hour.stage is Stage.FETCHED:
            summary = self._coverage.summary(gap.serial, hour.start)
            fetched = replace(fetched, summary=summary)
        self._coverage.put(gap.serial, [fetched])
        self._patience = _TROUBLE_SECONDS
        return fetched

    def _shown_until(self, gap: Gap, hour: Hour) -> datetime | None:
        """Tell up to when Core's own row of an hour is to be relied on."""
        if hour.asked:
            return None
        spans = self._coverage.spans(gap.serial, hour.start, hour.start + HOUR)
        return shown_until(spans, hour.start)

    async def _write(self, gap: Gap, known: Inverter) -> None:
        """Bring a gap whose hours are all fetched to Core."""
        summaries = {
            hour.start: self._coverage.summary(gap.serial, hour.start) for hour in gap.hours
        }

        objections = await self._writer.write(
            gap, series(known), summaries, partial(self._fetcher.shown, known)
        )
        for sentence in objections:
            self._object(sentence)
        self._settle(gap, objections)

    def _settle(self, gap: Gap, objections: Sequence[str] = ()) -> None:
        """Note that a gap is filled, as far as that is possible."""
        why = " ".join(objections) or None
        known = self._coverage.hours(gap.serial, gap.since, gap.until)
        hours = [known.get(hour.start, hour) for hour in gap.hours]
        self._coverage.put(
            gap.serial,
            [
                replace(hour, stage=Stage.SETTLED, asked=False, why=why or hour.why)
                for hour in hours
            ],
        )
        refused = [hour for hour in hours if hour.is_refused]
        if refused:
            self._object(
                f"{len(refused)} of the hours from {gap.since:%Y-%m-%d %H:%M} to"
                f" {gap.until:%Y-%m-%d %H:%M} UTC of {gap.serial} cannot be had: {refused[-1].why}"
            )
        failed = len(gap.hours if objections else refused)
        self._counting.filled(len(gap.hours), self._clock.now(), failed=failed)

    def _object(self, sentence: str) -> None:
        """Tell once what could not be filled."""
        if self._counting.object(sentence):
            _LOG.warning("History: %s", sentence)

    def _tell(self) -> None:
        """Log once an hour how far it is."""
        now = self._clock.now()
        progress = self.progress
        if now - self._told_at >= _LOG_EVERY or progress.left == 0:
            self._told_at = now
            _LOG.info("History: %d of %d hours filled", progress.done, progress.found)


def _earliest(known: Inverter) -> datetime:
    """Tell when the inverter was installed: there is nothing before."""
    static = known.details.static
    day = static.commissioning_date if static is not None else None
    if day is None:
        return datetime.min.replace(tzinfo=UTC)
    # A day of Australia or New Zealand begins on the day before, UTC.
    return datetime.combine(day, time(), UTC) - timedelta(days=1)
