"""A real Home Assistant Core for tests and the demo: set up, started, stopped, killed and read."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp

from standin.client import Client
from standin.core import Core
from standin.errors import CommandError
from standin.serving import Message
from standin.supervisor import TOKEN, BrokerAddress, CoreAddress
from standin.versions import Version, parse

START_S = 90
"""Seconds that Core has to become RUNNING; its very first start takes the longest."""

STOP_S = 30
POLL_S = 0.1
USER_NAME = "demo"
FLOWS = "config/config_entries/flow"

_CONFIGURATION = """\
# Written before every start; a minimal Core that keeps states, history and energy.
homeassistant:
  name: Home
  latitude: -27.47
  longitude: 153.03
  elevation: 30
  unit_system: metric
  time_zone: {zone}
  country: AU
  currency: AUD
http:
  server_host: 127.0.0.1
  server_port: {port}
recorder:
  commit_interval: 1
  exclude:
    entity_globs:
      - sensor.not_recorded_*
api:
config:
energy:
history:
persistent_notification:
sensor:
websocket_api:
"""


class CoreFailedError(RuntimeError):
    """Core did not start, or ended by itself; the text has the end of its log."""


@dataclass(frozen=True)
class Access:
    """How to log in to the Core of one folder; kept there, so that the folder can be used again."""

    user_name: str
    password: str
    token: str


def find_hass() -> str:
    """Return the `hass` to run: what HASS_EXECUTABLE names, or else the one on PATH."""
    found = os.environ.get("HASS_EXECUTABLE") or shutil.which("hass")
    if not found:
        raise CoreFailedError(
            "a real Home Assistant Core is needed: name its hass executable in HASS_EXECUTABLE,"
            " or have hass on PATH"
        )
    return found


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RealCore:
    """One Core with its own folder and port; its token and its port outlive restarts.

    `folder` may be new, or one that was used before. It must be below /tmp where the executable
    sees no more of the machine than that. Use it as an async context manager, or call `start`
    and `stop`. `frontend` finishes the first set-up, so that a browser goes straight to the log-in;
    without it Core starts faster, for it then has none of the integrations that a person gets.
    With the address of a Supervisor it has the integration that talks to that, and with it ingress;
    with that of a broker, which has to be there at the first start, it has MQTT.
    """

    def __init__(
        self,
        executable: str,
        folder: Path,
        *,
        port: int = 0,
        frontend: bool = False,
        supervisor: str = "",
        broker: BrokerAddress | None = None,
        more: str = "",
        zone: str = "Australia/Brisbane",
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._executable = executable
        self._frontend = frontend
        self._supervisor = supervisor
        self._broker = broker
        self._more = more
        self._zone = zone
        self._process: asyncio.subprocess.Process | None = None
        self._access: Access | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @cached_property
    def version(self) -> str:
        """Return the version that the executable reports, for example 2026.11.0."""
        command = [self._executable, "--version"]
        said = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - the Core that was asked for
        return said.stdout.decode().strip()

    @property
    def release(self) -> Version:
        """Return the year and the month of its version."""
        return parse(self.version)

    @property
    def url(self) -> str:
        """Core's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Where Core's log is, of all its starts."""
        return self.folder / "core.log"

    @property
    def access(self) -> Access:
        """The user, the password and the long-lived token, once Core was started."""
        if self._access is None:
            raise CoreFailedError("Core was not yet started")
        return self._access

    @property
    def token(self) -> str:
        """The long-lived token."""
        return self.access.token

    @property
    def address(self) -> CoreAddress:
        """What the Supervisor's stand-in needs to stand in front of this Core."""
        return CoreAddress(self.url, self.token)

    async def start(self) -> None:
        """Start Core, set it up at the first time, and wait until it is RUNNING.

        If it ends, or takes longer than `START_S`, CoreFailedError is raised.
        """
        await asyncio.to_thread(self._prepare_folder)
        await self._spawn()
        try:
            await self._wait_for(self.answers)
            if self._access is None:
                self._access = await self._set_up()
            await self._wait_for(self._is_running)
            await self._confirm_port()
            if self._broker is not None:
                await self._set_up_mqtt(self._broker)
        except BaseException:
            await self.kill()
            raise

    async def _confirm_port(self) -> None:
        """Say that the port works, or Core goes back to its default one after five minutes."""
        try:
            await self.command({"type": "http/config/promote"})
        except CommandError as error:
            if error.code != "unknown_command":  # as with a Core that does not do so yet
                raise

    async def _set_up_mqtt(self, broker: BrokerAddress) -> None:
        """Add the MQTT integration as a person does, unless it is there already."""
        async with self.client() as client:
            entries = await client.request("GET", "config/config_entries/entry?domain=mqtt")
            if entries.body:
                return
            form = (await client.request("POST", FLOWS, {"handler": "mqtt"})).body
            flow = f"{FLOWS}/{form['flow_id']}"
            if form["type"] == "menu":  # beside a Supervisor it offers its own broker as well
                form = (await client.request("POST", flow, {"next_step_id": "broker"})).body
            given: Message = {"broker": broker.host, "port": broker.port}
            given |= {"set_client_cert": False, "set_ca_cert": "off"}  # where it has such fields
            if broker.username:
                given |= {"username": broker.username, "password": broker.password}
            answer = await client.request("POST", flow, _fill_in(form["data_schema"], given))
            if answer.body.get("type") != "create_entry":
                raise CoreFailedError(f"Core does not take the broker: {answer.body}")

    async def stop(self) -> None:
        """End Core as a shut-down does (SIGTERM), and wait until it has written everything."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End Core as a power cut does (SIGKILL)."""
        await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        """Stop, and start again."""
        await self.stop()
        await self.start()

    async def owner(self) -> str:
        """Return the id of the user who has set Core up, whose token it is."""
        return str((await self.command({"type": "auth/current_user"}))["id"])

    def client(self) -> Client:
        """A client that holds the long-lived token; an async context manager."""
        return Client.of_core(self.url, self.token)

    async def states(self) -> list[Message]:
        """All states."""
        async with self.client() as client:
            states: list[Message] = (await client.request("GET", "states")).body
            return states

    async def state(self, entity_id: str) -> Message | None:
        """One entity's state, or None where there is none."""
        async with self.client() as client:
            answer = await client.request("GET", f"states/{entity_id}")
            return None if answer.status == HTTPStatus.NOT_FOUND else answer.body

    async def command(self, message: Message) -> Any:  # noqa: ANN401  (each command has its own)
        """Send one WebSocket command, without its id, and return its result, or raise."""
        async with self.client() as client:
            return await client.command(message)

    def _prepare_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = _CONFIGURATION.format(port=self.port, zone=self._zone)
        if self._supervisor:
            configuration += "hassio:\n"
        configuration += self._more
        (self.folder / "configuration.yaml").write_text(configuration, encoding="utf-8")
        # Core reads the port from its YAML only once, and then from here
        (self.folder / ".storage" / "http").unlink(missing_ok=True)
        if self._access is None and self._access_file.exists():
            self._access = Access(**json.loads(self._access_file.read_text(encoding="utf-8")))

    @property
    def _access_file(self) -> Path:
        return self.folder / "access.json"

    async def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._executable,
                "--config",
                str(self.folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self._environment(),
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        if not self._supervisor:
            return {}
        return {
            "SUPERVISOR": self._supervisor.removeprefix("http://"),
            "SUPERVISOR_TOKEN": TOKEN,
        }

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # the group, because the executable may be a script in front of the real one
        _signal_group(process.pid, number)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            pass
        finally:
            _signal_group(process.pid, signal.SIGKILL)
            await process.wait()

    async def _wait_for(self, ready: Callable[[], Awaitable[bool]]) -> None:
        try:
            async with asyncio.timeout(START_S):
                while not await ready():
                    if self._process is None or self._process.returncode is not None:
                        raise CoreFailedError(f"Core ended by itself\n{self._end_of_log()}")
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise CoreFailedError(
                f"Core was not ready within {START_S} s\n{self._end_of_log()}"
            ) from None

    def _end_of_log(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-20:])

    async def answers(self) -> bool:
        """Whether its API answers, which comes before it is RUNNING."""
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(f"{self.url}/api/onboarding") as answer:
                    # a Core that was set up before no longer offers it
                    return answer.status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND)
            except aiohttp.ClientError:
                return False

    async def _is_running(self) -> bool:
        async with self.client() as client:
            try:
                answer = await client.request("GET", "core/state")
            except aiohttp.ClientError:
                return False
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise CoreFailedError(f"Core no longer takes the token in {self._access_file}")
        return answer.status == HTTPStatus.OK and answer.body["state"] == "RUNNING"

    async def _set_up(self) -> Access:
        password = secrets.token_urlsafe(9)
        token = await _onboard(self.url, USER_NAME, password, finish=self._frontend)
        access = Access(USER_NAME, password, token)
        await asyncio.to_thread(self._keep, access)
        return access

    def _keep(self, access: Access) -> None:
        self._access_file.touch(mode=0o600)
        self._access_file.write_text(json.dumps(asdict(access)), encoding="utf-8")


AnyCore = Core | RealCore


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder for a Core, gone afterwards."""
    # a hass in a chroot sees /tmp and not what TMPDIR names
    with tempfile.TemporaryDirectory(prefix="core.", dir="/tmp") as folder:
        yield Path(folder)


@asynccontextmanager
async def temporary_core(
    *, supervisor: str = "", broker: BrokerAddress | None = None, more: str = ""
) -> AsyncIterator[RealCore]:
    """Start a Core, beside a Supervisor and a broker if they have addresses, in a new folder.

    `more` is added to its configuration.
    """
    executable = find_hass()
    with temporary_folder() as folder:
        async with RealCore(
            executable, folder, supervisor=supervisor, broker=broker, more=more
        ) as core:
            yield core


def _fill_in(fields: list[Message], given: Message) -> Message:
    """Return a form as a person sends it who changes these fields and leaves the others alone."""
    filled: Message = {}
    for field in fields:
        name = field["name"]
        if "schema" in field:  # a section, which some versions have
            filled[name] = _fill_in(field["schema"], given)
        elif name in given:
            filled[name] = given[name]
        elif "default" in field:
            filled[name] = field["default"]
    return filled


async def _onboard(url: str, user_name: str, password: str, *, finish: bool) -> str:
    """Do what a person does at the first start; returns a long-lived token."""
    client_id = f"{url}/"
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        user = await _post(
            session,
            f"{url}/api/onboarding/users",
            json={
                "client_id": client_id,
                "name": user_name.title(),
                "username": user_name,
                "password": password,
                "language": "en",
            },
        )
        log_in = await _post(
            session,
            f"{url}/auth/token",
            data={
                "grant_type": "authorization_code",
                "code": user["auth_code"],
                "client_id": client_id,
            },
        )
    short_token = log_in["access_token"]
    async with Client.of_core(url, short_token) as client:
        if finish:
            places = {"client_id": client_id, "redirect_uri": client_id}
            await client.request("POST", "onboarding/core_config", {})
            await client.request("POST", "onboarding/analytics", {})
            await client.request("POST", "onboarding/integration", places)
        return str(
            await client.command(
                {
                    "type": "auth/long_lived_access_token",
                    "client_name": "standin",
                    "lifespan": 3650,
                }
            )
        )


async def _post(session: aiohttp.ClientSession, url: str, **body: Any) -> Message:  # noqa: ANN401  (aiohttp's own)
    async with session.post(url, **body) as answer:
        data: Message = await answer.json()
        return data


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
