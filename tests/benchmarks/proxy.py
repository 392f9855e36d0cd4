"""Takes states as fast as Python can, so that the program that pushes them is measured.

Everything else goes on to the stand-in of the Supervisor behind it.
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
_READING = b"_last_reading"
_CHUNK = 65536


class Proxy:
    """A running one, and when states came: the first one, and the time of each reading.

    `inverters` are those that have had a reading, by the ids of these entities; `pushes` is how
    many states came.
    """

    def __init__(self, supervisor_url: str) -> None:
        self._behind = urlsplit(supervisor_url)
        self.forget()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def forget(self) -> None:
        """Forget all states so far."""
        self.first: float | None = None
        self.pushes = 0
        self.read_at = array("d")
        self.inverters: set[bytes] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while push := _PUSH.match(head := await reader.readuntil(_END)):
                length = _LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                self.first = self.first or time.time()
                self.pushes += 1
                if push[1].endswith(_READING):
                    self.read_at.append(time.time())
                    self.inverters.add(push[1])
                writer.write(_TAKEN)
            answers, questions = await asyncio.open_connection("127.0.0.1", self._behind.port)
            if not _UPGRADE.search(head):
                # Or the states that come next would go there too.
                head = head.removesuffix(_END) + b"\r\nConnection: close" + _END
            questions.write(head)
            there = asyncio.create_task(_copy(reader, questions))
            await _copy(answers, writer)
            there.cancel()
            questions.close()
        writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
