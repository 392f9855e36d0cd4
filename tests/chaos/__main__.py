"""The program: runs the hours, judges them, and prints everything that is known as one JSON."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from chaos import leaks
from chaos.director import Director, Event
from chaos.judge import Judge
from chaos.plan import PATIENCE, Plan, draw
from chaos.stage import FAST, NORMAL, Stage, set_speed, stage
from house import secrets, until

# Core and the service need some minutes of quiet before the first whole hour.
_RUN_UP = timedelta(minutes=6)
# Core writes an hour some seconds after the next one has begun.
_WRITING_SECONDS = 900.0


def main() -> None:
    """Run, and tell."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="draws everything (%(default)s)")
    parser.add_argument("--hours", type=int, default=6, help="whole hours (%(default)s)")
    parser.add_argument("--folder", type=Path, required=True, help="a new one, for all logs")
    parser.add_argument("--calm", action="store_true", help="let nothing go wrong")
    arguments = parser.parse_args()
    told = asyncio.run(_run(arguments))
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(told)))


async def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    async with stage(arguments.seed, arguments.folder, times=PATIENCE) as scene:
        shown = await scene.begin()
        first = datetime.now(UTC)
        beginning = _next_hour(first + _RUN_UP)
        plan = _plan(arguments, scene)
        director = Director(scene)
        await set_speed(FAST)
        await director.perform(plan, beginning)
        judge = Judge(scene.home.simulator, director.events, first, beginning, arguments.hours)
        await until(lambda: scene.written(judge.end), _WRITING_SECONDS)
        stored = await scene.statistics(beginning - timedelta(hours=1), judge.end)
        notices = await scene.home.notifications()
        await set_speed(NORMAL)
        director.leave_service()
        code = await scene.home.service.stop()
        known = (*secrets(scene.core.address), scene.core.access.password)
        return {
            "seed": arguments.seed,
            "hours": arguments.hours,
            "quiet": plan.quiet,
            "left_out": plan.left_out,
            "troubles": [_told(event) for event in director.events],
            "rows": [
                row
                for counter in scene.counters
                for row in judge.rows(counter, shown[counter.entity], stored[counter.entity])
            ],
            "crashes": director.crashes,
            "exit_code": code,
            "notices": {name: text for name, text in notices.items() if name.startswith("redback")},
            "tracebacks": scene.home.service.log.count("Traceback"),
            "leaks": leaks.find(known, arguments.folder),
            "requests": scene.home.simulator.journal.as_json()["statuses"],
        }


def _plan(arguments: argparse.Namespace, scene: Stage) -> Plan:
    serials = [inverter.serial for inverter in scene.home.simulator.world.inverters]
    plan = draw(arguments.seed, arguments.hours, serials, serials[-1])
    return replace(plan, cloud=(), house=(), left_out=()) if arguments.calm else plan


def _next_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _told(event: Event) -> dict[str, Any]:
    return {
        "name": event.trouble.name,
        "began": event.began,
        "ended": event.ended,
        "healed": event.healed,
        "details": event.trouble.cloud,
    }


if __name__ == "__main__":
    main()
