"""The registry: the latest reading of every inverter, and the values to show of it."""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from msgspec import structs

from ..clock import Clock, wait
from ..cloud import Dynamic
from ..ledger import Believed, Ledger, Meters, counted, local_day
from ..problems import Kind, Problems
from ..publishing.device import Device
from ..publishing.entity_ids import slug
from ..publishing.publisher import Publisher
from ..sensors.details import NO_DETAILS, Details
from ..sensors.entities import Entities, Shown
from ..sensors.reading import NO_READING, STALE_AFTER, Reading, Today
from .inverter import Inverter
from .naming import GivenName
from .stores import CountersFile, SensorsFile, counters_are_due

_LOG = logging.getLogger(__name__)
# A reading stamped slightly in the future still expires this long after it arrived.
_LONGEST_LIFE = 15 * 60.0
# The clocks of the inverter, the cloud and this machine need not agree to the second.
_TOLERANCE = timedelta(minutes=5)
# The longest sleep, so that setting the clock does not prolong it.
_LONGEST_SLEEP = 30.0


@dataclass(slots=True)
class _Record:
    """Everything known of one inverter; the cloud sends it at different times.

    Attributes:
        last: the time of the last reading.
        read: that reading as the cloud gave it.
        dynamic: the same with believed counters, while it may be shown.
        lapses_at: when the shown values expire; None = they have.
        lapses_after: the same in monotonic seconds: the wall clock may be set back.
        has_lapsed: whether the last reading has become too old.
        was_live: whether there has been a reading since the start.
    """

    given: GivenName
    device: Device
    entities: Entities
    meters: Meters
    last: datetime | None = None
    read: Dynamic | None = None
    dynamic: Dynamic | None = None
    details: Details = NO_DETAILS
    lapses_at: datetime | None = None
    lapses_after: float = 0.0
    has_lapsed: bool = False
    was_live: bool = False


class Registry:
    """Keeps the latest of each inverter, and offers its values on every change.

    `believed` stores counter values, `ledger` what they counted, `existing` which sensors Home
    Assistant has. `seen` is called with each new reading, with believed counters.
    """

    def __init__(
        self,
        clock: Clock,
        problems: Problems,
        believed: CountersFile,
        ledger: Ledger,
        existing: SensorsFile,
        publisher: Publisher,
        *,
        seen: Callable[[Inverter, Sequence[Dynamic]], None],
        detailed: bool,
    ) -> None:
        self._clock = clock
        self._problems = problems
        self._believed = believed
        self._ledger = ledger
        self._existing = existing
        self._publisher = publisher
        self._seen = seen
        self._detailed = detailed
        self._records: dict[str, _Record] = {}
        self._names: dict[str, GivenName] = {}
        self._changed = asyncio.Event()

    def use(self, names: Mapping[str, GivenName], instead_of: Collection[str] = ()) -> None:
        """Set which inverters of an account are in use, with their names, instead of others.

        The entities of those others become unavailable, unless an inverter in use has their name.
        """
        for serial in instead_of:
            self._names.pop(serial, None)
        self.clear(serial for serial in instead_of if serial not in names)
        self._names.update(names)
        self._problems.watch({serial: given.name for serial, given in names.items()}, instead_of)
        for serial, given in names.items():
            record = self._records.get(serial)
            if record is None or record.given.name != given.name:
                self._add(Device(serial, given.name, given.formers), given)

    def _add(self, device: Device, given: GivenName) -> None:
        former_keys: list[str] = []
        found = map(self._existing.get, (device.serial, *given.formers[:1]))
        for name, keys in next(filter(None, found), {}).items():
            if slug(name) == slug(device.name):
                former_keys += keys
            elif slug(name) not in {slug(one.name) for one in self._names.values()}:
                # No inverter has this former name any more, so nothing else updates its entities.
                former = Device(device.serial, name)
                self._publisher.offer(former, [Shown(key, is_available=False) for key in keys])
        record = self._records[device.serial] = _Record(
            given,
            device,
            Entities(detailed=self._detailed, former=former_keys),
            Meters(device.name, self._believed.get(device.serial) or {}),
        )
        if former_keys:  # what Home Assistant still shows expires too
            self._let_lapse(record, self._clock.now() + STALE_AFTER)

    def dynamic(self, readings: Mapping[str, Dynamic]) -> None:
        """Take the latest readings; repeated and impossible ones change nothing."""
        in_use = ((serial, one) for serial, one in readings.items() if serial in self._names)
        found = ((serial, self._news(serial, one)) for serial, one in in_use)
        news = {serial: one for serial, one in found if one is not None}
        for serial, dynamic in news.items():
            record = self._records[serial]
            record.has_lapsed &= dynamic.timestamp == record.last
            record.last = dynamic.timestamp
            record.read = dynamic
        self._believe(news)
        self._show(*news)
        for serial, dynamic in news.items():
            record = self._records[serial]
            if record.lapses_at is not None and record.dynamic is not None:
                self._publisher.sent(record.device, dynamic.timestamp)
                self._seen(_inverter(record), (record.dynamic,))

    def _news(self, serial: str, dynamic: Dynamic) -> Dynamic | None:
        """Return the reading to take; None if it repeats the last one, or its time is impossible.

        What was measured at a moment stays, but the status is what the cloud says now.
        """
        record = self._records[serial]
        if (wrong := self._rejection_reason(dynamic.timestamp, record.last)) is not None:
            self._problems.drop(Kind.OLDER if wrong is Kind.FUTURE else Kind.FUTURE, serial)
            self._problems.raise_(wrong, serial, f"{dynamic.timestamp:%Y-%m-%d %H:%M:%S} UTC")
            return None
        self._problems.clear(Kind.FUTURE, serial)
        self._problems.clear(Kind.OLDER, serial)
        if record.read is None or record.dynamic is None or dynamic.timestamp != record.last:
            return dynamic
        if dynamic.status in {None, record.read.status}:
            return None
        return structs.replace(record.read, status=dynamic.status)

    def _rejection_reason(self, timestamp: datetime, last: datetime | None) -> Kind | None:
        """Return what is wrong with the time of a reading; None = nothing."""
        if timestamp > self._clock.now() + _TOLERANCE:
            return Kind.FUTURE
        return Kind.OLDER if last is not None and timestamp < last else None

    def believed(self, serial: str) -> Mapping[str, Believed]:
        """Return the believed counter values of an inverter, by sensor key."""
        record = self._records.get(serial)
        return {} if record is None else record.meters.believed

    @property
    def names(self) -> Mapping[str, GivenName]:
        """The names of the inverters in use, by serial number."""
        return self._names

    def sorted_names(self) -> list[str]:
        """Return the names of all inverters in use, whether read or not."""
        return sorted(given.name for given in self._names.values())

    def inverters(self) -> list[Inverter]:
        """Return the inverters in use that have been read, by name."""
        found = (self.inverter(serial) for serial in self._names)
        return sorted(filter(None, found), key=lambda inverter: inverter.name)

    def inverter(self, serial: str) -> Inverter | None:
        """Return an inverter; None before its first reading."""
        record = self._records.get(serial)
        return None if record is None or record.last is None else _inverter(record)

    def known(self, serial: str) -> Inverter | None:
        """Return an inverter; before its first reading, with the sensors of the last run."""
        record = self._records.get(serial)
        if record is None or record.last is not None:
            return self.inverter(serial)
        keys = record.entities.keys
        former = Entities(detailed=self._detailed, former=keys, is_recalled=True)
        return replace(_inverter(record), entities=former)

    def reading(self, serial: str) -> Reading | None:
        """Return the last reading, evaluated for now; None if there is none to show."""
        record = self._records.get(serial)
        if record is None or record.dynamic is None:
            return None
        return self._reading(record, record.dynamic)

    def warm_up(self, serial: str, readings: Iterable[Dynamic]) -> None:
        """Take earlier readings, to find out which counters to believe."""
        record = self._records[serial]
        for dynamic in readings:
            if record.last is None or dynamic.timestamp < record.last:
                record.meters.believe(dynamic, record.details)
        if record.read is not None and record.dynamic is not None:
            self._believe({serial: record.read})
            self._show(serial)

    def details(self, serial: str) -> Details:
        """Return the details of an inverter."""
        return self._records[serial].details

    def describe(self, serial: str, details: Details) -> None:
        """Set the details of an inverter."""
        record = self._records[serial]
        record.details = details
        self._publisher.describe(record.device, details)
        self._show(serial)

    def clear(self, serials: Iterable[str] | None = None) -> None:
        """Make these inverters, or all, unavailable until there is a reading again."""
        for serial in self._records if serials is None else serials:
            record = self._records[serial]
            record.dynamic = record.lapses_at = None
            self._publisher.offer(record.device, record.entities.unavailable())

    async def run(self) -> None:
        """Show at the right moment that a reading, or a day, has expired, until cancelled."""
        day, _ = local_day(self._clock.now())
        while True:
            self._changed.clear()
            before, (day, _) = day, local_day(self._clock.now())
            if day != before:  # of the others there is a reading soon
                lapsed = (one for one, record in self._records.items() if record.lapses_at is None)
                self._show(*lapsed)
            for record in list(self._records.values()):
                if self._left(record) <= 0:
                    self._lapse(record)
            left = min([_LONGEST_SLEEP, *map(self._left, self._records.values())])
            await wait(self._clock, left, self._changed)

    def _let_lapse(self, record: _Record, moment: datetime | None) -> None:
        """Set when the shown values expire; None = they have, or there are none."""
        record.lapses_at = moment
        if moment is not None:
            seconds = (moment - self._clock.now()).total_seconds()
            record.lapses_after = self._clock.monotonic() + min(seconds, _LONGEST_LIFE)
        self._changed.set()

    def _left(self, record: _Record) -> float:
        """Return the seconds until the shown values expire, by whichever clock is first."""
        if record.lapses_at is None:
            return math.inf
        return min(
            (record.lapses_at - self._clock.now()).total_seconds(),
            record.lapses_after - self._clock.monotonic(),
        )

    def _lapse(self, record: _Record) -> None:
        """Show that a reading, or the values from before the start, have expired."""
        record.lapses_at, record.has_lapsed = None, True
        self._keep(record)
        if record.dynamic is not None:
            self._show(record.device.serial)
        else:
            self._note(record, NO_READING)
            self._publisher.offer(record.device, record.entities.lapsed())

    def _believe(self, readings: Mapping[str, Dynamic]) -> None:
        for serial, dynamic in readings.items():
            record = self._records[serial]
            record.dynamic = record.meters.believe(dynamic, record.details)
            believed, written = record.meters.believed, self._believed.get(serial) or {}
            is_due = record.meters.has_stepped or self._believed.is_failing
            if is_due or counters_are_due(written, believed, dynamic.timestamp):
                self._believed.set(serial, believed)
            self._ledger.put(serial, record.meters.ended)
        if any(self._records[serial].meters.has_stepped for serial in readings):
            # Persist before publishing: if a power cut brought the old value back, Core would see
            # it between two new ones, and count a lifetime's energy.
            self._believed.write()

    def close(self) -> None:
        """Write what is believed."""
        for record in self._records.values():
            self._keep(record)
        self._believed.write()

    def _keep(self, record: _Record) -> None:
        if believed := record.meters.believed:
            self._believed.set(record.device.serial, believed)

    def _show(self, *serials: str) -> None:
        offers: list[tuple[Device, list[Shown]]] = []
        has_new = False
        for serial in serials:
            record = self._records[serial]
            if record.dynamic is not None:
                reading = self._reading(record, record.dynamic)
                if self._detailed:
                    reading = replace(reading, today=self._today(record, reading))
                self._let_lapse(record, reading.lapses_at if reading.is_live else None)
                self._note(record, reading.why_offline)
                offers.append((record.device, record.entities.show(reading)))
                existing = {record.device.name: record.entities.keys}
                has_new |= self._existing.set(serial, existing)
        if has_new:
            # Persist before publishing: an entity forgotten in a power cut would stay in Core for
            # ever.
            self._existing.write()
        for device, shown in offers:
            self._publisher.offer(device, shown)

    def _reading(self, record: _Record, dynamic: Dynamic) -> Reading:
        now = self._clock.now()
        if record.has_lapsed:  # whatever the wall clock says
            now = max(now, dynamic.timestamp + STALE_AFTER)
        return Reading(record.device.serial, now, dynamic, record.details)

    def _today(self, record: _Record, reading: Reading) -> Today:
        since, _ = local_day(max(reading.at, reading.dynamic.timestamp))
        believed, static = record.meters.believed, record.details.static
        return Today(since, counted(self._ledger, reading.serial, believed, since, static))

    def _note(self, record: _Record, why_offline: str) -> None:
        """Log the first reading, and each time that readings stop and resume."""
        if not why_offline and not record.was_live:
            _LOG.info("%s: receiving readings", record.device.name)
            record.was_live = True
        self._problems.keep(Kind.OFFLINE, record.device.serial, why_offline)


def _inverter(record: _Record) -> Inverter:
    return Inverter(
        record.device.serial,
        record.device.name,
        record.entities,
        record.details,
        formers=record.given.formers,
    )
