"""The whole house on one machine, to look at: a simulated cloud, a Core and the service."""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from simulator import Simulator
from simulator.world import CLIENT_ID, CREDENTIAL, PRESETS, World, days_ago
from standin.core import Core
from standin.real_core import CoreFailedError, RealCore, find_hass, free_port
from standin.supervisor import CoreAddress, Supervisor
from standin.users import OWNER

_OPTIONS = {"client_id": CLIENT_ID, "credential": CREDENTIAL, "log_level": "info"}
_STOP_SECONDS = 5
_INGRESS = "demo"


def main() -> None:
    """Run until ctrl-C."""
    arguments = _parser().parse_args()
    try:
        sys.exit(asyncio.run(_show(arguments.preset or ["st"], real=arguments.core)))
    except CoreFailedError as error:
        sys.exit(f"No demo with a real Core: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/demo",
        description="Shows the add-on at work beside a simulated Redback cloud. Ctrl-C ends it.",
    )
    parser.add_argument(
        "--core", action="store_true", help="with a real Home Assistant Core, not a stand-in"
    )
    parser.add_argument(
        "--preset",
        action="append",
        choices=PRESETS,
        help="what the account has, may be given several times (default: st)",
    )
    return parser


async def _show(presets: Sequence[str], *, real: bool) -> int:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    world = World(commissioned=days_ago(3))
    world.add_account(presets)
    token = secrets.token_hex()
    async with contextlib.AsyncExitStack() as stack:
        # A hass that runs in a container or a chroot may see no other folder.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="redback-demo-", dir="/tmp")
        )
        simulator = await stack.enter_async_context(Simulator(world))
        address, log_in, owner = await stack.enter_async_context(_core(Path(folder), real=real))
        if ended.is_set():  # while Core was starting
            return 0
        supervisor = await stack.enter_async_context(Supervisor(address, token=token))
        (Path(folder) / "options.json").write_text(json.dumps(_OPTIONS))
        port = free_port()
        # As from the sidebar, by the user who may press its buttons.
        supervisor.ingress[_INGRESS] = f"http://127.0.0.1:{port}"
        supervisor.visitor = owner
        _print(f"The panel:      {supervisor.url}/ingress/{_INGRESS}/")
        _print(f"Home Assistant: {address.url}/ {log_in}")
        _print(f"Redback cloud:  {simulator.url} (simulated)")
        _print(f"Add-on's data:  {folder}")
        _print("Ctrl-C ends it all. What follows is the add-on's own log.\n")
        variables = {
            "SUPERVISOR_TOKEN": token,
            "SUPERVISOR_URL": supervisor.url,
            "REDBACK_API_URL": simulator.url,
            "REDBACK_LOGIN_URL": simulator.url,
            "REDBACK_DATA": folder,
            "REDBACK_PANEL_ALLOW": "127.0.0.1",
            "REDBACK_PANEL_PORT": str(port),
        }
        return await _serve(variables, ended)


@contextlib.asynccontextmanager
async def _core(folder: Path, *, real: bool) -> AsyncIterator[tuple[CoreAddress, str, str]]:
    """Run a Core; return its address, what a person must know to look at it, and its owner."""
    if not real:
        async with Core() as core:
            yield core.address, "(a stand-in; its page shows all states)", OWNER
        return
    _print("Starting Home Assistant Core: this takes a minute ...")
    async with RealCore(find_hass(), folder / "core", frontend=True) as core:
        access = core.access
        log_in = f"(log in as {access.user_name} with {access.password})"
        yield core.address, log_in, await core.owner()


async def _serve(variables: dict[str, str], ended: asyncio.Event) -> int:
    """Run the service until it ends or is to end, and return its exit code."""
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "redback", env=os.environ | variables, start_new_session=True
    )
    done = asyncio.ensure_future(service.wait())
    stopped = asyncio.ensure_future(ended.wait())
    await asyncio.wait((done, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not done.done():
        service.terminate()
    try:
        return await asyncio.wait_for(done, _STOP_SECONDS)
    except TimeoutError:
        service.kill()
        return await service.wait()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
