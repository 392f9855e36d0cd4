"""The simulator as a program: `python -m simulator --preset st --port 8080`."""

import argparse
import asyncio
import signal
from collections.abc import Sequence

from .server import Simulator
from .world import (
    COMMISSIONED_DAYS,
    CREDENTIAL,
    PRESETS,
    SECOND_CLIENT_ID,
    SECOND_CREDENTIAL,
    World,
    days_ago,
)


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    made = argparse.ArgumentParser(prog="simulator", description=__doc__)
    add = made.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=8080, help="port; 0 takes a free one (%(default)s)")
    add("--preset", action="append", choices=PRESETS, help="what there is; may be repeated (st)")
    add("--second", action="append", choices=PRESETS, help="what a second account sees")
    add("--credential", default=CREDENTIAL, help="(%(default)s)")
    add(
        "--commissioned-days",
        type=int,
        default=COMMISSIONED_DAYS,
        help="days before today at which all counters began (%(default)s)",
    )
    add("--v221-past", action="store_true", help="let v2.21 have the past too")
    return made


def world_of(arguments: argparse.Namespace) -> World:
    """Return the world that the command line describes."""
    world = World(
        commissioned=days_ago(arguments.commissioned_days), past_of_v221=arguments.v221_past
    )
    world.add_account(arguments.preset or ["st"], credential=arguments.credential)
    if arguments.second:
        world.add_account(
            arguments.second, client_id=SECOND_CLIENT_ID, credential=SECOND_CREDENTIAL
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
    asyncio.run(serve(world_of(arguments), arguments.host, arguments.port))


if __name__ == "__main__":
    main()
