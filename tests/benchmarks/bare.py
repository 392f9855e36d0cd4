"""The least that a cycle can cost: each answer decoded and the posts, and nothing else.

`python -m benchmarks.bare TASK`, with a `Task` as JSON, does so for each line that it reads: how
many states are to be posted.
"""

import asyncio
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

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
    """What is to be done each time.

    Attributes:
        url: of the Supervisor that takes the states.
        token: its token.
        answers: files with what the cloud answers each time, which is decoded.
    """

    url: str
    token: str
    answers: Sequence[str]


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


async def _run(task: Task, answers: Sequence[bytes]) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async with open_session(task.token) as session:
        for number in count():
            wanted = int(await lines.readline())
            for answer in answers:
                msgspec.json.decode(answer)
            states = [(f"sensor.bare_{one}", f"{number}.{one}") for one in range(wanted)]
            await post(session, task.url, states)


def open_session(token: str) -> aiohttp.ClientSession:
    """Make a session whose connections outlive a minute; it must be closed."""
    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(keepalive_timeout=_PERIOD * 2),
    )


def main() -> None:
    """Do it until the end."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    asyncio.run(_run(task, [Path(file).read_bytes() for file in task.answers]))


if __name__ == "__main__":
    main()
