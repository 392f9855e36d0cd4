"""The program: runs the hours, checks them, and prints everything that is known as one JSON."""

import argparse
import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from chaos import leaks
from chaos.checker import Checker
from chaos.filling import compared, filled
from chaos.plan import TIMEOUT_FACTOR, Plan, draw
from chaos.runner import Event, Runner
from chaos.system import BROKER_PASSWORD, FAST, NORMAL, System, running_system, set_speed
from house import secrets, until

# Core and the service need some minutes of quiet before the first whole hour.
_RUN_UP = timedelta(minutes=6)
# Core writes an hour some seconds after the next one has begun.
_WRITING_SECONDS = 900.0


def main() -> None:
    """Run, and print the result."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="draws everything (%(default)s)")
    parser.add_argument("--hours", type=int, default=6, help="whole hours (%(default)s)")
    parser.add_argument("--folder", type=Path, required=True, help="a new one, for all logs")
    parser.add_argument("--devices", action="store_true", help="show devices over MQTT")
    parser.add_argument("--two-accounts", action="store_true", help="one for each inverter")
    parser.add_argument("--calm", action="store_true", help="let nothing go wrong")
    arguments = parser.parse_args()
    result = asyncio.run(_run(arguments))
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(result)))


async def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    async with running_system(
        arguments.seed,
        arguments.folder,
        devices=arguments.devices,
        two_accounts=arguments.two_accounts,
        timeout_factor=TIMEOUT_FACTOR,
    ) as system:
        shown = await system.begin()
        first = datetime.now(UTC)
        beginning = _next_hour(first + _RUN_UP)
        plan = _plan(arguments, system)
        runner = Runner(system)
        await set_speed(FAST)
        await runner.run(plan, beginning)
        end = beginning + timedelta(hours=arguments.hours)
        await until(lambda: system.written(end), _WRITING_SECONDS)
        await filled(system, beginning, end)
        await compared()
        checker = Checker(
            system.home.simulator,
            runner.events,
            first,
            beginning,
            arguments.hours,
            now=datetime.now(UTC),
        )
        stored = await system.statistics(beginning - timedelta(hours=1), end)
        notices = await system.home.notifications()
        states = await system.home.states()
        await set_speed(NORMAL)
        runner.leave_service()
        code = await system.home.service.stop()
        known = (*secrets(system.core.address), system.core.access.password, BROKER_PASSWORD)
        return {
            "seed": arguments.seed,
            "hours": arguments.hours,
            "quiet": plan.quiet,
            "left_out": plan.left_out,
            "troubles": [_described(event) for event in runner.events],
            "rows": [
                row
                for counter in system.counters
                for row in checker.rows(counter, shown[counter.entity], stored[counter.entity])
            ],
            "crashes": runner.crashes,
            "exit_code": code,
            "notices": {name: text for name, text in notices.items() if name.startswith("redback")},
            "tracebacks": system.home.service.log.count("Traceback"),
            "leaks": leaks.find(known, arguments.folder),
            # Core gives an entity such an id if there is a state of its own already.
            "twins": [name for one in system.counters if (name := f"{one.entity}_2") in states],
            "requests": dict(system.home.simulator.journal.statuses),
        }


def _plan(arguments: argparse.Namespace, system: System) -> Plan:
    world = system.home.simulator.world
    serials = [inverter.serial for inverter in world.inverters]
    plan = draw(
        arguments.seed,
        arguments.hours,
        serials,
        serials[-1],
        with_broker=arguments.devices,
        accounts=[account.client_id for account in world.accounts],
    )
    return replace(plan, cloud=(), house=(), left_out=()) if arguments.calm else plan


def _next_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _described(event: Event) -> dict[str, Any]:
    return {
        "name": event.trouble.name,
        "began": event.began,
        "ended": event.ended,
        "healed": event.healed,
        "details": event.trouble.cloud,
    }


if __name__ == "__main__":
    main()
