"""The latest of every inverter, and the states that follow from it."""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..clock import Clock, wait
from ..cloud import Dynamic
from ..core import State
from ..problems import Kind, Problems
from ..publishing.publisher import Publisher
from ..sensors.entities import Entities
from ..sensors.reading import STALE_AFTER, Reading
from .counters import Believed, Counters
from .details import NO_DETAILS, Details
from .inverter import Inverter
from .naming import GivenName
from .stores import CountersFile, EntitiesFile

_LOG = logging.getLogger(__name__)
# A reading stamped slightly in the future still expires this long after it arrived.
_LONGEST_LIFE = 15 * 60.0
# The clocks of the inverter, the cloud and this machine need not agree to the second.
_TOLERANCE = timedelta(minutes=5)
# How long the board sleeps at most, so that a clock that is set does not keep it asleep.
_LONGEST_SLEEP = 30.0


@dataclass(slots=True)
class _Record:
    """What is known of one inverter; the cloud gives the parts at different times.

    Attributes:
        name: what people call the inverter.
        entities: make the states.
        counters: know which of the counters' values are to be believed.
        last: the time of the last reading.
        read: that reading as the cloud gave it.
        dynamic: the same with counters to be believed, while it may be shown.
        details: what is known of it beside its readings.
        lapses_at: when what is shown becomes too old, if it is not yet.
        lapses_after: the same in monotonic seconds: the wall clock may be set back.
        has_lapsed: whether that has come.
        was_live: whether there has been a reading since the start.
    """

    name: str
    entities: Entities
    counters: Counters
    last: datetime | None = None
    read: Dynamic | None = None
    dynamic: Dynamic | None = None
    details: Details = NO_DETAILS
    lapses_at: datetime | None = None
    lapses_after: float = 0.0
    has_lapsed: bool = False
    was_live: bool = False


class Registry:
    """Puts readings together, and offers the states each time that something changes.

    Args:
        clock: tells how old a reading is.
        problems: get the readings that cannot be right.
        believed: keeps what is believed of the counters.
        existing: keeps which entities there are.
        publisher: shows the states.
        seen: takes what an inverter does now, as far as that can be believed.
        detailed: whether the detailed sensors are wanted.
    """

    def __init__(
        self,
        clock: Clock,
        problems: Problems,
        believed: CountersFile,
        existing: EntitiesFile,
        publisher: Publisher,
        *,
        seen: Callable[[Inverter, Sequence[Dynamic]], None],
        detailed: bool,
    ) -> None:
        self._clock = clock
        self._problems = problems
        self._believed = believed
        self._existing = existing
        self._publisher = publisher
        self._seen = seen
        self._detailed = detailed
        self._places: dict[str, _Record] = {}
        self._names: dict[str, GivenName] = {}
        self._changed = asyncio.Event()

    def use(self, names: Mapping[str, GivenName], instead_of: Collection[str] = ()) -> None:
        """Take in which inverters of an account are in use.

        Args:
            names: what each of them is called, by serial number.
            instead_of: those of the account that were in use before.
        """
        for serial in instead_of:
            self._names.pop(serial, None)
        self._names.update(names)
        self._problems.watch({serial: given.name for serial, given in names.items()}, instead_of)
        for serial, given in names.items():
            if serial not in self._places:
                former = self._existing.get(serial) or ()
                place = self._places[serial] = _Record(
                    given.name,
                    Entities(given.name, detailed=self._detailed, former=former),
                    Counters(given.name, self._believed.get(serial) or {}),
                )
                if former:  # if Core still shows what there was, that becomes too old as well
                    self._let_lapse(place, self._clock.now() + STALE_AFTER)

    def dynamic(self, readings: Mapping[str, Dynamic]) -> None:
        """Take what inverters do now; what is no news, or cannot be right, changes nothing."""
        news = {serial: one for serial, one in readings.items() if self._is_news(serial, one)}
        for serial, dynamic in news.items():
            place = self._places[serial]
            place.last = dynamic.timestamp
            place.read = dynamic
            place.has_lapsed = False
        self._believe(news)
        self._show(*news)
        for serial, dynamic in news.items():
            place = self._places[serial]
            if place.lapses_at is not None:
                self._publisher.sent(serial, dynamic.timestamp)
                known = self.known(serial)
                if known is not None and place.dynamic is not None:
                    self._seen(known, (place.dynamic,))

    def _is_news(self, serial: str, dynamic: Dynamic) -> bool:
        """Whether a reading is another one than the last; tells if it cannot be right."""
        place = self._places[serial]
        if (wrong := self._rejection_reason(dynamic.timestamp, place.last)) is not None:
            self._problems.raise_(wrong, serial, f"{dynamic.timestamp:%Y-%m-%d %H:%M:%S} UTC")
            return False
        self._problems.clear(Kind.FUTURE, serial)
        self._problems.clear(Kind.OLDER, serial)
        return dynamic.timestamp != place.last or place.dynamic is None

    def _rejection_reason(self, timestamp: datetime, last: datetime | None) -> Kind | None:
        """Return what is wrong with the time of a reading; None where it can be right."""
        if timestamp > self._clock.now() + _TOLERANCE:
            return Kind.FUTURE
        return Kind.OLDER if last is not None and timestamp < last else None

    def knows_counters(self, serial: str) -> bool:
        """Tell whether there is something that the counters can be compared with."""
        return bool(self._places[serial].counters.believed)

    def believed(self, serial: str) -> Mapping[str, Believed]:
        """Give what is believed of an inverter's counters, by field of the reading."""
        place = self._places.get(serial)
        return {} if place is None else place.counters.believed

    @property
    def names(self) -> Mapping[str, GivenName]:
        """What each inverter in use is called, by serial number."""
        return self._names

    def sorted_names(self) -> list[str]:
        """Return what all inverters in use are called, whether read or not."""
        return sorted(given.name for given in self._names.values())

    def inverters(self) -> list[Inverter]:
        """Return the inverters in use that have been read, by name."""
        found = (self.known(serial) for serial in self._names)
        return sorted(filter(None, found), key=lambda known: known.name)

    def known(self, serial: str) -> Inverter | None:
        """Give what is known of an inverter; None before its first reading."""
        place = self._places.get(serial)
        if place is None or place.last is None:
            return None
        return Inverter(serial, place.name, place.entities, place.details)

    def reading(self, serial: str) -> Reading | None:
        """Give the last reading as it is to be looked at now; None where there is none."""
        place = self._places.get(serial)
        if place is None or place.dynamic is None:
            return None
        return self._reading(serial, place, place.dynamic)

    def warm_up(self, serial: str, readings: Iterable[Dynamic]) -> None:
        """Take what the inverter did before, to know which counters are to be believed."""
        place = self._places[serial]
        for dynamic in readings:
            if place.last is None or dynamic.timestamp < place.last:
                place.counters.believe(dynamic, place.details.static)
        if place.read is not None and place.dynamic is not None:
            self._believe({serial: place.read})
            self._show(serial)

    def details(self, serial: str) -> Details:
        """Return what is known of an inverter beside its readings."""
        return self._places[serial].details

    def describe(self, serial: str, details: Details) -> None:
        """Take in what is known of an inverter beside its readings."""
        self._places[serial].details = details
        self._show(serial)

    def clear(self, serials: Iterable[str] | None = None) -> None:
        """Make these inverters, or all, unavailable until there is a reading again."""
        for serial in self._places if serials is None else serials:
            place = self._places[serial]
            place.dynamic = place.lapses_at = None
            self._publisher.offer(place.entities.unavailable())

    async def run(self) -> None:
        """Show at its moment that a reading has become too old, for ever."""
        while True:
            self._changed.clear()
            for serial in list(self._places):
                if self._left(self._places[serial]) <= 0:
                    self._lapse(serial)
            left = min([_LONGEST_SLEEP, *map(self._left, self._places.values())])
            await wait(self._clock, left, self._changed)

    def _let_lapse(self, place: _Record, moment: datetime | None) -> None:
        """Note when what is shown becomes too old; None = it is, or there is nothing."""
        place.lapses_at = moment
        if moment is not None:
            seconds = (moment - self._clock.now()).total_seconds()
            place.lapses_after = self._clock.monotonic() + min(seconds, _LONGEST_LIFE)
        self._changed.set()

    def _left(self, place: _Record) -> float:
        """Tell for how many seconds what is shown is not too old, by whichever clock is first."""
        if place.lapses_at is None:
            return math.inf
        return min(
            (place.lapses_at - self._clock.now()).total_seconds(),
            place.lapses_after - self._clock.monotonic(),
        )

    def _lapse(self, serial: str) -> None:
        """Show that a reading, or what there was before the first one, has become too old."""
        place = self._places[serial]
        place.lapses_at, place.has_lapsed = None, True
        if place.dynamic is not None:
            self._show(serial)
        else:
            self._tell(serial, place, is_live=False)
            self._publisher.offer(place.entities.lapsed())

    def _believe(self, readings: Mapping[str, Dynamic]) -> None:
        for serial, dynamic in readings.items():
            place = self._places[serial]
            place.dynamic = place.counters.believe(dynamic, place.details.static)
            self._believed.set(serial, place.counters.believed)
        if any(self._places[serial].counters.has_stepped for serial in readings):
            # Before Core is told: to believe the old value again after a power cut would show it
            # between two new ones, which Core would take for a lifetime's energy.
            self._believed.write()

    def _show(self, *serials: str) -> None:
        states: list[State] = []
        has_new = False
        for serial in serials:
            place = self._places[serial]
            if place.dynamic is not None:
                reading = self._reading(serial, place, place.dynamic)
                self._let_lapse(place, reading.lapses_at if reading.is_live else None)
                self._tell(serial, place, is_live=reading.is_live)
                states += place.entities.states(reading)
                has_new |= self._existing.set(serial, place.entities.existing)
        if has_new:
            # Persist before publishing: an entity forgotten in a power cut would stay in Core for
            # ever.
            self._existing.write()
        if states:
            self._publisher.offer(states)

    def _reading(self, serial: str, place: _Record, dynamic: Dynamic) -> Reading:
        now = self._clock.now()
        if place.has_lapsed:  # whatever the wall clock says
            now = max(now, dynamic.timestamp + STALE_AFTER)
        return Reading(serial, now, dynamic, place.details)

    def _tell(self, serial: str, place: _Record, *, is_live: bool) -> None:
        """Log once that readings arrive, and each time that they stop and come again."""
        if not is_live:
            self._problems.raise_(Kind.OFFLINE, serial)
        elif not place.was_live:
            _LOG.info("%s: readings arrive", place.name)
        place.was_live = place.was_live or is_live
        if is_live:
            self._problems.clear(Kind.OFFLINE, serial)
