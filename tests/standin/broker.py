"""A real MQTT broker for tests: Debian's mosquitto, started, stopped, killed and read."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self
from uuid import uuid4

import aiomqtt
import trustme

import longer_timeouts
from standin.real_core import free_port
from standin.supervisor import BrokerAddress

HOST = "127.0.0.1"
START_S = 15
STOP_S = 15
ANSWER_S = 10
POLL_S = 0.02

# As the Mosquitto app has it: nothing is lost when a thousand devices announce themselves at once.
_CONFIGURATION = """\
user root
max_queued_messages 8192
persistence {persistence}
persistence_location {folder}/
log_dest file {folder}/mosquitto.log
log_type all
connection_messages true
listener {port} {host}
"""
_TLS_LISTENER = """\
listener {port} {host}
certfile {folder}/certificate.pem
keyfile {folder}/key.pem
"""


class BrokerFailedError(RuntimeError):
    """The broker did not start; the text has the end of its log."""


def find_mosquitto() -> str | None:
    """Return the path of mosquitto, or None where it is not installed."""
    # Debian has it where only root's PATH looks.
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Broker:
    """One mosquitto with its own folder and ports, which stay the same through restarts.

    Without a `username` it lets everybody in. With `tls` it listens on `tls_port` as well, with a
    certificate for 127.0.0.1 of the authority in `authority`. Without `persistence` it forgets what
    is retained whenever it ends; with it, only when it is killed. Who may log in can be changed
    while it is stopped.

    Use it as an async context manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        username: str = "",
        password: str = "",
        tls: bool = False,
        persistence: bool = True,
    ) -> None:
        self.username = username
        self.password = password
        self.port = free_port()
        self.tls_port = free_port()
        self._folder = folder
        self._tls = tls
        self._persistence = persistence
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def authority(self) -> Path:
        """Where the certificate of its authority is, once it was started with TLS."""
        return self._folder / "authority.pem"

    @property
    def log(self) -> str:
        """Everything that it logged, with who subscribed to what."""
        return (self._folder / "mosquitto.log").read_text(encoding="utf-8")

    @property
    def address(self) -> BrokerAddress:
        """Where it is and who may log in: what the Mosquitto app tells the Supervisor of itself."""
        return BrokerAddress(HOST, self.port, self.username, self.password)

    async def start(self) -> None:
        """Start it, and wait until it listens; nothing happens when it already does."""
        if self._process is not None:
            return
        executable = find_mosquitto()
        if executable is None:
            raise BrokerFailedError("Debian's mosquitto is needed")
        configuration = await asyncio.to_thread(self._prepare)
        self._process = await asyncio.create_subprocess_exec(
            executable,
            "-c",
            str(configuration),
            # Under a faster clock it would hang up on whoever is not as fast.
            env={name: value for name, value in os.environ.items() if name != "LD_PRELOAD"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(longer_timeouts.scaled(START_S)):
                while not await self._listens():
                    self._check_that_it_runs()
                    await asyncio.sleep(POLL_S)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """End it as a shut-down does; with `persistence` it keeps what is retained."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it as a power cut does: it loses what was retained since its start."""
        await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        """Stop, and start again."""
        await self.stop()
        await self.start()

    def client(self, identifier: str | None = None) -> aiomqtt.Client:
        """Return a client that may log in; an async context manager."""
        return aiomqtt.Client(
            HOST,
            self.port,
            identifier=identifier,
            username=self.username or None,
            password=self.password or None,
            timeout=longer_timeouts.scaled(ANSWER_S),
        )

    async def publish(
        self, topic: str, payload: str | bytes = b"", *, retain: bool = False
    ) -> None:
        """Publish one message; an empty one that is retained removes what is retained."""
        async with self.client() as client:
            await client.publish(topic, payload, qos=1, retain=retain)

    async def retained(self, topics: str = "#") -> dict[str, bytes]:
        """Return what is retained on topics, by topic."""
        end = f"test/{uuid4().hex}"
        found: dict[str, bytes] = {}
        async with self.client() as client:
            await client.subscribe(topics)
            await client.subscribe(end)
            # The broker sends in order: after this there is nothing more that was retained.
            await client.publish(end)
            async for message in client.messages:
                if message.topic.value == end:
                    break
                if message.retain:
                    assert isinstance(message.payload, bytes)
                    found[message.topic.value] = message.payload
        return found

    def _prepare(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        text = _CONFIGURATION.format(
            folder=self._folder,
            host=HOST,
            persistence=str(self._persistence).lower(),
            port=self.port,
        )
        if self.username:
            text += f"allow_anonymous false\npassword_file {self._write_passwords()}\n"
        else:
            text += "allow_anonymous true\n"
        if self._tls:
            self._write_certificate()
            text += _TLS_LISTENER.format(folder=self._folder, host=HOST, port=self.tls_port)
        configuration = self._folder / "mosquitto.conf"
        configuration.write_text(text, encoding="utf-8")
        return configuration

    def _write_passwords(self) -> Path:
        file = self._folder / "passwords"
        file.unlink(missing_ok=True)  # newer ones do not overwrite it
        command = ["mosquitto_passwd", "-b", "-c", str(file), self.username, self.password]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - beside mosquitto
        return file

    def _write_certificate(self) -> None:
        if self.authority.exists():
            return
        authority = trustme.CA()
        certificate = authority.issue_cert(HOST)
        authority.cert_pem.write_to_path(str(self.authority))
        certificate.private_key_pem.write_to_path(str(self._folder / "key.pem"))
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(str(self._folder / "certificate.pem"), append=True)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), longer_timeouts.scaled(STOP_S))
        except TimeoutError:
            process.kill()
            await process.wait()

    def _check_that_it_runs(self) -> None:
        if self._process is None or self._process.returncode is not None:
            exists = (self._folder / "mosquitto.log").exists()
            lines = self.log.splitlines() if exists else []
            raise BrokerFailedError("\n".join(["mosquitto ended by itself", *lines[-20:]]))


@asynccontextmanager
async def temporary_broker(
    *, username: str = "", password: str = "", tls: bool = False, persistence: bool = True
) -> AsyncIterator[Broker]:
    """Start a broker in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="broker.", dir="/tmp") as folder:
        async with Broker(
            Path(folder), username=username, password=password, tls=tls, persistence=persistence
        ) as broker:
            yield broker
