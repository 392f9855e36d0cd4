"""That what holds a secret never shows it: as text, in an error, in the cause of an error."""

import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import aiohttp
import pytest
import responses

from cloud.bench import API, CLIENT_ID, LOGIN, NEW_TOKEN, OLD_TOKEN, SECRET, grant
from fake_clock import FakeClock
from redback import options
from redback.cloud import (
    CloudError,
    Credentials,
    Hosts,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    Transport,
)
from redback.cloud.transport import Call
from redback.core import HomeAssistant, Rest, WebSocket, open_session
from redback.environment import Environment
from redback.log import Redaction
from redback.options import Options, OptionsError
from redback.service import Service
from secret_words import basic, spellings

TOKEN = "t0k3n/of+the=cloud"
SUPERVISOR_TOKEN = "t0k3n/of+the=supervisor"
KNOWN = (Credentials(CLIENT_ID, SECRET), RememberedHolder(), Hosts(API, LOGIN))
HIDDEN = {
    spelling
    for secret in (SECRET, CLIENT_ID, TOKEN, SUPERVISOR_TOKEN)
    for spelling in spellings(secret)
} | {basic(CLIENT_ID, SECRET)}


def shown(text: str) -> set[str]:
    """Return the secrets that stand in a text."""
    return {secret for secret in HIDDEN if secret in text}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(SUPERVISOR_TOKEN) as session:
        yield session


@pytest.fixture
def tokens() -> Iterator[TokenSource]:
    """A source that has got a token."""
    with responses.RequestsMock() as web, Transport() as transport:
        web.post(NEW_TOKEN, body=grant(TOKEN)[2])
        source = TokenSource(transport, *KNOWN)
        source.token(transport.deadline(10))
        yield source


def redaction() -> Redaction:
    made = Redaction()
    made.hide(SECRET, CLIENT_ID, SUPERVISOR_TOKEN)
    made.hide_token(TOKEN)
    return made


async def test_the_brokers_password_is_hidden_however_many_tokens_come_after_it(
    session: aiohttp.ClientSession,
    clock: FakeClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Redaction()
    connect = Mock(wraps=HomeAssistant)
    monkeypatch.setattr("redback.service.HomeAssistant", connect)
    environment = Environment(SUPERVISOR_TOKEN, data=tmp_path)
    hide = made.hide_token, made.hide
    with closing(Service(environment, Options(CLIENT_ID, SECRET), session, clock, *hide)):
        connect.call_args.kwargs["on_secret"]("broker-password")
    for number in range(100):
        made.hide_token(f"token-{number:03}")
    assert made.clean("refused broker-password") == "refused **REDACTED**"


async def test_nothing_that_holds_a_secret_shows_it(
    session: aiohttp.ClientSession, tokens: TokenSource, clock: FakeClock, tmp_path: Path
) -> None:
    environment = Environment(SUPERVISOR_TOKEN, data=tmp_path)
    given = Options(CLIENT_ID, SECRET)
    with (
        Transport() as transport,
        closing(Service(environment, given, session, clock, lambda _: None)) as service,
    ):
        holders = (
            given,
            environment,
            redaction(),
            transport,
            tokens,
            tokens.token(transport.deadline(10)),
            Credentials(CLIENT_ID, SECRET),
            RedbackClient(transport, tokens, RememberedHolder()),
            Call(
                "POST",
                NEW_TOKEN,
                authorization=TOKEN,
                form={"client_secret": SECRET},
                may_repeat=True,
            ),
            session,
            Rest(session, "http://supervisor"),
            websocket(session, "http://supervisor", clock),
            service,
        )
        for holder in holders:
            assert not shown(f"{holder!r} {holder!s} {[holder]} {holder}"), type(holder)


def websocket(session: aiohttp.ClientSession, url: str, clock: FakeClock) -> WebSocket:
    return WebSocket(
        session, url, SUPERVISOR_TOKEN, clock, connected=lambda: None, disconnected=lambda _: None
    )


def whole(error: BaseException) -> str:
    """Return all that is said of an error, and of what led to it even where that is not shown."""
    parts = [repr(error), *traceback.format_exception(error)]
    cause: BaseException | None = error
    while cause is not None:
        parts.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return "\n".join(parts)


@pytest.mark.parametrize(
    "content",
    [
        '{{"client_id": "{0}", "credential": "{1}"',
        '{{"client_id": "{0}", "credential": "{1}\n"}}',
        '{{"client_id": ["{0}"], "credential": {{"{1}": "{1}"}}}}',
        '{{"client_id": "{0}", "credential": "{1}", "log_level": "{1}", "history_days": "{1}"}}',
        '"{1}"',
        '{{"client_id": "{0}", "credential": "{1}\\ud800"}}',
    ],
)
def test_invalid_options_are_reported_without_their_secrets(tmp_path: Path, content: str) -> None:
    path = tmp_path / "options.json"
    path.write_text(content.format(CLIENT_ID, SECRET))
    with pytest.raises(OptionsError) as caught:
        options.read(path)
    assert caught.value.problems
    assert not shown(whole(caught.value))


@pytest.mark.parametrize("body", ['{{"access_token": "{}', '{{"access_token": ["{}"]}}'])
def test_a_token_that_cannot_be_read_is_reported_without_it(body: str) -> None:
    with responses.RequestsMock() as web, Transport(sleep=lambda _: None) as transport:
        for url in (NEW_TOKEN, OLD_TOKEN):
            web.post(url, body=body.format(TOKEN))
        source = TokenSource(transport, *KNOWN)
        with pytest.raises(CloudError, match="the answer holds no token") as caught:
            RedbackClient(transport, source, RememberedHolder()).inverters()
    assert not shown(whole(caught.value))
