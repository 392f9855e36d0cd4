"""The notices at the top of the page: whatever is wrong, each thing once, the most urgent first."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from ..notifications import Notification
from ..problems import Kind, Problem
from ..sensors.reading import FAULT
from .context import Context

Level = Literal["error", "warning", "info"]


class Notice(msgspec.Struct, frozen=True):
    """Something that is wrong or still begins, and what to do; the page knows its kind."""

    kind: str
    title: str
    text: str
    level: Level
    to_options: bool = False
    since: datetime | None = None
    count: int = 1


# Those that Home Assistant also shows as notifications, by urgency: kind, level and to_options.
_NOTIFIED: dict[Notification, tuple[str, Level, bool]] = {
    Notification.CREDENTIALS: ("credentials", "error", True),
    Notification.TOKEN: ("no_access", "error", False),
    Notification.NO_INVERTER: ("no_inverter", "error", True),
    Notification.MISSING_SITES: ("unknown_site", "warning", True),
    Notification.DENIED: ("denied", "warning", False),
}
# The problems, by urgency: kind, title and level.
_PROBLEMS: dict[Kind, tuple[str, str, Level]] = {
    Kind.OWNED: ("taken", "An integration has the same entities", "error"),
    Kind.WRITTEN: ("taken", "Something else writes the same entities", "error"),
    Kind.CORE_CLOSED: ("core_closed", "Home Assistant denies the add-on access", "error"),
    Kind.CLOCK: ("clock", "This machine's clock is wrong", "error"),
    Kind.HISTORY_DISK: ("disk", "The disk is full or cannot be written", "error"),
    Kind.CORE_AWAY: ("core_away", "Home Assistant is starting or does not answer", "warning"),
    Kind.READINGS: ("cloud_away", "The Redback cloud is unavailable", "warning"),
    Kind.DISCOVERY: ("cloud_away", "The Redback cloud does not list your inverters", "warning"),
    Kind.OFFLINE: ("offline", "{name} is offline", "warning"),
    Kind.INVERTER: ("unread", "{name} cannot be read", "warning"),
    Kind.FUTURE: ("ignored", "Readings of {name} are ignored", "warning"),
    Kind.OLDER: ("ignored", "Readings of {name} are ignored", "warning"),
    Kind.ENTITY: ("rejected", "Home Assistant rejects entities", "warning"),
    Kind.NOTIFICATION: ("rejected", "Home Assistant rejects notifications", "warning"),
    Kind.DETAILS: ("details", "Details cannot be read", "warning"),
    Kind.CONFIGURATION: ("details", "Details cannot be read", "warning"),
}
# What only follows from another problem says nothing new.
_FOLLOWS: dict[Kind, tuple[Kind, ...]] = {
    Kind.CORE_CLOSED: (Kind.CORE_AWAY, Kind.ENTITY, Kind.NOTIFICATION),
    Kind.CORE_AWAY: (Kind.ENTITY, Kind.NOTIFICATION),
    Kind.READINGS: (
        Kind.DISCOVERY,
        Kind.OFFLINE,
        Kind.INVERTER,
        Kind.DETAILS,
        Kind.CONFIGURATION,
    ),
}
_OF_THE_CLOUD = (Kind.READINGS, *_FOLLOWS[Kind.READINGS])


# An inverter that is offline for one of these reasons is told with that one.
_WHY_OFFLINE = (Kind.INVERTER, Kind.FUTURE, Kind.OLDER)
_MOST_SENTENCES = 3


def notices(context: Context) -> list[Notice]:
    """Return all that apply now; what the history lacks is told with the history."""
    found = [*_notified(context), *_problems(context), *_unnamed(context), *_beginning(context)]
    urgency = ("error", "warning", "info")
    return sorted(found, key=lambda notice: urgency.index(notice.level))


def _notified(context: Context) -> Iterator[Notice]:
    for notification, message in context.notifications.find(*_NOTIFIED):
        kind, level, to_options = _NOTIFIED[notification]
        yield Notice(kind, notification.title, message, level, to_options)


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
        sentences = [one.sentence for one in found[:_MOST_SENTENCES]]
        if len(found) > _MOST_SENTENCES:
            sentences.append(f"The same with {len(found) - _MOST_SENTENCES} more.")
        yield Notice(
            kind,
            title,
            " ".join([*sentences, found[0].advice]),
            level,
            to_options=kind == "taken",
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
    hidden.update(
        (Kind.OFFLINE, one.subject) for one in problems.now.values() if one.kind in _WHY_OFFLINE
    )
    if notifications.find(Notification.CREDENTIALS, Notification.TOKEN):
        hidden.update(_OF_THE_CLOUD)
    for _, message in notifications.find(Notification.DENIED):
        denied = {serial for serial in context.registry.names if serial in message}
        hidden.update(denied)
        if denied == context.registry.names.keys():
            hidden.update(_OF_THE_CLOUD)
    return hidden


def _unnamed(context: Context) -> Iterator[Notice]:
    """Yield what is wrong, but is no problem with a name."""
    problems = context.problems
    is_away = context.home_assistant.websocket.up_since is None
    if is_away and problems.find(Kind.CORE_AWAY, Kind.CORE_CLOSED) is None:
        kind, title, level = _PROBLEMS[Kind.CORE_AWAY]
        yield Notice(kind, title, Kind.CORE_AWAY.advice, level)
    if context.coverage.is_failing and problems.find(Kind.HISTORY_DISK) is None:
        kind, title, level = _PROBLEMS[Kind.HISTORY_DISK]
        yield Notice(kind, title, Kind.HISTORY_DISK.advice, level)
    for serial, given in context.registry.names.items():
        reading = context.registry.reading(serial)
        if reading is not None and reading.status == FAULT:
            yield Notice(
                "fault",
                f"{given.name} reports a fault",
                "Look into Redback's own app. If it persists, ask your installer.",
                "warning",
            )


def _beginning(context: Context) -> Iterator[Notice]:
    names, problems, shown = context.registry.names, context.problems, context.notifications.shown
    if not names and not shown and problems.find(Kind.DISCOVERY) is None:
        yield Notice(
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
    if unread and not shown and problems.find(Kind.READINGS, Kind.CLOCK) is None:
        yield Notice(
            "first_reading",
            "Waiting for the first reading",
            f"{', '.join(unread)}: the first reading arrives within a minute or two.",
            "info",
        )
