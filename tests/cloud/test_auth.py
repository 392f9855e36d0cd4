"""The token: from which endpoint, for how long, and what it means when there is none."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses

from cloud.bench import (
    API,
    CLIENT_ID,
    LOGIN,
    NEW_TOKEN,
    OLD_TOKEN,
    SCOPE,
    SECRET,
    Answer,
    FakeTime,
    answer,
    denial,
    grant,
)
from garbage import collected
from redback.cloud import (
    CloudError,
    Credentials,
    CredentialsError,
    Hosts,
    RememberedHolder,
    ThrottledError,
    TokenSource,
    TransientError,
    Transport,
)
from redback.cloud.auth import Token
from redback.cloud.transport import Deadline


@dataclass
class Login:
    """The token endpoints, and an account that asks them."""

    web: responses.RequestsMock
    time: FakeTime
    transport: Transport
    remembered: RememberedHolder
    tokens: TokenSource

    def put(self, url: str, what: Answer | Exception) -> None:
        """Let an endpoint answer so from now on."""
        self.web.remove("POST", url)
        if isinstance(what, Exception):
            self.web.post(url, body=what)
        else:
            status, headers, body = what
            self.web.post(url, status=status, headers=headers, body=body)

    def asked(self) -> list[str | None]:
        """Return the addresses that were asked since the last time."""
        urls = [call.request.url for call in self.web.calls]
        self.web.calls.reset()
        return urls

    def get(self) -> Token:
        return self.tokens.token(self.transport.deadline(60))

    def refuse(self, token: Token) -> Token:
        return self.tokens.refused(token, self.transport.deadline(60))


@pytest.fixture
def login(
    web: responses.RequestsMock,
    time: FakeTime,
    transport: Transport,
    remembered: RememberedHolder,
    tokens: TokenSource,
) -> Login:
    return Login(web, time, transport, remembered, tokens)


Answers = dict[str, tuple[str, Answer | Exception]]
UNREACHABLE = requests.ConnectionError(SECRET)


def test_the_new_endpoint_gets_all_it_wants(login: Login) -> None:
    login.put(NEW_TOKEN, grant())
    assert login.get().authorization == "Bearer t0k3n-1"
    (call,) = login.web.calls
    assert call.request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in call.request.headers
    assert isinstance(call.request.body, str)
    assert parse_qs(call.request.body, strict_parsing=True) == {
        "client_id": [CLIENT_ID],
        "client_secret": [SECRET],
        "grant_type": ["client_credentials"],
        "scope": [SCOPE],
    }


def test_the_old_endpoint_gets_the_credentials_only(login: Login) -> None:
    login.put(NEW_TOKEN, denial("unauthorized_client", 400))
    login.put(OLD_TOKEN, grant())
    assert login.get().authorization == "Bearer t0k3n-1"
    body = login.web.calls[-1].request.body
    assert isinstance(body, str)
    assert parse_qs(body) == {"client_id": [CLIENT_ID], "client_secret": [SECRET]}


def test_the_endpoint_that_took_the_credentials_is_remembered(login: Login) -> None:
    login.put(NEW_TOKEN, denial("unauthorized_client", 400))
    login.put(OLD_TOKEN, grant())
    login.get()
    assert login.remembered.current.token_endpoint == "old"
    login.asked()
    login.time.pass_(hours=2)
    login.get()
    assert login.asked() == [OLD_TOKEN]


def test_the_endpoint_of_the_last_run_is_asked_first(login: Login) -> None:
    login.put(OLD_TOKEN, grant())
    login.remembered.remember_endpoint("old")
    login.get()
    assert login.asked() == [OLD_TOKEN]


REFUSED: Answers = {
    "new: id unknown": (NEW_TOKEN, denial("unauthorized_client", 400)),
    "new: secret wrong": (NEW_TOKEN, denial("invalid_client", 401)),
    "new: refusal with status 200": (NEW_TOKEN, denial("invalid_client", 200)),
    "old: 400": (OLD_TOKEN, (400, {}, "")),
    "old: 401": (OLD_TOKEN, denial("invalid_client", 401)),
    "old: 403": (OLD_TOKEN, (403, {}, "<html>")),
}
ABSENT: Answers = {
    "new: absent": (NEW_TOKEN, (404, {}, "")),
    "old: absent": (OLD_TOKEN, (404, {}, "")),
}
TROUBLE: Answers = {
    "new: unreachable": (NEW_TOKEN, UNREACHABLE),
    "new: 500": (NEW_TOKEN, (500, {}, "")),
    "new: scope": (NEW_TOKEN, denial("invalid_scope", 400)),
    "new: 400 without a word": (NEW_TOKEN, (400, {}, "no")),
    "new: 401 with an unknown word": (NEW_TOKEN, denial("wonder", 401)),
    "new: 403": (NEW_TOKEN, (403, {}, "")),
    "new: not JSON": (NEW_TOKEN, (200, {}, "<html>")),
    "new: no token": (NEW_TOKEN, answer({"token_type": "Bearer"})),
    "new: token of two lines": (NEW_TOKEN, grant("t0k3n\r\nX: y")),
    "new: token is a number": (NEW_TOKEN, grant(expires_in=1, access_token=5)),
    "new: nested without end": (NEW_TOKEN, (200, {}, "[" * 100_000)),
    "old: unreachable": (OLD_TOKEN, UNREACHABLE),
    # Another maker's cloud says this, though another client looks for it here (dossier 10.3).
    "new: another maker's sentence": (NEW_TOKEN, (400, {}, '"Login session expired."')),
    "old: another maker's sentence": (OLD_TOKEN, (500, {}, "Login session expired.")),
    "old: a firewall's page": (OLD_TOKEN, (403, {"Content-Type": "text/html"}, "<html>")),
    "old: 502": (OLD_TOKEN, (502, {}, "")),
    "old: not JSON": (OLD_TOKEN, (200, {}, "")),
}


def _pairs(left: Answers, right: Answers) -> list[Any]:
    return [
        pytest.param(one, other, id=f"{name}, {other_name}")
        for name, one in left.items()
        for other_name, other in right.items()
        if one[0] != other[0]
    ]


@pytest.mark.parametrize(("one", "other"), _pairs(REFUSED, REFUSED | ABSENT))
def test_credentials_are_bad_if_no_endpoint_that_is_there_takes_them(
    login: Login, one: tuple[str, Answer], other: tuple[str, Answer]
) -> None:
    login.put(*one)
    login.put(*other)
    with pytest.raises(CredentialsError, match="does not accept this Client ID") as caught:
        login.get()
    assert not caught.value.token_refused


@pytest.mark.parametrize(("one", "other"), _pairs(TROUBLE, REFUSED | ABSENT))
def test_it_is_not_known_whether_credentials_are_bad_while_an_endpoint_is_in_trouble(
    login: Login, one: tuple[str, Answer], other: tuple[str, Answer]
) -> None:
    login.put(*one)
    login.put(*other)
    with pytest.raises(TransientError, match="no token: "):
        login.get()


def test_endpoints_that_are_both_absent_say_nothing_about_credentials(login: Login) -> None:
    login.put(NEW_TOKEN, (404, {}, ""))
    login.put(OLD_TOKEN, (404, {}, ""))
    with pytest.raises(TransientError, match="404"):
        login.get()


def test_an_endpoint_that_throttles_is_left_alone(login: Login) -> None:
    login.put(NEW_TOKEN, (429, {"Retry-After": "600"}, ""))
    login.put(OLD_TOKEN, denial("invalid_client", 401))
    with pytest.raises(ThrottledError) as caught:
        login.get()
    assert caught.value.retry_after == 600


def test_the_other_endpoint_helps_out_where_one_is_in_trouble(login: Login) -> None:
    login.put(NEW_TOKEN, UNREACHABLE)
    login.put(OLD_TOKEN, grant())
    assert login.get().authorization == "Bearer t0k3n-1"


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(3600, 3300), ("3600", 3300), (3600.0, 3300), (400, 200), ("400.5", 200.25)],
)
def test_a_token_is_renewed_in_time(login: Login, expires_in: object, seconds: float) -> None:
    login.put(NEW_TOKEN, grant(expires_in=expires_in))
    login.get()
    login.time.passed = seconds - 0.1
    login.get()
    assert len(login.asked()) == 1
    login.time.passed = seconds + 0.1
    login.get()
    assert login.asked() == [NEW_TOKEN]


@pytest.mark.parametrize("expires_in", [None, "soon", "", True, 0, -5, "nan", [1], {}])
def test_a_token_of_unknown_life_is_used_until_it_is_refused(
    login: Login, expires_in: object
) -> None:
    login.put(NEW_TOKEN, grant(expires_in=expires_in))
    login.get()
    login.time.pass_(days=100)
    login.get()
    assert len(login.asked()) == 1


@pytest.mark.parametrize(
    ("kind", "scheme"), [("MAC", "MAC"), ("bearer", "bearer"), (None, "Bearer")]
)
def test_the_scheme_is_the_tokens_own(login: Login, kind: str | None, scheme: str) -> None:
    login.put(NEW_TOKEN, grant(token_type=kind))
    assert login.get().authorization == f"{scheme} t0k3n-1"


def test_a_token_that_cannot_be_renewed_yet_is_used_to_its_end(login: Login) -> None:
    login.put(NEW_TOKEN, grant(expires_in=3600))
    login.put(OLD_TOKEN, UNREACHABLE)
    login.get()
    login.put(NEW_TOKEN, UNREACHABLE)
    login.time.passed = 3400
    assert login.get().authorization == "Bearer t0k3n-1"
    login.asked()
    assert login.get().authorization == "Bearer t0k3n-1"
    assert login.asked() == []  # not again at once
    login.time.passed = 3601
    with pytest.raises(TransientError):
        login.get()


def renewable(login: Login) -> Token:
    """Return a token that has been used for a while, and that another one may follow."""
    login.put(NEW_TOKEN, grant("t0k3n-1"))
    token = login.get()
    login.time.pass_(minutes=10)
    login.put(NEW_TOKEN, grant("t0k3n-2"))
    login.asked()
    return token


def test_a_token_that_is_refused_after_a_while_is_renewed(login: Login) -> None:
    token = renewable(login)
    assert login.refuse(token).authorization == "Bearer t0k3n-2"
    assert login.refuse(token).authorization == "Bearer t0k3n-2"  # as for one who comes late
    assert login.asked() == [NEW_TOKEN]


def test_many_threads_that_are_refused_make_one_renewal(login: Login) -> None:
    token = renewable(login)
    with ThreadPoolExecutor(8) as threads:
        renewed = list(threads.map(login.refuse, [token] * 8))
    assert {one.authorization for one in renewed} == {"Bearer t0k3n-2"}
    assert login.asked() == [NEW_TOKEN]


def test_many_threads_share_a_renewal_that_fails(login: Login) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def refuse(_: requests.PreparedRequest) -> Answer:
        entered.set()
        go_on.wait(5)
        return denial("invalid_client", 401)

    login.web.add_callback("POST", NEW_TOKEN, refuse)
    login.web.add_callback("POST", OLD_TOKEN, refuse)
    waiting = threading.Semaphore(0)

    def look_at_the_clock() -> float:
        waiting.release()
        return login.time.monotonic()

    deadline = Deadline(login.time.monotonic() + 60, look_at_the_clock)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(login.tokens.token, login.transport.deadline(60))
        entered.wait(5)
        others = [threads.submit(login.tokens.token, deadline) for _ in range(3)]
        for _ in others:  # each looks how long it may wait for the first
            waiting.acquire(timeout=5)
        go_on.set()
        errors = [future.exception(5) for future in (first, *others)]
    assert all(isinstance(error, CredentialsError) for error in errors)
    assert login.asked() == [NEW_TOKEN, OLD_TOKEN]


def test_nobody_waits_for_others_longer_than_they_may(login: Login) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def give_late(_: requests.PreparedRequest) -> Answer:
        entered.set()
        go_on.wait(5)
        return grant()

    login.web.add_callback("POST", NEW_TOKEN, give_late)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(login.tokens.token, login.transport.deadline(60))
        entered.wait(5)
        with pytest.raises(TransientError, match="no token came in time"):
            login.tokens.token(login.transport.deadline(0.05))
        go_on.set()
        assert first.result(5).authorization == "Bearer t0k3n-1"


def test_a_fresh_token_that_is_refused_gives_the_other_endpoint_its_chance_once(
    login: Login,
) -> None:
    login.put(NEW_TOKEN, grant("of-new"))
    login.put(OLD_TOKEN, grant("of-old"))
    token = login.refuse(login.get())
    assert token.authorization == "Bearer of-old"
    assert login.remembered.current.token_endpoint == "old"
    assert login.asked() == [NEW_TOKEN, OLD_TOKEN]
    for _ in range(3):
        with pytest.raises(CredentialsError, match="no data for the token") as caught:
            login.refuse(token)
        assert caught.value.token_refused
    assert login.asked() == []


@pytest.mark.parametrize("said", [(200, {}, "no token"), (404, {}, "")])
def test_failures_leave_nothing_behind(login: Login, said: Answer) -> None:
    login.put(NEW_TOKEN, said)
    login.put(OLD_TOKEN, said)
    useless = Token("Bearer t0k3n", "new", login.time.monotonic(), math.inf, math.inf)
    with collected() as kinds:
        for _ in range(3):
            with suppress(CloudError):
                login.get()
            with suppress(CloudError):
                login.refuse(useless)
    assert not [kind for kind in kinds if kind.endswith("Error")]


@pytest.mark.parametrize("status", [301, 302, 404, 405, 410, 501])
def test_an_endpoint_that_was_taken_away_leaves_the_other_ones_word(
    login: Login, status: int
) -> None:
    login.put(NEW_TOKEN, denial("invalid_client", 401))
    login.put(OLD_TOKEN, (status, {"Location": "https://elsewhere.example"}, ""))
    with pytest.raises(CredentialsError):
        login.get()


@pytest.mark.parametrize("other", [denial("invalid_client", 401), (404, {}, "")])
def test_a_fresh_token_that_is_refused_is_final_if_the_other_endpoint_does_not_help(
    login: Login, other: Answer
) -> None:
    login.put(NEW_TOKEN, grant())
    login.put(OLD_TOKEN, other)
    token = login.get()
    for _ in range(3):
        with pytest.raises(CredentialsError) as caught:
            login.refuse(token)
        assert caught.value.token_refused
    assert login.asked() == [NEW_TOKEN, OLD_TOKEN]


def test_a_fresh_token_that_is_refused_leaves_it_open_if_the_other_endpoint_is_in_trouble(
    login: Login,
) -> None:
    login.put(NEW_TOKEN, grant())
    login.put(OLD_TOKEN, UNREACHABLE)
    with pytest.raises(TransientError):
        login.refuse(login.get())


def test_after_a_while_everything_has_another_chance(login: Login) -> None:
    login.put(NEW_TOKEN, grant("of-new"))
    login.put(OLD_TOKEN, grant("of-old"))
    of_old = login.refuse(login.get())
    with pytest.raises(CredentialsError):
        login.refuse(of_old)
    login.asked()
    login.time.pass_(seconds=61)
    login.put(OLD_TOKEN, grant("of-old-2"))
    renewed = login.refuse(of_old)
    assert renewed.authorization == "Bearer of-old-2"
    assert login.refuse(renewed).authorization == "Bearer of-new"
    assert login.asked() == [OLD_TOKEN, NEW_TOKEN]


def test_each_new_token_is_reported_before_it_is_used(login: Login) -> None:
    reported: list[str] = []
    credentials = Credentials(CLIENT_ID, SECRET)
    hosts = Hosts(API, LOGIN)
    tokens = TokenSource(login.transport, credentials, RememberedHolder(), hosts, reported.append)
    login.put(NEW_TOKEN, grant())
    tokens.token(login.transport.deadline(60))
    assert reported == ["t0k3n-1"]


def test_a_slow_first_endpoint_leaves_time_for_the_second(login: Login) -> None:
    def slow(_: requests.PreparedRequest) -> Answer:
        login.time.pass_(seconds=25)
        return 500, {}, ""

    login.web.add_callback("POST", NEW_TOKEN, slow)
    login.put(OLD_TOKEN, grant())
    assert login.get().endpoint == "old"


def test_neither_secret_nor_token_shows_when_printed(login: Login) -> None:
    login.put(NEW_TOKEN, grant())
    assert "t0k3n" not in repr(login.get())
    assert SECRET not in repr(Credentials(CLIENT_ID, SECRET))


def test_an_error_of_a_token_endpoint_has_the_oauth_error_but_nothing_else(
    login: Login,
) -> None:
    login.put(NEW_TOKEN, denial("invalid_scope", 400))
    login.put(OLD_TOKEN, (404, {}, ""))
    with pytest.raises(CloudError) as caught:
        login.get()
    assert caught.value.detail == "no token: the cloud answered 400 Bad Request, invalid_scope"
    assert caught.value.url == NEW_TOKEN
