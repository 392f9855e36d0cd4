"""The least that a cycle can cost: answers decoded, states posted, and nothing else.

`python -m benchmarks.bare` reads a `Task` as JSON, and writes the seconds of processor of a round.
"""

import asyncio
import resource
import sys
from collections.abc import Sequence

import aiohttp
import msgspec

from redback.publishing.states import AT_ONCE

_PERIOD = 60.0
ATTRIBUTES = {
    "friendly_name": "Bare power",
    "unit_of_measurement": "kW",
    "device_class": "power",
    "state_class": "measurement",
}


class Task(msgspec.Struct, frozen=True):
    """What to do once a minute.

    Attributes:
        url: of the Supervisor that takes the states.
        token: its token.
        answers: what the cloud answers each time, which is decoded.
        states: how many are posted.
        rounds: how often, after a first round that connects.
    """

    url: str
    token: str
    answers: Sequence[bytes]
    states: int
    rounds: int


def open_session(token: str) -> aiohttp.ClientSession:
    """Make a session whose connections outlive a minute; it must be closed."""
    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(keepalive_timeout=_PERIOD * 2),
    )


async def post(session: aiohttp.ClientSession, url: str, states: Sequence[tuple[str, str]]) -> None:
    """Post states, by entity id and value, and see that each is taken."""
    waiting = iter(states)

    async def work() -> None:
        for entity_id, value in waiting:
            async with session.post(
                f"{url}/core/api/states/{entity_id}",
                json={"state": value, "attributes": ATTRIBUTES},
            ) as answer:
                await answer.read()
                answer.raise_for_status()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def processor_seconds() -> float:
    """Return how long this process has used a processor; no faster clock changes that."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _run(task: Task) -> float:
    before = 0.0
    async with open_session(task.token) as session:
        for number in range(task.rounds + 1):
            for answer in task.answers:
                msgspec.json.decode(answer)
            states = [(f"sensor.bare_{one}", f"{number}.{one}") for one in range(task.states)]
            await post(session, task.url, states)
            if number == 0:
                before = processor_seconds()
            await asyncio.sleep(_PERIOD)
    return (processor_seconds() - before) / task.rounds


def main() -> None:
    """Do it, and write what it used."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.write(str(asyncio.run(_run(task))))


if __name__ == "__main__":
    main()
