"""`python -m standin` and `python -m standin.real_core`, as people and processes start them."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from standin.client import Client
from standin.core import Core
from standin.real_core import CoreFailedError, RealCore, find_hass, free_port, temporary_folder

TESTS = Path(__file__).parents[1]


async def start(*arguments: str, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        env={**os.environ, "PYTHONPATH": str(TESTS), **environment},
        stdout=PIPE,
        stderr=PIPE,
    )


@asynccontextmanager
async def running(
    *arguments: str, lines: int = 2, **environment: str
) -> AsyncIterator[dict[str, str]]:
    """Start a module, give what it prints by name, and end it with a SIGTERM that it obeys."""
    process = await start(*arguments, **environment)
    assert process.stdout is not None
    printed = [(await process.stdout.readline()).decode().strip() for _ in range(lines)]
    yield dict(line.split(": ", 1) for line in printed if line)
    process.terminate()
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_it_serves_both_and_says_where() -> None:
    port = free_port()
    async with running("standin", f"--core-port={port}", SUPERVISOR_TOKEN="secret") as printed:
        assert printed["Core"] == f"http://127.0.0.1:{port}"
        async with Client.of_supervisor(printed["Supervisor"], "secret") as addon:
            assert (await addon.push("sensor.one", 5)).status == 201
        async with aiohttp.ClientSession() as session, session.get(printed["Core"]) as page:
            assert "sensor.one" in await page.text()


async def test_it_stands_in_front_of_another_core() -> None:
    async with (
        Core(token="of the other") as other,
        running("standin", "--core-url", other.url, CORE_TOKEN="of the other") as printed,
        Client.of_supervisor(printed["Supervisor"], "supervisor-token") as addon,
    ):
        assert printed["Core"] == other.url
        await addon.push("sensor.one", 5)
        assert other.states.get("sensor.one") is not None


async def test_another_core_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORE_TOKEN", raising=False)
    process = await start("standin", "--core-url", "http://127.0.0.1:1")
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"CORE_TOKEN" in errors


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


@pytest.mark.core
async def test_the_demo_core_is_ready_to_log_in_and_its_folder_can_be_used_again() -> None:
    log_ins = []
    with temporary_folder() as folder:
        for _ in range(2):
            port = f"--port={free_port()}"
            module = ("standin.real_core", "--config", str(folder), port)
            async with running(*module, lines=3) as printed, aiohttp.ClientSession() as session:
                async with session.get(f"{printed['Core']}/api/onboarding") as steps:
                    done = steps.status == 404 or all(step["done"] for step in await steps.json())
                    assert done
                log_ins.append((printed["User"], printed["Password"]))
    assert log_ins[0] == log_ins[1]
