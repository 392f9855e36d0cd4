"""`python -m standin` as processes start it, and what becomes of a Core that does not start."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp
import pytest

from standin.client import Client
from standin.real_core import CoreFailedError, RealCore, find_hass, free_port

TESTS = Path(__file__).parents[1]


async def test_it_serves_both_and_says_where_and_ends_when_asked_to() -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "standin", f"--core-port={port}"),
        env={**os.environ, "PYTHONPATH": str(TESTS), "SUPERVISOR_TOKEN": "secret"},
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(2)]
    printed = dict(line.split(": ", 1) for line in lines)
    assert printed["Core"] == f"http://127.0.0.1:{port}"
    async with Client.of_supervisor(printed["Supervisor"], "secret") as addon:
        assert (await addon.push("sensor.one", 5)).status == 201
    async with aiohttp.ClientSession() as session, session.get(printed["Core"]) as page:
        assert "sensor.one" in await page.text()
    process.terminate()
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


def test_without_hass_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HASS_EXECUTABLE", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CoreFailedError, match="HASS_EXECUTABLE"):
        find_hass()


def script(folder: Path, text: str) -> str:
    path = folder / "hass"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


async def test_a_core_that_ends_by_itself_shows_its_log(tmp_path: Path) -> None:
    core = RealCore(script(tmp_path, "echo no such integration; exit 1"), tmp_path / "config")
    with pytest.raises(CoreFailedError, match=r"ended by itself\nno such integration"):
        await core.start()


async def test_a_core_that_ignores_a_shut_down_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("standin.real_core.START_S", 0.5)
    monkeypatch.setattr("standin.real_core.STOP_S", 0.2)
    stubborn = script(tmp_path, "trap '' TERM; sleep 60 & echo $!; wait")
    core = RealCore(stubborn, tmp_path / "config")
    with pytest.raises(CoreFailedError, match=r"not ready within 0.5 s\n\d+") as failed:
        await core.start()
    child = re.findall(r"\d+", str(failed.value))[-1]
    # a signal to a group is sent before it is carried out, and only the parent is waited for
    async with asyncio.timeout(10):
        while is_alive(child):
            await asyncio.sleep(0.01)


def is_alive(process_id: str) -> bool:
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.split()[2] != "Z"
