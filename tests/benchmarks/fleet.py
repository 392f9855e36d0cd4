"""What 1 to 1,000 inverters cost: memory, requests, processor, and the time of a cycle.

Beside the memory, an interpreter that has imported the two HTTP libraries. An inverter more should
use no more of the processor than the one before. A cycle goes from the cloud's first answer until
the last reading has come to a stand-in for Core that does nothing with it.

The program runs under a faster clock; what the processor has done and the memory holds is real.
"""

import asyncio
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import aiohttp
import msgspec

import fast_clock
from benchmarks.figures import Beside, Figure, Length
from benchmarks.proxy import Proxy
from benchmarks.runner import Task, be_program, run_faster, runner
from simulator.journal import Journal
from standin.real_core import free_port

_READINGS = "/Dynamic"
_MINUTE = 60.0
# Noon where the inverters are, so that all that can change does. The history asks for the rest of
# this hour after its end, which is within the hour that one inverter and a hundred have to warm up.
_BEGINNING = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
# Between two rounds is more time, between the answers of one round is less.
_APART = 20.0
# Real seconds for everything that is not watched, on a slow machine.
_LONGEST_SECONDS = 300.0
_MOMENTS = ("at the first state", "after {warm} minutes", "after {end} minutes", "after the page")
_LOOKED_AT = ("/", "/data/status")
_TICKS = os.sysconf("SC_CLK_TCK")
# Counted from the state, which comes after the name in brackets (proc(5)).
_USER, _SYSTEM = 11, 12
_DAY_MINUTES = 1440
_PRINT_MB = """
import aiohttp, requests
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmRSS"].split()[0]) / 1024)
"""
# Several runs differ by as much.
_NOISE = 1.1


class Seen(msgspec.Struct, frozen=True):
    """What the service did in these minutes; the memory is of four moments (`_MOMENTS`)."""

    minutes: float
    requests: int
    processor_seconds: float
    cycle_seconds: Sequence[float]
    memory_mb: Sequence[float]


_TASKS = {
    # The kernel counts in hundredths of a second, of which one inverter uses few a minute.
    Length.QUICK: (Task(1, 2, 10, 100), Task(4, 2, 10, 100)),
    Length.USUAL: (
        Task(1, 60, 60, 60),
        Task(10, 20, 40, 60),
        Task(100, 60, 40, 25),
        Task(1000, 14, 6, 3),
    ),
    # A week; and an hour, which a thousand inverters need until each has been asked for everything.
    Length.LONG: (Task(1, 60, 9940, 200), Task(1000, 40, 20, 3)),
}


def measure(length: Length) -> Sequence[Figure]:
    """Measure all sizes, one after the other."""
    bare = Beside("interpreter, both HTTP libraries", statistics.median(map(_bare_mb, range(5))))
    figures, most_ms = [], None
    for task in _TASKS[length]:
        seen = run_faster("benchmarks.fleet", task, Seen, _BEGINNING)
        figures += [*_memory(task, seen, bare), *_work(task, seen, most_ms)]
        most_ms = _NOISE * _milliseconds(task, seen)
    return figures


def _memory(task: Task, seen: Seen, bare: Beside) -> Iterator[Figure]:
    warm, end = task.warm_up, task.warm_up + task.minutes
    is_one = task.inverters == 1
    most, most_ratio = {1000: 130.0}.get(task.inverters), 1.3 if is_one else None
    for moment, megabytes in zip(_MOMENTS, seen.memory_mb, strict=True):
        if is_one or moment == _MOMENTS[2]:
            name = f"{task.inverters}: memory {moment.format(warm=warm, end=end)}"
            yield Figure(name, megabytes, "MB", bare, most, most_ratio)
    if is_one:
        growth = seen.memory_mb[2] - seen.memory_mb[1]
        yield Figure(f"1: growth from minute {warm} to {end}", growth, "MB", most=1.0)


def _work(task: Task, seen: Seen, most_ms: float | None) -> Iterator[Figure]:
    size, requests = task.inverters, seen.requests / seen.minutes / task.inverters
    most = {1: 1.2, 100: 0.02}.get(size)
    yield Figure(f"{size}: requests a minute and inverter", requests, "requests", most=most)
    milliseconds = _milliseconds(task, seen)
    yield Figure(f"{size}: processor a cycle and inverter", milliseconds, "ms", most=most_ms)
    if task.minutes >= _DAY_MINUTES:
        seconds = seen.processor_seconds / seen.minutes * _DAY_MINUTES
        yield Figure(f"{size}: processor a day", seconds, "s")
    if seen.cycle_seconds:  # a machine that is too busy has no end of one
        cycle, most = statistics.median(seen.cycle_seconds), {1000: 10.0}.get(size)
        yield Figure(f"{size}: cycle", cycle, "s", most=most)


def _milliseconds(task: Task, seen: Seen) -> float:
    return 1000 * seen.processor_seconds / seen.minutes / task.inverters


def _bare_mb(_: int) -> float:
    program = [*fast_clock.wrapper(1), sys.executable, "-c", _PRINT_MB]
    return float(subprocess.run(program, stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603 - our own


async def _watch(task: Task) -> Seen:
    clock, port = asyncio.get_running_loop().time, free_port()
    async with runner(task.inverters, panel_port=port) as running:
        service, proxy, journal = running.service, running.proxy, running.simulator.journal
        began = clock()
        await service.start()
        await running.has_readings(_LONGEST_SECONDS)
        memory = [service.resident_mb]
        await asyncio.sleep(max(began + task.warm_up * _MINUTE - clock(), 0))
        memory.append(service.resident_mb)
        journal.clear()
        proxy.forget()
        began, worked = clock(), processor_seconds(service.pid)
        await asyncio.sleep(task.minutes * _MINUTE)
        minutes, requests = (clock() - began) / _MINUTE, journal.count()
        worked = processor_seconds(service.pid) - worked
        cycles = [seconds / task.speed for seconds in _cycles(journal, proxy)]
        memory.append(service.resident_mb)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as browser:
            for path in _LOOKED_AT:  # as a browser does that shows the first section
                async with browser.get(path, raise_for_status=True) as answer:
                    await answer.read()
        memory.append(service.resident_mb)
        return Seen(minutes, requests, worked, cycles, memory)


def _cycles(journal: Journal, proxy: Proxy) -> Iterator[float]:
    """Return how long each round took, by the clock."""
    answers = [entry.time for entry in journal.entries if _READINGS in entry.path]
    begun = [at for before, at in pairwise([-math.inf, *answers]) if at - before > _APART]
    for start, end in pairwise(begun):  # the last one may not be over
        arrived = [at for at in proxy.read_at if start <= at < end]
        if arrived:
            yield max(arrived) - start


def processor_seconds(pid: int) -> float:
    """Return how long it has used a processor, in its own code and in the kernel's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


if __name__ == "__main__":
    be_program(_watch, Task)
