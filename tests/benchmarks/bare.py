"""The least that a cycle can cost: one JSON decode and the posts, once a minute, and nothing else.

`python -m benchmarks.bare TASK`, with a `Task` as JSON, runs until it is killed.
"""

import asyncio
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import aiohttp
import msgspec

_PERIOD = 60.0
# As many as the publisher sends at once.
AT_ONCE = 4
ATTRIBUTES = {
    "friendly_name": "Bare power",
    "unit_of_measurement": "kW",
    "device_class": "power",
    "state_class": "measurement",
}


class Task(msgspec.Struct, frozen=True):
    """What is to be done every minute.

    Attributes:
        url: of the Supervisor that takes the states.
        token: its token.
        answer: a file with an answer of the cloud, which is decoded.
        states: how many are posted.
    """

    url: str
    token: str
    answer: str
    states: int


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


async def _run(task: Task, answer: bytes) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    async with open_session(task.token) as session:
        for number in count():
            msgspec.json.decode(answer)
            states = [(f"sensor.bare_{one}", f"{number}.{one}") for one in range(task.states)]
            await post(session, task.url, states)
            due += _PERIOD
            await asyncio.sleep(max(due - loop.time(), 0))


def open_session(token: str) -> aiohttp.ClientSession:
    """Make a session whose connections outlive a minute; it must be closed."""
    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(keepalive_timeout=_PERIOD * 2),
    )


def main() -> None:
    """Do it until the end."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    asyncio.run(_run(task, Path(task.answer).read_bytes()))


if __name__ == "__main__":
    main()
