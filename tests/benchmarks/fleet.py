"""What 1 to 1,000 inverters cost: memory, requests, processor, disk, and the time of a cycle.

Beside the memory, an interpreter that has imported the libraries of the service. Beside the
processor time, a bare loop that asks for the same inverters, and posts as many states of each
(`bare.py`). A cycle goes from the cloud's first answer until the last reading has come to a
stand-in for Core that does nothing with it.

The program runs under a faster clock; what the processor has done and the memory holds is real. A
change in a file comes to the disk within half a minute of a real clock; here each minute of the
faster one.
"""

import asyncio
import contextlib
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
from benchmarks import bare
from benchmarks.figures import Beside, Figure, Length
from benchmarks.proxy import Proxy
from benchmarks.runner import (
    IMPORTS,
    Runner,
    Task,
    background,
    be_program,
    run,
    run_faster,
    runner,
)
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
# What is written less than each minute needs some hours, or an hour at least.
_DISK_MINUTES = 60
_MOST_DISK_MB = 3.0
_PRINT_MB = f"""
{IMPORTS}
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmRSS"].split()[0]) / 1024)
"""
# The cycles of the bare loop, for which one token lasts, and the seconds between two of them. That
# of many inverters waits for nothing: there is enough to do.
_BARE = {1: (50, _MINUTE), 10: (40, _MINUTE), 1000: (3, 0.0)}
_BARE_OTHERS = (20, 0.0)
# The most that the service may use, beside the bare loop.
_MOST_RATIO = {1: 1.5, 1000: 1.1}
_MOST_RATIO_A_DAY = 1.5
_MOST_MEMORY_RATIO = 1.2
_MOST_GROWTH_MB = 0.5
# Of what one inverter more costs, to that of ten times fewer: more than the noise.
_MOST_OF_FEWER = 0.9


class Seen(msgspec.Struct, frozen=True):
    """What the service did in these minutes; the memory is of four moments (`_MOMENTS`).

    `bare_seconds` is the processor time of one cycle of the bare loop.
    """

    minutes: float
    requests: int
    states: int
    bare_seconds: float
    processor_seconds: float
    cycle_seconds: Sequence[float]
    memory_mb: Sequence[float]
    written_mb: float


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
    libraries = Beside("interpreter, libraries", statistics.median(map(_libraries_mb, range(5))))
    figures, fewer = [], None
    for task in _TASKS[length]:
        seen = run_faster("benchmarks.fleet", task, Seen, _BEGINNING)
        figures += [*_memory(task, seen, libraries), *_work(task, seen, fewer)]
        fewer = Beside(f"of {task.inverters}", _milliseconds(task, seen))
    return figures


def _memory(task: Task, seen: Seen, libraries: Beside) -> Iterator[Figure]:
    warm, end = task.warm_up, task.warm_up + task.minutes
    is_one = task.inverters == 1
    most = {1000: 130.0}.get(task.inverters)
    most_ratio = _MOST_MEMORY_RATIO if is_one else None
    for moment, megabytes in zip(_MOMENTS, seen.memory_mb, strict=True):
        if is_one or moment == _MOMENTS[2]:
            name = f"{task.inverters}: memory {moment.format(warm=warm, end=end)}"
            yield Figure(name, megabytes, "MB", libraries, most, most_ratio)
    if is_one:
        growth = seen.memory_mb[2] - seen.memory_mb[1]
        yield Figure(f"1: growth from minute {warm} to {end}", growth, "MB", most=_MOST_GROWTH_MB)


def _work(task: Task, seen: Seen, fewer: Beside | None) -> Iterator[Figure]:
    size, requests = task.inverters, seen.requests / seen.minutes / task.inverters
    most = {1: 1.2, 100: 0.02}.get(size)
    yield Figure(f"{size}: requests a minute and inverter", requests, "requests", most=most)
    milliseconds, bare_ms = _milliseconds(task, seen), 1000 * seen.bare_seconds / size
    name = f"{size}: processor a cycle and inverter"
    beside = Beside(f"bare loop, {seen.states} states", bare_ms)
    yield Figure(name, milliseconds, "ms", beside, most_ratio=_MOST_RATIO.get(size))
    if fewer is not None:
        name = f"{size}: the same beside fewer inverters"
        yield Figure(name, milliseconds, "ms", fewer, most_ratio=_MOST_OF_FEWER)
    if task.minutes >= _DAY_MINUTES:
        seconds, bare_s = (one * _DAY_MINUTES * size / 1000 for one in (milliseconds, bare_ms))
        beside, most_ratio = Beside("bare loop", bare_s), _MOST_RATIO_A_DAY
        yield Figure(f"{size}: processor a day", seconds, "s", beside, most_ratio=most_ratio)
    if task.minutes >= _DISK_MINUTES:
        megabytes = seen.written_mb / seen.minutes * _DAY_MINUTES / size
        name = f"{size}: written to the disk a day and inverter"
        yield Figure(name, megabytes, "MB", most=_MOST_DISK_MB)
    if seen.cycle_seconds:  # a machine that is too busy has no end of one
        cycle, most = statistics.median(seen.cycle_seconds), {1000: 10.0}.get(size)
        yield Figure(f"{size}: cycle", cycle, "s", most=most)


def _milliseconds(task: Task, seen: Seen) -> float:
    return 1000 * seen.processor_seconds / seen.minutes / task.inverters


def _libraries_mb(_: int) -> float:
    program = [*fast_clock.wrapper(1), sys.executable, "-c", _PRINT_MB]
    return float(subprocess.run(program, stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603 - our own


async def _watch(task: Task) -> Seen:
    clock, port = asyncio.get_running_loop().time, free_port()
    async with (
        runner(task.inverters, panel_port=port) as running,
        background("writing to the disk", _written_each_minute(running.data)),
    ):
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
        written = _written_mb(service.pid)
        await asyncio.sleep(task.minutes * _MINUTE)
        minutes, requests = (clock() - began) / _MINUTE, journal.count()
        worked = processor_seconds(service.pid) - worked
        states = round(proxy.pushes / minutes / task.inverters)
        written = _written_mb(service.pid) - written
        cycles = [seconds / task.speed for seconds in _cycles(journal, proxy)]
        memory.append(service.resident_mb)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as browser:
            for path in _LOOKED_AT:  # as a browser does that shows the first section
                async with browser.get(path, raise_for_status=True) as answer:
                    await answer.read()
        memory.append(service.resident_mb)
        await service.stop()
        bare_seconds = await _bare_seconds(running, states)
        return Seen(minutes, requests, states, bare_seconds, worked, cycles, memory, written)


async def _bare_seconds(running: Runner, states: int) -> float:
    """Return the processor time of one cycle of the bare loop, with so many states of each."""
    serials = tuple(inverter.serial for inverter in running.simulator.world.inverters)
    cycles, pause = _BARE.get(len(serials), _BARE_OTHERS)
    task = bare.Task(running.simulator.url, running.proxy.url, serials, states, cycles, pause)
    written = await run("benchmarks.bare", task, seconds=_LONGEST_SECONDS)
    return msgspec.json.decode(written, type=float) / cycles


def _cycles(journal: Journal, proxy: Proxy) -> Iterator[float]:
    """Return how long each round took, by the clock."""
    answers = [entry.time for entry in journal.entries if _READINGS in entry.path]
    begun = [at for before, at in pairwise([-math.inf, *answers]) if at - before > _APART]
    for start, end in pairwise(begun):  # the last one may not be over
        arrived = [at for at in proxy.read_at if start <= at < end]
        if arrived:
            yield max(arrived) - start


async def _written_each_minute(folder: Path) -> None:
    """Let the kernel write all that is changed, without end."""
    while True:
        await asyncio.sleep(_MINUTE)
        await asyncio.to_thread(_write, folder)


def _write(folder: Path) -> None:
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            os.fsync(file.fileno())


def _written_mb(pid: int) -> float:
    """Return what it has let the kernel write to a disk; a file system in memory counts as none."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes")) / 1e6


def processor_seconds(pid: int) -> float:
    """Return how long it has used a processor, in its own code and in the kernel's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


if __name__ == "__main__":
    be_program(_watch, Task)
