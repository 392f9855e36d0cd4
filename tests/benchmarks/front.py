"""Takes states as fast as Python can, so that what pushes them is what is measured.

Everything else is handed on to the stand-in of the Supervisor behind it.
"""

import asyncio
import re
import time
from array import array
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

_PUSH = re.compile(rb"POST /core/api/states/(\S+) ")
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_UPGRADE = re.compile(rb"\r\nupgrade: *websocket", re.IGNORECASE)
_TAKEN = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"  # as Core
)
_CHUNK = 65536


class Front:
    """A running one; an async context manager.

    Attributes:
        times: when each state came, in seconds since 1970.
        entity_ids: of which entity each was.
    """

    def __init__(self, supervisor_url: str) -> None:
        self._behind = urlsplit(supervisor_url)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.times = array("d")
        self.entity_ids: list[bytes] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def forget(self) -> None:
        """Forget all states so far."""
        del self.times[:], self.entity_ids[:]

    def first(self, end: bytes) -> dict[bytes, float]:
        """Tell when each entity came for the first time whose id ends so."""
        arrived: dict[bytes, float] = {}
        for at, entity_id in zip(self.times, self.entity_ids, strict=True):
            if entity_id.endswith(end):
                arrived.setdefault(entity_id, at)
        return arrived

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(_END)
                push = _PUSH.match(head)
                if push is None:
                    await self._hand_on(head, reader, writer)
                    return
                length = _LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                self.times.append(time.time())
                self.entity_ids.append(push[1])
                writer.write(_TAKEN)
        writer.close()

    async def _hand_on(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        assert self._behind.port is not None
        answers, questions = await asyncio.open_connection("127.0.0.1", self._behind.port)
        if not _UPGRADE.search(head):
            # Or the states that come next would go there too.
            head = head.removesuffix(_END) + b"\r\nConnection: close" + _END
        questions.write(head)
        there = asyncio.create_task(_copy(reader, questions))
        await _copy(answers, writer)
        there.cancel()
        await asyncio.gather(there, return_exceptions=True)
        questions.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
