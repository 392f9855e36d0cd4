"""The program: runs the days, compares, and prints everything that is known as one JSON."""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from chaos.filling import LONGEST_HOURS, compared, filled, is_filled
from chaos.runner import Event, Runner
from chaos.system import FAST, NORMAL, System, running_system, set_speed
from chaos.truth import Truth
from gapless import changes
from gapless.cases import HOURS, before_the_start, happen, plan
from gapless.comparison import Difference, Rows, by_hour, energies, means
from gapless.minutes import Minutes, minutes
from gapless.scenario import outages
from simulator import Kind
from standin.client import statistics_question

_HOUR = timedelta(hours=1)
# Core's boot takes a while; then there are some minutes of quiet before the first whole hour.
_RUN_UP = timedelta(minutes=6)
_LOOK_EVERY_SECONDS = 5.0


def main() -> None:
    """Run, and print the result."""
    parser = argparse.ArgumentParser(prog="gapless", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="a new one, for all logs")
    parser.add_argument("--days", type=int, default=3, help="of the past (%(default)s)")
    parser.add_argument("--kills", type=int, default=0, help="while the past is written")
    parser.add_argument("--outages", action="store_true", help="let live polling miss hours too")
    parser.add_argument("--cases", action="store_true", help="let what real houses do happen")
    parser.add_argument("--changes", action="store_true", help="to devices over MQTT, and back")
    arguments = parser.parse_args()
    run = _run_cases if arguments.cases else _run_changes if arguments.changes else _run
    result = asyncio.run(run(arguments))
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(result)))


async def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    days = arguments.days
    async with running_system(
        1, arguments.folder, days=days + 1, history_days=days, past_of_v221=True
    ) as system:
        shown = [
            await minutes(system.home, inverter, name) for inverter, name in system.named.items()
        ]
        await system.begin()
        begun = datetime.now(UTC)
        first = _floor(begun - timedelta(days=days))
        await set_speed(FAST)
        killed: list[int] = []
        while len(killed) < arguments.kills and not is_filled(system, first, None):
            killed.append(await _kill(system, shown, first, _floor(begun)))
        await filled(system, first)
        ended = datetime.now(UTC)
        await set_speed(NORMAL)
        past = await _compare(system, shown, (), first, _floor(begun))
        result = {
            "version": await system.core_version(),
            "past": _described(past),
            "seconds": (ended - begun).total_seconds(),
            "killed_at_rows": killed,
        }
        if arguments.outages:
            await set_speed(FAST)
            result |= await _live(system, shown, _floor(begun))
        await system.home.service.kill()
        log = system.home.service.log
        return result | {"tracebacks": log.count("Traceback"), "rejections": _rejections(log)}


async def _run_cases(arguments: argparse.Namespace) -> dict[str, Any]:
    async with running_system(
        1, arguments.folder, days=arguments.days + 1, history_days=arguments.days
    ) as system:
        one, other = system.named
        border = _floor(datetime.now(UTC))
        system.home.simulator.faults.add(before_the_start(one, border))
        await system.begin()
        first = border - timedelta(days=arguments.days)
        await set_speed(FAST)
        await filled(system, first)
        runner = Runner(system)
        beginning = _floor(datetime.now(UTC) + _RUN_UP) + _HOUR
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(runner.run(plan(one.serial, other.serial), beginning))
            lanes.create_task(happen(system, beginning, border))
        end = beginning + HOURS * _HOUR
        await filled(system, first, end)
        await compared()
        await set_speed(NORMAL)
        runner.leave_service()
        stored = await system.statistics(first, end)
        await system.home.service.kill()
        differences = [
            difference
            for truth in _truths(system, runner.events)
            for difference in energies(truth, by_hour(stored[truth.counter.entity]), first, end)
        ]
        return {
            "version": await system.core_version(),
            "energy": _described(differences),
            "crashes": runner.crashes,
            "events": [(event.trouble.name, event.began, event.ended) for event in runner.events],
            "tracebacks": system.home.service.log.count("Traceback"),
        }


async def _run_changes(arguments: argparse.Namespace) -> dict[str, Any]:
    async with running_system(1, arguments.folder, days=2, devices=True) as system:
        system.show_as(devices=False)
        await system.begin()
        await set_speed(FAST)
        runner = Runner(system)
        beginning = _floor(datetime.now(UTC) + _RUN_UP) + _HOUR
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(runner.run(changes.plan(), beginning))
            lanes.create_task(changes.rename(system, beginning))
        renamed = changes.renamed(system)
        end = beginning + changes.HOURS * _HOUR
        await filled(system, beginning, end)
        await compared()
        await set_speed(NORMAL)
        runner.leave_service()
        # What Core had counted at the end of the hour before is where the first one begins.
        before = beginning - _HOUR
        stored = await renamed.statistics(before, end)
        measured = await _compare_renamed(system, beginning)
        question = statistics_question([*changes.RENAMED], before, end, types=["state", "mean"])
        left = await system.core.command(question)
        entries = await system.core.command({"type": "config/entity_registry/list"})
        await system.home.service.kill()
        differences = [
            difference
            for truth in _truths(renamed, runner.events)
            for difference in energies(truth, by_hour(stored[truth.counter.entity]), before, end)
            if difference.hour != before
        ]
        return {
            "version": await system.core_version(),
            "energy": _described(differences),
            "measured": _described(measured),
            "under_former_ids": left,
            "devices": sum(one["platform"] == "mqtt" for one in entries),
            "second_ids": [one["entity_id"] for one in entries if one["entity_id"].endswith("_2")],
            "corrections": system.home.service.log.count(" were corrected by "),
            "crashes": runner.crashes,
            "events": [(event.trouble.name, event.began, event.ended) for event in runner.events],
            "tracebacks": system.home.service.log.count("Traceback"),
        }


async def _compare_renamed(system: System, beginning: datetime) -> list[Difference]:
    """Compare a measurement that has a new id, in the hours that were filled."""
    first, new = changes.MEASUREMENT, changes.RENAMED[changes.MEASUREMENT]
    since, until = (beginning + hour * _HOUR for hour in changes.AWAY)
    question = statistics_question([new], since, until, types=["mean", "min", "max"])
    rows = by_hour((await system.core.command(question)).get(new, ()))
    inverter, name = next(iter(system.named.items()))
    shown = await minutes(system.home, inverter, name)
    return [one for one in means(shown, {first: rows}, since, until) if one.entity == first]


async def _live(system: System, shown: Sequence[Minutes], first: datetime) -> dict[str, Any]:
    """Have outages, and compare everything since the first reading."""
    runner = Runner(system)
    beginning = _floor(datetime.now(UTC) + _RUN_UP) + _HOUR
    inside, outside = (one.inverter.serial for one in shown)
    scenario = outages(inside, outside)
    await runner.run(scenario, beginning)
    end = beginning + scenario.hours * _HOUR
    await filled(system, first, end)
    await set_speed(NORMAL)
    runner.leave_service()
    compared = await _compare(system, shown, runner.events, first, end)
    return {
        "live": _described([one for one in compared if one.entity in _entities(system)]),
        "crashes": runner.crashes,
        "events": [(event.trouble.name, event.began, event.ended) for event in runner.events],
    }


def _entities(system: System) -> frozenset[str]:
    return frozenset(counter.entity for counter in system.counters)


async def _kill(system: System, shown: Sequence[Minutes], first: datetime, end: datetime) -> int:
    """Kill the service as soon as more of the past is written; return the number of rows then."""
    before = await _count(system, shown, first, end)
    async with asyncio.timeout(LONGEST_HOURS * 3600):
        while (rows := await _count(system, shown, first, end)) == before:
            if is_filled(system, first, None):
                break  # what was left was written before the last kill
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
    await system.home.service.kill()
    await system.home.service.start()
    return rows


async def _count(system: System, shown: Sequence[Minutes], first: datetime, end: datetime) -> int:
    stored = await _rows(system, shown, first, end)
    return sum(len(rows) for rows in stored.values())


async def _compare(
    system: System,
    shown: Sequence[Minutes],
    events: Sequence[Event],
    since: datetime,
    until: datetime,
) -> list[Difference]:
    stored = await _rows(system, shown, since, until)
    differences: list[Difference] = []
    for truth in _truths(system, events):
        rows = stored.get(f"sensor.{truth.counter.entity}", {})
        differences += energies(truth, rows, since, until)
    for one in shown:
        differences += means(one, stored, since, until)
    return differences


def _truths(system: System, events: Sequence[Event]) -> Iterator[Truth]:
    for counter in system.counters:
        resets = tuple(
            event.began
            for event in events
            for fault in event.trouble.cloud
            if fault.kind in {Kind.COUNTER_RESET, Kind.COUNTER_STEP}
            and fault.serial == counter.inverter.serial
        )
        yield Truth(counter, system.home.simulator, resets)


async def _rows(
    system: System, shown: Sequence[Minutes], since: datetime, until: datetime
) -> dict[str, Rows]:
    """Return Core's hourly rows of everything, by entity id."""
    for one in shown:
        one.of_hour(_floor(datetime.now(UTC) - _HOUR))  # to know of all its entities
    counters = [f"sensor.{counter.entity}" for counter in system.counters]
    measurements = [entity_id for one in shown for entity_id in one.measurements()]
    types = ["state", "change", "mean", "min", "max"]
    question = statistics_question([*counters, *measurements], since, until, types=types)
    found = await system.core.command(question)
    return {entity_id: by_hour(rows) for entity_id, rows in found.items()}


def _described(compared: Iterable[Difference]) -> dict[str, Any]:
    every = list(compared)
    return {
        "entities": len({one.entity for one in every}),
        "hours": len({one.hour for one in every}),
        "compared": len(every),
        "worst_kwh": max(
            (one.size for one in every if not one.entity.startswith("sensor.")), default=0.0
        ),
        "wrong": [
            (one.entity, f"{one.hour:%d. %H}h", one.stored, one.true)
            for one in every
            if not one.is_right
        ],
    }


def _rejections(log: str) -> list[str]:
    return [line for line in log.splitlines() if "History: " in line and "WARNING" in line]


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


if __name__ == "__main__":
    main()
