"""What people must know before anything else, the most pressing first."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from ..notifications import Told
from .advice import plain
from .context import Context

Level = Literal["error", "warning", "info"]


class Notice(msgspec.Struct, frozen=True):
    """Something that people must know.

    Attributes:
        kind: one word for it.
        title: what is the case.
        text: what that means, and what to do.
        level: how bad it is.
        to_options: whether the options are where to do it.
    """

    kind: str
    title: str
    text: str
    level: Level
    to_options: bool = False


# Those that Home Assistant's notifications tell as well: key, kind, level, and whether the options
# are where to do something about it. In the order of urgency.
_TOLD: tuple[tuple[str, str, Level, bool], ...] = (
    ("credentials", "credentials", "error", True),
    ("token", "no_access", "error", False),
    ("no_inverter", "no_inverter", "error", True),
    ("missing_sites", "unknown_site", "warning", True),
)
_PREFIX = "Redback: "


def notices(context: Context) -> list[Notice]:
    """Give all that holds now."""
    return [*_told(context), *_away(context), *_of_inverters(context)]


def title(told: Told) -> str:
    """Give the title of a notification as a sentence of its own, without the add-on's name."""
    text = told.title.removeprefix(_PREFIX)
    return text[:1].upper() + text[1:]


def _told(context: Context) -> Iterator[Notice]:
    for key, kind, level, to_options in _TOLD:
        told = context.notifications.told.get(key)
        if told is not None:
            yield Notice(kind, title(told), _plain(told.message), level, to_options)


def _away(context: Context) -> Iterator[Notice]:
    problems = context.problems.now
    if context.home_assistant.websocket.up_since is None:
        yield Notice(
            "core_away",
            "Home Assistant is starting, or does not answer",
            "There is nothing to do: the states follow within seconds when it answers, and what"
            " it misses meanwhile is filled in later.",
            "warning",
        )
    cloud = problems.get("readings") or problems.get("discovery")
    if cloud is not None and not context.notifications.told.keys() & {"credentials", "token"}:
        yield Notice(
            "cloud_away",
            "The Redback cloud does not answer",
            f"{plain(cloud.sentence)} There is nothing to do while it passes: it is asked again"
            " every minute, and what is missed is filled in later.",
            "warning",
        )


def _of_inverters(context: Context) -> Iterator[Notice]:
    names = context.names()
    if not names and not context.notifications.told and "discovery" not in context.problems.now:
        yield Notice(
            "starting",
            "Looking for your inverters",
            "The Redback cloud is asked which inverters your account has. That takes some seconds.",
            "info",
        )
    unread = [
        given.name for serial, given in names.items() if context.registry.known(serial) is None
    ]
    if unread and not context.notifications.told and "readings" not in context.problems.now:
        yield Notice(
            "first_reading",
            "Waiting for the first reading",
            f"{', '.join(unread)}: the first reading comes within a minute or two.",
            "info",
        )
    for given in names.values():
        if f"offline {given.name}" in context.problems.now:
            yield Notice(
                "offline",
                f"{given.name} is offline",
                "The cloud has had no reading from it for ten minutes or more. Check the inverter"
                " and its connection to the internet; what it kept meanwhile is filled in later.",
                "warning",
            )
    if (told := context.notifications.told.get("denied")) is not None:
        yield Notice("denied", "No access to an inverter", _plain(told.message), "warning")


def _plain(message: str) -> str:
    """Leave out Markdown's marks, which a page of text would show."""
    return message.replace("`", "")
