"""What people are told, in Home Assistant's notifications and in the log alike."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .cloud import ListedInverter
from .core import Notices
from .options import Site

_LOG = logging.getLogger(__name__)


# Of every notification's id.
PREFIX = "redback"


def options_wrong(problems: Sequence[str]) -> tuple[str, str, dict[str, object]]:
    """Make the call of the service that tells what is wrong with the options.

    The program ends then, so this notification waits for nothing; a good start takes it away.
    """
    listed = "\n".join(f"- {problem}" for problem in problems)
    text = f"Correct them in the configuration of the Redback add-on, and start it:\n{listed}"
    data: dict[str, object] = {
        "notification_id": f"{PREFIX}_options",
        "title": "Redback: the options cannot work",
        "message": text,
    }
    return "persistent_notification", "create", data


class Told(NamedTuple):
    """What people are told."""

    title: str
    message: str


class Notifications:
    """The notifications of this add-on, each shown for as long as it holds."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._told: dict[str, Told] = {}
        # An earlier run may have left it, and nothing else would take it away again.
        notices.withdraw("options")

    def of(self, account: str) -> "AccountNotifications":
        """Return those of one account; the first one's key is empty, and its ids are plain."""
        return AccountNotifications(self, account)

    @property
    def told(self) -> Mapping[str, Told]:
        """What people are told now, by key."""
        return self._told

    def show(self, key: str, title: str, message: str) -> None:
        """Show a notification, and log it where it is new or has changed."""
        if self._told.get(key) != (told := Told(title, message)):
            self._told[key] = told
            _LOG.warning("%s", message)
            self._notices.show(key, title, message)

    def withdraw(self, key: str) -> None:
        """Take a notification away, also one that an earlier run has left."""
        self._told.pop(key, None)
        self._notices.withdraw(key)


class AccountNotifications:
    """The notifications of one account: no other account takes them away.

    Args:
        notifications: of all.
        account: its key; empty = the keys are those of 1.0.0, whose notifications may be there.
    """

    def __init__(self, notifications: Notifications, account: str) -> None:
        self._notifications = notifications
        self._suffix = f"_{account}" if account else ""
        # An earlier run may have left it, and nothing else would take it away again.
        self._withdraw("denied")

    def credentials_refused(self) -> None:
        """Show that the cloud refuses the credentials."""
        self._show(
            "credentials",
            "Redback: the credentials are not accepted",
            "The Redback cloud does not accept the Client ID and the Credential. Check both in "
            "the configuration of the Redback add-on, and restart it. If they are right, they may "
            "have expired: ask Redback's support for new ones. Until then there are no readings.",
        )

    def credentials_accepted(self) -> None:
        """Take away that the cloud refuses the credentials."""
        self._withdraw("credentials")

    def token_refused(self) -> None:
        """Show that the cloud refuses the token it gave."""
        self._show(
            "token",
            "Redback: no access to readings",
            "The Redback cloud accepts the Client ID and the Credential, but refuses what it gave "
            "for them when it is asked for readings. That is a fault of the cloud, or your access "
            "has been withdrawn: if it stays so, ask Redback's support. The add-on goes on trying.",
        )

    def token_accepted(self) -> None:
        """Take away that the cloud refuses the token it gave."""
        self._withdraw("token")

    def denied(self, serials: Collection[str]) -> None:
        """Show which inverters the account may not read any more; none = it may read them all."""
        if not serials:
            self._withdraw("denied")
            return
        self._show(
            "denied",
            "Redback: no access to an inverter",
            f"The Redback cloud does not let your account read {_listed(serials)}. If it stays so, "
            "ask Redback's support; everything else goes on.",
        )

    def inverters(
        self, inverters: tuple[ListedInverter, ...], missing: tuple[Site, ...], *, others: bool
    ) -> None:
        """Show what does not fit between the option Sites and what the account can see.

        Args:
            inverters: what the account can see.
            missing: the entries that it does not have.
            others: whether there are entries that it has.
        """
        if inverters:
            self._withdraw("no_inverter")
        else:
            self._show(
                "no_inverter",
                "Redback: no inverter",
                "Redback's cloud accepts the credentials, but shows no inverter to them. Ask "
                "Redback's support which sites your Client ID may see.",
            )
        if missing and inverters:
            self._show(
                "missing_sites",
                "Redback: unknown site",
                f"The option Sites names {_listed(site.id for site in missing)}, which your "
                f"account does not have. It has {_available(inverters)}. Correct the entry in the "
                "configuration of the Redback add-on, and restart it. "
                f"{'The others go on.' if others else 'Until then there are no readings.'}",
            )
        else:
            self._withdraw("missing_sites")

    def _show(self, key: str, title: str, message: str) -> None:
        self._notifications.show(key + self._suffix, title, message)

    def _withdraw(self, key: str) -> None:
        self._notifications.withdraw(key + self._suffix)


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
