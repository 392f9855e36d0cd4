"""Watches the service for a while, and tells what it did; to be run under a faster clock.

`python -m benchmarks.watch TASK`, with a `Task` as JSON, writes a `Seen` as JSON. Times of the
clock are simulated ones; what the processor has done and what the memory holds is real.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import pairwise
from math import inf

import msgspec

import fast_clock
from benchmarks import bare
from benchmarks.cloud import Cloud, cloud
from benchmarks.fixed import poll
from benchmarks.front import Front
from benchmarks.meanwhile import meanwhile
from benchmarks.process import LIKE_THE_IMAGE, processor_seconds, resident_mb
from benchmarks.stage import Stage, stage
from standin.real_core import free_port
from standin.supervisor import TOKEN

_READINGS = "/Dynamic"
_MINUTE = 60.0
# Noon where the inverters are, so that all that can change does. What is left of this hour is more
# than most of the times that are watched, and the history asks for it after its end.
_BEGINNING = datetime(2026, 3, 1, 2, 12, tzinfo=UTC)
# Between two rounds is more time, between the answers of one round is less.
_APART = 20.0
# Real seconds for everything that is not watched, on a slow machine.
_PATIENCE_SECONDS = 300.0
# The same until the first state.
_START_SECONDS = 120.0


class Task(msgspec.Struct, frozen=True):
    """What is to be watched.

    Attributes:
        inverters: how many the account has.
        warm_up: minutes until everything has been asked for once, which are not looked at.
        minutes: those that are looked at, as parts after each of which the memory is measured.
        speed: how many times faster the clock is.
        has_fixed: whether a poller with a fixed period is to be watched beside it.
        has_bare: whether the least that can be done is to be watched beside it.
        is_looked_at: whether somebody opens the panel at the end, once.
    """

    inverters: int
    warm_up: float
    minutes: Sequence[float]
    speed: int
    has_fixed: bool = False
    has_bare: bool = False
    is_looked_at: bool = False


class Seen(msgspec.Struct, frozen=True):
    """What was seen.

    Attributes:
        minutes: how long it really was.
        requests: of the service, by path.
        fixed_requests: of the other poller; in all.
        states: that were pushed.
        processor_seconds: that the service has used.
        bare_processor_seconds: that were used by what does the least.
        cycle_seconds: real ones from the cloud's first answer to the last state of each round;
            what is told but now and then, such as details, is no part of a round.
        resident_mb: at the first state, and after each part.
        looked_at_mb: what the memory held after the panel was opened; 0 if it was not.
    """

    minutes: float
    requests: Mapping[str, int]
    fixed_requests: int
    states: int
    processor_seconds: float
    bare_processor_seconds: float
    cycle_seconds: Sequence[float]
    resident_mb: Sequence[float]
    looked_at_mb: float = 0.0


def watch(task: Task) -> Seen:
    """Watch it under a clock of its own."""
    text = msgspec.json.encode(task).decode()
    minutes = task.warm_up + sum(task.minutes)
    seconds = _PATIENCE_SECONDS + 3 * _MINUTE * minutes / task.speed
    told = fast_clock.run(
        "benchmarks.watch", text, seconds=seconds, speed=task.speed, beginning=_BEGINNING
    )
    return msgspec.convert(told, Seen)


async def _watch(task: Task) -> Seen:
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(cloud(task.inverters))
        port = free_port() if task.is_looked_at else 0
        scene = await stack.enter_async_context(stage(ours.url, panel_port=port))
        theirs = await _fixed(stack, task)
        await scene.service.start()
        await scene.pushed(seconds=_START_SECONDS * task.speed)
        pid = scene.service.pid
        memory = [resident_mb(pid)]
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(task.warm_up * _MINUTE)
        least = await _bare(stack, task, ours, scene)
        await ours.forget()
        if theirs is not None:
            await theirs.forget()
        states, began = len(scene.front.times), clock()
        worked, bare_worked = (one and processor_seconds(one) for one in (pid, least))
        for part in task.minutes:
            await asyncio.sleep(part * _MINUTE)
            memory.append(resident_mb(pid))
        seen = Seen(
            minutes=(clock() - began) / _MINUTE,
            requests=await ours.counts(),
            fixed_requests=0 if theirs is None else sum((await theirs.counts()).values()),
            states=len(scene.front.times) - states,
            processor_seconds=processor_seconds(pid) - worked,
            bare_processor_seconds=least and processor_seconds(least) - bare_worked,
            cycle_seconds=list(_cycles(await ours.times(_READINGS), scene.front, task.speed)),
            resident_mb=memory,
        )
        if not task.is_looked_at:
            return seen
        await scene.look()
        return msgspec.structs.replace(seen, looked_at_mb=resident_mb(pid))


def _cycles(answers: Iterable[float], front: Front, speed: int) -> Iterator[float]:
    """Tell how long each round took that brought something, in real seconds.

    Args:
        answers: when the cloud answered; those of one round come close together.
        front: where states came.
        speed: how many times faster the clock is.
    """
    begun = [at for before, at in pairwise([-inf, *answers]) if at - before > _APART]
    pushes = [
        (at, entity_id)
        for at, entity_id in zip(front.times, front.entity_ids, strict=True)
        if begun and at >= begun[0]
    ]
    often = Counter(entity_id for _, entity_id in pushes)
    regular = [at for at, entity_id in pushes if often[entity_id] > len(begun) / 2]
    for start, end in pairwise(begun):  # what has begun last may not be over
        arrived = [at for at in regular if start <= at < end]
        if arrived:
            yield (max(arrived) - start) / speed


async def _fixed(stack: AsyncExitStack, task: Task) -> Cloud | None:
    """Have the other poller ask a cloud of its own with the same readings, if it is wanted."""
    if not task.has_fixed:
        return None
    theirs = await stack.enter_async_context(cloud(task.inverters))
    polling = poll(theirs.url, await theirs.serials())
    await stack.enter_async_context(meanwhile("the other poller", polling))
    return theirs


async def _bare(stack: AsyncExitStack, task: Task, ours: Cloud, scene: Stage) -> int:
    """Have the least done beside it, if that is wanted; gives the process, or 0."""
    if not task.has_bare:
        return 0
    answers = []
    for number, answer in enumerate(await ours.readings(await ours.serials())):
        answers.append(scene.data / f"answer-{number}.json")
        answers[-1].write_bytes(answer)
    front = await stack.enter_async_context(Front(scene.supervisor.url))
    least = bare.Task(front.url, TOKEN, [str(file) for file in answers])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.bare", msgspec.json.encode(least).decode()),
        env=os.environ | LIKE_THE_IMAGE,
        stdin=PIPE,
    )
    stack.push_async_callback(process.wait)
    stack.callback(process.kill)
    await stack.enter_async_context(meanwhile("what does the least", process.wait()))
    following = _follow(scene.front, process)
    await stack.enter_async_context(meanwhile("what tells it how much to do", following))
    while not front.times:
        await asyncio.sleep(1)
    await asyncio.sleep(_MINUTE / 2)  # until its first round, which takes longer, is over
    return process.pid


async def _follow(front: Front, least: Process) -> None:
    """Have as many states posted, minute by minute, as the service has pushed."""
    assert least.stdin is not None
    posted = len(front.times)
    while True:
        await asyncio.sleep(_MINUTE)
        pushed = len(front.times)
        least.stdin.write(b"%d\n" % (pushed - posted))
        posted = pushed


def main() -> None:
    """Watch, and tell."""
    seen = asyncio.run(_watch(msgspec.json.decode(sys.argv[1], type=Task)))
    sys.stdout.buffer.write(msgspec.json.encode(seen))


if __name__ == "__main__":
    main()
