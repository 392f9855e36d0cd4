"""Connections on which the head of an answer is there in time, or they are cut.

The time-outs of requests are for one piece of an answer. The body is watched where it is read, but
the head is read as a whole: one that drips, or interim answers without end, would take for ever.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from http.client import HTTPException

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


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
    is_cut = threading.Event()
    held = connection.sock

    def cut() -> None:
        is_cut.set()
        with contextlib.suppress(OSError):
            # That of TLS would change what the other thread is just reading from.
            socket.socket.shutdown(held, socket.SHUT_RDWR)

    timer = threading.Timer(connection.timeout or 0.0, cut)
    timer.daemon = True
    timer.start()
    try:
        response = get()
    except (OSError, HTTPException):
        if not is_cut.is_set():
            raise
        raise TimeoutError from None
    finally:
        timer.cancel()
    # Where it was cut among the headers, they seem to be at their end.
    if is_cut.is_set():
        response.close()
        raise TimeoutError
    return response
