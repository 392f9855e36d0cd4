"""Answers to commands: what was refused, begun, failed or has ended, and why."""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import structs

from ..clock import Clock
from ..inverters.registry import Registry
from .book import Answer, Book, Own
from .command import LONGEST_TEXT, Command


class Answers:
    """Sends answers to whoever listens, and to the record."""

    def __init__(self, book: Book, registry: Registry, clock: Clock) -> None:
        self._book = book
        self._registry = registry
        self._clock = clock
        self._listeners: list[Callable[[Answer], None]] = []

    def listen(self, heard: Callable[[Answer], None]) -> None:
        """Call this with each answer from now on."""
        self._listeners.append(heard)

    def refuse(
        self, fields: Mapping[object, object], by: str, serial: str | None, why: str
    ) -> None:
        """Refuse a command of which not all fields are known to make sense."""
        self._give(
            Answer(
                id=_text(fields.get("id")),
                serial=serial,
                action=_text(fields.get("action")),
                result="refused",
                reason=_clean(f"Refused: {why}"),
                by=by,
            )
        )

    def reply(
        self, command: Command, serial: str, result: str, reason: str | None = None
    ) -> Answer:
        """Answer a command."""
        return self._give(
            Answer(
                id=command.id,
                serial=serial,
                action=command.action,
                result=result,
                power=command.power,
                start=command.start if command.end else None,
                until=command.end,
                reason=reason,
                by=command.by,
            )
        )

    def about(self, one: Own, result: str, reason: str | None = None) -> None:
        """Answer the command that wanted something of ours."""
        self._give(
            Answer(
                id=one.id,
                serial=one.serial,
                action=one.action,
                result=result,
                power=one.power,
                start=one.start,
                until=one.end,
                reason=reason,
                by=one.by,
            )
        )

    def name(self, serial: str) -> str:
        """Return what people call an inverter."""
        given = self._registry.names.get(serial)
        return serial if given is None else given.name

    def _give(self, answer: Answer) -> Answer:
        name = None if answer.serial is None else self.name(answer.serial)
        complete = structs.replace(answer, inverter=name, at=self._clock.now())
        self._book.note(complete)
        for heard in self._listeners:
            heard(complete)
        return complete


def sentence(one: Own, now: datetime) -> str:
    """Return what is being done, or will be, for people."""
    power = f"{one.power or 0:,} W"
    doing, do, what = {
        "charge": ("Charging", "charge", f"the battery with {power}"),
        "discharge": ("Discharging", "discharge", f"the battery with {power}"),
        "import": ("Importing", "import", power),
        "export": ("Exporting", "export", power),
        "conserve": ("Keeping", "keep", "the battery's charge"),
        "limit_export": ("Exporting", "export", f"at most {power}"),
    }.get(one.action, ("Limiting", "limit", "the site"))
    until = f"until {clock_time(one.end)}."
    if one.start <= now:
        return f"{doing} {what} {until}"
    return f"Will {do} {what} from {clock_time(one.start)} {until}"


def clock_time(moment: datetime) -> str:
    """Return the local time of day."""
    return f"{moment.astimezone():%H:%M}"


def _text(value: object) -> str | None:
    if isinstance(value, int | float) and abs(value) < 10**LONGEST_TEXT:
        return str(value)
    return _clean(value[:LONGEST_TEXT]) if isinstance(value, str) else None


def _clean(text: str) -> str:
    """Return what can be saved and sent: not half of a character."""
    return text.encode(errors="replace").decode()
