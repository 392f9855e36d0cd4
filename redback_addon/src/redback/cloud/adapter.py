"""Connections that are cut when an answer is late: apart from `transport`, as it is about sockets.

The time-outs of requests are for one piece of an answer. But its head is read as a whole, and so is
what comes between the pieces of its body: one that drips, or interim answers, trailers or blocks of
nothing without end, would take for ever.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPException

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

# Where an answer keeps the socket that it came from: it does not know it any more by itself.
_SOCKET = "socket_to_cut"


class TimedAdapter(HTTPAdapter):
    """Makes connections that take the read time-out for the whole head of an answer."""

    def init_poolmanager(self, *args: object, **options: object) -> None:
        """Have the pools make these connections."""
        super().init_poolmanager(*args, **options)  # type: ignore[arg-type] # handed on as it came
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # urllib3's own, as there
        return _in_time(self, super().getresponse)


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # urllib3's own, as there
        return _in_time(self, super().getresponse)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _in_time(connection: HTTPConnection, get: Callable[[], HTTPResponse]) -> HTTPResponse:
    """Read the head of an answer.

    Raises:
        TimeoutError: it was not there in time.
        OSError, HTTPException: as without this.
    """
    held = connection.sock
    with _cut_after(held, connection.timeout or 0.0) as is_cut:
        try:
            response = get()
        except (OSError, HTTPException):
            if not is_cut():
                raise
            raise TimeoutError from None
    # Where it was cut among the headers, they seem to be at their end.
    if is_cut():
        response.close()
        raise TimeoutError
    vars(response)[_SOCKET] = held
    return response


@contextlib.contextmanager
def cut_after(response: object, seconds: float) -> Iterator[Callable[[], bool]]:
    """Cut the connection of an answer whose body is read for longer than this.

    Gives whether that has happened: it may look like the body's end, or like any other trouble.
    """
    held = vars(response).get(_SOCKET)
    if held is None:  # an answer without a connection, such as one of a test
        yield lambda: False
        return
    with _cut_after(held, seconds) as is_cut:
        yield is_cut


@contextlib.contextmanager
def _cut_after(held: socket.socket, seconds: float) -> Iterator[Callable[[], bool]]:
    is_over = threading.Event()

    def cut() -> None:
        is_over.set()
        with contextlib.suppress(OSError):
            # That of TLS would change what the other thread is just reading from.
            socket.socket.shutdown(held, socket.SHUT_RDWR)

    timer = threading.Timer(max(seconds, 0.0), cut)
    timer.daemon = True
    timer.start()
    try:
        yield is_over.is_set
    finally:
        timer.cancel()
