"""The bearer token: from the endpoint that accepts the credentials, renewed before it expires."""

import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import msgspec

from ..tracebacks import without_traceback
from .decoding import MalformedError, parse
from .errors import CloudError, CredentialsError, ThrottledError, TransientError
from .remembered import RememberedHolder
from .transport import Call, Deadline, Transport, oauth_code

_LOG = logging.getLogger(__name__)
_F = TypeVar("_F", bound=CloudError | None)

_NEW_PATH = "/fb46c16c-9144-45e0-87b7-f578abed629f/oauth2/v2.0/token"
_OLD_PATH = "/Api/v2/Auth/token"
_SCOPE = "api://f0ea23e1-8533-44ab-8592-509cff0774da/.default"
_REFUSALS = frozenset({"invalid_client", "unauthorized_client"})
# The answers of an endpoint that no longer exists; a redirect leads elsewhere.
_ABSENT = frozenset(
    {
        *range(300, 400),
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.GONE,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)

# A token is renewed this long before its end, but not in the first half of its life.
_MARGIN = 300.0
_RENEWAL_PAUSE = 60.0
# A token that is refused while it is newer than this was never good. Another one of the same kind
# would not be better, and too many token requests make the cloud fail (dossier 1.4).
_FRESH = 60.0
# How long no other token is suspected after one was. It doubles each time, as in an outage no token
# helps, and begins again after a while without suspicion.
_FIRST_TRUST = 60.0
_LONGEST_TRUST = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """The "Client ID" and the "Credential" that Redback's support gave to the customer."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The addresses of the cloud, without trailing slashes.

    The old token endpoint is below that of the API, the new one below that of the login.
    """

    api_url: str = "https://api.redbacktech.com"
    login_url: str = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """A token endpoint, and the statuses by which it refuses without an OAuth error (dossier 1)."""

    name: str
    call: Call
    refusals: frozenset[int]

    def refuses(self, error: CloudError) -> bool:
        """Whether its answer is about the credentials, and nothing else."""
        return error.code in _REFUSALS or error.status in self.refusals


@dataclass(frozen=True, slots=True)
class Token:
    """A token; its times are those of the transport's clock, infinity if it need not end."""

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

    @property
    def lifetime(self) -> float:
        """The token's lifetime in seconds; infinity if the endpoint does not say."""
        try:
            seconds = msgspec.convert(self.expires_in, float, strict=False)
        except msgspec.ValidationError:
            return math.inf
        return seconds if seconds > 0 else math.inf


class _NowhereError(TransientError):
    """No endpoint exists."""


class TokenSource:
    """Provides the token; may be used from several threads, of which one at a time renews it.

    `on_token` is called with each new token before it is used, to keep it out of logs, in the
    thread that fetched it. It must not raise.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        remembered: RememberedHolder,
        hosts: Hosts = Hosts(),
        on_token: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._transport = transport
        self._remembered = remembered
        self._on_token = on_token
        self.api_url = hosts.api_url
        secret = {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
        new = {"grant_type": "client_credentials", "scope": _SCOPE, **secret}
        self._endpoints = {
            "new": _Endpoint(
                "new",
                Call("POST", hosts.login_url + _NEW_PATH, form=new, may_repeat=True),
                frozenset(),
            ),
            "old": _Endpoint(
                "old",
                Call("POST", hosts.api_url + _OLD_PATH, form=secret, may_repeat=True),
                frozenset({400, 401, 403}),
            ),
        }
        self._lock = threading.Lock()
        self._token: Token | None = None
        # Endpoints whose fresh tokens are refused for data.
        self._distrusted: set[str] = set()
        # When a token was last suspected, and how long none is from then on.
        self._suspected = -math.inf
        self._trust = _FIRST_TRUST
        # The number of renewals, and the last one's failure, which all threads that waited share.
        self._renewals = 0
        self._failure: CloudError | None = None

    def token(self, deadline: Deadline) -> Token:
        """Return a token that is valid, as far as is known.

        Raises:
            CredentialsError: every endpoint that serves this account refuses the credentials.
            ThrottledError, TransientError: it is not known whether the credentials are good.
        """
        with self._turn(deadline):
            token, now = self._token, self._transport.monotonic()
            if token is not None and now < token.renew_from:
                return token
            try:
                return self._renew(self._order(), deadline)
            except CloudError as error:
                if token is None or now >= token.expires:
                    raise
                _LOG.debug("The token could not be renewed before it expired: %s", error)
                # Refused credentials stay refused for longer than a minute.
                is_final = isinstance(error, CredentialsError)
                again = token.expires if is_final else now + _RENEWAL_PAUSE
                self._token = replace(token, renew_from=min(again, token.expires))
                self._conclude(None)
                return self._token

    def refused(self, token: Token, deadline: Deadline) -> Token:
        """Return a better token than one that was refused for data.

        However many threads come with the same one, it is renewed once. One that is refused
        although it is fresh is not renewed; instead the other endpoint is tried, once.

        Raises:
            CredentialsError: no endpoint gives a usable token; `token_refused` is True.
            ThrottledError, TransientError: it is not known whether there is a better token.
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
                raise self._conclude(self._useless(token)) from None

    def may_be_refused(self, token: Token) -> bool:
        """Whether a token may be why the cloud fails, as it is not known how a refusal looks.

        A fresh one is not, and while the cloud fails a token is suspected less and less often.
        """
        now = self._transport.monotonic()
        passed = now - self._suspected
        if now - token.obtained < _FRESH or passed < self._trust:
            return False
        is_over = passed >= 2 * _LONGEST_TRUST
        self._trust = _FIRST_TRUST if is_over else min(2 * self._trust, _LONGEST_TRUST)
        self._suspected = now
        return True

    def _useless(self, token: Token) -> CredentialsError:
        return CredentialsError(
            "the cloud gives a token for this Client ID and Credential, but no data for the token",
            token_refused=True,
            method="POST",
            url=self._endpoints[token.endpoint].call.where,
            status=HTTPStatus.UNAUTHORIZED,
        )

    @contextmanager
    def _turn(self, deadline: Deadline) -> Iterator[None]:
        """Wait for the other threads; if one of them failed to renew, raise the same error."""
        renewals = self._renewals
        if not self._lock.acquire(timeout=max(deadline.left(), 0.0)):
            raise self._order()[0].call.broken("no token came in time")
        try:
            if self._failure is not None and self._renewals != renewals:
                raise self._failure
            yield
        finally:
            self._lock.release()

    def _order(self) -> list[_Endpoint]:
        """Return the endpoints, the remembered one first, else the new one."""
        first = self._remembered.current.token_endpoint
        return sorted(self._endpoints.values(), key=lambda endpoint: endpoint.name != first)

    def _renew(self, endpoints: Sequence[_Endpoint], deadline: Deadline) -> Token:
        try:
            self._token = self._fetch_from_any(endpoints, deadline)
        except CloudError as error:
            self._conclude(without_traceback(error))
            raise
        self._conclude(None)
        self._remembered.remember_endpoint(self._token.endpoint)
        return self._token

    def _conclude(self, failure: _F) -> _F:
        """Share the outcome of a renewal with those that wait for it, and return it."""
        self._renewals += 1
        self._failure = failure
        return failure

    def _fetch_from_any(self, endpoints: Sequence[_Endpoint], deadline: Deadline) -> Token:
        failures: list[tuple[_Endpoint, CloudError]] = []
        for number, endpoint in enumerate(endpoints):
            try:
                return self._fetch(endpoint, deadline.share(len(endpoints) - number))
            except CloudError as error:
                failures.append((endpoint, without_traceback(error)))
        raise _conclusion(failures)

    def _fetch(self, endpoint: _Endpoint, deadline: Deadline) -> Token:
        body = self._transport.request(endpoint.call, deadline)
        try:
            grant = parse(body, _Grant)
        except MalformedError:
            raise endpoint.call.broken(
                "the answer holds no token", HTTPStatus.OK, code=oauth_code(body)
            ) from None
        self._on_token(grant.access_token)
        now, lifetime = self._transport.monotonic(), grant.lifetime
        return Token(
            authorization=f"{grant.token_type or 'Bearer'} {grant.access_token}",
            endpoint=endpoint.name,
            obtained=now,
            renew_from=now + lifetime - min(_MARGIN, lifetime / 2),
            expires=now + lifetime,
        )


def _conclusion(failures: Sequence[tuple[_Endpoint, CloudError]]) -> CloudError:
    """Return the error that follows from all endpoints' failures.

    The credentials are bad if an endpoint says so, and every other one says so too or is not
    there. If another one is in trouble, that may be the one that would have accepted them.
    """
    refusals = [error for endpoint, error in failures if endpoint.refuses(error)]
    troubles = [
        error
        for endpoint, error in failures
        if not endpoint.refuses(error) and error.status not in _ABSENT
    ]
    if refusals and not troubles:
        return CredentialsError(
            "Redback does not accept this Client ID and Credential",
            method=refusals[0].method,
            url=refusals[0].url,
            status=refusals[0].status,
        )
    for error in troubles:
        if isinstance(error, ThrottledError):
            return error
    # Without the status: it is not that of the request that the token was for.
    error, kind = (troubles[0], TransientError) if troubles else (failures[0][1], _NowhereError)
    return kind(f"no token: {error.detail}", method=error.method, url=error.url, cause=error.cause)
