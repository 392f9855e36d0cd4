"""The simulator as a program: `python -m simulator --preset st --port 8080`."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from datetime import date
from typing import get_args

from .server import Simulator
from .world import (
    CLIENT_ID,
    COMMISSIONED_DAYS,
    CREDENTIAL,
    FLEET,
    PRESETS,
    Accepts,
    World,
    days_ago,
)

_FLEET_SIZE = 120


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    made = argparse.ArgumentParser(prog="simulator", description=__doc__)
    add = made.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=8080, help="port; 0 takes a free one (%(default)s)")
    add(
        "--preset",
        action="append",
        choices=[*PRESETS, FLEET],
        help="what the account has; may be repeated (st)",
    )
    add(
        "--inverters",
        type=int,
        default=_FLEET_SIZE,
        help="size of the preset fleet (%(default)s)",
    )
    add("--client-id", default=CLIENT_ID, help="(%(default)s)")
    add("--credential", default=CREDENTIAL, help="(%(default)s)")
    add("--accepts", choices=get_args(Accepts), default="both", help="which token endpoint works")
    add("--token-lifetime", type=float, default=3599, help="seconds (%(default)s)")
    add("--seed", default="1", help="makes the days; the same seed makes the same ones")
    add("--latency", type=float, help="seconds until a record is visible (4 to 14, at random)")
    add(
        "--commissioned-days",
        type=int,
        default=COMMISSIONED_DAYS,
        help="days before today at which all counters began (%(default)s)",
    )
    add(
        "--commissioned",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="the same as a local date (UTC+10), so that a later start serves the same numbers",
    )
    add("--v221-past", action="store_true", help="let v2.21 have the past too")
    add("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    return made


def world_of(arguments: argparse.Namespace) -> World:
    """Return the world that the command line describes."""
    world = World(
        seed=arguments.seed,
        commissioned=arguments.commissioned or days_ago(arguments.commissioned_days),
        latency=arguments.latency,
        token_lifetime=arguments.token_lifetime,
        past_of_v221=arguments.v221_past,
    )
    world.add_account(
        arguments.preset or ["st"],
        inverters=arguments.inverters,
        client_id=arguments.client_id,
        credential=arguments.credential,
        accepts=arguments.accepts,
    )
    return world


async def serve(world: World, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; print the URL on stdout when ready."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Simulator(world, host=host, port=port) as simulator:
        print(f"Simulator: {simulator.url}", flush=True)  # noqa: T201 -- whoever starts it reads it
        await ended.wait()


def main(words: Sequence[str] | None = None) -> None:
    """Run the program."""
    arguments = parser().parse_args(words)
    logging.basicConfig(level=arguments.log_level.upper())
    asyncio.run(serve(world_of(arguments), arguments.host, arguments.port))


if __name__ == "__main__":
    main()
