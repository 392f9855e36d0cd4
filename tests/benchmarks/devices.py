"""What devices over MQTT cost Core and the service, beside states over REST.

Each round changes all values of all inverters, which a real Core then shows. The stand-in of the
Supervisor, which passes states on, has a thread of its own: the service is that of the publisher.
"""

import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Beside, Figure, Length
from benchmarks.fleet import processor_seconds
from benchmarks.runner import background
from house import house
from redback.clock import SystemClock
from redback.core import HomeAssistant, open_session
from redback.options import Mqtt, Options
from redback.problems import Problems
from redback.publishing.delivery import Delivery
from redback.publishing.device import Device
from redback.publishing.ways import publisher as make_publisher
from redback.sensors.entities import Shown
from standin.broker import HOST, temporary_broker
from standin.real_core import RealCore, temporary_core
from standin.supervisor import TOKEN, Supervisor

# Enough in a quick run too that a round over MQTT takes many of the processor's ticks of 10 ms.
_INVERTERS, _QUICK_INVERTERS = 100, 20
_ROUNDS, _QUICK_ROUNDS = 5, 3
_LONGEST_SECONDS = 300.0
_MOST_RATIO_OF_CORE, _MOST_RATIO_OF_SERVICE = 1 / 3, 1 / 10
_MOST_MORE_MB = 3.0
# The service is at rest then: it has imported its three days.
_MEMORY_SECONDS, _QUICK_MEMORY_SECONDS = 120.0, 10.0
# Forty; the last reading tells which round Core shows.
_KEYS = (
    "last_reading",
    *(f"pv_{number}_{part}" for number in range(13) for part in ("voltage", "current", "power")),
)


def measure(length: Length) -> Sequence[Figure]:
    """Publish both ways; a quick run does so for a few inverters alone."""
    return asyncio.run(_measure(is_quick=length is Length.QUICK))


async def _measure(*, is_quick: bool) -> list[Figure]:
    count = _QUICK_INVERTERS if is_quick else _INVERTERS
    rounds = _QUICK_ROUNDS if is_quick else _ROUNDS
    seconds = _QUICK_MEMORY_SECONDS if is_quick else _MEMORY_SECONDS
    states = await _processor(count, rounds, devices=False)
    devices = await _processor(count, rounds, devices=True)
    without = await _memory(seconds, devices=False)
    more = await _memory(seconds, devices=True) - without
    whose = ("Core's", _MOST_RATIO_OF_CORE), ("the service's", _MOST_RATIO_OF_SERVICE)
    return [
        *(
            Figure(
                f"{name} processor for a round of {count} inverters over MQTT",
                1000 * over_mqtt,
                "ms",
                Beside("over REST", 1000 * over_rest),
                most_ratio=most_ratio,
            )
            for (name, most_ratio), over_mqtt, over_rest in zip(whose, devices, states, strict=True)
        ),
        Figure("memory of the service with devices, more", more, "MB", most=_MOST_MORE_MB),
    ]


async def _processor(count: int, rounds: int, *, devices: bool) -> tuple[float, float]:
    """Return the medians of the seconds that a round keeps Core and the service busy."""
    clock, delivery = SystemClock(), _Arrivals(count)
    problems = Problems(clock)
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(temporary_broker())
        core = await stack.enter_async_context(temporary_core(broker=broker.address))
        supervisor = stack.enter_context(_in_thread(Supervisor(core.address)))
        session = await stack.enter_async_context(open_session(TOKEN))
        home_assistant = HomeAssistant(
            session, supervisor.url, TOKEN, clock, problems, prefix="redback"
        )
        options = Options("id", "secret", devices=devices, mqtt=Mqtt(HOST, broker.port))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        way = make_publisher(options, folder, home_assistant, clock, problems, delivery)
        await stack.enter_async_context(background("the connection", home_assistant.run()))
        await stack.enter_async_context(background("the publisher", way.run()))
        pid = _pid(core)
        busy: list[tuple[float, float]] = []
        moment = datetime.now(UTC).replace(microsecond=0)
        for number in range(rounds + 1):
            began = processor_seconds(pid), time.thread_time()
            moment += timedelta(minutes=1)
            for inverter in range(count):
                device = Device(f"B{inverter}", f"Bench {inverter}")
                values = [Shown(key, number + inverter / 7) for key in _KEYS[1:]]
                way.offer(device, [Shown(_KEYS[0], moment), *values])
                way.sent(device, moment)
            await delivery.all_arrived(moment)
            ended = processor_seconds(pid), time.thread_time()
            busy.append((ended[0] - began[0], ended[1] - began[1]))
    # The first round makes the entities.
    of_core, of_service = (statistics.median(each) for each in zip(*busy[1:], strict=True))
    return of_core, of_service


@contextmanager
def _in_thread(supervisor: Supervisor) -> Iterator[Supervisor]:
    """Run it in an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(supervisor.__aenter__(), loop).result()
        yield supervisor
        asyncio.run_coroutine_threadsafe(supervisor.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Arrivals(Delivery):
    """Knows when a reading of each inverter has arrived."""

    def __init__(self, count: int) -> None:
        super().__init__(self._arrived)
        self._count = count
        self._there: dict[datetime, set[str]] = {}
        self._more = asyncio.Event()

    def _arrived(self, serial: str, moment: datetime, _: object) -> None:
        self._there.setdefault(moment, set()).add(serial)
        self._more.set()

    async def all_arrived(self, moment: datetime) -> None:
        """Wait for it."""
        async with asyncio.timeout(_LONGEST_SECONDS):
            while len(self._there.get(moment, ())) < self._count:
                self._more.clear()
                await self._more.wait()


async def _memory(seconds: float, *, devices: bool) -> float:
    """Return the megabytes that the service holds after a while, with one inverter."""
    async with (
        temporary_broker() as broker,
        temporary_core(broker=broker.address) as core,
        house("st", core=core.address) as home,
    ):
        home.supervisor.broker = broker.address
        home.service.options(devices=devices)
        await home.service.start()
        await home.shows("redback_status")
        await asyncio.sleep(seconds)
        return home.service.resident_mb


def _pid(core: RealCore) -> int:
    """Return the process of Core itself, which may be below a program that enters its root."""
    wanted = str(core.folder).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if wanted in command:
            found.append(int(process.name))
    return max(found, key=processor_seconds)
