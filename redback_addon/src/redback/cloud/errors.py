"""What can go wrong with the cloud: one kind of error for each thing that one does about it."""

from http import HTTPStatus
from typing import NotRequired, TypedDict, Unpack

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

_LONGEST_RETRY_AFTER = 60 * 60


class _Where(TypedDict):
    method: str
    url: str
    status: NotRequired[int | None]


class CloudError(Exception):
    """The cloud did not give what it was asked for; the text is fit for the log and the panel.

    Attributes:
        detail: what went wrong, in a few words; nothing that the cloud sent, nothing secret.
        method: of the request, for example `GET`.
        url: of the request, without query and without anything secret.
        status: the HTTP status of the answer, or None if there was no answer.
        code: the OAuth error of a token endpoint, one of a few known words, or None.
    """

    def __init__(self, detail: str, *, code: str | None = None, **where: Unpack[_Where]) -> None:
        super().__init__(detail)
        self.detail = detail
        self.method = where["method"]
        self.url = where["url"]
        self.status = where.get("status")
        self.code = code

    def __str__(self) -> str:
        return f"{self.detail} ({self.method} {self.url})"


class CredentialsError(CloudError):
    """The account is not let in; that lasts until somebody changes something.

    Attributes:
        token_refused: True = a token was given, but no data for it; False = no token was given
            for these credentials.
    """

    def __init__(
        self, detail: str, *, token_refused: bool = False, **where: Unpack[_Where]
    ) -> None:
        super().__init__(detail, **where)
        self.token_refused = token_refused


class AccessError(CloudError):
    """The account has no access to this site or inverter."""


class NotFoundError(CloudError):
    """There is no such site, inverter or endpoint."""


class RequestError(CloudError):
    """The cloud does not take the request as we make it."""


class ThrottledError(CloudError):
    """The cloud wants to be left alone for a while.

    Attributes:
        retry_after: for how long, in seconds, an hour at most; None if it does not say.
    """

    def __init__(
        self, detail: str, *, retry_after: float | None = None, **where: Unpack[_Where]
    ) -> None:
        super().__init__(detail, **where)
        self.retry_after = retry_after


class TransientError(CloudError):
    """The cloud or the line has trouble that passes: no answer, or none that makes sense.

    Attributes:
        arrived: whether the request has reached the cloud, as far as can be told.
    """

    def __init__(
        self,
        detail: str,
        *,
        method: str,
        url: str,
        status: int | None = None,
        arrived: bool = False,
    ) -> None:
        super().__init__(detail, method=method, url=url, status=status)
        self.arrived = arrived or status is not None


class OutcomeUnknownError(CloudError):
    """It is not known whether the cloud did what a request that must not be repeated asked for.

    Either no usable answer came although the request may have arrived, or the answer does not say.
    """

    def __init__(self, detail: str, **where: Unpack[_Where]) -> None:
        super().__init__(f"{detail}; it is not known whether this was done", **where)


def of_status(
    status: int,
    *,
    retry_after: str | None,
    code: str | None,
    method: str,
    url: str,
    may_repeat: bool,
) -> CloudError:
    """Decide what an HTTP status other than 200 means: the one place that does.

    Args:
        status: of the answer.
        retry_after: the answer's header of that name.
        code: the OAuth error in the answer, if it is a known one.
        method: of the request.
        url: of the request, without query and without anything secret.
        may_repeat: whether the request may be made again; else trouble that passes leaves it open
            whether what it asks for was done.
    """
    where: _Where = {"method": method, "url": url, "status": status}
    answered = f"the cloud answered {_named(status)}" + (f", {code}" if code else "")
    wait = _seconds(retry_after)
    if status == HTTPStatus.UNAUTHORIZED:
        error: CloudError = CredentialsError(answered, token_refused=True, **where)
    elif status == HTTPStatus.FORBIDDEN:
        error = AccessError(answered, **where)
    elif status == HTTPStatus.NOT_FOUND:
        error = NotFoundError(answered, **where)
    elif status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None
    ):
        error = ThrottledError(answered, retry_after=wait, **where)
    elif status != HTTPStatus.REQUEST_TIMEOUT and HTTPStatus.BAD_REQUEST <= status < 500:  # noqa: PLR2004 - where 4xx ends
        error = RequestError(answered, **where)
    elif not may_repeat:
        error = OutcomeUnknownError(answered, **where)
    else:
        error = TransientError(answered, **where)
    error.code = code
    return error


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _seconds(retry_after: str | None) -> float | None:
    """Understand a Retry-After header in both its forms, seconds and date."""
    if retry_after is None:
        return None
    try:
        return Retry(retry_after_max=_LONGEST_RETRY_AFTER).parse_retry_after(retry_after)
    except (InvalidHeader, ValueError, OverflowError):
        return None
