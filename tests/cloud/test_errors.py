"""Each HTTP status is one kind of error."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from redback.cloud import (
    AccessError,
    CloudError,
    CredentialsError,
    NotFoundError,
    RequestError,
    ThrottledError,
    TransientError,
)
from redback.cloud.errors import of_status


def error(status: int, retry_after: str | None = None) -> CloudError:
    return of_status(
        status,
        retry_after=retry_after,
        code=None,
        method="GET",
        url="https://a/b",
        may_repeat=True,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, TransientError),
        (302, TransientError),
        (400, RequestError),
        (401, CredentialsError),
        (403, AccessError),
        (404, NotFoundError),
        (405, RequestError),
        (408, TransientError),
        (422, RequestError),
        (429, ThrottledError),
        (499, RequestError),
        (500, TransientError),
        (502, TransientError),
        (503, TransientError),
        (599, TransientError),
        (999, TransientError),
    ],
)
def test_a_status_means_one_thing(status: int, kind: type[CloudError]) -> None:
    found = error(status)
    assert type(found) is kind
    assert (found.status, found.method, found.url) == (status, "GET", "https://a/b")


def test_an_error_reads_as_a_sentence() -> None:
    assert str(error(404)) == "the cloud answered 404 Not Found (GET https://a/b)"
    assert error(599).detail == "the cloud answered 599"


def test_a_401_on_data_is_about_the_token() -> None:
    found = error(401)
    assert isinstance(found, CredentialsError)
    assert found.token_refused


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("header", "seconds"), [("7", 7), (" 0 ", 0), ("999999", 3600)])
def test_retry_after_in_seconds_is_understood(status: int, header: str, seconds: float) -> None:
    found = error(status, header)
    assert isinstance(found, ThrottledError)
    assert found.retry_after == seconds


def test_retry_after_as_a_date_is_understood() -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    found = error(503, when)
    assert isinstance(found, ThrottledError)
    assert found.retry_after == pytest.approx(100, abs=5)


def test_a_retry_after_that_is_over_is_no_wait() -> None:
    found = error(429, "Mon, 02 Jan 2006 15:04:05 GMT")
    assert isinstance(found, ThrottledError)
    assert found.retry_after == 0


@pytest.mark.parametrize("header", ["", "soon", "-5", "1e3", "9" * 5000, "Mon, 99 Foo 99999999"])
def test_a_retry_after_that_makes_no_sense_counts_as_none(header: str) -> None:
    throttled = error(429, header)
    assert isinstance(throttled, ThrottledError)
    assert throttled.retry_after is None
    assert type(error(503, header)) is TransientError
