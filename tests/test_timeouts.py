"""That a scale makes timeouts longer, and nothing else."""

from collections.abc import Iterator
from unittest import mock

import pytest
import requests
import responses

from redback import timeouts
from redback.cloud import Transport
from redback.cloud.transport import Call

CALL = Call("GET", "https://cloud.test/readings", may_repeat=True)


@pytest.fixture
def scaled() -> Iterator[None]:
    timeouts.scale(60)
    yield
    timeouts.scale(1)


def test_in_real_time_a_timeout_is_what_it_is() -> None:
    assert timeouts.timeout(4) == 4


@pytest.mark.usefixtures("scaled")
def test_an_answer_has_that_much_more_time() -> None:
    session = requests.Session()
    with (
        responses.RequestsMock() as web,
        mock.patch.object(session, "send", wraps=session.send) as send,
    ):
        web.get(CALL.url, body=b"OK")
        transport = Transport(session)
        transport.request(CALL, transport.deadline(45))
    assert send.call_args.kwargs["timeout"] == (10 * 60, 20 * 60)


@pytest.mark.usefixtures("scaled")
def test_a_wait_that_was_too_long_for_a_deadline_still_is() -> None:
    now = 0.0
    with Transport(monotonic=lambda: now) as transport:
        deadline = transport.deadline(45)
        assert deadline.left() == 45 * 60
        assert deadline.allows(44)
        assert not deadline.allows(45)
        now = 44 * 60
        assert not deadline.allows(1)
