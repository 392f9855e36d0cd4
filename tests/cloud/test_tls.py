"""That the cloud must prove who it is before it is sent anything, with real connections.

Each server that is refused here has one fault and no other: its authority is trusted unless that
is the fault, so that nothing but the fault can be why it is refused.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Protocol
from unittest import mock

import pytest
import trustme

from cloud.bench import CLIENT_ID, SECRET, FakeTime
from redback.cloud import (
    Cause,
    CloudError,
    Credentials,
    Hosts,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    TransientError,
    Transport,
)
from redback.cloud.transport import Call

HERE = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
END = b"&last=1"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
AFTER_THAT = datetime(2020, 2, 1, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=30)


class Server:
    """A server that says OK to whoever trusts it, and counts the connections.

    `heard` is all that it was sent over them, decrypted if there is a `context` for that.
    """

    def __init__(self, context: ssl.SSLContext | None, repeated: bytes | None) -> None:
        self._context = context
        self._repeated = repeated
        self._listener = socket.create_server((HERE, 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.heard = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                connection.settimeout(10)
                with connection, contextlib.suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True)
        with connection:
            # To the end: who closes with something unread cuts off its own answer.
            while not self.heard.endswith(END) and (piece := connection.recv(65536)):
                self.heard += piece
            while self._repeated is not None:  # until nobody is there to take it
                connection.sendall(self._repeated)
                sleep(0.01)
            connection.sendall(OK)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Open(Protocol):
    """Starts a server, with or without a certificate, that may repeat something before its OK."""

    def __call__(
        self, certificate: trustme.LeafCert | None, repeated: bytes | None = None
    ) -> Server: ...


@pytest.fixture
def open_server() -> Iterator[Open]:
    """Start servers that end with the test."""
    with contextlib.ExitStack() as stack:

        def start(certificate: trustme.LeafCert | None, repeated: bytes | None = None) -> Server:
            context = None
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                certificate.configure_cert(context)
            server = Server(context, repeated)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that this machine may be made to trust."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> Iterator[trustme.CA]:
    """The same, in the place of those that the program comes with."""
    bundle = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with mock.patch("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(bundle)):
        yield authority


def send(transport: Transport, server: Server, scheme: str = "https", seconds: float = 60) -> bytes:
    """Send one request with everything that must not get out."""
    call = Call(
        "POST",
        f"{scheme}://{HERE}:{server.port}/x",
        authorization="Bearer t0k3n",
        form={"client_id": CLIENT_ID, "client_secret": SECRET, "last": "1"},
        may_repeat=True,
    )
    return transport.request(call, transport.deadline(seconds))


def assert_refused(transport: Transport, server: Server) -> CloudError:
    with pytest.raises(TransientError) as caught:
        send(transport, server)
    url = f"https://{HERE}:{server.port}/x"
    assert str(caught.value).startswith("no secure connection could be made: ")
    assert str(caught.value).endswith(f" (POST {url})")
    assert server.connections == 3
    assert server.heard == b""
    return caught.value


def test_a_cloud_with_a_certificate_of_a_trusted_authority_gets_the_request(
    open_server: Open, trusted: trustme.CA, transport: Transport
) -> None:
    server = open_server(trusted.issue_cert(HERE))
    assert send(transport, server) == b"OK"
    assert b"Authorization: Bearer t0k3n" in server.heard


def test_a_certified_cloud_that_does_not_begin_to_answer_is_given_up(
    open_server: Open, trusted: trustme.CA
) -> None:
    server = open_server(trusted.issue_cert(HERE), b"HTTP/1.1 100 Continue\r\n\r\n")
    with Transport() as transport, pytest.raises(TransientError, match="no answer came in time"):
        send(transport, server, seconds=0.5)


class _SelfSigned(trustme.LeafCert):
    """A certificate that has nobody but itself to vouch for it."""

    def __init__(self) -> None:
        itself = trustme.CA()
        super().__init__(itself.private_key_pem.bytes(), itself.cert_pem.bytes(), [])


REFUSED: dict[str, Callable[[trustme.CA], trustme.LeafCert]] = {
    "of an unknown authority": lambda _: trustme.CA().issue_cert(HERE),
    "of another host": lambda trusted: trusted.issue_cert("elsewhere.example"),
    "that has expired": lambda trusted: trusted.issue_cert(
        HERE, not_before=LONG_AGO, not_after=AFTER_THAT
    ),
    "that begins later": lambda trusted: trusted.issue_cert(
        HERE, not_before=LATER, not_after=LATER + timedelta(days=1)
    ),
    "that vouches for itself": lambda _: _SelfSigned(),
}
NOT_ITS_OWN = "the certificate is not the cloud's"
BLAMED = {
    "that has expired": ("by this machine's clock the certificate has expired", Cause.CLOCK),
    "that begins later": ("by this machine's clock the certificate is not valid yet", Cause.CLOCK),
}


@pytest.mark.parametrize("which", REFUSED)
def test_a_certificate_is_refused_and_it_is_said_what_is_to_blame(
    open_server: Open, trusted: trustme.CA, transport: Transport, which: str
) -> None:
    error = assert_refused(transport, open_server(REFUSED[which](trusted)))
    detail, cause = BLAMED.get(which, (NOT_ITS_OWN, Cause.INTERCEPTED))
    assert error.detail == f"no secure connection could be made: {detail}"
    assert error.cause is cause


def test_a_login_page_of_somebody_else_gets_no_credentials(
    open_server: Open, transport: Transport, time: FakeTime
) -> None:
    server = open_server(trustme.CA().issue_cert(HERE))
    url = f"https://{HERE}:{server.port}"
    remembered = RememberedHolder()
    tokens = TokenSource(transport, Credentials(CLIENT_ID, SECRET), remembered, Hosts(url, url))
    with pytest.raises(CloudError, match="no token: no secure connection could be made"):
        RedbackClient(transport, tokens, remembered, now=time.now).inverters()
    assert server.connections
    assert server.heard == b""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUESTS_CA_BUNDLE", "{bundle}"),
        ("CURL_CA_BUNDLE", "{bundle}"),
        ("SSL_CERT_FILE", "{bundle}"),
        ("REQUESTS_CA_BUNDLE", ""),
        ("PYTHONHTTPSVERIFY", "0"),
    ],
)
def test_no_variable_makes_a_certificate_good(
    open_server: Open,
    transport: Transport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    stranger = trustme.CA()
    bundle = tmp_path / "bundle.pem"
    stranger.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv(name, value.format(bundle=bundle))
    assert_refused(transport, open_server(stranger.issue_cert(HERE)))


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_no_variable_makes_a_good_certificate_bad(
    open_server: Open,
    trusted: trustme.CA,
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv(name, "/there/is/no/such/file")
    assert send(transport, open_server(trusted.issue_cert(HERE))) == b"OK"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", ["{}_proxy", "all_proxy", "ALL_PROXY"])
def test_no_variable_leads_a_request_to_a_proxy(
    open_server: Open,
    trusted: trustme.CA,
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    name: str,
) -> None:
    proxy = open_server(None)
    server = open_server(trusted.issue_cert(HERE) if scheme == "https" else None)
    for one in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(name.format(scheme), f"http://{HERE}:{proxy.port}")
    assert send(transport, server, scheme) == b"OK"
    assert server.connections == 1
    assert proxy.connections == 0
