"""A Supervisor that is of no use: it fails at every request, or lets in and never answers."""

import argparse
import asyncio
from functools import partial

_FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def _serve(host: str, port: int, *, hangs: bool) -> None:
    server = await asyncio.start_server(partial(_answer, hangs=hangs), host, port)
    print(f"Supervisor: {host}:{port}", flush=True)  # noqa: T201 - it is what the test waits for
    async with server:
        await server.serve_forever()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, hangs: bool
) -> None:
    await reader.read(1)
    if hangs:
        await asyncio.Event().wait()
    writer.write(_FAILURE)
    await writer.drain()
    writer.close()


def main() -> None:
    """Serve until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--hangs", action="store_true")
    given = parser.parse_args()
    asyncio.run(_serve(given.host, given.port, hangs=given.hangs))


if __name__ == "__main__":
    main()
