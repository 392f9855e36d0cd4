"""That Core says who may change something, in old and new versions of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from core.connections import SilentCore, watching, websocket_to
from house import until
from redback.core import CoreAwayError, CoreRefusedError, Users, open_session
from standin.client import Client
from standin.real_core import AnyCore
from standin.supervisor import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def client(any_core: AnyCore) -> AsyncIterator[Client]:
    async with Client.of_core(any_core.url, any_core.token) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def users(any_core: AnyCore) -> AsyncIterator[Users]:
    async with websocket_to(any_core.address) as websocket:
        yield Users(websocket)


async def _create(client: Client, group: str) -> str:
    command = {"type": "config/auth/create", "name": "Kim", "group_ids": [group]}
    return str((await client.command(command))["user"]["id"])


async def test_the_owner_and_other_administrators_may(client: Client, users: Users) -> None:
    owner = (await client.command({"type": "auth/current_user"}))["id"]
    assert await users.is_administrator(owner)
    assert await users.is_administrator(await _create(client, "system-admin"))


@pytest.mark.parametrize("group", ["system-users", "system-read-only"])
async def test_others_may_not(client: Client, users: Users, group: str) -> None:
    assert not await users.is_administrator(await _create(client, group))


@pytest.mark.parametrize("unknown", ["", "Demo", "0" * 32])
async def test_somebody_unknown_may_not(users: Users, unknown: str) -> None:
    assert not await users.is_administrator(unknown)


async def test_who_is_locked_out_or_no_longer_an_administrator_may_not(
    client: Client, users: Users
) -> None:
    kim = await _create(client, "system-admin")
    change = {"type": "config/auth/update", "user_id": kim}
    await client.command(change | {"is_active": False})
    assert not await users.is_administrator(kim)
    await client.command(change | {"is_active": True})
    assert await users.is_administrator(kim)
    await client.command(change | {"group_ids": ["system-users"]})
    assert not await users.is_administrator(kim)


async def test_a_core_that_is_away_says_nothing() -> None:
    async with open_session(TOKEN) as session:
        with watching(session, "http://127.0.0.1:1") as watched, pytest.raises(CoreAwayError):
            await Users(watched.websocket).is_administrator("0" * 32)


async def test_an_answer_of_another_shape_says_nothing() -> None:
    async with SilentCore() as core, open_session(TOKEN) as session:
        with watching(session, core.url) as watched:
            await until(lambda: watched.connected)
            answer = asyncio.create_task(Users(watched.websocket).is_administrator("0" * 32))
            await until(lambda: core.asked("config/auth/list"))
            await core.answer(core.asked("config/auth/list"), [{"id": "0" * 32}])
            with pytest.raises(CoreRefusedError):
                await answer
