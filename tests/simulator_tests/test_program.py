"""The simulator as a program."""

import asyncio
import os
import re
import sys
from pathlib import Path

import aiohttp
import pytest

from simulator import CLIENT_ID, SECOND_CLIENT_ID
from simulator.__main__ import parser, world_of
from simulator_tests.customer import Customer

TESTS = Path(__file__).parent.parent


async def test_it_prints_its_url_serves_there_and_ends_when_asked_to() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", "--port", "0", "--preset", "st"),
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        found = re.fullmatch(r"Simulator: (http://127\.0\.0\.1:\d+)\n", line)
        assert found is not None
        async with aiohttp.ClientSession(found[1]) as session:
            assert (await Customer(session).sign_in()).status == 200
    finally:
        process.terminate()
        status = await process.wait()
    assert status == 0


def test_presets_add_up_in_one_account() -> None:
    world = world_of(parser().parse_args(["--preset", "st", "--preset", "two-inverters"]))
    assert [len(site.inverters) for site in world.account.sites] == [1, 2]


def test_a_second_account_has_credentials_of_its_own() -> None:
    world = world_of(parser().parse_args(["--preset", "st", "--second", "si"]))
    assert [account.client_id for account in world.accounts] == [CLIENT_ID, SECOND_CLIENT_ID]
    assert [len(account.sites) for account in world.accounts] == [1, 1]


def test_an_unknown_preset_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--preset", "submarine"])
    assert "invalid choice: 'submarine'" in capsys.readouterr().err
