"""The simulated cloud as a process of its own, so that it takes nobody else's time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from simulator.calls import MOST_IDS
from simulator_tests.customer import Customer

_OWN = "/_simulator"
_MULTIPLE = "/Api/v2.21/EnergyData/Multiple/BySerialNumber/Dynamic"
_DAYS = 3
# Under a fast clock seconds are short.
_NO_LIMIT = aiohttp.ClientTimeout(total=None)


class Cloud:
    """A running simulator: a fleet of inverters of one account."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def serials(self) -> list[str]:
        """Give the inverters."""
        sites: dict[str, list[str]] = (await self._ask("world"))["accounts"][0]["sites"]
        return [serial for serials in sites.values() for serial in serials]

    async def counts(self) -> dict[str, int]:
        """Tell how often each method and path was asked for, by `GET /path`."""
        found: dict[str, int] = (await self._ask("requests"))["counts"]
        return found

    async def times(self, part: str) -> list[float]:
        """Tell when paths with this in them were answered lately, in seconds since 1970."""
        return [
            entry["at"]
            for entry in (await self._ask("requests"))["requests"]
            if part in entry["path"]
        ]

    async def readings(self, serials: Sequence[str]) -> list[bytes]:
        """Give what it answers when it is asked for the readings of all these, a hundred each."""
        async with aiohttp.ClientSession(self.url, timeout=_NO_LIMIT) as session:
            customer = Customer(session)
            await customer.sign_in()
            return [
                await _answer(customer, serials[first : first + MOST_IDS])
                for first in range(0, len(serials), MOST_IDS)
            ]

    async def forget(self) -> None:
        """Forget all requests so far."""
        async with self._session.delete(f"{self.url}{_OWN}/requests") as answer:
            answer.raise_for_status()

    async def _ask(self, what: str) -> Any:  # noqa: ANN401 - each has its own
        async with self._session.get(f"{self.url}{_OWN}/{what}") as answer:
            answer.raise_for_status()
            return await answer.json()


async def _answer(customer: Customer, serials: Sequence[str]) -> bytes:
    answer = await customer.post(_MULTIPLE, serials)
    assert answer.status == HTTPStatus.OK, answer
    return msgspec.json.encode(answer.body)


@asynccontextmanager
async def cloud(inverters: int, *, seed: int = 1) -> AsyncIterator[Cloud]:
    """Run a simulator; the same seed makes the same readings at the same seconds."""
    arguments = {
        "--port": 0,
        "--preset": "fleet",
        "--inverters": inverters,
        "--commissioned-days": _DAYS,
        "--seed": seed,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator"),
        *(str(word) for pair in arguments.items() for word in pair),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        told = (await process.stdout.readline()).decode()
        async with aiohttp.ClientSession(timeout=_NO_LIMIT) as session:
            yield Cloud(told.split()[-1], session)
    finally:
        process.kill()
        await process.wait()
