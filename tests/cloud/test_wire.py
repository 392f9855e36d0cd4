"""What only a real connection shows: cut, dripping, silent, swollen and misleading answers."""

import contextlib
import gzip
import itertools
import socket
import threading
import time as real_time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from cloud.bench import FakeTime
from redback.cloud import OutcomeUnknownError, TransientError, Transport
from redback.cloud.transport import Call

Handler = Callable[[socket.socket], object]
Serve = Callable[[Handler], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve HTTP as a function says that gets the connection when a request is there."""
    with contextlib.ExitStack() as stack:

        def start(handler: Handler) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            threading.Thread(target=_serve, args=(listener, handler), daemon=True).start()
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/x"

        yield start


def _serve(listener: socket.socket, handler: Handler) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                handler(connection)


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *lines, "", ""]).encode()


def get(url: str, transport: Transport, seconds: float = 60.0) -> bytes:
    return transport.request(Call("GET", url, may_repeat=True), transport.deadline(seconds))


@pytest.mark.parametrize("length", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_is_cut_is_trouble_that_passes(
    serve: Serve, transport: Transport, length: str
) -> None:
    url = serve(lambda connection: connection.sendall(head(length) + b"5\r\nhello\r\n"))
    with pytest.raises(TransientError, match="cut short"):
        get(url, transport)


@pytest.mark.parametrize("sent", [b"", b"HTTP", head("Content-Length: 100") + b"{"])
def test_a_write_whose_connection_is_cut_is_made_once(
    serve: Serve, transport: Transport, sent: bytes
) -> None:
    made = []

    def cut(connection: socket.socket) -> None:
        made.append(connection)
        connection.sendall(sent)

    write = Call("POST", serve(cut), json=["RB1"], may_repeat=False)
    with pytest.raises(OutcomeUnknownError, match="it is not known whether this was done"):
        transport.request(write, transport.deadline(60))
    assert len(made) == 1


def test_a_compressed_body_is_unpacked(serve: Serve, transport: Transport) -> None:
    packed = gzip.compress(b'{"Data": 1}' * 50_000)
    url = serve(lambda connection: connection.sendall(head("Content-Encoding: gzip") + packed))
    assert get(url, transport) == b'{"Data": 1}' * 50_000


def test_a_body_that_is_not_what_its_encoding_says_is_trouble_that_passes(
    serve: Serve, transport: Transport
) -> None:
    url = serve(lambda connection: connection.sendall(head("Content-Encoding: gzip") + b"{}{}{}"))
    with pytest.raises(TransientError, match="garbled"):
        get(url, transport)


def test_a_body_that_unpacks_to_too_much_is_given_up_early(
    serve: Serve, transport: Transport
) -> None:
    packed = gzip.compress(bytes(64 * 1024 * 1024))
    url = serve(lambda connection: connection.sendall(head("Content-Encoding: gzip") + packed))
    tracemalloc.start()
    with pytest.raises(TransientError, match="too large"):
        get(url, transport)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30 * 1024 * 1024


def test_a_body_without_end_is_given_up(serve: Serve, transport: Transport) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(head())
        for _ in range(50):
            connection.sendall(bytes(1024 * 1024))

    with pytest.raises(TransientError, match="too large"):
        get(serve(pour), transport)


def test_a_dripping_body_is_given_up_when_its_time_is_over(serve: Serve) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head())
        for _ in range(2000):
            connection.sendall(b" ")
            real_time.sleep(0.002)

    ticks = itertools.count()
    transport = Transport(monotonic=lambda: float(next(ticks)), sleep=lambda _: None)
    with transport, pytest.raises(TransientError, match="took too long"):
        get(serve(drip), transport, seconds=100)
    # Three tries of 30 s each, on a clock that moves on by a second with each look at it.
    assert 30 < next(ticks) < 130


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"


@pytest.mark.parametrize(
    ("first", "piece", "sentence"),
    [
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", "came in time", id="interim answers"),
        pytest.param(b"HTTP/1.1 200 ", b"O", "came in time", id="the first line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"y", "came in time", id="a header"),
        pytest.param(CHUNKED + b"5", b";a", "took too long", id="an extension of a chunk"),
        pytest.param(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n", "took too long", id="trailers"),
        pytest.param(GZIP, b"\x00\x00\x00\xff\xff", "took too long", id="blocks of nothing"),
    ],
)
def test_an_answer_without_end_is_given_up_before_its_body_too(
    serve: Serve, first: bytes, piece: bytes, sentence: str
) -> None:
    is_over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(first)
        while not is_over.wait(0.01):
            connection.sendall(piece)

    with Transport() as transport, pytest.raises(TransientError, match=sentence):
        get(serve(drip), transport, seconds=0.3)
    is_over.set()


def test_a_silent_cloud_is_given_up(serve: Serve) -> None:
    hold, has_ended = threading.Event(), threading.Event()

    def say_nothing(_: socket.socket) -> None:
        hold.wait(30)
        has_ended.set()

    with Transport() as transport, pytest.raises(TransientError, match="in time"):
        get(serve(say_nothing), transport, seconds=0.2)
    assert not has_ended.is_set()
    hold.set()


def test_a_head_that_came_in_time_has_no_effect_on_what_comes_later(serve: Serve) -> None:
    connections = []

    def answer(connection: socket.socket) -> None:
        connections.append(connection)
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
        connection.sendall(answer)
        connection.recv(65536)
        real_time.sleep(3)  # until the time for the first answer is over
        connection.sendall(answer)

    url = serve(answer)
    with Transport() as transport:
        assert get(url, transport, seconds=2) == b"OK"
        assert get(url, transport, seconds=30) == b"OK"
    assert len(connections) == 1


def test_a_closed_door_is_trouble_that_passes(transport: Transport, time: FakeTime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransientError, match="the connection failed"):
        get(f"http://127.0.0.1:{port}/x", transport)
    assert len(time.slept) == 2


def test_a_cloud_that_speaks_no_http_is_trouble_that_passes(
    serve: Serve, transport: Transport
) -> None:
    with pytest.raises(TransientError, match="the connection failed"):
        get(serve(lambda connection: connection.sendall(b"220 mail ready\r\n\r\n")), transport)


def test_tls_that_is_none_is_trouble_that_passes(serve: Serve, transport: Transport) -> None:
    url = serve(lambda connection: connection.sendall(b"nonsense")).replace("http", "https")
    with pytest.raises(TransientError, match="secure connection"):
        get(url, transport)


def test_a_redirect_is_neither_followed_nor_is_its_body_read(
    serve: Serve, transport: Transport
) -> None:
    sent = []

    def redirect(connection: socket.socket) -> None:
        sent.append(0)
        connection.sendall(head("Location: /elsewhere", status="302 Found"))
        for _ in range(50):
            connection.sendall(bytes(1024 * 1024))
            sent[-1] += 1

    with pytest.raises(TransientError, match="302"):
        get(serve(redirect), transport)
    assert len(sent) == 3
    assert max(sent) < 25
