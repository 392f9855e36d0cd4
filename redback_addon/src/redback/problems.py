"""What is wrong at the moment, as data: logged when it begins, counted, and logged when it ends."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from .clock import Clock

_LOG = logging.getLogger(__name__)
_NOTHING = "You don't need to do anything"
_IF_IT_STAYS = "If it stays, check your internet connection and Redback's own app."


class Kind(Enum):
    """What can be wrong: the sentence for it, the one for its end, and what people can do."""

    CORE_AWAY = (
        "Home Assistant does not answer; the states follow when it does.",
        "Home Assistant answers again",
        f"{_NOTHING}: the states follow as soon as it answers.",
    )
    CORE_CLOSED = (
        "Home Assistant does not let the add-on in.",
        "Home Assistant lets the add-on in again",
        "Restart the add-on; if it stays, restart the machine.",
    )
    ENTITY = (
        "Home Assistant does not take {subject}: {detail}.",
        "Home Assistant takes {subject} again",
        "Restart Home Assistant; if it stays, report it with the diagnostics file.",
    )
    NOTIFICATION = (
        "Home Assistant does not take a notification: {detail}.",
        "Home Assistant takes the notification again",
        "Restart Home Assistant; if it stays, report it with the diagnostics file.",
    )
    READINGS = (
        "The Redback cloud gives no readings: {detail}.",
        "The Redback cloud gives readings again",
        f"{_NOTHING} if it passes within the hour: the gap is filled afterwards. {_IF_IT_STAYS}",
    )
    DISCOVERY = (
        "The account's inverters cannot be listed: {detail}.",
        "The account's inverters can be listed again",
        f"{_NOTHING} if it passes: the inverters that are known are read all the same.",
    )
    INVERTER = (
        "Inverter {subject} cannot be read: {detail}.",
        "Inverter {subject} can be read again",
        f"{_NOTHING} if it passes within the hour. If it stays, look for it in Redback's own app.",
    )
    DETAILS = (
        "The details of {subject} cannot be read: {detail}.",
        "The details of {subject} can be read again",
        f"{_NOTHING} if it passes: readings go on without.",
    )
    CONFIGURATION = (
        "The configuration cannot be read: {detail}.",
        "The configuration can be read again",
        f"{_NOTHING} if it passes: readings go on without.",
    )
    FUTURE = (
        "{subject}: a reading from the future ({detail}) is ignored: check this machine's clock.",
        "{subject}: the time of the readings is right again",
        "Check the clock of this machine; if that is right, tell Redback's support.",
    )
    OLDER = (
        "{subject}: a reading ({detail}) that is older than the one before is ignored.",
        "{subject}: the time of the readings is right again",
        f"{_NOTHING}: the next reading counts again.",
    )
    OFFLINE = (
        "{subject} is offline: there has been no reading for ten minutes.",
        "{subject} is online again",
        "Check the inverter's connection to the internet. What it kept is fetched later.",
    )
    HISTORY_CORE = (
        "The history waits for Home Assistant: {detail}.",
        "The history no longer waits for Home Assistant",
        f"{_NOTHING}: it goes on by itself.",
    )
    HISTORY_CLOUD = (
        "The history waits for the cloud: {detail}.",
        "The history no longer waits for the cloud",
        f"{_NOTHING}: it goes on by itself.",
    )
    HISTORY_DISK = (
        "The history waits for the disk: {detail}.",
        "The history no longer waits for the disk",
        "Make room in Settings → System → Storage; the history then goes on by itself.",
    )

    def __init__(self, sentence: str, end: str, advice: str) -> None:
        self.sentence = sentence
        self.end = end
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong now.

    Attributes:
        subject: of what: a serial number, an entity id or the like; None where there is but one.
        name: what people call the subject.
        detail: why, in a few words, as of the last time.
        since: when it began, UTC.
        count: how often it was raised since.
    """

    kind: Kind
    subject: str | None
    name: str | None
    detail: str
    since: datetime
    count: int

    @property
    def sentence(self) -> str:
        """What is wrong, in plain words."""
        return self.kind.sentence.format(subject=self.name, detail=self.detail)


class Problems:
    """The problems of now, one of each kind and subject."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now: dict[tuple[Kind, str | None], Problem] = {}
        self._names: dict[str, str] = {}
        self._unwatched: set[str] = set()
        # The latest, whether it is over or not, and how often any was raised.
        self.last: Problem | None = None
        self.count = 0

    def of(self, account: str) -> "AccountProblems":
        """Return those of one account; the first one's key is empty."""
        return AccountProblems(self, account)

    @property
    def now(self) -> Mapping[tuple[Kind, str | None], Problem]:
        """What is wrong at the moment, by kind and subject."""
        return self._now

    def find(self, *kinds: Kind, subject: str | None = None) -> Problem | None:
        """Return a problem of the first of these kinds that there is, of one subject or of any."""
        found = (
            problem
            for kind in kinds
            for problem in self._now.values()
            if problem.kind is kind and subject in {None, problem.subject}
        )
        return next(found, None)

    def raise_(self, kind: Kind, subject: str | None = None, why: Exception | str = "") -> None:
        """Take in that something is wrong: the first time is logged, all are counted.

        Args:
            kind: what is wrong.
            subject: of what; nothing happens where that is no longer watched.
            why: a clause, or an error: the log gets all of its text, and people its attribute
                `detail`, which leaves out the request.
        """
        if subject in self._unwatched:
            return
        now, name = self._clock.now(), subject and self._names.get(subject, subject)
        began, count = now, 1
        if (before := self._now.get((kind, subject))) is not None:
            began, count = before.since, before.count + 1
        detail = getattr(why, "detail", str(why))
        problem = Problem(kind, subject, name, detail, began, count)
        self._now[kind, subject] = problem
        self.last = replace(problem, since=now)
        self.count += 1
        sentence = kind.sentence.format(subject=name, detail=why)
        if count == 1:
            _LOG.warning("%s", sentence)
        else:
            _LOG.debug("%s (%d times)", sentence, count)

    def clear(self, kind: Kind, subject: str | None = None) -> None:
        """Take in that a problem is over; nothing happens where there was none."""
        if (problem := self._now.pop((kind, subject), None)) is not None:
            seconds = (self._clock.now() - problem.since).total_seconds()
            times = f", {problem.count} times" if problem.count > 1 else ""
            end = kind.end.format(subject=problem.name)
            _LOG.info("%s (after %.0f s%s)", end, seconds, times)

    def drop(self, kind: Kind, subject: str | None = None) -> None:
        """End a problem, if there is one, of which nobody will find out whether it is over."""
        if (problem := self._now.pop((kind, subject), None)) is not None:
            _LOG.info("No longer relevant: %s", problem.sentence)

    def watch(self, names: Mapping[str, str], instead_of: Collection[str] = ()) -> None:
        """Take in what is watched from now on.

        Args:
            names: what people call each subject.
            instead_of: the subjects that were watched before: the problems of those that are not
                among the new ones end, and none is raised any more.
        """
        self._names.update(names)
        self._unwatched.update(instead_of)
        self._unwatched.difference_update(names)
        for kind, subject in [key for key in self._now if key[1] in self._unwatched]:
            self.drop(kind, subject)


class AccountProblems:
    """The problems of one account: those without a subject have the account as theirs.

    Args:
        problems: of all.
        account: its key; empty = they have none, as where there is one account.
    """

    def __init__(self, problems: Problems, account: str) -> None:
        self._problems = problems
        self._account = account or None

    def raise_(self, kind: Kind, subject: str | None = None, why: Exception | str = "") -> None:
        """Take in that something is wrong; see `Problems.raise_`."""
        self._problems.raise_(kind, subject or self._account, why)

    def clear(self, kind: Kind, subject: str | None = None) -> None:
        """Take in that a problem is over; nothing happens where there was none."""
        self._problems.clear(kind, subject or self._account)

    def drop(self, kind: Kind) -> None:
        """End a problem of the account's, if there is one; see `Problems.drop`."""
        self._problems.drop(kind, self._account)
