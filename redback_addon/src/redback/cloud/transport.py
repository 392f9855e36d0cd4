"""The one place that makes requests: how long they may take, and when they are retried."""

import io
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    wait_random_exponential,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import parse_url

from ..timeouts import timeout
from ..tracebacks import without_traceback
from .errors import (
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
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0

_CHUNK = 64 * 1024
_LARGEST_BODY = 8 * 1024 * 1024
_LARGEST_REFUSAL = 16 * 1024
# The words of RFC 6749, and a sentence that comes from somewhere in the vendor's cloud
# (dossier 1.3). Anything else that a token endpoint says is dropped unread.
_OAUTH_CODES = frozenset(
    {
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
SESSION_EXPIRED = "session_expired"
_SESSION_EXPIRED_TEXT = b"Login session expired."


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which something must have ended.

    Attributes:
        at: in the seconds of `monotonic`.
        monotonic: the clock.
    """

    at: float
    monotonic: Callable[[], float] = field(repr=False)

    def left(self) -> float:
        """Seconds that are left; 0 or less = it is over."""
        return self.at - self.monotonic()

    def allows(self, wait: float) -> bool:
        """Whether there is time left after a wait, which is not scaled as timeouts are."""
        return timeout(wait) < self.left()

    def share(self, parts: int, at_least: float = 0.0) -> "Deadline":
        """Give one of so many equal parts of the time left, but not less than a minimum."""
        now = self.monotonic()
        seconds = max((self.at - now) / parts, timeout(at_least))
        return Deadline(min(now + seconds, self.at), self.monotonic)


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        method: `GET` or `POST`.
        url: without query.
        authorization: value of the header of that name; without it, none is sent.
        params: the query.
        form: sent form-encoded; only the token endpoints get one.
        json: sent as JSON.
        may_repeat: whether it does no harm to make it twice. Reads may be repeated, whatever their
            method; writes may not.
    """

    method: str
    url: str
    authorization: str | None = field(default=None, repr=False)
    params: Mapping[str, int] | None = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: Sequence[str] | None = None
    may_repeat: bool = field(kw_only=True)

    @property
    def where(self) -> str:
        """The URL as it may be shown: without query, and without a password somebody put in."""
        try:
            return parse_url(self.url)._replace(auth=None, query=None, fragment=None).url
        except HTTPError:
            return "an unusable URL"

    def broken(
        self, detail: str, status: int | None = None, *, arrived: bool = False
    ) -> CloudError:
        """Make the error that says that this did not work, this time.

        Args:
            detail: what went wrong.
            status: of the answer; None = there was none.
            arrived: whether the request may have reached the cloud without an answer.

        Returns:
            A `TransientError`; of a request that must not be repeated, and may have arrived, an
            `OutcomeUnknownError`.
        """
        if not self.may_repeat and (arrived or status is not None):
            return OutcomeUnknownError(detail, method=self.method, url=self.where, status=status)
        return TransientError(
            detail, method=self.method, url=self.where, status=status, arrived=arrived
        )


class Tally:
    """Counts requests; may be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.failures = 0

    def made(self) -> None:
        """Count a request."""
        with self._lock:
            self.requests += 1

    def failed(self) -> None:
        """Count one that gave no answer to be used."""
        with self._lock:
            self.failures += 1


class Transport:
    """Makes requests, one after the other or from several threads at once.

    Args:
        session: used but not closed, if given; no cookie stays in it, and it looks at nothing in
            its surroundings. Else there is an own one.
        version: of this program, for the User-Agent.
        monotonic: the clock of all that waits here and in whatever uses this transport, seconds.
        sleep: waits for so many seconds.
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
        self.tally = Tally()
        # One for all requests: each would leave a cycle of references, which Python lets stand for
        # hours.
        self._again = Retrying(
            retry=retry_if_exception(_passes),
            stop=_is_enough,
            wait=_wait,
            sleep=sleep,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the session, if it is an own one."""
        if self._is_owner:
            self._session.close()

    def deadline(self, seconds: float) -> Deadline:
        """Make the deadline so many seconds from now."""
        return Deadline(self.monotonic() + timeout(seconds), self.monotonic)

    def request(self, call: Call, deadline: Deadline, *, apart: float = 0.0) -> bytes:
        """Make a request; one that may be repeated is, if it met trouble that passes in time.

        Args:
            call: the request.
            deadline: of all tries together.
            apart: how many seconds there are at least between two of them.

        Returns:
            The body of an answer with status 200.

        Raises:
            CloudError: of whatever kind fits; `CredentialsError` for every 401.
            OutcomeUnknownError: a request that must not be repeated met trouble after which it may
                have been done. All other errors mean that it was not.
        """
        try:
            return self._again(self._attempt, call, deadline, apart)
        except CloudError as error:
            without_traceback(error)  # tenacity's frames hold it
            raise

    def _attempt(self, call: Call, deadline: Deadline, _apart: float) -> bytes:
        started = self.monotonic()
        self.tally.made()
        try:
            body = self._once(call, deadline)
        except CloudError as error:
            self._tell(call, error.detail, started, 0)
            self.tally.failed()
            raise
        self._tell(call, "200 OK", started, len(body))
        return body

    def _tell(self, call: Call, outcome: str, started: float, size: int) -> None:
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
        # What requests and urllib3 say may quote what was sent, so none of it is handed on.
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise _failure(call, error) from None

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


# When the try must have ended whose answer this thread is reading. http.client and urllib3 know a
# time-out for each piece of an answer only, so that one that drips would take for ever.
_until: ContextVar[Deadline] = ContextVar("until")


class _Stream(io.RawIOBase):
    """Reads from a connection until the try must have ended.

    Raises:
        TimeoutError: that moment has come, or the next piece takes too long.
    """

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


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


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


def _body(call: Call, raw: urllib3.HTTPResponse, until: Deadline, most: int) -> bytes:
    """Read a body piece by piece, and give up on one that is too large or too slow."""
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
    """Look why a token endpoint refuses; no other answer's body is of any use (dossier 2.2)."""
    if call.form is None:
        return None
    try:
        return oauth_code(_body(call, raw, until, _LARGEST_REFUSAL))
    except (CloudError, HTTPError):
        return None


def oauth_code(body: bytes) -> str | None:
    """Find the OAuth error in what a token endpoint says, if it is a known one (dossier 1.3)."""
    if _SESSION_EXPIRED_TEXT in body:
        return SESSION_EXPIRED
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    code = said.get("error")
    return code if isinstance(code, str) and code in _OAUTH_CODES else None


def _failure(call: Call, error: Exception) -> CloudError:
    """Say in a few words of our own why there was no answer."""
    arrived = False
    match error:
        case requests.exceptions.SSLError():
            detail = "no secure connection could be made"
            # A connection may also break after the request was sent; reads lose nothing by that.
            arrived = not call.may_repeat
        case requests.exceptions.ConnectTimeout():
            detail = "no connection could be made in time"
        case requests.exceptions.Timeout() | urllib3.exceptions.TimeoutError():
            detail, arrived = "no answer came in time", True
        case requests.ConnectionError() if isinstance(_reason(error), NameResolutionError):
            detail = "the cloud's name could not be resolved"
        case ValueError():
            return RequestError(
                "the request cannot be made as it is", method=call.method, url=call.where
            )
        case HTTPError():
            detail, arrived = "the answer was cut short or garbled", True
        case _:
            detail = "the connection failed"
            arrived = not isinstance(_reason(error), NewConnectionError)
    return call.broken(detail, arrived=arrived)


def _reason(error: Exception) -> object:
    """Find out why urllib3 gave up, where it says so."""
    return getattr(error.args[0] if error.args else None, "reason", None)


def _passes(error: BaseException) -> bool:
    """Whether asking again in a moment may help; a cloud that throttles must say when."""
    if isinstance(error, ThrottledError):
        return error.retry_after is not None
    return isinstance(error, TransientError)


def _is_enough(state: RetryCallState) -> bool:
    """Whether the next try would be one too many, or come too late."""
    call, deadline, _ = state.args
    if not call.may_repeat or state.attempt_number >= _ATTEMPTS:
        return True
    is_in_time: bool = deadline.allows(state.upcoming_sleep)
    return not is_in_time


def _wait(state: RetryCallState) -> float:
    """Wait a random, growing time, and not less than the cloud or the caller asked for."""
    _, _, apart = state.args
    grown = wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT)(state)
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ThrottledError) else None
    return float(max(grown, asked or 0.0, apart))
