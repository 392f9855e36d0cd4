"""Starts what is measured: the real service between its stand-ins, and programs beside it."""

import asyncio
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

import patience
from benchmarks.proxy import Proxy
from house import Service
from simulator import CLIENT_ID, CREDENTIAL, Simulator, build_world
from simulator.world import days_ago
from standin.core import Core
from standin.supervisor import TOKEN, Supervisor

_LOOK_SECONDS = 0.05
_LOG_END = 2000


@dataclass(frozen=True)
class Runner:
    """The service, not yet started, and all that it needs.

    Attributes:
        service: the process.
        data: its folder.
        simulator: the cloud.
        core: gets the states, if the proxy does not take them.
        proxy: in front of it.
    """

    service: Service
    data: Path
    simulator: Simulator
    core: Core
    proxy: Proxy

    async def has_readings(self, seconds: float) -> None:
        """Wait until the proxy has got a reading of every inverter.

        Raises:
            TimeoutError: it takes longer, in real time; with the end of the service's log.
        """
        wanted = len(self.simulator.world.inverters)
        try:
            async with asyncio.timeout(patience.stretched(seconds)):
                while len(self.proxy.readings) < wanted:
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"readings are missing:\n{self.service.log[-_LOG_END:]}") from None


@asynccontextmanager
async def runner(
    inverters: int = 1, *, seed: str = "1", panel_port: int = 0, has_proxy: bool = True
) -> AsyncIterator[Runner]:
    """Start everything but the service.

    Args:
        inverters: how many the account has.
        seed: makes the days and the rhythm of each inverter.
        panel_port: where the service shows its panel; nobody knows where without it.
        has_proxy: whether the proxy takes the states, instead of the stand-in for Core.
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
        service.options(
            client_id=CLIENT_ID, credential=CREDENTIAL, log_level="info", history_days=0
        )
        stack.push_async_callback(service.kill)
        yield Runner(service, data, simulator, core, proxy)


async def run(module: str, *arguments: str, given: object = None, seconds: float) -> bytes:
    """Run a program to its end; returns what it writes.

    Args:
        module: the program.
        arguments: its arguments.
        given: what it can read, as JSON.
        seconds: how long it may take at most, in real time.

    Raises:
        TimeoutError: it took longer, and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), stdin=PIPE, stdout=PIPE
    )
    try:
        async with asyncio.timeout(patience.stretched(seconds)):
            written, _ = await process.communicate(msgspec.json.encode(given))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{module} has failed"
    return written


@asynccontextmanager
async def background(what: str, work: Awaitable[object]) -> AsyncIterator[None]:
    """Do something without end while the context is open.

    Args:
        what: its name, for people.
        work: if it ends or fails, so does the context, at once: it would measure nothing.

    Raises:
        ExceptionGroup: what went wrong, with the work or within the context.
    """
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_without_end(what, work))
        yield
        task.cancel()


async def _without_end(what: str, work: Awaitable[object]) -> None:
    result = await work
    raise RuntimeError(f"{what} has ended: {result}")
