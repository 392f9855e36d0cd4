"""`python -m standin`: the stand-in Supervisor, with its own Core or in front of a real one."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from standin import core as standin_core
from standin import supervisor as standin_supervisor
from standin.core import Core
from standin.supervisor import CoreAddress, Supervisor


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    arguments = _parser().parse_args()
    if arguments.core_url and "CORE_TOKEN" not in os.environ:
        sys.exit("CORE_TOKEN must hold a long-lived access token of the Core at --core-url")
    asyncio.run(_serve(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m standin",
        description="A stand-in for the Supervisor, with a stand-in for Core behind it.",
        epilog="Environment: SUPERVISOR_TOKEN, the add-on's token (default: supervisor-token); "
        "CORE_TOKEN, a token that the Core takes (required with --core-url).",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="the Supervisor's port, 0 for any")
    parser.add_argument("--core-port", type=int, default=0, help="the Core's port, 0 for any")
    parser.add_argument("--core-url", help="a real Core to stand in front of")
    parser.add_argument(
        "--core-version", default=standin_core.VERSION, help="what the stand-in Core says it is"
    )
    parser.add_argument("--options", type=Path, help="the add-on's options.json")
    return parser


async def _serve(arguments: argparse.Namespace) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with contextlib.AsyncExitStack() as stack:
        if arguments.core_url:
            address = CoreAddress(arguments.core_url.rstrip("/"), os.environ["CORE_TOKEN"])
        else:
            core = Core(
                token=os.environ.get("CORE_TOKEN", standin_core.TOKEN),
                version=arguments.core_version,
                host=arguments.host,
                port=arguments.core_port,
            )
            address = (await stack.enter_async_context(core)).address
        supervisor = Supervisor(
            address,
            token=os.environ.get("SUPERVISOR_TOKEN", standin_supervisor.TOKEN),
            options=arguments.options,
            host=arguments.host,
            port=arguments.port,
        )
        await stack.enter_async_context(supervisor)
        sys.stdout.write(f"Supervisor: {supervisor.url}\nCore: {address.url}\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    main()
