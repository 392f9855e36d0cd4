"""Neither the credential nor a token gets out, whatever goes wrong."""

import base64
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
import requests
import responses
from requests.exceptions import (
    ChunkedEncodingError,
    InvalidHeader,
    InvalidURL,
    ProxyError,
    ReadTimeout,
    SSLError,
)

from cloud.bench import (
    API,
    CLIENT_ID,
    NEW_TOKEN,
    OLD_TOKEN,
    SECRET,
    A,
    Answer,
    B,
    FakeCloud,
    answer,
    grant,
)
from redback.cloud import (
    CloudError,
    Dynamic,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    Transport,
)

DATA = re.compile(rf"{API}/Api/v(?!2/Auth).*")
TOKEN = "t0k3n/with+signs=="
_BASIC = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
HIDDEN = {
    form
    for secret in (SECRET, TOKEN)
    for form in (
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
    )
} | {_BASIC}
ECHO = f"{SECRET} {quote(SECRET)} {TOKEN} {quote_plus(TOKEN)}"

FAULTS: dict[str, Answer | Exception] = {
    **{
        f"status {status}": answer(
            {"error": ECHO, "error_description": ECHO, "Message": ECHO}, status
        )
        for status in (204, 400, 401, 403, 404, 405, 408, 410, 429, 500, 503)
    },
    "throttled": (503, {"Retry-After": ECHO, "X-Echo": ECHO}, ECHO),
    "redirect": (302, {"Location": f"https://elsewhere.example/?{quote(ECHO)}"}, ECHO),
    "not JSON": (200, {"Content-Type": ECHO.split(maxsplit=1)[0]}, ECHO),
    "other JSON": answer({"Data": ECHO, "access_token": [TOKEN], "TotalCount": ECHO}),
    "strange fields": answer(
        {
            "Data": {
                "TimestampUtc": "2026-03-02T01:02:03Z",
                "SiteId": 5,
                "Battery": ECHO,
                "PVs": [ECHO],
            }
        }
    ),
    "strange list": answer({"Data": [{"TimestampUtc": ECHO}, ECHO]}),
    "token of two lines": grant(f"{TOKEN}\r\n{SECRET}"),
    "strange scheme": grant(TOKEN, token_type=ECHO),
    **{
        kind.__name__: kind(ECHO)
        for kind in (
            requests.ConnectionError,
            ChunkedEncodingError,
            InvalidHeader,
            InvalidURL,
            ProxyError,
            ReadTimeout,
            SSLError,
            ConnectionResetError,
            UnicodeError,
        )
    },
}


@pytest.fixture
def printed(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """All that anybody could come to see; at the end there must be something, but no secret."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    yield texts
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    texts += [f"{record.getMessage()} {record.__dict__}" for record in records]
    everything = "\n".join(texts)
    assert "redback.cloud.transport" in everything
    assert not {secret for secret in HIDDEN if secret in everything}


def show(error: BaseException) -> list[str]:
    return [
        str(error),
        repr(error),
        str(vars(error)),
        *traceback.format_exception(error),
        *traceback.TracebackException.from_exception(error, capture_locals=False).format(),
    ]


def use(client: RedbackClient, printed: list[str]) -> None:
    """Ask for everything, and look at all that comes of it."""
    questions: list[Callable[[], object]] = [
        client.inverters,
        lambda: client.dynamic([A, B], 45),
        lambda: client.static(A),
        lambda: client.configurations([A, B]),
    ]
    for question in questions:
        try:
            answered = question()
        except CloudError as error:
            printed += show(error)
            continue
        outcomes = answered.values() if isinstance(answered, dict) else ()
        for outcome in outcomes:
            if isinstance(outcome, CloudError):
                printed += show(outcome)
    printed += [repr(client), repr(vars(client))]


@pytest.fixture
def client(
    web: responses.RequestsMock,
    transport: Transport,
    tokens: TokenSource,
    remembered: RememberedHolder,
) -> RedbackClient:
    """An account with a token that says what it is."""
    web.post(NEW_TOKEN, body=grant(TOKEN)[2])
    return RedbackClient(transport, tokens, remembered)


def put(web: responses.RequestsMock, url: object, fault: Answer | Exception) -> None:
    for method in ("GET", "POST"):
        if isinstance(fault, Exception):
            web.add(method, url, body=fault)  # type: ignore[arg-type] # an address or a pattern
        else:
            status, headers, body = fault
            web.add(method, url, body=body, status=status, headers=headers)  # type: ignore[arg-type] # see above


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_fault_of_the_data_endpoints_shows_a_secret(
    web: responses.RequestsMock,
    client: RedbackClient,
    printed: list[str],
    fault: Answer | Exception,
) -> None:
    web.post(OLD_TOKEN, status=404)
    put(web, DATA, fault)
    use(client, printed)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("other", [404, 401, 500])
def test_no_fault_of_the_token_endpoints_shows_a_secret(
    web: responses.RequestsMock,
    client: RedbackClient,
    printed: list[str],
    fault: Answer | Exception,
    other: int,
) -> None:
    web.remove("POST", NEW_TOKEN)
    put(web, NEW_TOKEN, fault)
    web.post(OLD_TOKEN, status=other, json={"error": "invalid_client", "error_description": ECHO})
    put(web, DATA, answer({}, 404))
    use(client, printed)


def test_nothing_that_goes_well_shows_a_secret(
    web: responses.RequestsMock,
    client: RedbackClient,
    transport: Transport,
    tokens: TokenSource,
    printed: list[str],
) -> None:
    cloud = FakeCloud()
    web.add_callback("POST", DATA, cloud)
    assert isinstance(client.dynamic([A], 45)[A], Dynamic)
    assert cloud.tokens == [f"Bearer {TOKEN}"]
    printed += [repr(vars(each)) for each in (client, transport, tokens)]
