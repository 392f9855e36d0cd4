"""Errors of the cloud: one kind for each way to react."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from http.client import responses

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

_LONGEST_RETRY_AFTER = 60 * 60


class Cause(Enum):
    """The culprit of a failure, where that is not the cloud."""

    CLOCK = auto()  # this machine's: certificates are not valid by it
    DNS = auto()
    INTERCEPTED = auto()  # no secure connection: something on the way has a certificate of its own
    BLOCKED = auto()  # a firewall, a filter or the like answers with a web page


@dataclass(eq=False, kw_only=True)
class CloudError(Exception):
    """A request failed; the text is fit for the log and the panel.

    Nothing in it is secret, or sent by the cloud.

    Attributes:
        detail: what went wrong, in a few words.
        url: of the request, without query.
        status: the HTTP status of the answer, or None if there was no answer.
        code: the OAuth error of a token endpoint, one of a few known words, or None.
        cause: what on the way to the cloud is to blame, if that is known.
    """

    detail: str = field(kw_only=False)
    method: str
    url: str
    status: int | None = None
    code: str | None = None
    cause: Cause | None = None

    def __str__(self) -> str:
        return f"{self.detail} ({self.method} {self.url})"


@dataclass(eq=False, kw_only=True)
class CredentialsError(CloudError):
    """The account has no access until somebody changes something.

    Either the cloud gave a token, but no data for it (`token_refused`), or it gave no token.
    """

    token_refused: bool = False


class AccessError(CloudError):
    """The account has no access to this site or inverter, though its token is good."""


class NotFoundError(CloudError):
    """There is no such site, inverter or endpoint."""


class RequestError(CloudError):
    """The cloud rejects the request as it is."""


@dataclass(eq=False, kw_only=True)
class ThrottledError(CloudError):
    """The cloud asks to wait: how many seconds, an hour at most; None if it does not say."""

    retry_after: float | None = None


# These concern the whole account, whichever inverter was asked for.
WHOLE_ACCOUNT = (CredentialsError, ThrottledError)


@dataclass(eq=False, kw_only=True)
class TransientError(CloudError):
    """Temporary trouble of the cloud or the connection: no answer, or none that makes sense.

    The request has `arrived` at the cloud, as far as can be known.
    """

    arrived: bool = False

    def __post_init__(self) -> None:
        self.arrived = self.arrived or self.status is not None


@dataclass(eq=False, kw_only=True)
class OutcomeUnknownError(CloudError):
    """It is unknown whether the cloud carried out a request that must not be repeated.

    Either no usable answer came although the request may have arrived, or the answer does not say.
    """

    def __post_init__(self) -> None:
        self.detail += "; it is not known whether this was done"


_KINDS: Mapping[int, Callable[..., CloudError]] = {
    HTTPStatus.UNAUTHORIZED: partial(CredentialsError, token_refused=True),
    HTTPStatus.FORBIDDEN: AccessError,
    HTTPStatus.NOT_FOUND: NotFoundError,
}


def of_status(
    status: int,
    *,
    retry_after: str | None,
    code: str | None,
    method: str,
    url: str,
    may_repeat: bool,
) -> CloudError:
    """Return the error that an HTTP status other than 200 means: the one place that decides it.

    If the request may not be repeated, trouble that passes leaves it open whether it was done.
    """
    kind = _kind(status, _seconds(retry_after), may_repeat=may_repeat)
    answered = f"the cloud answered {status} {responses.get(status, '')}".rstrip()
    detail = f"{answered}, {code}" if code else answered
    return kind(detail, method=method, url=url, status=status, code=code)


def _kind(status: int, wait: float | None, *, may_repeat: bool) -> Callable[..., CloudError]:
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None
    ):
        return partial(ThrottledError, retry_after=wait)
    if status in _KINDS:
        return _KINDS[status]
    if 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT:  # noqa: PLR2004 - HTTP's own range of refusals
        return RequestError
    return TransientError if may_repeat else OutcomeUnknownError


def _seconds(retry_after: str | None) -> float | None:
    """Parse a Retry-After header in either form, seconds or a date."""
    if retry_after is None:
        return None
    try:
        return Retry(retry_after_max=_LONGEST_RETRY_AFTER).parse_retry_after(retry_after)
    except (InvalidHeader, ValueError, OverflowError):
        return None
