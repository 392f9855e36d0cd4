"""The one place that makes requests: how long they may take, and when they are retried."""

import io
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPResponse, responses
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal, Self

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import parse_url

from ..timeouts import timeout
from .decoding import MalformedError, parse
from .errors import (
    Cause,
    CloudError,
    OutcomeUnknownError,
    RequestError,
    ThrottledError,
    TransientError,
    of_status,
)

_LOG = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 20.0
_TOTAL_SECONDS = 30.0
_ATTEMPTS = 3
# The longest random wait before the second attempt; twice that before the third.
_FIRST_WAIT = 0.5

_CHUNK = 64 * 1024
_LARGEST_BODY = 8 * 1024 * 1024
_LARGEST_REFUSAL = 16 * 1024
# OpenSSL's codes X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_INVALID = {9: "is not valid yet", 10: "has expired"}


class _Denial(msgspec.Struct):
    """A token endpoint's refusal, if it has one of the words of RFC 6749 (dossier 1.3).

    Anything else that it says is dropped unread.
    """

    error: Literal[
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    ]


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which something must have ended, in the seconds of a clock."""

    at: float
    monotonic: Callable[[], float] = field(repr=False)

    def left(self) -> float:
        """Return the seconds that are left; 0 or less = it is over."""
        return self.at - self.monotonic()

    def allows(self, wait: float) -> bool:
        """Whether there is time left after a wait (seconds, not scaled as timeouts are)."""
        return timeout(wait) < self.left()

    def share(self, parts: int, at_least: float = 0.0) -> "Deadline":
        """Return the end of one of this many equal parts of the time left, or of a minimum."""
        now = self.monotonic()
        seconds = max((self.at - now) / parts, timeout(at_least))
        return Deadline(min(now + seconds, self.at), self.monotonic)

    def at_most(self, seconds: float) -> "Deadline":
        """Return the end of this many seconds from now, or this one if it is earlier."""
        return Deadline(min(self.monotonic() + timeout(seconds), self.at), self.monotonic)


@dataclass(frozen=True, slots=True)
class Call:
    """One request; its URL is without the query.

    Attributes:
        authorization: value of the header of that name; without it, none is sent.
        form: sent form-encoded; only the token endpoints get one.
        may_repeat: whether making it twice does no harm. Reads may be repeated, whatever their
            method; writes may not.
    """

    method: str
    url: str
    authorization: str | None = field(default=None, repr=False)
    params: Mapping[str, int] | None = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: Sequence[str] | Mapping[str, object] | None = None
    may_repeat: bool = field(kw_only=True)

    @property
    def where(self) -> str:
        """The URL as it may be shown: without query, and without a password somebody put in."""
        try:
            return parse_url(self.url)._replace(auth=None, query=None, fragment=None).url
        except HTTPError:
            return "an unusable URL"

    def broken(
        self,
        detail: str,
        status: int | None = None,
        *,
        code: str | None = None,
        arrived: bool = False,
        cause: Cause | None = None,
    ) -> CloudError:
        """Return the error that says that this did not work, this time.

        It is a `TransientError`; of a request that must not be repeated, and that has an answer or
        may at least have `arrived`, an `OutcomeUnknownError`.
        """
        where = {"method": self.method, "url": self.where}
        if not self.may_repeat and (arrived or status is not None):
            return OutcomeUnknownError(detail, **where, status=status, code=code, cause=cause)
        return TransientError(
            detail, **where, status=status, code=code, arrived=arrived, cause=cause
        )


class Transport:
    """Makes requests, one after the other or from several threads at once.

    A session that is given is used but not closed; no cookie stays in it, and it ignores the
    environment. Only a session of its own ends an answer that drips in time. Everything that waits
    here, and in whatever uses this transport, does so by `monotonic` and `sleep`.
    """

    def __init__(
        self,
        session: requests.Session | None = None,
        *,
        version: str = "development",
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._is_owner = session is None
        self._session = _own_session() if session is None else session
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # No variable names a proxy or other authorities, and no .netrc file other credentials.
        self._session.trust_env = False
        self._headers = {"Accept": "application/json", "User-Agent": f"redback-addon/{version}"}
        self.sleep = sleep
        self.monotonic = monotonic
        self._lock = threading.Lock()
        # How many requests were made, and how many of them have failed.
        self.requests = self.failures = 0
        # The time in the latest answer that has one, and when it came, in monotonic seconds.
        self.dated: tuple[datetime, float] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the session, unless it was given."""
        if self._is_owner:
            self._session.close()

    def deadline(self, seconds: float) -> Deadline:
        """Return the deadline that is this many seconds from now."""
        return Deadline(self.monotonic() + timeout(seconds), self.monotonic)

    def request(self, call: Call, deadline: Deadline, *, apart: float = 0.0) -> bytes:
        """Make a request, and return the body of an answer with status 200.

        One that may be repeated is retried while that helps and time is left, with at least `apart`
        seconds between two tries.

        Raises:
            CloudError: of whatever kind fits; `CredentialsError` for every 401.
            OutcomeUnknownError: a request that must not be repeated failed, and may have been done.
                All other errors mean that it was not.
        """
        number = 0
        while True:
            number += 1
            try:
                return self._attempt(call, deadline)
            except CloudError as error:
                asked = error.retry_after if isinstance(error, ThrottledError) else None
                # A cloud that throttles must say for how long.
                may_help = isinstance(error, TransientError) or asked is not None
                wait = random.uniform(0, _FIRST_WAIT * 2 ** (number - 1))  # noqa: S311 - no secret
                wait = max(wait, asked or 0.0, apart)
                is_last = not call.may_repeat or number == _ATTEMPTS
                if is_last or not may_help or not deadline.allows(wait):
                    raise
            self.sleep(wait)

    def _attempt(self, call: Call, deadline: Deadline) -> bytes:
        started = self.monotonic()
        with self._lock:
            self.requests += 1
        try:
            body = self._once(call, deadline)
        except CloudError as error:
            self._log(call, error.detail, started, 0)
            with self._lock:
                self.failures += 1
            raise
        self._log(call, "200 OK", started, len(body))
        return body

    def _log(self, call: Call, outcome: str, started: float, size: int) -> None:
        milliseconds = (self.monotonic() - started) * 1000
        _LOG.debug(
            "%s %s: %s, %.0f ms, %d bytes", call.method, call.where, outcome, milliseconds, size
        )

    def _once(self, call: Call, deadline: Deadline) -> bytes:
        seconds = min(deadline.left(), timeout(_TOTAL_SECONDS))
        if seconds <= 0:
            raise call.broken("there was no time left to ask")
        until = Deadline(self.monotonic() + seconds, self.monotonic)
        _until.set(until)
        try:
            with self._send(call, seconds) as response:
                self._note_date(response.headers.get("Date"))
                _refuse_web_page(call, response)
                if response.status_code == HTTPStatus.OK:
                    return _body(call, response.raw, until, _LARGEST_BODY)
                raise of_status(
                    response.status_code,
                    retry_after=response.headers.get("Retry-After"),
                    code=_refusal_code(call, response.raw, until),
                    method=call.method,
                    url=call.where,
                    may_repeat=call.may_repeat,
                )
        # The texts of requests and urllib3 may quote what was sent, so none of them is handed on.
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise _failure(call, error) from None

    def _note_date(self, date: str | None) -> None:
        try:
            moment = parsedate_to_datetime(date or "")
            self.dated = moment.astimezone(UTC), self.monotonic()
        except (ValueError, OverflowError):
            pass  # it says no time

    def _send(self, call: Call, seconds: float) -> requests.Response:
        return self._session.request(
            call.method,
            call.url,
            params=call.params,
            data=call.form,
            json=call.json,
            headers={**self._headers, "Authorization": call.authorization},  # None is not sent
            auth=lambda request: request,  # else requests sends a password that is in the URL
            timeout=(min(seconds, timeout(_CONNECT_SECONDS)), min(seconds, timeout(_READ_SECONDS))),
            allow_redirects=False,
            hooks={"response": _forget_location},
            stream=True,
            verify=True,
        )


# The end of the try whose answer this thread is reading. The time-out of http.client and urllib3 is
# for one piece of an answer, so that one that drips would take for ever.
_until: ContextVar[Deadline] = ContextVar("until")


class _Stream(io.RawIOBase):
    """Reads from a connection until the end of the try."""

    def __init__(self, connection: socket.socket, stream: io.RawIOBase) -> None:
        self._connection = connection
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        left = _until.get().left()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(min(left, timeout(_READ_SECONDS)))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, connection: socket.socket, *args: Any, **options: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(connection, *args, **options)
        self.fp = io.BufferedReader(_Stream(connection, self.fp.detach()))


class _Pool(urllib3.HTTPConnectionPool):
    class ConnectionCls(HTTPConnection):
        response_class = _Answer


class _SecurePool(urllib3.HTTPSConnectionPool):
    class ConnectionCls(HTTPSConnection):
        response_class = _Answer


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - handed on
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def _own_session() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


def _forget_location(response: requests.Response, *_: object, **__: object) -> None:
    """Hide where a redirect leads: requests would read its whole body, however long that is."""
    response.headers.pop("Location", None)


def _refuse_web_page(call: Call, response: requests.Response) -> None:
    """Raise an error for a page that a firewall, a filter or the like gives instead of an answer.

    The cloud's own servers have pages too, for what fails or is not found.
    """
    status = response.status_code
    is_page = response.headers.get("Content-Type", "").lower().startswith("text/html")
    if is_page and status in {HTTPStatus.OK, HTTPStatus.FORBIDDEN}:
        raise call.broken(
            f"a web page came instead of an answer ({status} {responses[status]})",
            # Without the status: it is not the cloud's.
            arrived=status == HTTPStatus.OK,
            cause=Cause.BLOCKED,
        )


def _body(call: Call, raw: urllib3.HTTPResponse, until: Deadline, most: int) -> bytes:
    """Return a body; give up on one that is too large or too slow."""
    body = bytearray()
    try:
        while piece := raw.read1(_CHUNK, decode_content=True):
            body += piece
            if len(body) > most:
                raise call.broken("the answer is too large", HTTPStatus.OK)
    except urllib3.exceptions.TimeoutError:
        if until.left() > 0:
            raise
    if until.left() <= 0:
        raise call.broken("the answer took too long", HTTPStatus.OK)
    return bytes(body)


def _refusal_code(call: Call, raw: urllib3.HTTPResponse, until: Deadline) -> str | None:
    """Return why a token endpoint refuses; no other refusal's body is of any use (dossier 2.2)."""
    if call.form is None:
        return None
    try:
        return oauth_code(_body(call, raw, until, _LARGEST_REFUSAL))
    except (CloudError, HTTPError):
        return None


def oauth_code(body: bytes) -> str | None:
    """Return the OAuth error in the answer of a token endpoint, if it is a known one."""
    try:
        return parse(body, _Denial).error
    except MalformedError:
        return None


def _failure(call: Call, error: Exception) -> CloudError:
    """Return the error that says in our own words why there was no answer."""
    arrived, cause = False, None
    match error:
        case requests.exceptions.SSLError():
            detail, cause = _insecure(error)
            # It may also have broken after the request was sent, which matters to writes only.
            arrived = not call.may_repeat
        case requests.exceptions.ConnectTimeout():
            detail = "no connection could be made in time"
        case requests.exceptions.Timeout() | urllib3.exceptions.TimeoutError():
            detail, arrived = "no answer came in time", True
        case requests.ConnectionError() if isinstance(_reason(error), NameResolutionError):
            detail, cause = "the cloud's name could not be resolved (DNS)", Cause.DNS
        case ValueError():
            return RequestError(
                "the request cannot be made as it is", method=call.method, url=call.where
            )
        case HTTPError():
            detail, arrived = "the answer was cut short or garbled", True
        case _:
            detail = "the connection failed"
            arrived = not isinstance(_reason(error), NewConnectionError)
    return call.broken(detail, arrived=arrived, cause=cause)


def _insecure(error: Exception) -> tuple[str, Cause]:
    """Return why there is no secure connection, and what is to blame."""
    detail = "no secure connection could be made"
    reason = _reason(error)
    found = reason.args[0] if isinstance(reason, Exception) and reason.args else None
    if not isinstance(found, ssl.SSLCertVerificationError):
        return detail, Cause.INTERCEPTED
    if (validity := _INVALID.get(found.verify_code)) is None:
        return f"{detail}: the certificate is not the cloud's", Cause.INTERCEPTED
    return f"{detail}: by this machine's clock the certificate {validity}", Cause.CLOCK


def _reason(error: Exception) -> object:
    """Return why urllib3 gave up, where it says so."""
    return getattr(error.args[0] if error.args else None, "reason", None)
