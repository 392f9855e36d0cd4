"""A cloud, a time and a client for the tests of the cloud client."""

import re
from collections.abc import Iterator

import pytest
import responses

from cloud.bench import API, CLIENT_ID, LOGIN, NEW_TOKEN, SECRET, Cloud, FakeTime, grant
from redback.cloud import (
    Credentials,
    Hosts,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    Transport,
)


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """All of the web; what is not put into it cannot be reached."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def time() -> FakeTime:
    """Stands still but for those who sleep."""
    return FakeTime()


@pytest.fixture
def transport(time: FakeTime) -> Iterator[Transport]:
    with Transport(version="1.2.3", monotonic=time.monotonic, sleep=time.sleep) as transport:
        yield transport


@pytest.fixture
def remembered() -> RememberedHolder:
    return RememberedHolder()


@pytest.fixture
def tokens(transport: Transport, remembered: RememberedHolder) -> TokenSource:
    return TokenSource(transport, Credentials(CLIENT_ID, SECRET), remembered, Hosts(API, LOGIN))


@pytest.fixture
def cloud(
    web: responses.RequestsMock,
    transport: Transport,
    tokens: TokenSource,
    remembered: RememberedHolder,
    time: FakeTime,
) -> Cloud:
    """Answers all data requests; the new token endpoint takes the credentials."""
    client = RedbackClient(transport, tokens, remembered, now=time.now)
    cloud = Cloud(web=web, time=time, remembered=remembered, client=client)
    web.add_callback("POST", NEW_TOKEN, lambda _: grant())
    for method in ("GET", "POST"):
        web.add_callback(
            method, re.compile(rf"{API}/Api/v(?!2/(?:Auth|Schedule|Operating)).*"), cloud
        )
    return cloud
