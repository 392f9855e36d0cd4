"""All secrets that the tests use, in every spelling that a log might show."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from cloud import bench
from house import CREDENTIAL, TOKEN
from simulator import CLIENT_ID, SECOND_CLIENT_ID, SECOND_CREDENTIAL

_SECRETS = (CREDENTIAL, SECOND_CREDENTIAL, TOKEN, bench.SECRET)
# Every token that the simulator gives out begins with these words.
_SIMULATED = "eyJ0eXAi.SIMULATED"


def spellings(secret: str) -> Iterator[str]:
    """Return every way in which a secret could be written."""
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield from (repr(secret)[1:-1], json.dumps(secret)[1:-1])


def basic(name: str, secret: str) -> str:
    """Return how Basic authorization writes a name and a secret."""
    return base64.b64encode(f"{name}:{secret}".encode()).decode()


_WORDS = frozenset(
    (
        *(word for secret in _SECRETS for word in spellings(secret)),
        basic(CLIENT_ID, CREDENTIAL),
        basic(SECOND_CLIENT_ID, SECOND_CREDENTIAL),
        basic(bench.CLIENT_ID, bench.SECRET),
        _SIMULATED,
    )
)


def leaks(text: str) -> list[str]:
    """Return the secrets that stand in a text."""
    return [word for word in _WORDS if word in text]
