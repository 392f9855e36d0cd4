"""Notifications about what people must act on, in Home Assistant and in the log."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from .cloud import Cause, ListedInverter
from .core import Notices
from .options import Site
from .problems import Kind, Problem

_LOG = logging.getLogger(__name__)
# The beginning of every notification's id.
PREFIX = "redback"


class Notification(Enum):
    """A notification: the key in its id, and its title."""

    OPTIONS = "options", "Invalid options"
    CREDENTIALS = "credentials", "Credentials rejected"
    TOKEN = "token", "No access to readings"
    NO_INVERTER = "no_inverter", "No inverter found"
    MISSING_SITES = "missing_sites", "Unknown site"
    DENIED = "denied", "No access to an inverter"
    REPLACED = "replaced", "Inverter replaced"
    CLOCK = "clock", "Clock is wrong"
    NETWORK = "network", "No connection to the Redback cloud"

    def __init__(self, key: str, title: str) -> None:
        self.key = key
        self.title = title

    @property
    def heading(self) -> str:
        """The title among the notifications of other programs."""
        return f"Redback: {self.title[0].lower()}{self.title[1:]}"


_MESSAGES = {
    Notification.OPTIONS: (
        "Correct these in the Redback add-on's configuration, then start it:\n{problems}"
    ),
    Notification.CREDENTIALS: (
        "The Redback cloud rejected the Client ID and the Credential. Check both in the Redback "
        "add-on's configuration, then restart it. If they are correct, they may have expired: ask "
        "Redback support for new ones. There are no readings until then."
    ),
    Notification.TOKEN: (
        "The Redback cloud accepts the Client ID and the Credential, but refuses access to "
        "readings. Either the cloud has a problem, or your access has been withdrawn. The add-on "
        "keeps retrying; if it persists, ask Redback support."
    ),
    Notification.NO_INVERTER: (
        "The Redback cloud accepts the credentials, but lists no inverter for them. Ask Redback "
        "support which sites your Client ID can see."
    ),
    Notification.MISSING_SITES: (
        "The option Sites lists {missing}, which {without}. {having} {available}. "
        "Correct the entry in the Redback add-on's configuration, then restart it. {others}"
    ),
    Notification.DENIED: (
        "The Redback cloud does not allow your account to read {serials}. If it persists, ask "
        "Redback support. Everything else continues."
    ),
    Notification.REPLACED: (
        "The Redback cloud lists the inverter {new} instead of {old}. It is called {name} from now "
        "on, and keeps the entities. The difference between the two inverters' totals does not "
        "count as energy. You don't need to do anything."
    ),
    Notification.CLOCK: "{sentence} {advice}",
    Notification.NETWORK: "{sentence} {advice}",
}


# On the panel, where the section Sites has the ids.
_MISSING_ON_PANEL = (
    "The option Sites has {entries} that {without}. Correct {them} in the Redback add-on's "
    "configuration, then restart it; Sites lists what {what}. {others}"
)
_OF_ONE = {
    "without": "your account does not have",
    "having": "It has",
    "what": "your account has",
}
_OF_SEVERAL = {
    "without": "none of your accounts has",
    "having": "They have",
    "what": "your accounts have",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A notification that applies now.

    Attributes:
        message: in Markdown, for Home Assistant.
        text: plain text without ids, for the panel, which puts in the `{names}` of inverters.
        serials: of these inverters.
        account: the key of the account that it is about; that of the first one is empty.
    """

    notification: Notification
    message: str
    text: str
    serials: frozenset[str] = frozenset()
    account: str = ""


# Of these each account has its own.
_OF_ACCOUNT = (
    Notification.CREDENTIALS,
    Notification.TOKEN,
    Notification.NO_INVERTER,
    Notification.DENIED,
    Notification.CLOCK,
    Notification.NETWORK,
)


def options_wrong(problems: Sequence[str]) -> tuple[str, str, dict[str, object]]:
    """Return the service call that shows what is wrong with the options.

    The program then ends without waiting; the next good start withdraws the notification.
    """
    data: dict[str, object] = {
        "notification_id": f"{PREFIX}_{Notification.OPTIONS.key}",
        "title": Notification.OPTIONS.heading,
        "message": _MESSAGES[Notification.OPTIONS].format(
            problems="\n".join(f"- {problem}" for problem in problems)
        ),
    }
    return "persistent_notification", "create", data


class Notifications:
    """The notifications of this add-on, each shown while it applies."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._shown: dict[tuple[Notification, str], Shown] = {}
        # An earlier run may have left it, and nothing else would withdraw it.
        self.withdraw(Notification.OPTIONS)

    @property
    def has_any(self) -> bool:
        """Whether any applies now."""
        return bool(self._shown)

    def find(self, *wanted: Notification) -> list[Shown]:
        """Return those of these that apply now, in this order."""
        each = self._shown.values()
        return [shown for one in wanted for shown in each if shown.notification is one]

    def show(self, shown: Shown, suffix: str = "") -> None:
        """Show a notification, and log it if Core shows it at once: see `Notices.show`."""
        notification, message = shown.notification, shown.message
        if self._shown.get((notification, suffix)) != shown:
            self._shown[notification, suffix] = shown
            is_shown = self._notices.show(notification.key + suffix, notification.heading, message)
            _LOG.log(logging.WARNING if is_shown else logging.DEBUG, "%s", message)

    def tell(self, notification: Notification, message: str, suffix: str) -> None:
        """Show once what has happened, and is not wrong."""
        self._notices.tell(notification.key + suffix, notification.heading, message)
        _LOG.info("%s", message)

    def withdraw(self, notification: Notification, suffix: str = "") -> None:
        """Withdraw a notification, including one left by an earlier run."""
        self._shown.pop((notification, suffix), None)
        self._notices.withdraw(notification.key + suffix)

    def missing_sites(
        self,
        missing: Sequence[Site],
        inverters: Sequence[ListedInverter],
        *,
        others: bool,
        several: bool,
    ) -> None:
        """Show which entries of the option Sites are missing from what the accounts have.

        Args:
            missing: the entries; none = all are there.
            inverters: what the accounts have; none = no entry is shown.
            others: whether the option has other entries.
            several: whether there are several accounts.
        """
        if not inverters or not missing:
            self.withdraw(Notification.MISSING_SITES)
            return
        rest = "The other entries work." if others else "There are no readings until then."
        whose = _OF_SEVERAL if several else _OF_ONE
        message = _MESSAGES[Notification.MISSING_SITES].format(
            missing=_listed(site.id for site in missing),
            available=_available(inverters),
            others=rest,
            **whose,
        )
        entries = "an entry" if len(missing) == 1 else f"{len(missing)} entries"
        names = ", ".join(site.name for site in missing if site.name)
        text = _MISSING_ON_PANEL.format(
            entries=f"{entries} ({names})" if names else entries,
            them="it" if len(missing) == 1 else "them",
            others=rest,
            **whose,
        )
        self.show(Shown(Notification.MISSING_SITES, message, text))


class AccountNotifications:
    """The notifications of one account, by its key: no other account withdraws them.

    If the key is empty, the ids are those of 1.0.0, which may have left some. The label is what
    people call the account; empty if there is only one.
    """

    def __init__(self, notifications: Notifications, account: str, label: str = "") -> None:
        self._notifications = notifications
        self._account = account
        self._label = label
        self._suffix = f"_{account}" if account else ""
        # An earlier run may have left them, and nothing else would withdraw them.
        self.withdraw(Notification.DENIED)
        self.withdraw(Notification.TOKEN)

    def show(self, notification: Notification, **places: str) -> None:
        """Show a notification with these texts in its message."""
        message = _MESSAGES[notification].format(**places)
        self._show(notification, message, message)

    def withdraw(self, notification: Notification) -> None:
        """Withdraw a notification, including one left by an earlier run."""
        self._notifications.withdraw(notification, self._suffix)

    def withdraw_all(self) -> None:
        """Withdraw what an earlier run may have left of an account that is not used any more."""
        for one in _OF_ACCOUNT:
            self.withdraw(one)

    def denied(self, serials: Collection[str]) -> None:
        """Show which inverters the account may not read any more; none = it may read them all."""
        if not serials:
            self.withdraw(Notification.DENIED)
            return
        message = _MESSAGES[Notification.DENIED]
        self._show(
            Notification.DENIED,
            message.format(serials=_listed(serials)),
            message.format(serials="{names}"),
            serials,
        )

    def replaced(self, old: str, new: str, name: str) -> None:
        """Say that an inverter has taken the place of another one; nothing ends this."""
        texts = {"old": _code(old), "new": _code(new), "name": _code(name)}
        message = _MESSAGES[Notification.REPLACED].format(**texts)
        self._notifications.tell(Notification.REPLACED, message, f"_{new}")

    def connection(self, problem: Problem | None) -> None:
        """Show what is wrong with the clock or with the way to the cloud; None = nothing."""
        wanted = problem and (
            Notification.CLOCK
            if problem.kind is Kind.CLOCK or problem.cause is Cause.CLOCK
            else Notification.NETWORK
        )
        for one in (Notification.CLOCK, Notification.NETWORK):
            if problem is not None and one is wanted:
                self.show(one, sentence=problem.sentence, advice=problem.advice)
            else:
                self.withdraw(one)

    def listed(self, inverters: Collection[ListedInverter]) -> None:
        """Show that the account has no inverter, or that it has some."""
        if inverters:
            self.withdraw(Notification.NO_INVERTER)
        else:
            self.show(Notification.NO_INVERTER)

    def _show(
        self, one: Notification, message: str, text: str, serials: Iterable[str] = ()
    ) -> None:
        if self._label:
            message, text = f"{_code(self._label)}: {message}", f"{self._label}: {text}"
        shown = Shown(one, message, text, frozenset(serials), self._account)
        self._notifications.show(shown, self._suffix)


def _available(inverters: Iterable[ListedInverter]) -> str:
    sites: dict[str, list[str]] = {}
    for inverter in inverters:
        sites.setdefault(inverter.site_id or "", []).append(inverter.serial)
    return "; ".join(
        f"the site {_code(site)} with {_listed(serials)}" if site else _listed(serials)
        for site, serials in sites.items()
    )


def _listed(identities: Iterable[str]) -> str:
    return ", ".join(_code(identity) for identity in identities)


def _code(text: str) -> str:
    """Show a text from outside as it is: notifications are rendered as Markdown."""
    return f"`{text.replace('`', '')}`"
