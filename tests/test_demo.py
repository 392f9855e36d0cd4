"""That the demo shows what its options say."""

import asyncio
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import demo
from demo import _core
from house import eventually, until
from simulator import Kind, Simulator
from standin.statistics import Statistics

_PANEL = re.compile(r"The panel: +(\S+)")
_OFFSETS = re.compile(r'name="redback-offsets" content="([^"]*)"')


def test_faults_and_gaps_are_those_of_the_options() -> None:
    words = "--preset two-inverters --gap 5 --gap 26 --fault offline --fault slow --past 2"
    arguments = demo.parser().parse_args(words.split())
    world = demo.world_of(arguments, demo.zone_of(arguments.hour))
    gaps = [fault.until - fault.since for fault in world.faults.active.values()]  # type: ignore[operator]
    assert gaps == 2 * [timedelta(hours=1)]
    demo.go_wrong(arguments, world)
    _, _, offline, slow = world.faults.active.values()
    assert (offline.kind, offline.serial) == (Kind.OFFLINE, world.inverters[0].serial)
    assert (slow.kind, slow.serial) == (Kind.SLOW, None)


def test_a_second_account_has_what_the_option_says() -> None:
    arguments = demo.parser().parse_args(["--second", "two-sites", "--second", "si"])
    world = demo.world_of(arguments, demo.zone_of(None))
    assert [len(account.sites) for account in world.accounts] == [1, 3]


@pytest.mark.parametrize("hour", range(24))
def test_any_hour_is_now_somewhere(hour: int) -> None:
    now = datetime.now(demo.zone_of(hour))
    assert hour in {now.hour, (now - timedelta(minutes=1)).hour}


@pytest.mark.parametrize("hour", [3, 23])
async def test_with_controls_others_have_scheduled_something_to_come(hour: int) -> None:
    arguments = demo.parser().parse_args(["--controls", "--preset", "two-inverters"])
    zone = demo.zone_of(hour)
    now = datetime.now(zone).replace(hour=hour)
    async with Simulator(demo.world_of(arguments, zone)) as simulator:
        demo.plan(simulator, now)
        hybrid, grid_tied = simulator.world.inverters
        (evening,) = simulator.schedules.active(hybrid.serial, now.timestamp())
        assert now.timestamp() < evening.start < now.timestamp() + 24 * 3600
        assert simulator.schedules.active(grid_tied.serial, now.timestamp()) == []
        site = simulator.world.account.sites[0].site_id
        assert len(simulator.envelopes.active(site, now.timestamp())) == 1


async def test_the_stand_in_compiles_statistics_after_each_period_so_that_the_history_fills(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "_FIVE_MINUTES", 1)  # the same in seconds
    monkeypatch.setattr(demo, "_COMPILED_AFTER", 0.1)
    compiled: list[tuple[datetime, datetime]] = []

    def note(_: Statistics, start: datetime) -> None:
        compiled.append((start, datetime.now(UTC)))

    monkeypatch.setattr(Statistics, "compile", note)
    async with _core(tmp_path, "Australia/Brisbane", real=False):
        await until(lambda: len(compiled) >= 3)
    starts = [start for start, _ in compiled]
    assert starts == sorted({*starts})
    assert {start.microsecond for start in starts} == {0}
    assert all(at >= start + timedelta(seconds=1) for start, at in compiled)


@pytest.mark.process
async def test_the_panel_shows_a_night_with_two_inverters() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "demo", "--hour", "1", "--preset", "two-inverters"),
        cwd=Path(__file__).parent,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        found = _PANEL.match((await process.stdout.readline()).decode())
        assert found is not None
        async with aiohttp.ClientSession(found[1]) as session:

            async def status() -> dict[str, Any]:
                async with session.get("data/status") as answer:
                    shown: dict[str, Any] = await answer.json() if answer.ok else {}
                    return shown

            def is_read(shown: dict[str, Any]) -> bool:
                inverters = shown.get("inverters", ())
                return len(inverters) == 2 and all(one["is_live"] for one in inverters)

            shown = await eventually(status, is_read)
            async with session.get("data/devices") as answer:
                devices = await answer.json()
            async with session.get("") as answer:
                offsets = _OFFSETS.search(await answer.text())
        assert [one["solar_kw"] for one in shown["inverters"]] == [0, 0]
        at = datetime.fromisoformat(shown["at"]).astimezone(demo.zone_of(1))
        assert at.hour in {1, 2}
        assert offsets is not None
        assert "Install and start the app Mosquitto broker" in devices["text"]
        [(_, seconds)] = json.loads(offsets[1])
        assert timedelta(seconds=seconds) == at.utcoffset()
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
