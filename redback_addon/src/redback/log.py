"""The format of the log, and the secrets that never get into it."""

import json
import logging
import sys
from collections import deque
from urllib.parse import quote, quote_plus

_HIDDEN = "**REDACTED**"
# Anything shorter would occur inside ordinary words and make the log unreadable.
_SHORTEST_SECRET = 4
# Of each account. A token lasts about an hour, so this is half a day.
_TOKENS_KEPT = 12


class Redaction:
    """The secrets known so far, in every spelling in which they could be logged."""

    def __init__(self) -> None:
        self._for_good: set[str] = set()
        self._passing: deque[str] = deque(maxlen=_TOKENS_KEPT)
        self._spellings: tuple[str, ...] = ()

    def hide(self, *secrets: str) -> None:
        """Hide these secrets for as long as the process runs."""
        self._for_good.update(secrets)
        self._spell()

    def expect_tokens(self, accounts: int) -> None:
        """Hide as many tokens as this many accounts need; at first those of one."""
        self._passing = deque(self._passing, maxlen=_TOKENS_KEPT * accounts)

    def hide_token(self, token: str) -> None:
        """Hide a token until it is long out of use."""
        if token not in self._passing:
            self._passing.append(token)
            self._spell()

    def _spell(self) -> None:
        secrets = self._for_good.union(self._passing)
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= _SHORTEST_SECRET
            for spelling in _spellings(secret)
        }
        # The longest first: a secret may contain another one.
        self._spellings = tuple(sorted(spellings, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """Return the text without any secret."""
        for spelling in self._spellings:
            text = text.replace(spelling, _HIDDEN)
        return text


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
    }


class _Formatter(logging.Formatter):
    """Lines like bashio's, with the secrets removed from messages and tracebacks alike."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__("[%(asctime)s] %(levelname)s: %(message)s", "%H:%M:%S")
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        return self._redaction.clean(super().format(record))


def set_up(redaction: Redaction) -> None:
    """Send the log to standard output, from level INFO up."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter(redaction))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # At level debug it would log every request a second time.
    logging.getLogger("urllib3").setLevel(logging.INFO)
    # Its complaints are reported elsewhere, with advice.
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)


def set_level(name: str) -> None:
    """Show this level (debug, info, warning or error) and above."""
    logging.getLogger().setLevel(name.upper())
