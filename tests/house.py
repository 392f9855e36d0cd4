"""A whole house for tests: a simulated cloud, a Core behind a Supervisor, and the real service."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

import addon
import longer_timeouts
from simulator import CLIENT_ID, SECOND_CLIENT_ID, SECOND_CREDENTIAL, Simulator
from simulator.world import Accepts, World, days_ago
from standin.client import Client
from standin.core import Core
from standin.supervisor import CoreAddress, Supervisor

# With characters that have to be encoded in a form, and that a careless log would show so.
CREDENTIAL = "s3cret+/=&% \u00e4"
TOKEN = "token-of-the-supervisor"
# The entry of the option More accounts for the second account, if there is one.
SECOND = {"client_id": SECOND_CLIENT_ID, "credential": SECOND_CREDENTIAL, "name": "Farm"}

_T = TypeVar("_T")
_AS_IT_IS = ("-m", "redback")
_WITH_LONGER_TIMEOUTS = (longer_timeouts.__file__,)


class Service:
    """The service as a process of its own, with its log."""

    def __init__(self, variables: Mapping[str, str], data: Path, log: Path) -> None:
        self._variables = variables
        self._data = data
        self._process: asyncio.subprocess.Process | None = None
        self._log = log

    @property
    def log(self) -> str:
        """Everything that was logged, over all starts."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def resident_mb(self) -> float:
        """How much memory it holds, in MB of 1024 x 1024 bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (kilobytes,) = (
            line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")
        )
        return int(kilobytes) / 1024

    def options(self, **changes: object) -> None:
        """Write options.json."""
        options = {"client_id": CLIENT_ID, "credential": CREDENTIAL, "log_level": "debug"} | changes
        (self._data / "options.json").write_text(json.dumps(options))

    async def start(self) -> None:
        program = _AS_IT_IS if longer_timeouts.factor() == 1 else _WITH_LONGER_TIMEOUTS
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *program,
                env=os.environ | self._variables,
                stdout=log,
                stderr=log,
                start_new_session=True,  # ctrl-C is not for the service
            )

    async def ended(self, seconds: float = 10) -> int:
        """Wait for its end, and return the exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), longer_timeouts.scaled(seconds))

    async def stop(self) -> int:
        """Stop it as the Supervisor does, and return the exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        return await self.ended()

    async def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class House:
    """Everything together; the service is not yet started.

    `timeout_factor` is the service's own; None = that of all others.
    """

    def __init__(
        self,
        simulator: Simulator,
        supervisor: Supervisor,
        address: CoreAddress,
        data: Path,
        *,
        panel_port: int,
        log: Path | None = None,
        panel_allow: str = "",
        timeout_factor: float | None = None,
    ) -> None:
        self.panel_url = f"http://127.0.0.1:{panel_port}"
        self.inverters = [inverter.serial for inverter in simulator.world.inverters]
        self.simulator = simulator
        self.supervisor = supervisor
        self.data = data
        self.service = Service(
            {
                "SUPERVISOR_TOKEN": TOKEN,
                "SUPERVISOR_URL": supervisor.url,
                "REDBACK_API_URL": simulator.url,
                "REDBACK_LOGIN_URL": simulator.url,
                "REDBACK_DATA": str(data),
                "REDBACK_PANEL_PORT": str(panel_port),
                "REDBACK_PANEL_ALLOW": panel_allow,
                longer_timeouts.VARIABLE: str(timeout_factor or longer_timeouts.factor()),
            },
            data,
            log or data / "log",
        )
        self.service.options()
        self._address = address

    def client(self) -> Client:
        """A client of Core; an async context manager."""
        return Client.of_core(self._address.url, self._address.token)

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return what Core shows of the service's entities, by entity id without `sensor.`."""
        async with Client.of_core(self._address.url, self._address.token) as client:
            states = (await client.request("GET", "states")).body
        return {
            state["entity_id"].removeprefix("sensor."): state
            for state in states
            if state["entity_id"].startswith("sensor.")
        }

    async def notifications(self) -> dict[str, str]:
        """Return the messages of Core's persistent notifications, by their id."""
        async with Client.of_core(self._address.url, self._address.token) as client:
            shown = await client.command({"type": "persistent_notification/get"})
        return {notice["notification_id"]: notice["message"] for notice in shown}

    async def command(self, message: dict[str, Any]) -> Any:  # noqa: ANN401 - each has its own
        """Send Core a command, and return its result."""
        async with Client.of_core(self._address.url, self._address.token) as client:
            return await client.command(message)

    async def value(self, name: str) -> str | None:
        """Return the state of one entity, None where there is none."""
        state = (await self.states()).get(name)
        return None if state is None else state["state"]

    async def shows(self, name: str, *, seconds: float = 20) -> str:
        """Wait until an entity has a value of its own, and return it."""
        nothing = (None, "unavailable", "unknown")
        return str(await eventually(partial(self.value, name), lambda v: v not in nothing, seconds))


@asynccontextmanager
async def house(
    *presets: str,
    core: CoreAddress | None = None,
    accepts: Accepts = "both",
    latency: float | None = None,
    panel_port: int = 0,
    panel_allow: str = "",
    past_of_v221: bool = True,
    second: Sequence[str] = (),
) -> AsyncIterator[House]:
    """Make a house; with a stand-in for Core, if there is no address of a real one.

    If v2.21 does not have the past, the counters of a battery, which v2 does not have, come
    with the second reading only. `second` is what a second account sees, if there is one.

    At its end, the whole log of the service is searched for every secret that was used, and that of
    the cloud for what concerns all inverters at once, which is never asked for.
    """
    async with AsyncExitStack() as stack:
        data = Path(tempfile.mkdtemp(prefix="redback-house-"))
        stack.callback(shutil.rmtree, data)
        world = World(commissioned=days_ago(3), latency=latency, past_of_v221=past_of_v221)
        world.add_account(presets or ("st",), credential=CREDENTIAL, accepts=accepts)
        if second:
            world.add_account(second, client_id=SECOND_CLIENT_ID, credential=SECOND_CREDENTIAL)
        simulator = await stack.enter_async_context(Simulator(world))
        if core is None:
            core = (await stack.enter_async_context(Core())).address
        supervisor = await stack.enter_async_context(
            Supervisor(core, token=TOKEN, options=data / "options.json", config=addon.config())
        )
        built = House(
            simulator, supervisor, core, data, panel_port=panel_port, panel_allow=panel_allow
        )
        if second:
            built.service.options(more_accounts=[SECOND])
        stack.push_async_callback(built.service.kill)
        yield built
        leaked = [secret for secret in secrets(core) if secret in built.service.log]
        assert not leaked, "a secret is in the log"
        assert not simulator.journal.of_all


def secrets(core: CoreAddress) -> Iterator[str]:
    """Return every secret of a house, in every spelling that a log might show."""
    for credential in (CREDENTIAL, SECOND_CREDENTIAL):
        yield from (credential, quote(credential), quote_plus(credential))
        yield json.dumps(credential)[1:-1]
    yield from (CLIENT_ID, SECOND_CLIENT_ID, TOKEN, core.token)
    # Every token that the simulator gives out begins with these words.
    yield "eyJ0eXAi.SIMULATED"


async def until(
    condition: Callable[[], object], seconds: float = 20, *, every: float = 0.05
) -> None:
    """Wait until something is so; what the machine does meanwhile has no event to wait for."""

    async def answer() -> object:
        found = condition()
        return await found if isawaitable(found) else found

    await eventually(answer, bool, seconds, every=every)


async def eventually(
    ask: Callable[[], Awaitable[_T]],
    is_so: Callable[[_T], object],
    seconds: float = 20,
    *,
    every: float = 0.05,
) -> _T:
    """Ask `every` few seconds until the answer is as it should be, and return it."""
    async with asyncio.timeout(longer_timeouts.scaled(seconds)):
        while not is_so(answer := await ask()):
            await asyncio.sleep(every)
        return answer
