"""That the panel's port serves the addresses that are allowed, and no other."""

from pytest_aiohttp import AiohttpClient

from redback.panel import Panel


async def test_an_address_that_is_not_allowed_is_refused_whatever_it_asks_for(
    aiohttp_client: AiohttpClient,
) -> None:
    client = await aiohttp_client(Panel(0, ["172.30.32.2"], []).application())
    for path in ("/", "/anything", "/health/..", "/healthy"):
        assert (await client.get(path)).status == 403


async def test_an_address_that_is_allowed_is_let_in(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(Panel(0, ["127.0.0.1"], []).application())
    assert (await client.get("/")).status == 404


async def test_a_header_makes_no_address_an_allowed_one(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(Panel(0, ["172.30.32.2"], []).application())
    spoofed = {"X-Forwarded-For": "172.30.32.2", "X-Real-IP": "172.30.32.2"}
    assert (await client.get("/", headers=spoofed)).status == 403


async def test_the_container_may_ask_for_its_own_health(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(Panel(0, ["172.30.32.2"], []).application())
    assert (await client.get("/health")).status == 200
