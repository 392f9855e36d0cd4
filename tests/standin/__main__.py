"""`python -m standin`: the stand-in Supervisor, with its own Core."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from standin.core import Core
from standin.supervisor import TOKEN, Supervisor


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    asyncio.run(_serve(_parser().parse_args()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m standin",
        description="A stand-in for the Supervisor, with a stand-in for Core behind it.",
        epilog="Environment: SUPERVISOR_TOKEN, the add-on's token (default: supervisor-token).",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="the Supervisor's port, 0 for any")
    parser.add_argument("--core-port", type=int, default=0, help="the Core's port, 0 for any")
    parser.add_argument("--options", type=Path, help="the add-on's options.json")
    return parser


async def _serve(arguments: argparse.Namespace) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    token = os.environ.get("SUPERVISOR_TOKEN", TOKEN)
    async with (
        Core(host=arguments.host, port=arguments.core_port) as core,
        Supervisor(
            core.address,
            token=token,
            options=arguments.options,
            host=arguments.host,
            port=arguments.port,
        ) as supervisor,
    ):
        sys.stdout.write(f"Supervisor: {supervisor.url}\nCore: {core.url}\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    main()
