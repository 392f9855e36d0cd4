"""What is wrong at the moment: told once when it begins, counted, and told once when it ends."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from .clock import Clock

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong now.

    Attributes:
        sentence: what, in plain words, as it was last met.
        since: when it was first met, UTC.
        count: how often it was met since.
    """

    sentence: str
    since: datetime
    count: int


class Problems:
    """The faults of now, each under a key of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._problems: dict[str, Problem] = {}
        # What was met last, whether it is over or not, and how often anything was met.
        self.last: tuple[str, Problem] | None = None
        self.count = 0

    def of(self, account: str) -> "AccountProblems":
        """Return those of one account; the first one's key is empty, and its keys are plain."""
        return AccountProblems(self, account)

    @property
    def now(self) -> Mapping[str, Problem]:
        """What is wrong at the moment, by key."""
        return self._problems

    def met(self, key: str, sentence: str, *, level: int = logging.WARNING) -> None:
        """Tell of a fault: the log gets the first, the count all."""
        if (fault := self._problems.get(key)) is None:
            self._problems[key] = Problem(sentence, self._clock.now(), 1)
            _LOG.log(level, "%s", sentence)
        else:
            self._problems[key] = replace(fault, sentence=sentence, count=fault.count + 1)
            _LOG.debug("%s (%d times)", sentence, fault.count + 1)
        self.last = key, replace(self._problems[key], since=self._clock.now())
        self.count += 1

    def over(self, key: str, sentence: str) -> None:
        """Tell that a fault is over; nothing happens where there was none."""
        if (fault := self._problems.pop(key, None)) is not None:
            seconds = (self._clock.now() - fault.since).total_seconds()
            times = f", {fault.count} times" if fault.count > 1 else ""
            _LOG.info("%s (after %.0f s%s)", sentence, seconds, times)


class AccountProblems:
    """The problems of one account, under keys that no other account's problems have.

    Args:
        problems: of all.
        account: its key; empty = the keys are as they are given.
    """

    def __init__(self, problems: Problems, account: str) -> None:
        self._problems = problems
        self._suffix = f" account {account}" if account else ""

    def met(self, key: str, sentence: str) -> None:
        """Take in a problem."""
        self._problems.met(key + self._suffix, sentence)

    def over(self, key: str, sentence: str) -> None:
        """Take in that a problem is over; nothing happens where there was none."""
        self._problems.over(key + self._suffix, sentence)
