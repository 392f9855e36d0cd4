"""The whole house on one machine, to look at: a simulated cloud, a Core and the service."""

import argparse
import asyncio
import contextlib
import math
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from house import CREDENTIAL, TOKEN, House, Service
from simulator import Simulator
from simulator.world import PRESETS, World, days_ago
from standin.core import Core
from standin.real_core import CoreFailedError, RealCore, find_hass, free_port
from standin.supervisor import CoreAddress, Supervisor
from standin.users import OWNER

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
    world.add_account(presets, credential=CREDENTIAL)
    async with contextlib.AsyncExitStack() as stack:
        # A hass that runs in a container or a chroot may see no other folder.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="redback-demo-", dir="/tmp")
        )
        simulator = await stack.enter_async_context(Simulator(world))
        address, log_in, owner = await stack.enter_async_context(_core(Path(folder), real=real))
        if ended.is_set():  # while Core was starting
            return 0
        supervisor = await stack.enter_async_context(Supervisor(address, token=TOKEN))
        home = House(
            simulator,
            supervisor,
            address,
            Path(folder),
            panel_port=free_port(),
            panel_allow="127.0.0.1",
            log=Path("/dev/stdout"),
        )
        home.service.options(log_level="info")
        # As from the sidebar, by the user who may press its buttons.
        supervisor.ingress[_INGRESS] = home.panel_url
        supervisor.visitor = owner
        _print(f"The panel:      {supervisor.url}/ingress/{_INGRESS}/")
        _print(f"Home Assistant: {address.url}/ {log_in}")
        _print(f"Redback cloud:  {simulator.url} (simulated)")
        _print(f"Add-on's data:  {folder}")
        _print("Ctrl-C ends it all. What follows is the add-on's own log.\n")
        return await _serve(home.service, ended)


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


async def _serve(service: Service, ended: asyncio.Event) -> int:
    """Run the service until it ends or is to end, and return its exit code."""
    await service.start()
    both = [asyncio.create_task(ended.wait()), asyncio.create_task(service.ended(math.inf))]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    try:
        return await service.stop()
    finally:
        await service.kill()
        for task in both:
            task.cancel()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
