"""Days of one counter, with everything that happens in real houses, in seconds.

The backfill and the audit are the product's own, as are the meters and the files; the inverter is a
formula, and Core's recorder is the model of it.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from msgspec import structs

from backfill.fake_statistics import FakeOwnership
from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from polling import stand_ins
from recorder_model import ModelStatistics, Recorder
from recorder_model.recorder import Database
from redback.backfill import (
    Adjustments,
    Audit,
    Backfill,
    Backfills,
    Coverage,
    Fetcher,
    Importer,
)
from redback.cloud import Dynamic, RedbackClient
from redback.core import CoreRefusedError, Row, Series, Statistics, WebSocket
from redback.inverters.inverter import Inverter
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.inverters.stores import counters_are_due
from redback.ledger import FILE as LEDGER_FILE
from redback.ledger import Believed, Ledger, Meters
from redback.problems import AccountProblems, Problems
from redback.publishing.ownership import Ownership
from redback.sensors.details import Details
from redback.sensors.entities import Entities

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KEY = "grid_import_total"
ENTITY = f"sensor.redback_{KEY}"
SERIES = Series(ENTITY, "kWh", is_counter=True)
BASE = 20150.0
_NOTHING = {
    "PvAllTimeEnergykWh": None,
    "ExportAllTimeEnergykWh": None,
    "LoadAllTimeEnergykWh": None,
    "BatteryChargeAllTimeEnergykWh": None,
    "BatteryDischargeAllTimeEnergykWh": None,
}


@dataclass(frozen=True)
class Event:
    """Something that happens: what, in which minute, and for how many.

    `service` and `core` are away, `core_killed` without a warning; a service that is away for no
    minute is restarted between two readings. Before it is `killed`, Core gets a reading that is
    noted nowhere. `restored` puts Core's database back to what it was before, and when it
    has `lost` the row of an earlier hour, Core is restarted. `locked` lets it write nothing,
    and `cut` closes the link after the next import or shift. A person has `adjusted` the sums from
    an earlier hour.

    `null`, `zero`, `fall` and `jump` are what the cloud has of the counter; at `reset` it starts
    over. While it is `still`, nothing flows, while it is `slow`, there are readings every five
    minutes only, and in a `hole` there are none. `without counters` is all of the cloud's past.

    Attributes:
        amount: of a fall (a share), a jump or an adjustment (kWh).
    """

    kind: str
    minute: int
    length: int = 0
    amount: float | None = None


class LivingModel(ModelStatistics):
    """The model, which lives until now."""

    def __init__(self, recorder: Recorder, clock: FakeClock) -> None:
        super().__init__(recorder)
        self.recorder = recorder
        self.imports = 0
        self._clock = clock

    def catch_up(self) -> None:
        self.recorder.advance(self._clock.now().timestamp())

    async def rows(self, *args, **kwargs) -> dict[str, list[Row]]:  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003 - passed on
        self.catch_up()
        return await super().rows(*args, **kwargs)

    async def put(self, everything: Mapping[Series, Sequence[Row]]) -> dict[str, CoreRefusedError]:
        self.imports += sum(one.is_counter for one in everything)
        return await super().put(everything)

    async def backlog(self) -> int:
        self.catch_up()
        return await super().backlog()


class Link:
    """The WebSocket to Core."""

    up_since: float | None = None


class Days:
    """A run of some days; `await Days(...).run(minutes)`, then look at `energies`."""

    def __init__(
        self,
        folder: Path,
        events: Sequence[Event],
        *,
        days: int = 0,
        unit: float = 0.001,
        base: float = BASE,
    ) -> None:
        self._base = base
        self.events = events
        self.unit = unit
        self.clock = FakeClock(START + timedelta(seconds=20))
        self.minute = -1
        # What a person has adjusted, kWh by hour.
        self.adjusted: defaultdict[int, float] = defaultdict(float)
        self._flowed = [0.0]
        self.core = Recorder(self.clock.now().timestamp(), [SERIES])
        self.model = LivingModel(self.core, self.clock)
        self.link = Link()
        self.link.up_since = self.clock.monotonic()
        self._copies: dict[int, Database] = {}
        self._folder, self._days = folder, days
        self._wanted: float | None = None
        self._believed: dict[str, Believed] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._inverter = Inverter(
            SERIAL, "Redback", Entities(detailed=False), Details(static(), configuration())
        )
        self._inverter.entities.show(self._inverter.reading(self.reading(0)))

    def power(self, minute: int) -> float:
        """Return the power of the grid, kW."""
        for event in self.events:
            if event.kind == "still" and event.minute <= minute < event.minute + event.length:
                return 0.0
        return 0.4 + 0.9 * (max(minute, 0) // 47 % 4)

    def flowed(self, minute: int) -> float:
        """Return what has flowed until a minute, kWh."""
        while len(self._flowed) <= minute:
            self._flowed.append(self._flowed[-1] + self.power(len(self._flowed) - 1) / 60)
        return self._flowed[minute] if minute >= 0 else self.power(0) * minute / 60

    def counter(self, minute: int) -> float | None:
        """Return what the cloud has of the counter."""
        value = self._base + self.flowed(minute)
        for event in self.events:
            if event.kind == "reset" and minute >= event.minute:
                value = self.flowed(minute) - self.flowed(event.minute)
        for event in self.events:
            if event.minute <= minute < event.minute + event.length:
                match event.kind:
                    case "null":
                        return None
                    case "zero":
                        return 0.0
                    case "fall":
                        value *= 1 - (event.amount or 0.25)
                    case "jump":
                        value += event.amount or 500
        # Less than that is not shown yet.
        return round(math.floor(value / self.unit + 1e-6) * self.unit, 3)

    def has_reading(self, minute: int) -> bool:
        kinds = {"hole"} if minute % 5 == 0 else {"hole", "slow"}
        return not any(
            event.kind in kinds and event.minute <= minute < event.minute + event.length
            for event in self.events
        )

    def reading(self, minute: int) -> Dynamic:
        stamp = START + minute * MINUTE + timedelta(seconds=8)
        made = dynamic(
            "single_phase",
            **_NOTHING,
            TimestampUtc=f"{stamp:%Y-%m-%dT%H:%M:%SZ}",
            ImportAllTimeEnergykWh=self.counter(minute),
        )
        ((name, phase),) = made.phases.items()
        return structs.replace(
            made, phases={name: structs.replace(phase, imported_kw=self.power(minute))}
        )

    def history(self, _: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        first = max(-(-(since - START) // MINUTE), -self._days * 1440)
        last = min((until - START) // MINUTE, self.minute)
        found = [
            self.reading(minute)
            for minute in range(int(first) - 1, int(last) + 1)
            if self.has_reading(minute)
        ]
        if any(event.kind == "without counters" for event in self.events):
            found = [structs.replace(one, import_all_time_energy_kwh=None) for one in found]
        return tuple(one for one in found if since <= one.timestamp < until)

    def is_away(self, *kinds: str) -> bool:
        return any(
            event.kind in kinds and event.minute <= self.minute < event.minute + event.length
            for event in self.events
        )

    async def run(self, minutes: int) -> None:
        """Live through some minutes."""
        self._open()
        try:
            for _ in range(minutes):
                self.minute += 1
                await self._live()
                self.clock.skip(59)
                if self.minute % 5 == 4:  # often enough for all that fills and compares
                    await self.clock.advance(0)
                self.clock.skip(1)
                self.model.catch_up()
        finally:
            await self._close()

    async def _live(self) -> None:
        self._let_core_happen()
        if self.core.is_running:
            self._let_people_and_backups_happen()
        is_up = not self.is_away("service", "killed")
        if Event("service", self.minute) in self.events:
            await self._stop()
        if is_up and not self._tasks:
            self._open()
        elif not is_up and self._tasks:
            if self.is_away("killed") and self.link.up_since is not None:
                taken = self._meters.believe(self.reading(self.minute), self._inverter.details)
                if taken.import_all_time_energy_kwh is not None:
                    self.core.push(ENTITY, taken.import_all_time_energy_kwh)
                await self._close(is_killed=True)
            else:
                await self._stop()
        if not is_up or not self.has_reading(self.minute):
            return
        reading = self.reading(self.minute)
        believed = self._meters.believe(reading, self._inverter.details)
        now = self._meters.believed
        if self._meters.has_stepped or counters_are_due(self._believed, now, reading.timestamp):
            self._believed = now
        self._ledger.put(SERIAL, self._meters.ended)
        self._inverter.entities.show(self._inverter.reading(believed))
        value = believed.import_all_time_energy_kwh
        self._wanted = None if value is None else round(value, 3)
        if self.link.up_since is not None and self._wanted is not None:
            self.core.push(ENTITY, self._wanted)
            self._coverage.note(SERIAL, reading.timestamp)

    def _let_core_happen(self) -> None:
        if self.minute % 30 == 0 and self.core.is_running:
            self._copies[self.minute] = self.core.copy()
        for event in self.events:
            if event.kind == "restored" and event.minute == self.minute:
                self.core.stop()
                until = max(self.minute - event.length, 0)
                before = max(one for one in self._copies if one <= until)
                self.core.restore(self._copies[before])
                self._start_core()
            elif event.kind == "lost" and event.minute == self.minute and self.core.is_running:
                self.core.stop()
                since = START + (self.minute - event.length) // 60 * HOUR
                self.core.lose_hour(ENTITY, int(since.timestamp()))
                self._start_core()
        is_away = self.is_away("core", "core_killed")
        if is_away and self.core.is_running:
            if self.is_away("core_killed"):
                self.core.kill()
            else:
                self.core.stop()
            self.link.up_since = None
        elif not is_away and not self.core.is_running:
            self._start_core()

    def _adjust(self, hour: int, amount: float) -> None:
        """Let a person adjust all sums from an hour on, as far as Core has rows by now."""
        since = (START + hour * HOUR).timestamp()
        rows = (*self.core.hourly(ENTITY), *self.core.short_term(ENTITY))
        if any(row.start >= since for row in rows):
            self.adjusted[hour] += amount
        self.core.adjust_sum_statistics(ENTITY, since, amount)

    def _let_people_and_backups_happen(self) -> None:
        for event in self.events:
            if event.kind == "adjusted" and event.minute == self.minute:
                self._adjust((self.minute - event.length) // 60, event.amount or 0.0)
            elif event.kind == "cut" and event.minute == self.minute:
                self.model.takes = 1
        if not self.is_away("cut"):
            self.model.takes = None
        if self.is_away("locked"):
            self.core.lock()
        else:
            self.core.unlock()

    def _start_core(self) -> None:
        self.core.start()
        if self._tasks and self._wanted is not None:
            self.core.push(ENTITY, self._wanted)
        self.core.started()
        self.link.up_since = self.clock.monotonic()

    def _open(self) -> None:
        """Start the service, as after a kill."""
        folder = self._folder
        self._ledger = Ledger(folder / LEDGER_FILE)
        self._coverage = Coverage(folder / "history.db")
        self._adjustments = Adjustments(folder / "adjustments.db")
        self._meters = Meters("Redback", self._believed)
        names: Mapping[str, GivenName] = {SERIAL: GivenName("Redback", "Redback")}
        importer = Importer(
            cast("Statistics", self.model),
            self._ledger,
            self._adjustments,
            self.clock,
            cast("Ownership", FakeOwnership()),
        )
        websocket = cast("WebSocket", self.link)
        backfill = Backfill(
            self._coverage,
            Fetcher(
                cast("RedbackClient", self),
                stand_ins.throttle(self.clock),
                self.clock,
                self._coverage,
                self._ledger,
                reads=lambda _: True,
                seen=lambda *_: None,
            ),
            importer,
            websocket,
            self.clock,
            AccountProblems(Problems(self.clock), ""),
            registry=cast("Registry", _Alone(names, self._inverter)),
            days=self._days,
        )
        audit = Audit(importer, self._coverage, websocket, self.clock, Backfills([backfill]))
        self._tasks = [asyncio.create_task(part.run()) for part in (backfill, audit)]

    async def _stop(self) -> None:
        """Stop the service, which makes its entities unavailable."""
        if self.core.is_running:
            self.core.push(ENTITY, None)
        self._believed = self._meters.believed
        await self._close()

    async def _close(self, *, is_killed: bool = False) -> None:
        """End the service; a power cut loses what was not yet written."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        coverage = self._coverage._database if is_killed else self._coverage  # noqa: SLF001
        for file in (self._ledger, coverage, self._adjustments):
            file.close()

    def wrong(
        self, first: int, last: int, tolerance: float
    ) -> list[tuple[int, float | None, float]]:
        """Return the hours whose energy is wrong: which, what Core has, and what is true, kWh."""
        rows = {row.start: row for row in self.core.hourly(ENTITY)}
        found: list[tuple[int, float | None, float]] = []
        for hour in range(first, last):
            start = int((START + hour * HOUR).timestamp())
            true = self.flowed(hour * 60 + 59) - self.flowed(hour * 60 - 1)
            row, before = rows.get(start), rows.get(start - 3600)
            energy = None
            if row is not None and before is not None:
                energy = (row.sum or 0.0) - (before.sum or 0.0)
            if energy is None or abs(energy - true) > tolerance:
                found.append((hour, energy, round(true, 3)))
        return found


@dataclass(frozen=True)
class _Alone:
    """A registry of one inverter."""

    names: Mapping[str, GivenName]
    _inverter: Inverter

    def inverter(self, _: str) -> Inverter:
        return self._inverter

    known = inverter
