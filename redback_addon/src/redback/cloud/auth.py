"""The bearer token: got from whichever endpoint takes the credentials, renewed before it ends."""

import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Annotated, Any

import msgspec

from ..tracebacks import without_traceback
from .errors import CloudError, CredentialsError, ThrottledError, TransientError
from .remembered import RememberedHolder
from .transport import SESSION_EXPIRED, Call, Deadline, Transport, oauth_code

_LOG = logging.getLogger(__name__)

_NEW_PATH = "/fb46c16c-9144-45e0-87b7-f578abed629f/oauth2/v2.0/token"
_OLD_PATH = "/Api/v2/Auth/token"
_SCOPE = "api://f0ea23e1-8533-44ab-8592-509cff0774da/.default"
_CREDENTIALS_CODES = frozenset({"invalid_client", "unauthorized_client"})

# A token is renewed so long before its end, but not before half of its life.
_MARGIN = 300.0
_RENEWAL_PAUSE = 60.0
# A token that is refused while it is younger than this was never good: another one of the same
# kind would not be better, and a storm of token requests makes the cloud falter (dossier 1.4).
_FRESH = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What Redback's support gave to the customer.

    Attributes:
        client_id: the "Client ID".
        client_secret: the "Credential".
    """

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where the cloud is; no URL has a slash at its end.

    Attributes:
        api_url: base of the API, and of the old token endpoint.
        login_url: base of the new token endpoint.
    """

    api_url: str = "https://api.redbacktech.com"
    login_url: str = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that gives tokens (dossier 1).

    Attributes:
        name: by which it is remembered.
        url: where it is.
        form: what it wants to be told beside the credentials.
        refusals: the statuses by which it refuses credentials without giving the OAuth error.
    """

    name: str
    url: str
    form: Mapping[str, str]
    refusals: frozenset[int]


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and how long it lasts in the seconds of the transport's clock.

    Attributes:
        authorization: value of the header of that name.
        endpoint: name of the endpoint that gave it.
        obtained: when.
        renew_from: from when on a new one should be got.
        expires: when it ends; infinity if the endpoint does not say.
    """

    authorization: str = field(repr=False)
    endpoint: str
    obtained: float
    renew_from: float
    expires: float


_Visible = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]


class _Grant(msgspec.Struct, frozen=True):
    """A token endpoint's answer (dossier 1.2)."""

    access_token: _Visible
    token_type: _Visible | None = None
    expires_in: Any = None


class _NowhereError(TransientError):
    """Every endpoint says that it is not there."""


class TokenSource:
    """Gives the token; may be asked from many threads, of which one at a time renews it.

    Args:
        transport: makes the requests.
        credentials: the customer's.
        memory: keeps which endpoint takes them.
        hosts: where the cloud is.
        on_token: takes each new token before it is used, so that it can be kept out of logs. It
            is called in the thread that got the token, and must not raise.

    Attributes:
        api_url: base of the API that the tokens are for.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        memory: RememberedHolder,
        hosts: Hosts = Hosts(),
        on_token: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._memory = memory
        self._on_token = on_token
        self.api_url = hosts.api_url
        new = Endpoint(
            "new",
            hosts.login_url + _NEW_PATH,
            {"grant_type": "client_credentials", "scope": _SCOPE},
            frozenset(),
        )
        old = Endpoint("old", hosts.api_url + _OLD_PATH, {}, frozenset({400, 401, 403}))
        self._endpoints = {new.name: new, old.name: old}
        self._lock = threading.Lock()
        self._token: Token | None = None
        # Endpoints whose fresh tokens are refused for data.
        self._distrusted: set[str] = set()
        # How often renewal was tried, and how it last failed: whoever waited meanwhile shares it.
        self._renewals = 0
        self._failure: CloudError | None = None

    def token(self, deadline: Deadline) -> Token:
        """Give a token that is good as far as one can know.

        Raises:
            CredentialsError: every endpoint that serves this account refuses the credentials.
            ThrottledError, TransientError: it cannot be told whether the credentials are good.
        """
        with self._turn(deadline):
            token, now = self._token, self._transport.monotonic()
            if token is None or now >= token.expires:
                return self._renew(self._order(), deadline)
            if now < token.renew_from:
                return token
            try:
                return self._renew(self._order(), deadline)
            except CloudError as error:
                _LOG.debug("The token could not be renewed before its end: %s", error)
                # Credentials that are refused are so for longer than a minute.
                is_final = isinstance(error, CredentialsError)
                again = token.expires if is_final else now + _RENEWAL_PAUSE
                self._token = replace(token, renew_from=min(again, token.expires))
                self._conclude(None)
                return self._token

    def refused(self, token: Token, deadline: Deadline) -> Token:
        """Give a better token than one that was refused for data.

        However many threads come with the same one, it is renewed once. One that is refused
        although it is fresh is not renewed; instead the other endpoint has its chance, once.

        Raises:
            CredentialsError: no endpoint gives a token that is any good; `token_refused` is True.
            ThrottledError, TransientError: it cannot be told whether there is a better token.
        """
        with self._turn(deadline):
            current = self._token
            if current is not None and current.authorization != token.authorization:
                return current
            if self._transport.monotonic() - token.obtained >= _FRESH:
                self._distrusted.clear()
                return self._renew(self._order(), deadline)
            self._distrusted.add(token.endpoint)
            others = [one for one in self._order() if one.name not in self._distrusted]
            if not others:
                raise self._useless(token)
            try:
                return self._renew(others, deadline)
            except (CredentialsError, _NowhereError):
                self._distrusted.update(other.name for other in others)
                raise self._failed(self._useless(token)) from None

    def _useless(self, token: Token) -> CredentialsError:
        return CredentialsError(
            "the cloud gives a token for this Client ID and Credential, but no data for the token",
            token_refused=True,
            method="POST",
            url=self._call(self._endpoints[token.endpoint]).where,
            status=HTTPStatus.UNAUTHORIZED,
        )

    @contextmanager
    def _turn(self, deadline: Deadline) -> Iterator[None]:
        """Wait for the others; if one of them failed to renew meanwhile, so has this one."""
        renewals = self._renewals
        if not self._lock.acquire(timeout=max(deadline.left(), 0.0)):
            raise self._call(self._order()[0]).broken("no token came in time")
        try:
            if self._failure is not None and self._renewals != renewals:
                raise self._failure
            yield
        finally:
            self._lock.release()

    def _order(self) -> list[Endpoint]:
        """Give the endpoints, the one that is remembered first, else the new one."""
        first = self._memory.current.token_endpoint
        return sorted(self._endpoints.values(), key=lambda endpoint: endpoint.name != first)

    def _renew(self, endpoints: Sequence[Endpoint], deadline: Deadline) -> Token:
        try:
            self._token = self._fetch_from_any(endpoints, deadline)
        except CloudError as error:
            self._conclude(without_traceback(error))
            raise
        self._conclude(None)
        self._memory.remember_endpoint(self._token.endpoint)
        return self._token

    def _fetch_from_any(self, endpoints: Sequence[Endpoint], deadline: Deadline) -> Token:
        failures: list[tuple[Endpoint, CloudError]] = []
        for number, endpoint in enumerate(endpoints):
            try:
                return self._fetch(endpoint, deadline.share(len(endpoints) - number))
            except CloudError as error:
                failures.append((endpoint, without_traceback(error)))
        raise _conclusion(failures)

    def _failed(self, failure: CloudError) -> CloudError:
        """Share a failure with whoever waited meanwhile, and give it to be raised.

        It gets no name where it is raised: its traceback has that frame, and would have itself.
        """
        self._conclude(failure)
        return failure

    def _conclude(self, failure: CloudError | None) -> None:
        self._renewals += 1
        self._failure = failure

    def _call(self, endpoint: Endpoint) -> Call:
        form = {
            **endpoint.form,
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        return Call("POST", endpoint.url, form=form, may_repeat=True)

    def _fetch(self, endpoint: Endpoint, deadline: Deadline) -> Token:
        call = self._call(endpoint)
        body = self._transport.request(call, deadline)
        try:
            grant = msgspec.json.decode(body, type=_Grant)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _tokenless(call, body) from None
        self._on_token(grant.access_token)
        now, lifetime = self._transport.monotonic(), _lifetime(grant.expires_in)
        return Token(
            authorization=f"{grant.token_type or 'Bearer'} {grant.access_token}",
            endpoint=endpoint.name,
            obtained=now,
            renew_from=now + lifetime - min(_MARGIN, lifetime / 2),
            expires=now + lifetime,
        )


def _tokenless(call: Call, body: bytes) -> CloudError:
    error = call.broken("the answer holds no token", HTTPStatus.OK)
    error.code = oauth_code(body)
    return error


def _lifetime(expires_in: object) -> float:
    """Understand how many seconds a token lasts; without a sensible number, until refused."""
    try:
        seconds = msgspec.convert(expires_in, float, strict=False)
    except msgspec.ValidationError:
        return math.inf
    return seconds if seconds > 0 else math.inf


def _refuses(endpoint: Endpoint, error: CloudError) -> bool:
    """Whether an endpoint's answer is about the credentials, and nothing else."""
    if error.code == SESSION_EXPIRED:
        return True
    return error.code in _CREDENTIALS_CODES or error.status in endpoint.refusals


# What is said by one that was taken away; and any redirect, for that leads elsewhere.
_ABSENT = frozenset(
    {
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.GONE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)


def _is_absent(error: CloudError) -> bool:
    """Whether an endpoint says that it is not there, or not for this account."""
    return error.status in _ABSENT or 300 <= (error.status or 0) < 400  # noqa: PLR2004 - HTTP's own range of redirects


def _conclusion(failures: Sequence[tuple[Endpoint, CloudError]]) -> CloudError:
    """Say what it means that no endpoint gave a token.

    The credentials are bad if an endpoint says so, and every other one says so too or is not
    there. If another one is in trouble, that may be the one that would have taken them.
    """
    refusals = [error for endpoint, error in failures if _refuses(endpoint, error)]
    open_ones = [
        error
        for endpoint, error in failures
        if not _refuses(endpoint, error) and not _is_absent(error)
    ]
    if refusals and not open_ones:
        return CredentialsError(
            "Redback does not accept this Client ID and Credential",
            token_refused=False,
            method=refusals[0].method,
            url=refusals[0].url,
            status=refusals[0].status,
        )
    for error in open_ones:
        if isinstance(error, ThrottledError):
            return error
    # Without the status: it is not that of an answer to what the token was wanted for.
    error, kind = (open_ones[0], TransientError) if open_ones else (failures[0][1], _NowhereError)
    return kind(f"no token: {error.detail}", method=error.method, url=error.url)
