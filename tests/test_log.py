"""What the log looks like, and that no secret is ever in it."""

import logging
import re
from collections.abc import Iterator

import pytest

from redback import log
from redback.log import Redaction

SECRET = "p+q/r s&t\u00e9'u"


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def written(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_lines_look_like_those_of_other_add_ons(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up(Redaction())
    logging.getLogger("any").info("Hello")
    assert re.fullmatch(r"\[\d\d:\d\d:\d\d\] INFO: Hello\n", written(capsys))


def test_the_level_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up(Redaction())
    log.set_level("warning")
    logging.getLogger("any").info("Hello")
    assert not written(capsys)


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        "p%2Bq/r%20s%26t%C3%A9%27u",
        "p%2Bq%2Fr%20s%26t%C3%A9%27u",
        "p%2Bq%2Fr+s%26t%C3%A9%27u",
        "p+q/r s&t\\u00e9'u",
    ],
)
def test_a_secret_is_hidden_in_every_spelling(
    capsys: pytest.CaptureFixture[str], spelling: str
) -> None:
    redaction = Redaction()
    redaction.hide(SECRET)
    log.set_up(redaction)
    logging.getLogger("any").warning("before %s after", spelling)
    assert "before **REDACTED** after" in written(capsys)


def test_a_secret_is_hidden_in_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    redaction = Redaction()
    redaction.hide("super-secret")
    log.set_up(redaction)
    try:
        raise ValueError("it is super-secret")
    except ValueError:
        logging.getLogger("any").exception("failed")
    text = written(capsys)
    assert "Traceback" in text
    assert "super-secret" not in text


def test_a_secret_within_a_longer_one_does_not_uncover_its_rest() -> None:
    redaction = Redaction()
    redaction.hide("abcd", "abcdefgh")
    assert redaction.clean("abcdefgh") == "**REDACTED**"


def test_tokens_come_and_go_but_the_latest_are_hidden() -> None:
    redaction = Redaction()
    redaction.hide("for-good")
    for number in range(100):
        redaction.hide_token(f"token-{number:03}")
    assert redaction.clean("token-099 for-good") == "**REDACTED** **REDACTED**"
    assert redaction.clean("token-000") == "token-000"


def test_tokens_of_many_accounts_are_hidden_as_long_as_those_of_one() -> None:
    redaction = Redaction()
    redaction.hide_token("token-before")
    redaction.expect_tokens(20)
    for number in range(20):
        redaction.hide_token(f"token-{number:03}")
    assert redaction.clean("token-before token-000") == "**REDACTED** **REDACTED**"
