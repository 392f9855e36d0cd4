"""The notices at the top of the page: whatever is wrong, each thing once, the most urgent first."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Literal

import msgspec

from ..notifications import Notification
from ..polling.account import Account
from ..problems import Kind, Problem
from ..sensors.reading import FAULT
from .context import Context

Level = Literal["error", "warning", "info"]
NoticeKind = Literal[
    "credentials",
    "no_access",
    "no_inverter",
    "unknown_site",
    "denied",
    "gone",
    "taken",
    "core_closed",
    "clock",
    "disk",
    "core_away",
    "broker",
    "cloud_away",
    "offline",
    "unread",
    "ignored",
    "unlisted",
    "not_following",
    "rejected",
    "details",
    "fault",
    "unfilled",
    "starting",
    "first_reading",
]


class Notice(msgspec.Struct, frozen=True):
    """Something that is wrong or still begins, and what to do; the page knows its kind.

    Attributes:
        to_options: whether the page offers the add-on's options.
        to_sites: whether it offers the section Sites, which has the ids.
        to_history: whether it offers the section History.
        may_retry: whether it offers to try again now, with the action `history/retry`.
        since: when it began.
        count: how often it has happened since.
    """

    kind: NoticeKind
    title: str
    text: str
    level: Level
    to_options: bool = False
    to_sites: bool = False
    to_history: bool = False
    may_retry: bool = False
    since: datetime | None = None
    count: int = 1


# Those that Home Assistant also shows as notifications, by urgency: kind and level.
_NOTIFIED: dict[Notification, tuple[NoticeKind, Level]] = {
    Notification.CREDENTIALS: ("credentials", "error"),
    Notification.TOKEN: ("no_access", "error"),
    Notification.NO_INVERTER: ("no_inverter", "error"),
    Notification.MISSING_SITES: ("unknown_site", "warning"),
    Notification.DENIED: ("denied", "warning"),
}
# The problems, by urgency: kind, title and level. What people exclude from the recorder is their
# choice and not among them; neither is what the history waits for. The history says both.
_PROBLEMS: dict[Kind, tuple[NoticeKind, str, Level]] = {
    Kind.OWNED: ("taken", "An integration has the same entities", "error"),
    Kind.WRITTEN: ("taken", "Something else writes the same entities", "error"),
    Kind.OCCUPIED: ("taken", "Another inverter has the ids of {name}", "error"),
    Kind.CORE_CLOSED: ("core_closed", "Home Assistant denies the add-on access", "error"),
    Kind.CLOCK: ("clock", "This machine's clock is wrong", "error"),
    Kind.HISTORY_DISK: ("disk", "The disk is full or cannot be written", "error"),
    Kind.BROKER_MISSING: ("broker", "There is no MQTT broker", "error"),
    Kind.BROKER_REFUSED: ("broker", "The MQTT broker rejects the credentials", "error"),
    Kind.BROKER_UNTRUSTED: ("broker", "The MQTT broker's certificate is not trusted", "error"),
    Kind.INTEGRATION: ("broker", "Home Assistant has no integration MQTT", "error"),
    Kind.NOT_TAKEN: ("broker", "Home Assistant does not take the devices", "error"),
    Kind.BROKER_AWAY: ("broker", "The MQTT broker does not answer", "warning"),
    Kind.CORE_AWAY: ("core_away", "Home Assistant is starting or does not answer", "warning"),
    Kind.READINGS: ("cloud_away", "The Redback cloud is unavailable", "warning"),
    Kind.DISCOVERY: ("cloud_away", "The Redback cloud does not list your inverters", "warning"),
    Kind.OFFLINE: ("offline", "{name} is offline", "warning"),
    Kind.INVERTER: ("unread", "{name} cannot be read", "warning"),
    Kind.FUTURE: ("ignored", "Readings of {name} are ignored", "warning"),
    Kind.OLDER: ("ignored", "Readings of {name} are ignored", "warning"),
    Kind.LISTS: ("unlisted", "Not all schedules and limits of {name} can be read", "warning"),
    Kind.FOLLOW: ("not_following", "{name} does not follow the command", "warning"),
    Kind.LIMIT: ("not_following", "{name} exports more than its limit", "warning"),
    Kind.ENTITY: ("rejected", "Home Assistant rejects entities", "warning"),
    Kind.NOTIFICATION: ("rejected", "Home Assistant rejects notifications", "warning"),
    Kind.DETAILS: ("details", "Details cannot be read", "warning"),
    Kind.CONFIGURATION: ("details", "Details cannot be read", "warning"),
}
# A problem that only follows from another one says nothing new.
_FOLLOWS: dict[Kind, tuple[Kind, ...]] = {
    Kind.CORE_CLOSED: (Kind.CORE_AWAY, Kind.ENTITY, Kind.NOTIFICATION),
    Kind.CORE_AWAY: (Kind.ENTITY, Kind.NOTIFICATION),
}
# With an account and its inverters.
_FOLLOW_READINGS = (
    Kind.DISCOVERY,
    Kind.OFFLINE,
    Kind.INVERTER,
    Kind.DETAILS,
    Kind.CONFIGURATION,
)
_OF_THE_CLOUD = (Kind.READINGS, *_FOLLOW_READINGS)
_EXPLAINING = (Notification.CREDENTIALS, Notification.TOKEN, Notification.DENIED)
_TO_OPTIONS = frozenset({"credentials", "no_inverter", "unknown_site", "taken", "broker"})
_TO_SITES = frozenset({"denied", "unknown_site", "gone"})
_TO_HISTORY = frozenset({"unfilled"})
# The problems for which the cloud can be asked again.
_MAY_RETRY = frozenset(
    {"credentials", "no_access", "no_inverter", "unknown_site", "denied", "gone", "cloud_away"}
    | {"unread", "starting", "first_reading"}
)

# An inverter that is offline for one of these reasons is named by that notice.
_WHY_OFFLINE = (Kind.INVERTER, Kind.FUTURE, Kind.OLDER)
_MOST_SENTENCES = 3
# After this long the cloud has all that it will ever have of an hour, and no try changes anything.
# An hour that failed is then no problem to act on, and the history alone says so.
_FAILED_LATELY = timedelta(days=3)
_EVER = datetime.min.replace(tzinfo=UTC)


def notices(context: Context, failed_lately: int) -> list[Notice]:
    """Return all that apply now; missing hours are shown with the history.

    `failed_lately` is how many hours could not be filled of which a try may change that.
    """
    found = [
        *_notified(context),
        *_gone(context),
        *_problems(context),
        *_unnamed(context),
        *_unfilled(failed_lately),
        *_beginning(context),
    ]
    urgency = ("error", "warning", "info")
    return sorted(found, key=lambda notice: urgency.index(notice.level))


def failed(context: Context, since: datetime = _EVER) -> int:
    """Return how many hours of the history, from this moment on, could not be filled."""
    begins = ((serial, context.backfill.since(serial)) for serial in context.registry.names)
    return sum(
        context.coverage.failed(serial, max(begin, since))
        for serial, begin in begins
        if begin is not None
    )


def failed_lately(context: Context) -> int:
    """Return how many hours could not be filled of which a try may change that."""
    return failed(context, context.clock.now() - _FAILED_LATELY)


def in_hours(number: int) -> str:
    """Return a number of hours in words."""
    return f"{number:,} {'hour' if number == 1 else 'hours'}"


def _unfilled(number: int) -> Iterator[Notice]:
    if number:
        yield _notice(
            "unfilled",
            f"{in_hours(number)} could not be filled",
            "History says why below its calendar. To fetch again what is missing, choose its day.",
            "warning",
        )


def _notified(context: Context) -> Iterator[Notice]:
    names = context.registry.names
    for one in context.notifications.find(*_NOTIFIED):
        kind, level = _NOTIFIED[one.notification]
        named = sorted(names[serial].name for serial in one.serials if serial in names)
        # Not with `format`: the name of an account may have braces.
        text = one.text.replace("{names}", ", ".join(named)) if named else one.text
        yield _notice(kind, one.notification.title, text, level)


def _gone(context: Context) -> Iterator[Notice]:
    """Yield the inverters that people miss, until each is listed again, or forgotten."""
    accounts = context.accounts
    is_one = len(accounts) == 1
    what = "is no longer in your account" if is_one else "is in none of your accounts"
    for serial, given in accounts.lost.items():
        yield _notice(
            "gone",
            f"{given.name} {what}",
            "The Redback cloud has not listed it for a day, so it is no longer read, and its "
            "entities are unavailable. If you sold or replaced it, press Forget it in Sites. "
            "If not, ask Redback support. It continues once it is listed again.",
            "warning",
            since=accounts.gone[serial],
        )


def _notice(
    kind: NoticeKind,
    title: str,
    text: str,
    level: Level,
    since: datetime | None = None,
    count: int = 1,
) -> Notice:
    """Make a notice with what the page offers beside one of its kind."""
    return Notice(
        kind,
        title,
        text,
        level,
        to_options=kind in _TO_OPTIONS,
        to_sites=kind in _TO_SITES,
        to_history=kind in _TO_HISTORY,
        may_retry=kind in _MAY_RETRY,
        since=since,
        count=count,
    )


def _problems(context: Context) -> Iterator[Notice]:
    """Yield one for all problems that have one title."""
    titled: dict[str, list[Problem]] = {}
    hidden = _hidden(context)
    for of, (_, title, _) in _PROBLEMS.items():
        for one in context.problems.now.values():
            if one.kind is of and not {of, one.subject, (of, one.subject)} & hidden:
                titled.setdefault(one.title or title.format(name=one.name), []).append(one)
    for title, found in titled.items():
        kind, _, level = _PROBLEMS[found[0].kind]
        # Accounts agree about the clock.
        each = list(dict.fromkeys(one.sentence for one in found))
        sentences = each[:_MOST_SENTENCES]
        if len(each) > _MOST_SENTENCES:
            sentences.append(f"The same with {len(each) - _MOST_SENTENCES} more.")
        yield _notice(
            kind,
            title,
            " ".join([*sentences, found[0].advice]),
            level,
            since=min(one.since for one in found),
            count=sum(one.count for one in found),
        )


def _hidden(context: Context) -> set[object]:
    """Return the kinds, the inverters, or both, of problems that another notice explains."""
    problems, notifications = context.problems, context.notifications
    hidden: set[object] = set()
    for kind, others in _FOLLOWS.items():
        if problems.find(kind) is not None:
            hidden.update(others)
    for account in context.accounts:
        hidden.update(_hidden_of(context, account))
    hidden.update(
        (Kind.OFFLINE, one.subject) for one in problems.now.values() if one.kind in _WHY_OFFLINE
    )
    for one in notifications.find(Notification.DENIED):
        hidden.update(one.serials)
    return hidden


def _hidden_of(context: Context, account: Account) -> Iterator[object]:
    """Yield what need not be said of an account, or of the inverters that it reads."""
    kinds: set[Kind] = set()
    if account.problems.find(Kind.READINGS) is not None:
        kinds.update(_FOLLOW_READINGS)
    for one in context.notifications.find(*_EXPLAINING):
        is_all = one.notification is not Notification.DENIED or one.serials == account.names.keys()
        if one.account == account.key and is_all:
            kinds.update(_OF_THE_CLOUD)
    return product(kinds, (account.problems.subject, *account.names))


def _unnamed(context: Context) -> Iterator[Notice]:
    """Yield what is wrong, but is no problem with a name."""
    problems = context.problems
    is_away = context.home_assistant.websocket.up_since is None
    if is_away and problems.find(Kind.CORE_AWAY, Kind.CORE_CLOSED) is None:
        kind, title, level = _PROBLEMS[Kind.CORE_AWAY]
        yield _notice(kind, title, Kind.CORE_AWAY.advice, level)
    if context.coverage.is_failing and problems.find(Kind.HISTORY_DISK) is None:
        kind, title, level = _PROBLEMS[Kind.HISTORY_DISK]
        yield _notice(kind, title, Kind.HISTORY_DISK.advice, level)
    for serial, given in context.registry.names.items():
        reading = context.registry.reading(serial)
        if reading is not None and reading.status == FAULT:
            yield _notice(
                "fault",
                f"{given.name} reports a fault",
                "Look into Redback's own app. If it persists, ask your installer.",
                "warning",
            )


def _beginning(context: Context) -> Iterator[Notice]:
    names, problems = context.registry.names, context.problems
    is_explained = context.notifications.has_any
    if not names and not is_explained and problems.find(Kind.DISCOVERY) is None:
        yield _notice(
            "starting",
            "Looking for your inverters",
            "Asking the Redback cloud which inverters your account has. This takes a few seconds.",
            "info",
        )
    unread = [
        given.name
        for serial, given in names.items()
        if context.registry.inverter(serial) is None
        and problems.find(Kind.OFFLINE, *_WHY_OFFLINE, subject=serial) is None
    ]
    if unread and not is_explained and problems.find(Kind.READINGS, Kind.CLOCK) is None:
        yield _notice(
            "first_reading",
            "Waiting for the first reading",
            f"{', '.join(unread)}: the first reading arrives within a minute or two.",
            "info",
        )
