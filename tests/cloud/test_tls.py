"""That nothing is said to a cloud whose certificate is not right, and nothing can change that."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from redback.cloud import TransientError, Transport
from redback.cloud.transport import Call

SECRET = "Bearer t0k3n-of-this-test"

Certify = Callable[[trustme.CA], trustme.LeafCert]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to this machine directly, whatever it has set."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Make an authority, and have this machine trust it."""
    authority = trustme.CA()
    path = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return authority


class Server:
    """An HTTPS server, and what it was told."""

    def __init__(self, listener: socket.socket, certificate: trustme.LeafCert) -> None:
        self.url = f"https://localhost:{listener.getsockname()[1]}/x"
        self.told = b""
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(self._context)
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with (
                    suppress(OSError),
                    self._context.wrap_socket(connection, server_side=True) as secured,
                ):
                    self.told += secured.recv(65536)
                    secured.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
                    )


@contextmanager
def serving(certificate: trustme.LeafCert) -> Iterator[Server]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("localhost", 0)))
        stack.callback(listener.shutdown, socket.SHUT_RDWR)
        yield Server(listener, certificate)


def ask(url: str) -> bytes:
    with Transport(sleep=lambda _: None) as transport:
        call = Call("GET", url, authorization=SECRET)
        return transport.request(call, transport.deadline(20))


def test_a_certificate_that_is_right_is_taken(trusted: trustme.CA) -> None:
    with serving(trusted.issue_cert("localhost")) as server:
        assert ask(server.url) == b"{}"
        assert SECRET.encode() in server.told


def _of_nobody(_: trustme.CA) -> trustme.LeafCert:
    return trustme.CA().issue_cert("localhost")


def _of_another(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("elsewhere.example")


def _of_the_past(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))


@pytest.mark.parametrize("certify", [_of_nobody, _of_another, _of_the_past])
def test_any_other_certificate_is_refused_before_anything_is_said(
    trusted: trustme.CA, certify: Certify
) -> None:
    with serving(certify(trusted)) as server:
        with pytest.raises(TransientError, match="secure connection") as met:
            ask(server.url)
        assert server.told == b""
        assert SECRET not in repr(met.value)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("value", ["", "0", "false"])
def test_no_variable_switches_that_off(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    with serving(trustme.CA().issue_cert("localhost")) as server:
        with pytest.raises(TransientError):
            ask(server.url)
        assert server.told == b""
