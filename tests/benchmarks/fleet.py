"""What 1 to 1,000 inverters cost: memory, requests, processor, and the time of a cycle.

Beside the memory, an interpreter that has imported the two HTTP libraries, and waits. Beside the
processor, a process that does the least: it decodes the cloud's answers, and posts as many states.
An inverter more should cost no more than the one before.

A cycle goes from the cloud's first answer until the last state has come to a stand-in for Core that
does nothing with it.

`python -m benchmarks.fleet TASK`, under a faster clock, writes a `Seen`; both as JSON. Times of the
clock are simulated; what the processor has done and what the memory holds is real.
"""

import asyncio
import math
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import aiohttp
import msgspec

import fast_clock
from benchmarks import bare
from benchmarks.figures import Beside, Figure, Length
from benchmarks.proxy import Proxy
from benchmarks.runner import Runner, run, runner
from simulator.calls import MOST_IDS
from simulator_tests.customer import Customer
from standin.real_core import free_port
from standin.supervisor import TOKEN

_READINGS = "/Dynamic"
_MULTIPLE = "/Api/v2.21/EnergyData/Multiple/BySerialNumber/Dynamic"
_MINUTE = 60.0
# Noon where the inverters are, so that all that can change does. The history asks for the rest of
# this hour after its end, which is within the hour that one inverter and a hundred have to warm up.
_BEGINNING = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
# Between two rounds is more time, between the answers of one round is less.
_APART = 20.0
# Real seconds for everything that is not watched, on a slow machine.
_PATIENCE_SECONDS = 300.0
_LOOKED_AT = ("/", "/data/status")
_TICKS = os.sysconf("SC_CLK_TCK")
# Counted from the state, which comes after the name in brackets (proc(5)).
_USER, _SYSTEM = 11, 12
_DAY_MINUTES = 1440
_MOST_BARE_ROUNDS = 20
_BARE_MB = "interpreter with requests and aiohttp"
_PRINT_MB = """
import aiohttp, requests
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmRSS"].split()[0]) / 1024)
"""
_BARE_CYCLE = "decode and post"
_MOST_MB_RATIO = {1: 1.3}
_MOST_MB = {1000: 130.0}
_MOST_GROWTH_MB = 1.0
_MOST_REQUESTS = {1: 1.2, 100: 0.02}
_MOST_CYCLE_SECONDS = {1000: 10.0}
# Several runs differ by as much.
_NOISE = 1.1


class Task(msgspec.Struct, frozen=True):
    """What to watch.

    Attributes:
        inverters: how many the account has.
        warm_up: minutes before.
        minutes: in which requests, processor and cycles are counted.
        speed: how many times faster the clock is.
    """

    inverters: int
    warm_up: int
    minutes: int
    speed: int


class Seen(msgspec.Struct, frozen=True):
    """What was seen.

    Attributes:
        minutes: how long it really was.
        requests: to the cloud.
        processor_seconds: used by the service.
        bare_seconds: used for one round by the process that does the least.
        cycle_seconds: real ones of each round, without what comes only now and then.
        memory_mb: at the first reading, after the warm-up, and at the end.
        looked_at_mb: after somebody then opened the panel.
    """

    minutes: float
    requests: int
    processor_seconds: float
    bare_seconds: float
    cycle_seconds: Sequence[float]
    memory_mb: Sequence[float]
    looked_at_mb: float


_TASKS = {
    # The kernel counts in hundredths of a second, of which one inverter uses few a minute.
    Length.QUICK: (Task(1, 2, 10, 100), Task(4, 2, 10, 100)),
    Length.USUAL: (
        Task(1, 60, 60, 60),
        Task(10, 20, 40, 60),
        Task(100, 60, 40, 25),
        Task(1000, 16, 6, 4),
    ),
    # A week, and until everything has been asked for once of a thousand inverters.
    Length.LONG: (Task(1, 60, 9940, 200), Task(1000, 40, 20, 3)),
}


def measure(length: Length) -> Sequence[Figure]:
    """Measure all sizes, one after the other."""
    tasks = _TASKS[length]
    bare_mb = Beside(_BARE_MB, statistics.median(_bare_mb() for _ in range(5)))
    seen = [(task, watch(task)) for task in tasks]
    return [
        *(figure for task, one in seen for figure in _memory(task, one, bare_mb)),
        *(_requests(task, one) for task, one in seen),
        *_processor(seen),
        *(
            Figure(
                f"cycle, inverters: {task.inverters}",
                statistics.median(one.cycle_seconds),
                "s",
                most=_MOST_CYCLE_SECONDS.get(task.inverters),
            )
            for task, one in seen
        ),
    ]


def watch(task: Task) -> Seen:
    """Watch it under a clock of its own."""
    seconds = _PATIENCE_SECONDS + 3 * _MINUTE * (task.warm_up + task.minutes) / task.speed
    text = msgspec.json.encode(task).decode()
    told = fast_clock.run(
        "benchmarks.fleet", text, seconds=seconds, speed=task.speed, beginning=_BEGINNING
    )
    return msgspec.convert(told, Seen)


def _memory(task: Task, seen: Seen, beside: Beside) -> Iterator[Figure]:
    at_first, warm, at_end = seen.memory_mb
    end = task.warm_up + task.minutes
    found = {f"after {end} minutes": at_end}
    if task.inverters == 1:
        found = {
            "at the first state": at_first,
            f"after {task.warm_up} minutes": warm,
            **found,
            "after the panel was opened": seen.looked_at_mb,
        }
    for when, megabytes in found.items():
        yield Figure(
            f"memory {when}, inverters: {task.inverters}",
            megabytes,
            "MB",
            beside,
            most=_MOST_MB.get(task.inverters),
            most_ratio=_MOST_MB_RATIO.get(task.inverters),
        )
    if task.inverters == 1:
        name = f"growth from minute {task.warm_up} to {end}"
        yield Figure(name, at_end - warm, "MB", most=_MOST_GROWTH_MB)


def _requests(task: Task, seen: Seen) -> Figure:
    return Figure(
        f"requests a minute and inverter, inverters: {task.inverters}",
        seen.requests / seen.minutes / task.inverters,
        "requests",
        most=_MOST_REQUESTS.get(task.inverters),
    )


def _processor(seen: Sequence[tuple[Task, Seen]]) -> Iterator[Figure]:
    most = None
    for task, one in seen:
        milliseconds = 1000 * one.processor_seconds / one.minutes / task.inverters
        yield Figure(
            f"processor a cycle and inverter, inverters: {task.inverters}",
            milliseconds,
            "ms",
            Beside(_BARE_CYCLE, 1000 * one.bare_seconds / task.inverters),
            most=most,
        )
        most = _NOISE * milliseconds
        if task.minutes >= _DAY_MINUTES:
            seconds = one.processor_seconds * _DAY_MINUTES / one.minutes
            yield Figure(f"processor a day, inverters: {task.inverters}", seconds, "s")


def _bare_mb() -> float:
    ended = subprocess.run(  # noqa: S603 - our own program
        [*fast_clock.wrapper(1), sys.executable, "-c", _PRINT_MB],
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(ended.stdout)


async def _watch(task: Task) -> Seen:
    clock = asyncio.get_running_loop().time
    port = free_port()
    async with runner(task.inverters, panel_port=port) as running:
        service, proxy, journal = running.service, running.proxy, running.simulator.journal
        began = clock()
        await service.start()
        await running.has_readings(_PATIENCE_SECONDS)
        memory = [service.resident_mb]
        await asyncio.sleep(max(began + task.warm_up * _MINUTE - clock(), 0))
        memory.append(service.resident_mb)
        journal.clear()
        states, began, worked = len(proxy.times), clock(), _processor_seconds(service.pid)
        await asyncio.sleep(task.minutes * _MINUTE)
        minutes = (clock() - began) / _MINUTE
        worked = _processor_seconds(service.pid) - worked
        memory.append(service.resident_mb)
        requests = journal.count()
        answered = [entry.time for entry in journal.entries if _READINGS in entry.path]
        cycles = [seconds / task.speed for seconds in _cycles(answered, proxy)]
        states = round((len(proxy.times) - states) / minutes)
        await _look(port)
        looked_at_mb = service.resident_mb
        await service.stop()
        return Seen(
            minutes=minutes,
            requests=requests,
            processor_seconds=worked,
            bare_seconds=await _bare_seconds(running, states, task.minutes),
            cycle_seconds=cycles,
            memory_mb=memory,
            looked_at_mb=looked_at_mb,
        )


def _cycles(answers: Iterable[float], proxy: Proxy) -> Iterator[float]:
    """Return how long each round took that brought something, by the clock.

    Args:
        answers: when the cloud answered; those of one round come close together.
        proxy: where the states came.
    """
    begun = [at for before, at in pairwise([-math.inf, *answers]) if at - before > _APART]
    pushes = [
        (at, entity_id)
        for at, entity_id in zip(proxy.times, proxy.entity_ids, strict=True)
        if begun and at >= begun[0]
    ]
    often = Counter(entity_id for _, entity_id in pushes)
    regular = [at for at, entity_id in pushes if often[entity_id] > len(begun) / 2]
    for start, end in pairwise(begun):  # the last one may not be over
        arrived = [at for at in regular if start <= at < end]
        if arrived:
            yield max(arrived) - start


async def _look(port: int) -> None:
    """Open the panel, as a browser does that shows its first section."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        for path in _LOOKED_AT:
            async with session.get(path) as answer:
                await answer.read()
                answer.raise_for_status()


async def _bare_seconds(running: Runner, states: int, minutes: int) -> float:
    """Have the least done that can be done, with as many states a minute."""
    serials = [inverter.serial for inverter in running.simulator.world.inverters]
    answers = await readings(running.simulator.url, serials)
    rounds = min(math.ceil(minutes / 2), _MOST_BARE_ROUNDS)
    least = bare.Task(running.proxy.url, TOKEN, answers, states, rounds)
    return float(await run("benchmarks.bare", given=least, seconds=_PATIENCE_SECONDS))


async def readings(url: str, serials: Sequence[str]) -> list[bytes]:
    """Return what the cloud answers when it is asked for all their readings, a hundred each."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(url, timeout=timeout) as session:
        customer = Customer(session)
        await customer.sign_in()
        return [
            msgspec.json.encode((await customer.post(_MULTIPLE, serials[at : at + MOST_IDS])).body)
            for at in range(0, len(serials), MOST_IDS)
        ]


def _processor_seconds(pid: int) -> float:
    """Return how long it has used a processor, in its own code and in the kernel's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


def main() -> None:
    """Watch, and write what was seen."""
    seen = asyncio.run(_watch(msgspec.json.decode(sys.argv[1], type=Task)))
    sys.stdout.buffer.write(msgspec.json.encode(seen))


if __name__ == "__main__":
    main()
