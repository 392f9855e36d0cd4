"""The least that must be done each minute: ask for the readings, decode them, post the states.

A plain loop with one library. It knows no sensors, stores nothing, and ends with the first error.
Its processor time is the floor that the service's stands beside.
"""

import asyncio
import resource
from collections.abc import Iterable, Iterator
from itertools import cycle, islice

import aiohttp
import msgspec

from benchmarks.runner import be_program
from redback.publishing.states import AT_ONCE
from simulator_tests.customer import Customer

_READINGS = "/Api/v2.21/EnergyData/Multiple/BySerialNumber/Dynamic"
_MOST_SERIALS = 100
# Those of a power.
_ATTRIBUTES = {
    "friendly_name": "Bare power",
    "unit_of_measurement": "kW",
    "device_class": "power",
    "state_class": "measurement",
}


class Task(msgspec.Struct, frozen=True):
    """What to do: so many cycles, each with these inverters and so many states of each.

    Attributes:
        cloud: the URL of the simulated cloud.
        supervisor: that of what takes the states.
        pause: seconds between two cycles.
    """

    cloud: str
    supervisor: str
    serials: tuple[str, ...]
    states: int
    cycles: int
    pause: float


async def post_all(
    session: aiohttp.ClientSession, supervisor: str, states: Iterable[tuple[str, object]]
) -> None:
    """Post states, by entity id, as many together as the service does."""
    waiting = iter(states)

    async def post() -> None:
        for entity_id, value in waiting:
            body = {"state": value, "attributes": _ATTRIBUTES}
            address = f"{supervisor}/core/api/states/{entity_id}"
            async with session.post(address, json=body, raise_for_status=True) as answer:
                await answer.read()

    await asyncio.gather(*(post() for _ in range(AT_ONCE)))


async def _work(task: Task) -> float:
    """Return the processor time of the cycles after the first one, which connects, seconds."""
    async with (
        aiohttp.ClientSession(task.cloud) as asking,
        aiohttp.ClientSession() as posting,
    ):
        customer = Customer(asking)
        await customer.sign_in()
        headers = {"Authorization": f"Bearer {customer.token}"}
        began = 0.0
        for number in range(task.cycles + 1):
            for first in range(0, len(task.serials), _MOST_SERIALS):
                serials = task.serials[first : first + _MOST_SERIALS]
                async with asking.post(
                    _READINGS, json=serials, headers=headers, raise_for_status=True
                ) as answer:
                    body = msgspec.json.decode(await answer.read())
                states = (
                    (f"sensor.bare_{first + index}_{key}", value)
                    for index, reading in enumerate(body["Data"])
                    for key, value in enumerate(islice(cycle(_values(reading)), task.states))
                )
                await post_all(posting, task.supervisor, states)
            if number == 0:
                began = _processor_seconds()
            await asyncio.sleep(task.pause)
        return _processor_seconds() - began


def _values(data: object) -> Iterator[object]:
    match data:
        case dict():
            for value in data.values():
                yield from _values(value)
        case list():
            for value in data:
                yield from _values(value)
        case _:
            yield data


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    be_program(_work, Task)
