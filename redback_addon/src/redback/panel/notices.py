"""The notices at the top of the page, the most urgent first."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from ..notifications import Notification
from ..problems import Kind, Problem
from .context import Context

Level = Literal["error", "warning", "info"]


class Notice(msgspec.Struct, frozen=True):
    """Something that people must know, and perhaps do in the options; the page knows its kind."""

    kind: str
    title: str
    text: str
    level: Level
    to_options: bool = False


# Those that Home Assistant also shows as notifications, by urgency: kind, level and to_options.
_NOTIFIED: dict[Notification, tuple[str, Level, bool]] = {
    Notification.CREDENTIALS: ("credentials", "error", True),
    Notification.TOKEN: ("no_access", "error", False),
    Notification.NO_INVERTER: ("no_inverter", "error", True),
    Notification.MISSING_SITES: ("unknown_site", "warning", True),
}

_TAKEN = {
    Kind.OWNED: "An integration has the same entities",
    Kind.WRITTEN: "Something else writes the same entities",
}


def notices(context: Context) -> list[Notice]:
    """Return all that apply now."""
    return [*_notified(context), *_taken(context), *_away(context), *_of_inverters(context)]


def _notified(context: Context) -> Iterator[Notice]:
    for notification, message in context.notifications.find(*_NOTIFIED):
        kind, level, to_options = _NOTIFIED[notification]
        yield Notice(kind, notification.title, message, level, to_options)


def _taken(context: Context) -> Iterator[Notice]:
    for problem in context.problems.now.values():
        if problem.kind in _TAKEN:
            yield Notice("taken", _TAKEN[problem.kind], _text(problem), "error", to_options=True)


def _away(context: Context) -> Iterator[Notice]:
    if context.home_assistant.websocket.up_since is None:
        yield Notice(
            "core_away",
            "Home Assistant is starting or does not answer",
            "You don't need to do anything. All states are sent when it answers, and the gap is"
            " filled afterwards.",
            "warning",
        )
    if (clock := context.problems.find(Kind.CLOCK)) is not None:
        yield Notice("clock", "This machine's clock is wrong", _text(clock), "error")
    cloud = context.problems.find(Kind.READINGS, Kind.DISCOVERY)
    refused = context.notifications.find(Notification.CREDENTIALS, Notification.TOKEN)
    if cloud is not None and not refused:
        title = cloud.title or "The Redback cloud is unavailable"
        yield Notice("cloud_away", title, _text(cloud), "warning")


def _text(problem: Problem) -> str:
    return f"{problem.sentence} {problem.advice}"


def _of_inverters(context: Context) -> Iterator[Notice]:
    names, problems, shown = context.registry.names, context.problems, context.notifications.shown
    if not names and not shown and problems.find(Kind.DISCOVERY) is None:
        yield Notice(
            "starting",
            "Looking for your inverters",
            "Asking the Redback cloud which inverters your account has. This takes a few seconds.",
            "info",
        )
    unread = [
        given.name for serial, given in names.items() if context.registry.inverter(serial) is None
    ]
    if unread and not shown and problems.find(Kind.READINGS) is None:
        yield Notice(
            "first_reading",
            "Waiting for the first reading",
            f"{', '.join(unread)}: the first reading arrives within a minute or two.",
            "info",
        )
    for serial, given in names.items():
        if problems.find(Kind.OFFLINE, subject=serial) is not None:
            yield Notice(
                "offline",
                f"{given.name} is offline",
                "The cloud has received no reading for at least ten minutes. Check the inverter and"
                " its internet connection. The gap is filled when its readings arrive.",
                "warning",
            )
    for notification, message in context.notifications.find(Notification.DENIED):
        yield Notice("denied", notification.title, message, "warning")
