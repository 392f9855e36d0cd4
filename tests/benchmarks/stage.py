"""The real service as a process, between a cloud and a Core, as a benchmark wants them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.front import Front
from benchmarks.process import LIKE_THE_IMAGE
from house import Service
from simulator import CLIENT_ID, CREDENTIAL
from standin.core import Core
from standin.supervisor import TOKEN, CoreAddress, Supervisor

_LOOK_SECONDS = 0.05
# All states are looked at, in the process that takes them.
_LOOK_AT_MANY_SECONDS = 0.5
# One of the first states of each inverter; the others of its reading come with it.
_READING = b"_last_reading"
_LOG_END = 2000
_LOOKED_AT = ("/", "/data/status")


@dataclass(frozen=True)
class Stage:
    """Everything but the cloud.

    Attributes:
        service: not yet started.
        data: its folder.
        supervisor: behind the front.
        front: takes the states, if Core is not to have them.
        panel_url: where the service shows its panel, if that has a port.
    """

    service: Service
    data: Path
    supervisor: Supervisor
    front: Front
    panel_url: str

    async def pushed(self, *, seconds: float) -> None:
        """Wait until a state has come to the front.

        Raises:
            TimeoutError: with the end of the service's log, if none comes in this time.
        """
        async with self._patience(seconds):
            while not self.front.times:
                await asyncio.sleep(_LOOK_SECONDS)

    async def read(self, inverters: int, *, seconds: float) -> float:
        """Wait until so many inverters have a reading; gives when the last one had its first.

        Raises:
            TimeoutError: as above.
        """
        async with self._patience(seconds):
            while len(arrived := self.front.first(_READING)) < inverters:
                await asyncio.sleep(_LOOK_AT_MANY_SECONDS)
        return max(arrived.values())

    async def look(self) -> None:
        """Open the panel, as a browser does that shows its first section."""
        async with aiohttp.ClientSession(self.panel_url) as session:
            for path in _LOOKED_AT:
                async with session.get(path) as answer:
                    await answer.read()
                    answer.raise_for_status()

    @asynccontextmanager
    async def _patience(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            log = self.service.log[-_LOG_END:]
            raise TimeoutError(f"not enough states have come:\n{log}") from None


@asynccontextmanager
async def stage(
    cloud_url: str,
    *,
    core: CoreAddress | None = None,
    has_front: bool = True,
    panel_port: int = 0,
) -> AsyncIterator[Stage]:
    """Make it; with a stand-in for Core, if there is no address of a real one.

    Without a port the panel is where nobody knows, and cannot be looked at.
    """
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redback-benchmark-")))
        if core is None:
            core = (await stack.enter_async_context(Core())).address
        supervisor = await stack.enter_async_context(Supervisor(core))
        front = await stack.enter_async_context(Front(supervisor.url))
        service = Service(
            {
                "SUPERVISOR_TOKEN": TOKEN,
                "SUPERVISOR_URL": front.url if has_front else supervisor.url,
                "REDBACK_API_URL": cloud_url,
                "REDBACK_LOGIN_URL": cloud_url,
                "REDBACK_DATA": str(data),
                "REDBACK_PANEL_PORT": str(panel_port),
                "REDBACK_PANEL_ALLOW": "127.0.0.1",
            }
            | LIKE_THE_IMAGE,
            data,
            data / "log",
        )
        service.options(
            client_id=CLIENT_ID, credential=CREDENTIAL, log_level="info", history_days=0
        )
        stack.push_async_callback(service.kill)
        yield Stage(service, data, supervisor, front, f"http://127.0.0.1:{panel_port}")
