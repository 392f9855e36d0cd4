"""What a request looks like, what it may take, and when it is made again."""

import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests
import responses
from requests.exceptions import (
    ConnectTimeout,
    InvalidHeader,
    InvalidURL,
    ReadTimeout,
    SSLError,
)
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NameResolutionError

from cloud.bench import FakeTime
from garbage import collected
from redback.cloud import (
    AccessError,
    Cause,
    CloudError,
    NotFoundError,
    OutcomeUnknownError,
    RequestError,
    ThrottledError,
    TransientError,
    Transport,
)
from redback.cloud.transport import Call

URL = "https://api.example/Api/v2/Alive"
CALL = Call("GET", URL, authorization="Bearer t0k3n", may_repeat=True)
WRITE = Call("POST", URL, json=["RB1"], may_repeat=False)


def _unresolved() -> requests.ConnectionError:
    pool = HTTPSConnectionPool("api.example")
    reason = NameResolutionError("api.example", HTTPSConnection("api.example"), OSError())  # type: ignore[arg-type] # any OSError will do
    return requests.ConnectionError(MaxRetryError(pool, "/", reason))


def ask(transport: Transport, call: Call = CALL, seconds: float = 60.0) -> bytes:
    return transport.request(call, transport.deadline(seconds))


def test_a_request_says_who_asks_and_for_what(
    web: responses.RequestsMock, transport: Transport
) -> None:
    web.get(URL, body=b"OK")
    call = Call("GET", URL, authorization="Bearer t0k3n", params={"page": 1}, may_repeat=True)
    assert ask(transport, call) == b"OK"
    (sent,) = web.calls
    assert sent.request.url == f"{URL}?page=1"
    assert sent.request.headers["Authorization"] == "Bearer t0k3n"
    assert sent.request.headers["User-Agent"] == "redback-addon/1.2.3"
    assert sent.request.headers["Accept"] == "application/json"


def test_a_request_leaves_nothing_behind(web: responses.RequestsMock, transport: Transport) -> None:
    web.get(URL, body=b"OK")
    with collected() as kinds:
        for _ in range(3):
            ask(transport)
    assert "Retrying" not in kinds


def test_a_request_that_fails_leaves_nothing_behind(
    web: responses.RequestsMock, transport: Transport
) -> None:
    web.get(URL, status=500)
    with collected() as kinds:
        for _ in range(3):
            with suppress(TransientError):
                ask(transport)
    assert not kinds & {"TransientError", "RetryCallState"}


def test_serial_numbers_are_sent_as_json(web: responses.RequestsMock, transport: Transport) -> None:
    web.post(URL, body=b"{}")
    ask(transport, Call("POST", URL, json=["RB1", "RB2"], may_repeat=True))
    assert web.calls[0].request.body == b'["RB1", "RB2"]'
    assert web.calls[0].request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("authorization", ["Bearer t0k3n", None])
def test_a_netrc_file_replaces_no_authorization(
    web: responses.RequestsMock,
    transport: Transport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    authorization: str | None,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    web.get(URL, body=b"OK")
    ask(transport, Call("GET", URL, authorization=authorization, may_repeat=True))
    assert web.calls[0].request.headers.get("Authorization") == authorization


def test_no_cookie_is_kept(web: responses.RequestsMock) -> None:
    web.get(URL, body=b"OK", headers={"Set-Cookie": "session=1; Path=/"})
    session = requests.Session()
    transport = Transport(session)
    ask(transport)
    ask(transport)
    assert not session.cookies
    assert "Cookie" not in web.calls[1].request.headers


def test_a_session_that_was_given_is_not_closed() -> None:
    with mock.patch.object(requests.Session, "close") as close:
        with Transport(requests.Session()):
            pass
        close.assert_not_called()
        with Transport():
            pass
        close.assert_called_once_with()


def test_tls_is_verified_whatever_the_session_thinks(web: responses.RequestsMock) -> None:
    web.get(URL, body=b"OK")
    session = requests.Session()
    session.verify = False
    with mock.patch.object(session, "send", wraps=session.send) as send:
        ask(Transport(session))
    how = send.call_args.kwargs
    assert how["verify"] is True
    assert how["timeout"] == (10.0, 20.0)
    assert how["allow_redirects"] is False


def test_trouble_that_passes_is_asked_again_after_growing_random_waits(
    web: responses.RequestsMock, transport: Transport, time: FakeTime
) -> None:
    web.get(URL, status=500)
    web.get(URL, status=502)
    web.get(URL, body=b"OK")
    assert ask(transport) == b"OK"
    first, second = time.slept
    assert 0 <= first <= 0.5
    assert 0 <= second <= 1.0


def test_after_three_tries_it_is_enough(web: responses.RequestsMock, transport: Transport) -> None:
    web.get(URL, status=500)
    with pytest.raises(TransientError) as caught:
        ask(transport)
    assert caught.value.status == 500
    assert len(web.calls) == 3


@pytest.mark.parametrize(
    "first",
    [
        {"status": 302},
        {"status": 408},
        {"status": 500},
        {"status": 502},
        {"body": ReadTimeout("t0k3n")},
        {"body": ConnectionResetError("t0k3n")},
        {"body": requests.ConnectionError("t0k3n")},
        {"body": SSLError("t0k3n")},
    ],
    ids=str,
)
def test_a_write_is_made_once_and_it_is_said_that_its_outcome_is_not_known(
    web: responses.RequestsMock, transport: Transport, first: dict[str, Any]
) -> None:
    web.post(URL, **first)
    web.post(URL, body=b"OK")
    with pytest.raises(OutcomeUnknownError, match="it is not known whether this was done"):
        ask(transport, WRITE)
    assert len(web.calls) == 1


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        ({"status": 400}, RequestError),
        ({"status": 429, "headers": {"Retry-After": "1"}}, ThrottledError),
        ({"body": ConnectTimeout("t0k3n")}, TransientError),
        ({"body": _unresolved()}, TransientError),
    ],
    ids=str,
)
def test_a_write_that_was_surely_not_done_is_made_once_too_and_says_so(
    web: responses.RequestsMock,
    transport: Transport,
    first: dict[str, Any],
    kind: type[CloudError],
) -> None:
    web.post(URL, **first)
    web.post(URL, body=b"OK")
    with pytest.raises(kind) as caught:
        ask(transport, WRITE)
    assert "not known" not in str(caught.value)
    assert len(web.calls) == 1


def test_a_post_that_only_reads_is_made_again(
    web: responses.RequestsMock, transport: Transport
) -> None:
    web.post(URL, status=502)
    web.post(URL, status=502)
    web.post(URL, body=b"OK")
    assert ask(transport, Call("POST", URL, json=["RB1"], may_repeat=True)) == b"OK"
    assert len(web.calls) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_refusal_is_not_asked_again(
    web: responses.RequestsMock, transport: Transport, status: int
) -> None:
    web.get(URL, status=status)
    with pytest.raises(Exception, match=str(status)):
        ask(transport)
    assert len(web.calls) == 1


def test_a_throttled_request_is_made_again_when_the_cloud_says(
    web: responses.RequestsMock, transport: Transport, time: FakeTime
) -> None:
    web.get(URL, status=429, headers={"Retry-After": "12"})
    web.get(URL, body=b"OK")
    assert ask(transport) == b"OK"
    assert time.slept == [12.0]


@pytest.mark.parametrize("headers", [{"Retry-After": "61"}, {}])
def test_a_throttled_request_is_not_made_again_where_that_would_be_too_late_or_too_soon(
    web: responses.RequestsMock, transport: Transport, headers: dict[str, str]
) -> None:
    web.get(URL, status=429, headers=headers)
    with pytest.raises(ThrottledError):
        ask(transport)
    assert len(web.calls) == 1


def test_no_request_is_made_when_the_time_is_up(
    web: responses.RequestsMock, transport: Transport
) -> None:
    web.get(URL, body=b"OK")
    with pytest.raises(TransientError, match="no time left"):
        ask(transport, seconds=0)
    assert len(web.calls) == 0


def test_the_retries_end_with_the_deadline(
    web: responses.RequestsMock, transport: Transport, time: FakeTime
) -> None:
    def slow(_: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        time.pass_(seconds=15)
        return 500, {}, ""

    web.add_callback("GET", URL, slow)
    with pytest.raises(TransientError, match="500"):
        ask(transport, seconds=20)
    assert len(web.calls) == 2
    assert time.passed < 31.1


def test_the_time_outs_are_no_longer_than_the_time_left(
    web: responses.RequestsMock, time: FakeTime
) -> None:
    web.get(URL, body=b"OK")
    session = requests.Session()
    with mock.patch.object(session, "send", wraps=session.send) as send:
        ask(Transport(session, monotonic=time.monotonic), seconds=4)
    assert send.call_args.kwargs["timeout"] == (4.0, 4.0)


@pytest.mark.parametrize(
    ("trouble", "sentence", "cause"),
    [
        (requests.ConnectionError("t0k3n"), "the connection failed", None),
        (ConnectionResetError("t0k3n"), "the connection failed", None),
        (SSLError("t0k3n"), "no secure connection", Cause.INTERCEPTED),
        (ConnectTimeout("t0k3n"), "no connection could be made in time", None),
        (ReadTimeout("t0k3n"), "no answer came in time", None),
        (_unresolved(), "name could not be resolved", Cause.DNS),
    ],
)
def test_trouble_on_the_line_is_described_in_words_of_our_own(
    web: responses.RequestsMock,
    transport: Transport,
    trouble: Exception,
    sentence: str,
    cause: Cause | None,
) -> None:
    web.get(URL, body=trouble)
    with pytest.raises(TransientError, match=sentence) as caught:
        ask(transport)
    assert caught.value.status is None
    assert caught.value.cause is cause
    assert caught.value.__suppress_context__
    assert len(web.calls) == 3


@pytest.mark.parametrize("status", [200, 403])
def test_a_web_page_of_a_firewall_is_no_answer_of_the_cloud(
    web: responses.RequestsMock, transport: Transport, status: int
) -> None:
    web.get(URL, status=status, body="<html>", content_type="Text/HTML; charset=utf-8")
    with pytest.raises(TransientError, match=f"a web page came .* [(]{status} ") as caught:
        ask(transport)
    assert (caught.value.cause, caught.value.status) == (Cause.BLOCKED, None)


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFoundError), (400, RequestError), (502, TransientError)]
)
def test_pages_that_the_cloud_has_itself_mean_what_their_status_says(
    web: responses.RequestsMock, transport: Transport, status: int, kind: type[CloudError]
) -> None:
    web.get(URL, status=status, body="<html>", content_type="text/html")
    with pytest.raises(kind) as caught:
        ask(transport)
    assert (caught.value.cause, caught.value.status) == (None, status)


def test_a_403_that_is_no_page_is_the_clouds(
    web: responses.RequestsMock, transport: Transport
) -> None:
    web.get(URL, status=403, body="{}", content_type="application/json")
    with pytest.raises(AccessError):
        ask(transport)


def test_the_time_of_an_answer_is_kept_whatever_it_says(
    web: responses.RequestsMock, transport: Transport, time: FakeTime
) -> None:
    web.get(URL, status=500, headers={"Date": "Mon, 02 Mar 2026 01:02:08 GMT"})
    with suppress(TransientError):
        ask(transport)
    dated = transport.dated
    assert dated == (datetime(2026, 3, 2, 1, 2, 8, tzinfo=UTC), time.monotonic())
    time.pass_(seconds=60)
    for strange in ("", "soon", "Mon, 99 Mar 2026 01:02:08 GMT", "Mon, 01 Jan 0001 00:00:00 +9900"):
        web.replace("GET", URL, body="{}", headers={"Date": strange})
        ask(transport)
        assert transport.dated == dated


@pytest.mark.parametrize(
    "trouble", [InvalidHeader("t0k3n"), InvalidURL("x"), UnicodeError("t0k3n")]
)
def test_a_request_that_cannot_be_made_is_our_fault(
    web: responses.RequestsMock, transport: Transport, trouble: Exception
) -> None:
    web.get(URL, body=trouble)
    with pytest.raises(RequestError, match="cannot be made"):
        ask(transport)
    assert len(web.calls) == 1


@pytest.mark.parametrize("url", ["https://api.example:port/x", "nothing", "https://[::1/x", ""])
def test_an_address_that_is_none_is_our_fault(transport: Transport, url: str) -> None:
    with pytest.raises(RequestError):
        ask(transport, Call("GET", url, may_repeat=True))


def test_an_error_shows_neither_query_nor_password_of_its_address(transport: Transport) -> None:
    with pytest.raises(RequestError) as caught:
        ask(transport, Call("GET", "ftp://me:pass@api.example/x?key=1#there", may_repeat=True))
    assert caught.value.url == "ftp://api.example/x"


def test_a_redirect_is_not_followed(web: responses.RequestsMock, transport: Transport) -> None:
    web.get(URL, status=302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(TransientError, match="302"):
        ask(transport)
    assert {call.request.url for call in web.calls} == {URL}


def test_each_try_is_one_line_in_the_debug_log(
    web: responses.RequestsMock, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "redback.cloud.transport")
    web.get(URL, status=500)
    web.get(URL, body=b"12345")
    ask(transport)
    failed, good = (record.getMessage() for record in caplog.records)
    assert failed.startswith(f"GET {URL}: the cloud answered 500 Internal Server Error, ")
    assert good == f"GET {URL}: 200 OK, 0 ms, 5 bytes"
