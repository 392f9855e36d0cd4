"""Makes happen what a plan says, and writes down when it really did."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from chaos.plan import HouseFault, Plan, Scheduled, Trouble
from chaos.system import FAST, NORMAL, System, set_speed, sleep_until
from simulator import Fault, Kind
from simulator.faults import RECORD_KINDS
from standin.faults import Faults

# These end by themselves, at a moment that has to be known from the start.
_GLITCHES = frozenset(
    {
        Kind.COUNTER_SHARE,
        Kind.COUNTER_ZERO,
        Kind.COUNTER_NULL,
        Kind.COUNTER_SHIFT,
        Kind.COUNTER_JITTER,
    }
)
# How long it is away when it is killed in the middle of something else.
_SHORT_KILL_SECONDS = 20.0
_COPY_EVERY = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Event:
    """A trouble that has happened."""

    trouble: Trouble
    began: datetime
    ended: datetime

    @property
    def healed(self) -> datetime:
        """From when on the service has to be right again."""
        return self.ended + timedelta(minutes=self.trouble.heals)


class Runner:
    """Makes what plans say happen in a system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._events: list[Event] = []
        self._crashes: list[str] = []
        self._watch: asyncio.Task[None] | None = None
        self._service = asyncio.Lock()
        self._core = asyncio.Lock()
        # Of Core's database, in order.
        self._copies: list[tuple[datetime, Path]] = []

    @property
    def events(self) -> tuple[Event, ...]:
        """What has happened, in order."""
        return tuple(sorted(self._events, key=lambda event: event.began))

    @property
    def crashes(self) -> tuple[str, ...]:
        """Each time that the service ended by itself."""
        return tuple(self._crashes)

    async def run(self, plan: Plan, beginning: datetime) -> None:
        """Do everything in the plan, and wait for its end."""
        self._guard()
        copying = asyncio.create_task(self._copy(beginning))
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._run(plan.cloud, beginning))
            lanes.create_task(self._run(plan.house, beginning))
        copying.cancel()
        await sleep_until(beginning + timedelta(hours=plan.hours))

    def leave_service(self) -> None:
        """Be no longer surprised that the service ends."""
        if self._watch is not None:
            self._watch.cancel()

    async def _run(self, lane: Sequence[Scheduled], beginning: datetime) -> None:
        for scheduled in lane:
            await sleep_until(beginning + timedelta(minutes=scheduled.at))
            trouble, began = scheduled.trouble, datetime.now(UTC)
            if trouble.house_fault is None:
                await self._break_cloud(trouble, began)
            else:
                await self._cause(trouble.house_fault, trouble)
            self._events.append(Event(trouble, began, datetime.now(UTC)))

    async def _break_cloud(self, trouble: Trouble, began: datetime) -> None:
        faults = self._system.home.simulator.faults
        until = began + timedelta(minutes=trouble.minutes)
        numbers = [faults.add(_dated(fault, began, until)) for fault in trouble.cloud]
        if trouble.kill_after is not None:
            await sleep_until(began + timedelta(minutes=trouble.kill_after))
            await self._kill_service(_SHORT_KILL_SECONDS)
        await sleep_until(until)
        for number in numbers:
            faults.clear(number)

    async def _cause(self, house_fault: HouseFault, trouble: Trouble) -> None:
        seconds = trouble.minutes * 60
        match house_fault:
            case HouseFault.PROXY_502:
                await self._proxy(Faults(status=502), seconds)
            case HouseFault.PROXY_SLOW:
                await self._proxy(Faults(delay_s=trouble.seconds), seconds)
            case HouseFault.PROXY_CUTS:
                await self._proxy(Faults(drop=True), seconds)
            case HouseFault.PROXY_GONE:
                await self._lose_proxy(seconds)
            case HouseFault.WEBSOCKETS:
                await self._system.home.supervisor.close_websockets()
            case HouseFault.CORE_RESTART:
                await self._restart_core(seconds)
            case HouseFault.CORE_KILL:
                await self._restart_core(seconds, end=self._system.core.kill)
            case HouseFault.DATABASE:
                await self._restart_core(seconds, before=partial(self._restore, trouble.seconds))
            case HouseFault.ROWS:
                await self._restart_core(seconds, before=self._system.lose_rows)
            case _:
                await self._cause_to_machine(house_fault, seconds)

    async def _cause_to_machine(self, house_fault: HouseFault, seconds: float) -> None:
        match house_fault:
            case HouseFault.SERVICE_KILL:
                await self._kill_service(seconds)
            case HouseFault.SERVICE_STOP:
                await self._stop_service(seconds)
            case HouseFault.DISK_FULL:
                with self._system.full_disk():
                    await asyncio.sleep(seconds)
            case HouseFault.NO_NAME:
                with self._system.without_name():
                    await asyncio.sleep(seconds)
            case _:
                await self._cause_to_broker(house_fault, seconds)

    async def _cause_to_broker(self, house_fault: HouseFault, seconds: float) -> None:
        match house_fault:
            case HouseFault.BROKER_RESTART:
                await self._lose_broker(partial(asyncio.sleep, seconds))
            case HouseFault.BROKER_KILL:
                await self._lose_broker(partial(asyncio.sleep, seconds), is_killed=True)
            case HouseFault.NO_BROKER:
                await self._lose_broker(partial(self._restart_core, seconds))
            case HouseFault.DEVICES | HouseFault.STATES:
                await self._stop_service(seconds, devices=house_fault is HouseFault.DEVICES)

    async def _lose_proxy(self, seconds: float) -> None:
        await self._system.home.supervisor.stop()
        await asyncio.sleep(seconds)
        await self._system.home.supervisor.start()

    async def _lose_broker(
        self, meanwhile: Callable[[], Awaitable[None]], *, is_killed: bool = False
    ) -> None:
        """End the broker, and start it again after something else."""
        broker, supervisor = self._system.broker, self._system.home.supervisor
        assert broker is not None
        # As the Mosquitto app: it provides nothing until it has started.
        address, supervisor.broker = supervisor.broker, None
        await (broker.kill if is_killed else broker.stop)()
        await meanwhile()
        await broker.start()
        supervisor.broker = address

    async def _kill_service(self, seconds: float) -> None:
        """End it as a power cut does, and start it again."""
        async with self._service:
            self.leave_service()
            await self._system.home.service.kill()
            await asyncio.sleep(seconds)
            await self._start_service()

    async def _stop_service(self, seconds: float, *, devices: bool | None = None) -> None:
        """Stop it as the Supervisor does, and start it again, perhaps with another option."""
        async with self._service:
            self.leave_service()
            if code := await self._system.home.service.stop():
                self._crashes.append(f"{datetime.now(UTC):%H:%M:%S} stopped with {code}")
            if devices is not None:
                self._system.show_as(devices=devices)
            await asyncio.sleep(seconds)
            await self._start_service()

    async def _start_service(self) -> None:
        await self._system.home.service.start()
        self._guard()

    async def _proxy(self, faults: Faults, seconds: float) -> None:
        self._system.home.supervisor.faults = faults
        await asyncio.sleep(seconds)
        self._system.home.supervisor.faults = Faults()

    async def _restart_core(
        self,
        seconds: float,
        *,
        end: Callable[[], Awaitable[None]] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        """End Core, and start it again; something may happen just before its start."""
        async with self._core:
            # Core's own limits to its start and its end are meant for a clock of normal speed.
            await set_speed(NORMAL)
            await (end or self._system.core.stop)()
            await set_speed(FAST)
            await asyncio.sleep(seconds)
            await set_speed(NORMAL)
            if before is not None:
                before()
            await self._system.core.start()
            await set_speed(FAST)

    async def _copy(self, beginning: datetime) -> None:
        """Copy Core's database again and again, from its first rows on."""
        await sleep_until(beginning + timedelta(minutes=2))
        while True:
            now = datetime.now(UTC)
            copy = self._system.core.folder / f"copy-{len(self._copies)}.db"
            async with self._core:
                await self._system.copy_database(copy)
            self._copies.append((now, copy))
            await sleep_until(now + _COPY_EVERY)

    def _restore(self, seconds: float) -> None:
        """Put back Core's database as it was that long before, or as early as is known."""
        until = datetime.now(UTC) - timedelta(seconds=seconds)
        old = [copy for made, copy in self._copies if made <= until]
        for copy in (old or [copy for _, copy in self._copies[:1]])[-1:]:
            self._system.restore_database(copy)

    def _guard(self) -> None:
        """Notice when the service ends by itself, and start it again as s6 would."""

        async def watch() -> None:
            while True:
                code = await self._system.home.service.ended(float("inf"))
                self._crashes.append(f"{datetime.now(UTC):%H:%M:%S} exit code {code}")
                await asyncio.sleep(1)
                await self._system.home.service.start()

        self._watch = asyncio.create_task(watch())


def _dated(fault: Fault, began: datetime, until: datetime) -> Fault:
    """Set the time that a fault of records covers."""
    if fault.kind not in RECORD_KINDS:
        return fault
    return replace(fault, since=began, until=until if fault.kind in _GLITCHES else None)
