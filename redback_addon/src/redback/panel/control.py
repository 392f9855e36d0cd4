"""The section Control: what each inverter can do, its commands, and the last answers."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from ..controls import Answer, Controls, Entry, abilities
from ..ledger import local_day
from .context import Context

# The actions that the page offers, in its order.
_OFFERED = ("charge", "discharge", "import", "export", "conserve", "limit_export")
_DAYS = 2
_ANSWERS = 10


class Ability(msgspec.Struct, frozen=True):
    """Something that an inverter can do; up to `most` W, None = not known."""

    action: str
    most: int | None


class Controlled(msgspec.Struct, frozen=True):
    """One inverter: what it can do, why not more, and all that runs and comes, by whomever."""

    serial: str
    abilities: list[Ability]
    why_not: str | None
    entries: Sequence[Entry]


class Day(msgspec.Struct, frozen=True):
    """A local date, from midnight to midnight."""

    date: str
    start: datetime
    end: datetime


class Control(msgspec.Struct, frozen=True):
    """All inverters, today and tomorrow, and the last answers to commands, the newest first.

    What the commands' senders call them is left out.
    """

    days: list[Day]
    inverters: list[Controlled]
    record: list[Answer]


def control(context: Context) -> Control | None:
    """Return what there is to show; None if the option Controls is off."""
    controls = context.controls
    if controls is None:
        return None
    return Control(
        days=_days(context.clock.now()),
        inverters=[_inverter(context, controls, serial) for serial in context.registry.names],
        record=[
            msgspec.structs.replace(one, id=None) for one in controls.record[: -_ANSWERS - 1 : -1]
        ],
    )


def _inverter(context: Context, controls: Controls, serial: str) -> Controlled:
    known = abilities(serial, context.registry)
    reasons = dict.fromkeys(known[action].why_not for action in _OFFERED)
    # The most that may be let out is what the inverter can export.
    most = {action: known[action].most for action in _OFFERED}
    most["limit_export"] = most["export"]
    return Controlled(
        serial,
        [Ability(action, most[action]) for action in _OFFERED if known[action].why_not is None],
        " ".join(filter(None, reasons)) or None,
        controls.timeline(serial),
    )


def _days(now: datetime) -> list[Day]:
    days, moment = [], now
    for _ in range(_DAYS):
        start, end = local_day(moment)
        days.append(Day(f"{start.astimezone():%Y-%m-%d}", start, end))
        moment = end + timedelta(hours=1)
    return days


class Commands:
    """Sends commands from the page, and waits for their answers."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        controls.listen(self._hear)

    async def send(self, fields: Mapping[str, object]) -> Answer:
        """Send a command, and return its answer, which comes within 45 seconds."""
        name = f"panel-{secrets.token_urlsafe(8)}"
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[name] = answered
        try:
            self._controls.take({**fields, "id": name}, "panel")
            return await answered
        finally:
            del self._waiting[name]

    def _hear(self, answer: Answer) -> None:
        answered = self._waiting.get(answer.id or "")
        if answered is not None and not answered.done():
            answered.set_result(answer)
