"""The history: fills what was not published, newest first, for as long as anything is missing."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from ..clock import Clock
from ..cloud import CloudError, CredentialsError
from ..core import CoreError, CoreLink
from ..faults import Faults
from ..known import Known
from .coverage import Coverage, DamagedError, Hour, Stage
from .ends import NotYetError
from .fetcher import Fetcher
from .gaps import HOUR, Gap, find, shown_until
from .progress import Counting, Progress
from .writer import Writer

_LOG = logging.getLogger(__name__)

# How long after its end an hour is looked at: Core has written it by then, and the cloud has heard
# from the inverter.
_SETTLE = timedelta(minutes=10)
# The same for a Core that has been away: it makes up first for what it has missed.
_SETTLE_SECONDS = _SETTLE.total_seconds()
_IDLE_SECONDS = 60.0
_TROUBLE_SECONDS = 60.0
_LOG_EVERY = timedelta(hours=1)


class History:
    """Fills gaps.

    Args:
        coverage: what is published and filled.
        fetcher: gets hours from the cloud.
        writer: brings them to Core.
        link: tells since when Core is there.
        clock: the time.
        faults: are told what is in its way.
        known: gives what is known of an inverter; None before its first reading.
        days: how far the past goes back before the first reading.
    """

    def __init__(
        self,
        coverage: Coverage,
        fetcher: Fetcher,
        writer: Writer,
        link: CoreLink,
        clock: Clock,
        faults: Faults,
        *,
        known: Callable[[str], Known | None],
        days: int,
    ) -> None:
        self._coverage = coverage
        self._fetcher = fetcher
        self._writer = writer
        self._link = link
        self._clock = clock
        self._faults = faults
        self._known = known
        self._days = timedelta(days=days)
        self._serials: tuple[str, ...] = ()
        self._counting = Counting()
        self._told_at = clock.now()
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

    def pause(self) -> None:
        """Wait, from the next hour on."""
        self._going.clear()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    def watch(self, serials: Iterable[str]) -> None:
        """Fill the history of these inverters and no others."""
        self._serials = tuple(sorted(serials))

    async def run(self) -> None:
        """Fill whatever is missing, for ever."""
        while True:
            await self._going.wait()
            gaps = self._gaps()
            self._counting.begin(sum(len(gap.hours) for gap in gaps))
            found_at = self._clock.now()
            is_filled = False
            for gap in gaps:
                is_filled |= await self._fill(gap)
                if self.is_paused or (is_filled and self._clock.now() - found_at > _SETTLE):
                    break  # there may be newer ones by now
            if not is_filled:
                await self._clock.sleep(_IDLE_SECONDS)

    def _gaps(self) -> list[Gap]:
        """Find what is missing, newest first."""
        now = self._clock.now()
        gaps: list[Gap] = []
        for serial in self._serials:
            known, begun = self._known(serial), self._coverage.begun(serial)
            if known is not None and begun is not None:
                since = max(begun - self._days, _earliest(known))
                found = find(self._coverage, serial, since, now - _SETTLE)
                gaps += [gap for gap in found if not gap.goes_on]
        return sorted(gaps, key=lambda gap: gap.until, reverse=True)

    async def _fill(self, gap: Gap) -> bool:
        """Fill a gap as far as possible; tells whether it is filled."""
        try:
            is_filled = await self._try_to_fill(gap)
        except (NotYetError, DamagedError):
            return False
        except CoreError as error:
            self._faults.met("history core", f"The history waits for Home Assistant: {error}.")
        except CloudError as error:
            if not isinstance(error, CredentialsError):  # of which people are told elsewhere
                self._faults.met("history cloud", f"The history waits for the cloud: {error}.")
        else:
            if is_filled:
                self._faults.over("history core", "The history goes on")
                self._faults.over("history cloud", "The history goes on")
                self._tell()
            return is_filled
        await self._clock.sleep(_TROUBLE_SECONDS)
        return False

    async def _try_to_fill(self, gap: Gap) -> bool:
        known = self._known(gap.serial)
        if known is None:
            return False
        if gap.past and self._is_core_ready() and await self._stands(gap, known):
            return True
        await self._fetch(gap, known)
        if self.is_paused or not self._is_core_ready():
            return False
        await self._write(gap, known)
        return True

    def _is_core_ready(self) -> bool:
        """Tell whether Core has been there for so long that it has made up for its absence."""
        since = self._link.up_since
        return since is not None and self._clock.monotonic() - since >= _SETTLE_SECONDS

    async def _stands(self, gap: Gap, known: Known) -> bool:
        """Settle a gap of the past for which Core has all rows, from whom ever."""
        if gap.asked or not await self._writer.stands(gap, known.entities.series):
            return False
        self._settle(gap)
        return True

    async def _fetch(self, gap: Gap, known: Known) -> None:
        """Fetch those hours of a gap that are not fetched yet."""
        now = self._clock.now()
        for hour in gap.hours:
            if self.is_paused:
                return
            if hour.stage is Stage.WANTED or (hour.due is not None and hour.due <= now):
                fetched = await self._fetcher.fetch(known, hour, self._shown_until(gap, hour))
                self._coverage.put(gap.serial, [fetched])

    def _shown_until(self, gap: Gap, hour: Hour) -> datetime | None:
        """Tell up to when Core's own row of an hour is to be relied on."""
        if hour.asked:
            return None
        spans = self._coverage.spans(gap.serial, hour.start, hour.start + HOUR)
        return shown_until(spans, hour.start)

    async def _write(self, gap: Gap, known: Known) -> None:
        """Bring a gap whose hours are all fetched to Core."""
        summaries = {
            hour.start: self._coverage.summary(gap.serial, hour.start) for hour in gap.hours
        }
        counters: dict[datetime, Mapping[str, float]] = {}

        async def shown(moment: datetime) -> Mapping[str, float]:
            if moment not in counters:
                counters[moment] = await self._fetcher.shown(known, moment)
            return counters[moment]

        objections = await self._writer.write(gap, known.entities.series, summaries, shown)
        for sentence in objections:
            if self._counting.object(sentence):
                _LOG.warning("History: %s", sentence)
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
        failed = len(gap.hours) if objections else 0
        self._counting.filled(len(gap.hours), self._clock.now(), failed=failed)

    def _tell(self) -> None:
        """Log once an hour how far it is."""
        now = self._clock.now()
        progress = self.progress
        if now - self._told_at >= _LOG_EVERY or progress.left == 0:
            self._told_at = now
            _LOG.info("History: %d of %d hours filled", progress.done, progress.found)


def _earliest(known: Known) -> datetime:
    """Tell when the inverter was installed: there is nothing before."""
    day = known.static.commissioning_date if known.static is not None else None
    if day is None:
        return datetime.min.replace(tzinfo=UTC)
    # A day of Australia or New Zealand begins on the day before, UTC.
    return datetime.combine(day, time(), UTC) - timedelta(days=1)
