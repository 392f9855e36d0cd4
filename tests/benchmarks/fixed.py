"""What is compared with: a poller that asks once a minute at a moment of its own.

Both existing integrations do so (dossier 8); one of them asks for the static data of each inverter
every 15 minutes beside that.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from random import Random
from typing import Any
from urllib.parse import quote

import aiohttp

from simulator_tests.customer import Customer

_READING = "/Api/v2.21/EnergyData/Dynamic/BySerialNumber"
_STATIC = "/Api/v2/EnergyData/Static/BySerialNumber"
_PERIOD = 60.0
_STATIC_EVERY = 15
Heard = Callable[[str, Mapping[str, Any]], None]


async def poll(
    url: str,
    serials: Iterable[str],
    *,
    seed: str = "",
    heard: Heard = lambda _serial, _reading: None,
) -> None:
    """Ask for ever.

    Args:
        url: of the cloud.
        serials: for each of them alone, once a minute.
        seed: makes the phase of each; the same seed makes the same ones.
        heard: takes a serial number and its reading as the cloud tells it.
    """
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(url, timeout=timeout) as session:
        customer = Customer(session)
        await customer.sign_in()
        async with asyncio.TaskGroup() as tasks:
            for serial in serials:
                tasks.create_task(_poll_one(customer, serial, phase(serial, seed), heard))


def phase(serial: str, seed: str) -> float:
    """Choose the seconds from the beginning until an inverter is asked for."""
    return Random(f"{seed} {serial}").uniform(0, _PERIOD)


async def _poll_one(customer: Customer, serial: str, wait: float, heard: Heard) -> None:
    ident = quote(serial, safe="")
    due = time.monotonic() + wait
    rounds = 0
    while True:
        await asyncio.sleep(max(due - time.monotonic(), 0))
        due += _PERIOD
        answer = await customer.get(f"{_READING}/{ident}")
        if answer.status == HTTPStatus.OK:
            heard(serial, answer.data)
        else:  # the token has expired
            await customer.sign_in()
        if rounds % _STATIC_EVERY == 0:
            await customer.get(f"{_STATIC}/{ident}")
        rounds += 1
