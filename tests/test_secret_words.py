"""That a secret in a log would be seen."""

import base64
import logging

import pytest

from cloud import bench
from house import CREDENTIAL, TOKEN
from secret_words import leaks, spellings


@pytest.mark.parametrize("secret", [CREDENTIAL, TOKEN, bench.SECRET])
def test_a_secret_is_seen_in_every_spelling(secret: str) -> None:
    for spelling in spellings(secret):
        assert leaks(f"GET https://cloud/?x={spelling}&y")


def test_what_basic_authorization_makes_of_it_is_seen() -> None:
    pair = f"{bench.CLIENT_ID}:{bench.SECRET}"
    assert leaks(f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}")


def test_what_is_logged_at_debug_level_is_watched(caplog: pytest.LogCaptureFixture) -> None:
    assert logging.getLogger("urllib3").isEnabledFor(logging.DEBUG)
    logging.getLogger("redback").debug("nothing secret")
    assert caplog.text == ""  # while what tests see of it stays the same
