"""The current problems, as data: logged when they begin and end, and counted in between."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from .clock import Clock
from .cloud import Cause

_LOG = logging.getLogger(__name__)
_NOTHING = "You don't need to do anything"
_RETRIES = f"{_NOTHING}: it retries every minute and fills the gap afterwards. If it persists,"


# A router that restarts and a clock that is set soon after the start need nobody.
_LASTING_SECONDS = 10 * 60.0
_SET_CLOCK = (
    "Home Assistant OS sets its clock from the internet: let this machine reach a time server (NTP,"
    " UDP port 123), and restart it."
)
_HOSTS = "api.redbacktech.com and login.microsoftonline.com"
# By what is to blame for it, the title and the advice of a problem with the cloud.
_CAUSES: Mapping[Cause, tuple[str, str]] = {
    Cause.CLOCK: (
        "This machine's clock is wrong",
        (
            f"{_SET_CLOCK} If the clock is right, the certificate is that of a firewall or a proxy:"
            f" exclude {_HOSTS} from its inspection of HTTPS."
        ),
    ),
    Cause.DNS: (
        "The Redback cloud's name cannot be resolved",
        (
            "Check your internet connection. If it works elsewhere, check the DNS servers in"
            f" Settings → System → Network, and that no ad blocker or filter blocks {_HOSTS}."
        ),
    ),
    Cause.INTERCEPTED: (
        "Something breaks the secure connection to the Redback cloud",
        (
            "A firewall, a proxy or a filter probably inspects or blocks HTTPS. Exclude"
            f" {_HOSTS} from that."
        ),
    ),
    Cause.BLOCKED: (
        "Something blocks the Redback cloud",
        (
            f"Allow {_HOSTS} in your firewall, proxy or filter. If nothing of yours is in between,"
            " the cloud itself has a problem or blocks you: if it persists, ask Redback support."
        ),
    ),
}


class Kind(Enum):
    """A kind of problem: its sentence, the sentence for its end, and the advice."""

    CORE_AWAY = (
        "Home Assistant does not answer.",
        "Home Assistant answers again",
        f"{_NOTHING}: all states are sent as soon as it answers.",
    )
    CORE_CLOSED = (
        "Home Assistant denies the add-on access.",
        "The add-on has access to Home Assistant again",
        "Restart the add-on; if it persists, restart the machine.",
    )
    ENTITY = (
        "Home Assistant rejected {subject}: {detail}.",
        "Home Assistant accepts {subject} again",
        "Restart Home Assistant; if it persists, report it with the diagnostics file.",
    )
    OWNED = (
        "The add-on does not write {detail}: the integration {subject} has the same entities.",
        "The integration {subject} no longer has the add-on's entities",
        (
            "In Settings → Devices & services → Entities, delete or rename the integration's"
            " entities, or disable them; the add-on then writes its own. Or give the site another"
            " name in the option Sites."
        ),
    )
    OCCUPIED = (
        "{subject} lacks {detail}: another of your inverters has these ids.",
        "{subject} lacks no entity any more",
        (
            "In Settings → Devices & services → MQTT, give the entities of the other inverter new"
            " ids. Or give one of the two another name in the option Sites."
        ),
    )
    WRITTEN = (
        "The add-on no longer writes {detail}: something else in Home Assistant does.",
        "Nothing else writes the add-on's entities any more",
        (
            "Find what writes them, such as an integration in configuration.yaml, an automation or"
            " another program, and remove it, then restart Home Assistant. Or give the site"
            " another name in the option Sites."
        ),
    )
    UNRECORDED = (
        "Home Assistant does not record {detail}, so no history is filled in for them.",
        "Home Assistant records all entities again",
        (
            "If you want their history, stop excluding them from the recorder in"
            " configuration.yaml, and restart Home Assistant."
        ),
    )
    NOTIFICATION = (
        "Home Assistant rejected a notification: {detail}.",
        "Home Assistant accepts notifications again",
        "Restart Home Assistant; if it persists, report it with the diagnostics file.",
    )
    BROKER_MISSING = (
        "There is no MQTT broker for the option Devices.",
        "There is an MQTT broker again",
        (
            "Install and start the app Mosquitto broker; or enter a broker of your own in the"
            " option MQTT broker; or switch the option Devices off."
        ),
    )
    BROKER_AWAY = (
        "The MQTT broker does not answer: {detail}.",
        "The MQTT broker answers again",
        (
            f"{_NOTHING} if it is restarting. Otherwise start it. If you have set the option MQTT"
            " broker, check host and port there, and switch TLS on if that port is one for TLS,"
            " otherwise off."
        ),
    )
    INTEGRATION = (
        "Home Assistant has no integration for devices over MQTT.",
        "Home Assistant has the integration for devices over MQTT again",
        (
            "Add the integration MQTT in Settings → Devices & services; or switch the option"
            " Devices off."
        ),
    )
    NOT_TAKEN = (
        "Home Assistant makes no device of {detail}.",
        "Home Assistant has all devices",
        (
            "In Settings → Devices & services → MQTT, see that the integration is connected, to the"
            " same broker, and that discovery is on there, with the prefix homeassistant. Then"
            " reload the integration, or restart Home Assistant. Or switch the option Devices off."
        ),
    )
    BROKER_REFUSED = (
        "The MQTT broker rejects the credentials: {detail}.",
        "The MQTT broker accepts the credentials again",
        (
            "Check username and password in the option MQTT broker; if that is empty, restart the"
            " broker's app."
        ),
    )
    BROKER_UNTRUSTED = (
        "The MQTT broker's certificate is not trusted: {detail}.",
        "The MQTT broker's certificate is trusted again",
        (
            "If an authority of your own made it, paste that authority's certificate into"
            " Certificate in the option MQTT broker. Host there must be a name that the broker's"
            " certificate is for."
        ),
    )
    READINGS = (
        "No readings from the Redback cloud: {detail}.",
        "Receiving readings from the Redback cloud again",
        f"{_RETRIES} check your internet connection and Redback's own app.",
    )
    DISCOVERY = (
        "The account's inverters cannot be listed: {detail}.",
        "The account's inverters can be listed again",
        f"{_NOTHING}: it keeps trying, and known inverters are still read.",
    )
    INVERTER = (
        "Inverter {subject} cannot be read: {detail}.",
        "Inverter {subject} can be read again",
        f"{_RETRIES} look for it in Redback's own app.",
    )
    DETAILS = (
        "The details of {subject} cannot be read: {detail}.",
        "The details of {subject} can be read again",
        f"{_NOTHING}: readings continue.",
    )
    CONFIGURATION = (
        "The configuration cannot be read: {detail}.",
        "The configuration can be read again",
        f"{_NOTHING}: readings continue.",
    )
    CLOCK = (
        "This machine's clock is wrong: {detail}.",
        "This machine's clock is right again",
        f"{_SET_CLOCK} Until then readings look too old or too new.",
    )
    FUTURE = (
        "{subject}: ignored a reading from the future ({detail}).",
        "{subject}: reading times are correct again",
        "Check this machine's clock; if it is right, tell Redback support.",
    )
    OLDER = (
        "{subject}: ignored a reading ({detail}) older than the previous one.",
        "{subject}: reading times are correct again",
        f"{_NOTHING}: newer readings are still used.",
    )
    OFFLINE = (
        "{subject} is offline: {detail}.",
        "{subject} is online again",
        "Check the inverter and its internet connection. Its stored readings are fetched later.",
    )
    LISTS = (
        "The schedules and limits of {subject} cannot be read completely: {detail}.",
        "The schedules and limits of {subject} can be read completely again",
        (
            "What can be read is shown, and nothing is taken for gone. If it persists, look at your"
            " schedules in Redback's own app."
        ),
    )
    FOLLOW = (
        "{subject} does not follow the command: {detail}.",
        "{subject} follows the command",
        (
            "See whether Redback, your installer or another program has scheduled something else"
            " for now. The command ends by itself."
        ),
    )
    LIMIT = (
        "The export limit of {subject} is not followed: {detail}.",
        "The export limit of {subject} is followed",
        (
            "See whether something else exports at this site that the inverter does not control."
            " The limit ends by itself."
        ),
    )
    HISTORY_CORE = (
        "Filling is waiting for Home Assistant: {detail}.",
        "Filling is no longer waiting for Home Assistant",
        f"{_NOTHING}: it resumes by itself.",
    )
    HISTORY_CLOUD = (
        "Filling is waiting for the cloud: {detail}.",
        "Filling is no longer waiting for the cloud",
        f"{_NOTHING}: it resumes by itself.",
    )
    HISTORY_DISK = (
        "Filling is waiting for the disk: {detail}.",
        "Filling is no longer waiting for the disk",
        "Free up space in Settings → System → Storage; filling then resumes by itself.",
    )

    def __init__(self, sentence: str, end: str, advice: str) -> None:
        self.sentence = sentence
        self.end = end
        self.advice = advice


# Why there is no connection to the MQTT broker; at most one of them at a time.
OF_BROKER = (
    Kind.BROKER_MISSING,
    Kind.BROKER_REFUSED,
    Kind.BROKER_UNTRUSTED,
    Kind.BROKER_AWAY,
)
# These are the same for all accounts: told once, until they have ended for each.
_OF_ALL = frozenset({Kind.HISTORY_CORE, Kind.HISTORY_DISK})
# A clock that is wrong explains these.
_OF_CLOCK = frozenset({Kind.FUTURE, Kind.OFFLINE})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong now.

    Attributes:
        subject: a serial number, an entity id or the like; None if there can be only one.
        name: what people call the subject.
        within: what the subject belongs to; the problem ends when that is no longer watched.
        detail: why, in a few words, as of the last time.
        began: when, in monotonic seconds; `since` is by the wall clock, which may be set.
        causes: what was to blame so far, `cause` the last time; None = nothing on the way.
        account: what people call the account that has it, if there are several.
    """

    kind: Kind
    subject: str | None
    name: str | None
    within: str | None
    detail: str
    since: datetime
    began: float
    count: int
    cause: Cause | None
    causes: frozenset[Cause | None]
    account: str = ""

    @property
    def sentence(self) -> str:
        """The problem in plain words."""
        return self._of_account(self.kind.sentence.format(subject=self.name, detail=self.detail))

    @property
    def end(self) -> str:
        """That it has ended, in plain words."""
        return self._of_account(self.kind.end.format(subject=self.name))

    def told(self, why: Exception | str) -> str:
        """Return the sentence with all that is known of why."""
        return self._of_account(self.kind.sentence.format(subject=self.name, detail=why))

    def _of_account(self, sentence: str) -> str:
        return f"{self.account}: {sentence}" if self.account else sentence

    @property
    def title(self) -> str | None:
        """The title of what is to blame on the way to the cloud, if that is known."""
        return None if self.cause is None else _CAUSES[self.cause][0]

    @property
    def advice(self) -> str:
        """The advice to people."""
        return self.kind.advice if self.cause is None else _CAUSES[self.cause][1]


class Problems:
    """The current problems, at most one of each kind and subject."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now: dict[tuple[Kind, str | None], Problem] = {}
        self._names: dict[str, str] = {}
        self._unwatched: set[str] = set()
        self._followers: list[Callable[[], None]] = []
        # Which accounts have each problem that is the same for all.
        self.having: dict[Kind, set[str | None]] = {kind: set() for kind in _OF_ALL}
        # The latest one, even if it has ended; and how often any was raised.
        self.last: Problem | None = None
        self.count = 0

    @property
    def now(self) -> Mapping[tuple[Kind, str | None], Problem]:
        """The current problems, by kind and subject, without those that a wrong clock explains."""
        if not self._is_mistimed:
            return self._now
        return {key: one for key, one in self._now.items() if one.kind not in _OF_CLOCK}

    @property
    def subjects(self) -> frozenset[str]:
        """The subjects of current problems, and what these belong to."""
        about = ((problem.subject, problem.within) for problem in self.now.values())
        return frozenset(one for pair in about for one in pair if one is not None)

    def follow(self, follower: Callable[[], None]) -> None:
        """Call the follower whenever a problem has begun or ended."""
        self._followers.append(follower)

    def _changed(self) -> None:
        for follower in self._followers:
            follower()

    @property
    def _is_mistimed(self) -> bool:
        return any(kind is Kind.CLOCK for kind, _ in self._now)

    def find(self, *kinds: Kind, subject: str | None = None) -> Problem | None:
        """Return a problem of the first of these kinds that has one; by default of any subject."""
        if subject is not None:
            found = (self.now.get((kind, subject)) for kind in kinds)
            return next(filter(None, found), None)
        each = self.now.values()
        return next((one for kind in kinds for one in each if one.kind is kind), None)

    def lasting(self, kinds: Iterable[Kind], subject: str | None) -> Problem | None:
        """Return a problem to notify people of; see `AccountProblems.lasting`."""
        found = (self._now.get((kind, subject)) for kind in kinds)
        ours = (one for one in found if one and (one.cause or one.kind is Kind.CLOCK))
        now = self._clock.monotonic()
        return next((one for one in ours if now - one.began >= _LASTING_SECONDS), None)

    def raise_(
        self,
        kind: Kind,
        subject: str | None = None,
        why: Exception | str = "",
        *,
        within: str | None = None,
        account: str = "",
    ) -> None:
        """Raise a problem: the first time, and each new cause, is logged; every time is counted.

        Nothing happens if the subject, or what it is `within`, such as the inverter of an entity,
        is no longer watched. `why` is a clause or an error: the log gets an error's whole text,
        people only its `detail`, which leaves out the request.
        """
        if {subject, within} & self._unwatched:
            return
        before, name = self._now.get((kind, subject)), subject and self._names.get(subject, subject)
        cause: Cause | None = getattr(why, "cause", None)
        causes = frozenset() if before is None else before.causes
        problem = Problem(
            kind,
            subject,
            name,
            within,
            detail=getattr(why, "detail", str(why)),
            since=self._clock.now() if before is None else before.since,
            began=self._clock.monotonic() if before is None else before.began,
            count=1 if before is None else before.count + 1,
            cause=cause,
            causes=causes | {cause},
            account=account,
        )
        self._now[kind, subject] = problem
        self.count += 1
        is_explained = kind in _OF_CLOCK and self._is_mistimed
        if not is_explained:
            self.last = replace(problem, since=self._clock.now())
        sentence = problem.told(why)
        if cause not in causes and not is_explained:
            is_told = cause is not None or kind in {Kind.CLOCK, Kind.FUTURE}
            advice = f" {problem.advice}" if is_told else ""
            _LOG.warning("%s%s", sentence, advice)
        else:
            _LOG.debug("%s (%d times)", sentence, problem.count)
        if before is None:
            self._changed()

    def keep(self, kind: Kind, subject: str | None, detail: str) -> None:
        """Have a problem with this detail, raised again only if that changes; empty = end it."""
        if not detail:
            self.clear(kind, subject)
        elif (problem := self._now.get((kind, subject))) is None or problem.detail != detail:
            self.raise_(kind, subject, detail)

    def clear(self, kind: Kind, subject: str | None = None) -> None:
        """End a problem; nothing happens if there is none."""
        if (problem := self._now.pop((kind, subject), None)) is not None:
            seconds = self._clock.monotonic() - problem.began
            times = f", {problem.count} times" if problem.count > 1 else ""
            _LOG.info("%s (after %.0f s%s)", problem.end, seconds, times)
            self._changed()

    def drop(self, kind: Kind, subject: str | None = None) -> None:
        """Drop a problem that nobody can check any more, if there is one."""
        if (problem := self._now.pop((kind, subject), None)) is not None:
            _LOG.info("No longer relevant: %s", problem.sentence)
            self._changed()

    def watch(self, names: Mapping[str, str], instead_of: Collection[str] = ()) -> None:
        """Set what is watched from now on, and what people call each subject.

        The problems of what was watched before (`instead_of`) and is not now end, and no more are
        raised.
        """
        self._names.update(names)
        self._unwatched.update(instead_of)
        self._unwatched.difference_update(names)
        for problem in list(self._now.values()):
            if {problem.subject, problem.within} & self._unwatched:
                self.drop(problem.kind, problem.subject)


class AccountProblems:
    """The problems of one account, which is the subject of those that have none.

    If its key is empty, no subject is added, as with a single account. The label is what people
    call the account; empty if there is only one.
    """

    def __init__(self, problems: Problems, account: str, label: str = "") -> None:
        self._problems = problems
        self._account = account or None
        self._label = label

    def raise_(self, kind: Kind, subject: str | None = None, why: Exception | str = "") -> None:
        """Raise a problem; see `Problems.raise_`."""
        if kind in _OF_ALL:
            self._problems.having[kind].add(self._account)
            self._problems.raise_(kind, subject, why)
            return
        is_of_account = subject is None and kind is not Kind.CLOCK
        label = self._label if is_of_account else ""
        self._problems.raise_(kind, subject or self._account, why, account=label)

    def clear(self, kind: Kind, subject: str | None = None) -> None:
        """End a problem; nothing happens if there is none, or another account still has it."""
        if self._is_last(kind):
            self._problems.clear(kind, subject or self._subject(kind))

    def _is_last(self, kind: Kind) -> bool:
        """Note that a problem has ended for this account; return whether it has for all."""
        having = self._problems.having.get(kind, set())
        having.discard(self._account)
        return not having

    def _subject(self, kind: Kind) -> str | None:
        return None if kind in _OF_ALL else self._account

    @property
    def subject(self) -> str | None:
        """The subject of those that have none of their own."""
        return self._account

    def find(self, kind: Kind) -> Problem | None:
        """Return the account's problem of this kind, if there is one."""
        return self._problems.now.get((kind, self._account))

    def lasting(self, *kinds: Kind) -> Problem | None:
        """Return the account's problem of the first of these kinds that people must act on.

        It has lasted a while, and not the cloud is to blame for it.
        """
        return self._problems.lasting(kinds, self._account)

    def drop(self, kind: Kind) -> None:
        """Drop a problem of the account; see `Problems.drop`."""
        if self._is_last(kind):
            self._problems.drop(kind, self._subject(kind))
