"""Fills the hours that were not published, newest first, while any are missing."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from enum import Enum, auto

from ..clock import Clock, wait
from ..cloud import CloudError, CredentialsError
from ..core import CoreError, WebSocket
from ..inverters.inverter import Inverter
from ..inverters.registry import Registry
from ..problems import AccountProblems, Kind
from .coverage import Coverage, DamagedError, Hour, Stage, UnwritableError
from .fetcher import Fetcher, SilentError
from .gaps import SETTLE, Finder, Gap
from .importer import Importer
from .progress import Counting, Hold, Progress, together
from .writer import NotYetError

_LOG = logging.getLogger(__name__)

# Core needs as long after it was away: it catches up first.
_SETTLE_SECONDS = SETTLE.total_seconds()
_IDLE_SECONDS = 60.0
# Until there is a first reading.
_FIRST_SECONDS = 5.0
# An hour is summed up for the sensors that exist, and some take a while: a counter must be
# believed, the size of a battery known. Wait for them this long at most.
_WELL_KNOWN_SECONDS = 10 * 60.0
_TROUBLE_SECONDS = 60.0
# After trouble with the cloud or the disk, the wait doubles each time until an hour succeeds.
_LONGEST_TROUBLE_SECONDS = 10 * 60.0
_LOG_EVERY = timedelta(hours=1)
_WAITING = Kind.HISTORY_CORE, Kind.HISTORY_CLOUD, Kind.HISTORY_DISK


class _Outcome(Enum):
    """The outcome for a gap; TROUBLE would affect the other gaps too."""

    FILLED = auto()
    LEFT = auto()
    TROUBLE = auto()


class Backfill:
    """Fills the gaps of the inverters that one account reads.

    Args:
        coverage: what is published and filled.
        fetcher: gets hours from the cloud.
        importer: brings them to Core.
        websocket: knows since when Core is connected.
        clock: the time.
        problems: get what the backfill waits for.
        registry: knows which inverters are in use, and what each of them is.
        days: how many days before the first reading to fill.
    """

    def __init__(
        self,
        coverage: Coverage,
        fetcher: Fetcher,
        importer: Importer,
        websocket: WebSocket,
        clock: Clock,
        problems: AccountProblems,
        *,
        registry: Registry,
        days: int,
    ) -> None:
        self._coverage = coverage
        self._finder = Finder(coverage)
        self._fetcher = fetcher
        self._importer = importer
        self._websocket = websocket
        self._clock = clock
        self._problems = problems
        self._registry = registry
        self._days = timedelta(days=days)
        # Since when (monotonic seconds) each inverter is known.
        self._known_since: dict[str, float] = {}
        self._counting = Counting()
        self._logged_at = clock.now()
        self._trouble_wait = _TROUBLE_SECONDS
        self._going = asyncio.Event()
        self._going.set()
        self._urged = asyncio.Event()
        # Whether this pass was asked for, and of which connection with Core nobody waits any more.
        self._is_urgent = False
        self._caught_up: float | None = None

    @property
    def progress(self) -> Progress:
        """The progress so far."""
        found = self._counting.progress(self._clock.now())
        core = self._core_hold() if found.left else None
        return found if core is None else replace(found, hold=core, ends_at=None)

    @property
    def is_paused(self) -> bool:
        """Whether it waits for `resume`."""
        return not self._going.is_set()

    def since(self, serial: str) -> datetime | None:
        """Return where an inverter's history begins; None if nothing of it was ever shown."""
        inverter, begun = self._registry.known(serial), self._coverage.begun(serial)
        if inverter is None or begun is None:
            return None
        return max(begun - self._days, _earliest(inverter))

    def watched(self) -> Iterator[tuple[Inverter, datetime]]:
        """Yield the inverters with a history, and where each begins, UTC."""
        for serial in sorted(filter(self._fetcher.reads, self._registry.names)):
            inverter, since = self._registry.inverter(serial), self.since(serial)
            if inverter is not None and since is not None:
                yield inverter, since

    def pause(self) -> None:
        """Pause before the next hour."""
        self._going.clear()

    def resume(self) -> None:
        """Resume filling."""
        self._going.set()

    def retry(self) -> None:
        """Try again at once, rather than at the end of a wait: also what is due later."""
        self._trouble_wait = _TROUBLE_SECONDS
        self._caught_up = self._websocket.up_since
        self._urged.set()

    async def run(self) -> None:
        """Fill whatever is missing, until cancelled."""
        while True:
            self._is_urgent = self._urged.is_set()
            self._urged.clear()
            gaps = await self._gaps()
            if not gaps:
                for kind in _WAITING:
                    self._problems.drop(kind)
            self._count(gaps)
            if self.is_paused:
                await wait(self._clock, self._idle_seconds(), self._going)
                continue
            found_at = self._clock.monotonic()
            is_filled = False
            for gap in gaps:
                outcome = await self._fill(gap)
                is_filled |= outcome is _Outcome.FILLED
                if outcome is _Outcome.TROUBLE or self.is_paused:
                    break
                if is_filled and self._clock.monotonic() - found_at > _SETTLE_SECONDS:
                    break  # there may be newer ones by now
            # Whoever waited for trouble to pass has waited long enough.
            left = found_at + self._idle_seconds() - self._clock.monotonic()
            if not (is_filled or left <= 0 or self._urged.is_set()):
                await wait(self._clock, left, self._urged)

    def _count(self, gaps: Sequence[Gap]) -> None:
        """Count what is missing."""
        if any(self._is_well_known(inverter) for inverter, _ in self.watched()):
            hours = [hour for gap in gaps for hour in gap.hours]
            fetched = sum(hour.stage is Stage.FETCHED for hour in hours)
            self._counting.begin(len(hours), fetched)
        elif self._counting.left and not any(self.watched()):  # other accounts read them now
            self._counting.begin(0, 0)
            self._counting.hold = None

    def _idle_seconds(self) -> float:
        return _IDLE_SECONDS if self._counting.is_known else _FIRST_SECONDS

    async def _gaps(self) -> list[Gap]:
        """Find what is missing, newest first."""
        now = self._clock.now()
        gaps: list[Gap] = []
        for inverter, since in self.watched():
            if self._is_well_known(inverter):
                for found in self._finder.search(inverter.serial, since, now - SETTLE):
                    gaps += [gap for gap in found if not gap.goes_on]
                    await asyncio.sleep(0)  # let other tasks run in between
        return sorted(gaps, key=lambda gap: gap.until, reverse=True)

    def _is_well_known(self, inverter: Inverter) -> bool:
        """Whether everything that an hour needs is known, or was waited for long enough."""
        now = self._clock.monotonic()
        since = self._known_since.setdefault(inverter.serial, now)
        sensors = [*inverter.entities.statistics()]
        details = inverter.details
        is_described = details.static is not None and details.configuration is not None
        if is_described and any(one.quantity.is_counter for one in sensors):
            return True
        return bool(sensors) and now - since >= _WELL_KNOWN_SECONDS

    async def _fill(self, gap: Gap) -> _Outcome:
        """Fill a gap as far as possible."""
        try:
            if await self._try_to_fill(gap):
                self._counting.hold = None
                for kind in _WAITING:
                    self._problems.clear(kind)
                self._log_progress()
                return _Outcome.FILLED
        except NotYetError:
            why = "Home Assistant has not written its own statistics yet"
            self._counting.hold = Hold(why, may_retry=True)
        except DamagedError:
            pass  # the hour is fetched again
        except CoreError as error:
            self._problems.raise_(Kind.HISTORY_CORE, why=error)
            await self._wait(error.detail, _TROUBLE_SECONDS)
        except (CloudError, SilentError) as error:
            if not isinstance(error, CredentialsError):  # which has a notification
                self._problems.raise_(Kind.HISTORY_CLOUD, why=error)
            return await self._wait_longer(getattr(error, "detail", str(error)))
        except UnwritableError as error:
            self._problems.raise_(Kind.HISTORY_DISK, why=error)
            return await self._wait_longer(str(error))
        return _Outcome.LEFT

    async def _wait_longer(self, why: str) -> _Outcome:
        """Wait for trouble to pass, each time twice as long."""
        seconds = self._trouble_wait
        self._trouble_wait = min(2 * seconds, _LONGEST_TROUBLE_SECONDS)
        await self._wait(why, seconds)
        return _Outcome.TROUBLE

    async def _wait(self, why: str, seconds: float) -> None:
        """Wait for trouble to pass or for somebody to try again, and show why and until when."""
        until = self._clock.now() + timedelta(seconds=seconds)
        self._counting.hold = Hold(why, until, may_retry=True)
        await wait(self._clock, seconds, self._urged)

    async def _try_to_fill(self, gap: Gap) -> bool:
        inverter = self._registry.inverter(gap.serial)
        if inverter is None or not self._fetcher.reads(gap.serial):
            return False
        if gap.past and self._core_hold() is None and await self._stands(gap, inverter):
            return True
        if not await self._fetch(gap, inverter) or self._core_hold() is not None:
            return False
        summaries = {
            hour.start: self._coverage.summary(gap.serial, hour.start) for hour in gap.hours
        }
        self._settle(gap, await self._importer.write(gap, inverter, summaries))
        return True

    def _core_hold(self) -> Hold | None:
        """Return why Core cannot be written to; None once it has been there long enough."""
        since = self._websocket.up_since
        if since is None:
            return Hold("Home Assistant does not answer")
        left = _SETTLE_SECONDS - (self._clock.monotonic() - since)
        if left <= 0 or since == self._caught_up:
            return None
        until = self._clock.now() + timedelta(seconds=left)
        why = "Home Assistant has just connected and is catching up"
        # Whole seconds: the rest differs each time.
        return Hold(why, until.replace(microsecond=0), may_retry=True)

    async def _stands(self, gap: Gap, inverter: Inverter) -> bool:
        """Settle a gap of the past if another source has written all its rows."""
        if gap.asked or any(hour.tries for hour in gap.hours):
            return False
        stands = await self._importer.stands(gap, inverter)
        if stands:
            self._settle(gap)
        return stands

    async def _fetch(self, gap: Gap, inverter: Inverter) -> bool:
        """Fetch the due hours of a gap; return whether none is waited for."""
        now = self._clock.now()
        wanted: list[Hour] = []
        for hour in gap.hours:
            if self.is_paused:
                return False
            is_due = hour.stage is Stage.WANTED if hour.due is None else hour.due <= now
            is_early = self._is_urgent and hour.stage is Stage.WANTED and not is_due
            fetched = hour
            if is_due or is_early:
                fetched = await self._fetch_hour(gap, inverter, hour, is_early=is_early)
            if fetched.stage is Stage.WANTED:
                wanted.append(fetched)
        if wanted:
            first = min(wanted, key=lambda hour: hour.due or now)
            self._counting.hold = Hold(first.why or "the cloud failed", first.due, may_retry=True)
        return not wanted

    async def _fetch_hour(
        self, gap: Gap, inverter: Inverter, hour: Hour, *, is_early: bool
    ) -> Hour:
        """Fetch an hour; if there is nothing now, what was fetched before stays.

        A try before the hour is due does not count if it fails.
        """
        asked = replace(hour, tries=1) if is_early else hour
        fetched = await self._fetcher.fetch(inverter, asked, gap.until)
        if is_early and fetched.stage is Stage.WANTED:
            return hour
        if fetched.summary is None and hour.stage is Stage.FETCHED:
            summary = self._coverage.summary(gap.serial, hour.start)
            fetched = replace(fetched, summary=summary)
        self._coverage.put(gap.serial, [fetched])
        if fetched.stage is Stage.FETCHED:
            self._counting.fetched += hour.stage is Stage.WANTED
            self._counting.hold = None
        self._trouble_wait = _TROUBLE_SECONDS
        return fetched

    def _settle(self, gap: Gap, rejections: Sequence[str] = ()) -> None:
        """Mark a gap as filled as far as possible, and log once what could not be filled."""
        known = self._coverage.hours(gap.serial, gap.since, gap.until)
        hours = [known.get(hour.start, hour) for hour in gap.hours]
        why = _in_short(rejections)
        settled = [
            replace(hour, stage=Stage.SETTLED, asked=False, why=why or hour.why) for hour in hours
        ]
        self._coverage.put(gap.serial, settled)
        sentences = [*rejections]
        refused = [hour for hour in hours if hour.is_refused]
        if refused:
            sentences.append(
                f"{len(refused)} of the hours from {gap.since:%Y-%m-%d %H:%M} to"
                f" {gap.until:%Y-%m-%d %H:%M} UTC of {gap.serial} failed: {refused[-1].why}"
            )
        for sentence in sentences:
            if self._counting.reject(sentence):
                _LOG.warning("History: %s", sentence)
        self._counting.filled(len(gap.hours), self._clock.now())

    def _log_progress(self) -> None:
        """Log the progress once an hour."""
        now, progress = self._clock.now(), self.progress
        if now - self._logged_at >= _LOG_EVERY or progress.left == 0:
            self._logged_at = now
            _LOG.info("History: %d of %d hours filled", progress.done, progress.found)


class Backfills:
    """The backfills of all accounts as one: none of them waits for another one's cloud."""

    def __init__(self, each: Sequence[Backfill]) -> None:
        self._each = each

    @property
    def progress(self) -> Progress:
        """The progress so far."""
        return together([one.progress for one in self._each])

    @property
    def is_paused(self) -> bool:
        """Whether they wait for `resume`."""
        return all(one.is_paused for one in self._each)

    def since(self, serial: str) -> datetime | None:
        """Return where an inverter's history begins; None if nothing of it was ever shown."""
        return self._each[0].since(serial)

    def watched(self) -> Iterator[tuple[Inverter, datetime]]:
        """Yield the inverters with a history, and where each begins, UTC."""
        for one in self._each:
            yield from one.watched()

    def pause(self) -> None:
        """Pause before the next hour."""
        for one in self._each:
            one.pause()

    def resume(self) -> None:
        """Resume filling."""
        for one in self._each:
            one.resume()

    def retry(self) -> None:
        """Try again at once, rather than at the end of a wait: also what is due later."""
        for one in self._each:
            one.retry()

    async def run(self) -> None:
        """Fill whatever is missing, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for one in self._each:
                tasks.create_task(one.run())


def _in_short(sentences: Sequence[str]) -> str | None:
    """Return the first of these, and how many more there are; None if there are none."""
    more = f", and {len(sentences) - 1} more entities" if len(sentences) > 1 else ""
    return f"{sentences[0]}{more}" if sentences else None


def _earliest(inverter: Inverter) -> datetime:
    """Return when the inverter was installed: there is nothing before."""
    static = inverter.details.static
    if static is None or static.commissioning_date is None:
        return datetime.min.replace(tzinfo=UTC)
    # In Australia and New Zealand a day begins on the day before, UTC.
    return datetime.combine(static.commissioning_date, time(), UTC) - timedelta(days=1)
