"""Starts what is measured: the real service between its stand-ins, and programs beside it."""

import asyncio
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

import fast_clock
import longer_timeouts
from benchmarks.proxy import Proxy
from house import Service
from simulator import CREDENTIAL, Simulator, build_world
from simulator.world import days_ago
from standin.core import Core
from standin.supervisor import TOKEN, Supervisor

# All libraries that the service imports, for interpreters to stand beside it.
IMPORTS = "import aiohttp.web, aiohttp_sse, msgspec, requests, slugify, sqlite3"
_LOOK_SECONDS = 0.05
_LOG_END = 2000
_LONGEST_SECONDS = 300.0
_T = TypeVar("_T")


class Task(msgspec.Struct, frozen=True):
    """How many inverters to watch, and how many times faster than real time.

    What is counted is of the `minutes` that come after those of the `warm_up`.
    """

    inverters: int
    warm_up: int
    minutes: int
    speed: int


@dataclass(frozen=True)
class Runner:
    """The service, not yet started, its folder, and the stand-ins; the proxy is before Core."""

    service: Service
    data: Path
    simulator: Simulator
    core: Core
    proxy: Proxy

    async def has_readings(self, seconds: float) -> None:
        """Wait until the proxy has got a reading of every inverter, that long at most."""
        wanted = len(self.simulator.world.inverters)
        try:
            async with asyncio.timeout(longer_timeouts.scaled(seconds)):
                while len(self.proxy.inverters) < wanted:
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"readings are missing:\n{self.service.log[-_LOG_END:]}") from None


@asynccontextmanager
async def runner(
    inverters: int = 1, *, seed: str = "1", panel_port: int = 0, has_proxy: bool = True
) -> AsyncIterator[Runner]:
    """Start everything but the service; without the proxy, states go to the stand-in for Core.

    The seed makes the days and the rhythm of each inverter. Without a port nobody knows where the
    panel is.
    """
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redback-benchmark-")))
        world = build_world(["fleet"], inverters=inverters, seed=seed, commissioned=days_ago(3))
        simulator = await enter(Simulator(world))
        core = await enter(Core())
        supervisor = await enter(Supervisor(core.address))
        proxy = await enter(Proxy(supervisor.url))
        variables = {
            "SUPERVISOR_TOKEN": TOKEN,
            "SUPERVISOR_URL": proxy.url if has_proxy else supervisor.url,
            "REDBACK_API_URL": simulator.url,
            "REDBACK_LOGIN_URL": simulator.url,
            "REDBACK_DATA": str(data),
            "REDBACK_PANEL_PORT": str(panel_port),
            "REDBACK_PANEL_ALLOW": "127.0.0.1",
        }
        service = Service(variables, data, data / "log")
        service.options(credential=CREDENTIAL, log_level="info", history_days=0)
        stack.push_async_callback(service.kill)
        yield Runner(service, data, simulator, core, proxy)


async def run(module: str, task: object, *, seconds: float) -> bytes:
    """Run a program, which reads its task, to its end; return what it writes.

    One that takes longer, in real time, is killed, and TimeoutError raised.
    """
    program = (sys.executable, "-m", module)
    process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE)
    try:
        async with asyncio.timeout(longer_timeouts.scaled(seconds)):
            written, _ = await process.communicate(msgspec.json.encode(task))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{module} has failed"
    return written


def run_faster(module: str, task: Task, kind: type[_T], beginning: datetime | None = None) -> _T:
    """Run a program under a faster clock that begins then; returns what it writes."""
    found = fast_clock.run(
        module,
        msgspec.json.encode(task).decode(),
        seconds=_LONGEST_SECONDS + 3 * 60.0 * (task.warm_up + task.minutes) / task.speed,
        speed=task.speed,
        beginning=beginning,
    )
    return msgspec.convert(found, kind)


def be_program(work: Callable[[_T], Coroutine[Any, Any, object]], kind: type[_T]) -> None:
    """Do a task that is the argument, or else can be read; write the result. Both are JSON."""
    task = sys.argv[1] if sys.argv[1:] else sys.stdin.buffer.read()
    with asyncio.Runner(loop_factory=longer_timeouts.event_loop) as program:
        result = program.run(work(msgspec.json.decode(task, type=kind)))
    sys.stdout.buffer.write(msgspec.json.encode(result))


@asynccontextmanager
async def background(what: str, work: Awaitable[object]) -> AsyncIterator[None]:
    """Do something without end while the context is open; `what` is its name, for people.

    If the work ends or fails, or the context does, ExceptionGroup is raised.
    """

    async def without_end() -> None:
        raise RuntimeError(f"{what} has ended: {await work}")

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(without_end())
        yield
        task.cancel()
