"""The add-on's own entries in the cloud, and the last commands; both outlive a restart."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ..storage.json_file import JsonFile
from .command import LIMITING, MODES

FILE = "controls.json"
RESULTS = ("started", "scheduled", "ended", "refused", "failed")
_RECORDED = 100
# More refusals than that in a minute are answered, but not recorded: each of a flood would be
# written to the disk, and no other command would stay in the record.
_REFUSALS_A_MINUTE = 10
# Later nobody waits for the answer that something was started, and it could be over.
_NEWS_FOR = timedelta(seconds=60)
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Own(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One schedule or envelope of ours.

    Attributes:
        key: the schedule's id, or the envelope's event id; a schedule has none before it is made.
        site_id: of an envelope; empty for a schedule.
        limits: of an envelope, by the fields' names.
        id: of the command that wanted it, as all of `by`.
        is_made: whether it is known to be in the cloud.
        was_made: whether it was in the cloud before it had to make way, and is being brought back.
        is_answered: whether the command has its answer.
        cancelled: since when nobody wants it, though it could not be deleted: it was not known yet.
        is_doubted: whether it has been answered that the inverter does not follow.
        is_missing: whether it has been answered that the list lacks it. It may still run: whether
            the list keeps what has begun, Redback does not say.
    """

    serial: str
    action: str
    power: int | None = None
    limits: dict[str, int] = {}
    start: _Moment
    end: _Moment
    created: _Moment
    key: str = ""
    site_id: str = ""
    id: str | None = None
    by: str
    is_made: bool = False
    was_made: bool = False
    is_answered: bool = False
    cancelled: _Moment | None = None
    is_doubted: bool = False
    is_missing: bool = False

    @property
    def is_known(self) -> bool:
        """Whether this version has such an action."""
        return self.action in (LIMITING if self.site_id else MODES)

    @property
    def place(self) -> str:
        """What it is of: an envelope's site, or a schedule's inverter."""
        return self.site_id or self.serial

    @property
    def is_there(self) -> bool:
        """Whether it is in the cloud, as far as is known."""
        return self.is_made and not self.is_missing

    def is_same(self, other: "Own") -> bool:
        """Whether both do the same, whenever that is."""
        return (self.action, self.power, self.limits) == (other.action, other.power, other.limits)

    def overlaps(self, other: "Own") -> bool:
        """Whether both want something of the same inverter, or site, at the same time."""
        mine, others = ((one.place, bool(one.site_id)) for one in (self, other))
        return mine == others and self.start < other.end and other.start < self.end


def successors(one: Own, ours: Iterable[Own]) -> list[Own]:
    """Return what replaces something: what is newer, wanted at the same time, and in the cloud."""
    return [
        other
        for other in ours
        if other.is_there
        and other.cancelled is None
        and other.created > one.created
        and other.overlaps(one)
    ]


def goes_from(one: Own, ours: Iterable[Own]) -> datetime | None:
    """Return from when something may be deleted; None if it keeps its place.

    What runs stays until what replaces it begins, and stays for good if that is gone before.
    """
    if one.cancelled is not None:
        return one.cancelled
    return min((_takes_over(one, new) for new in successors(one, ours)), default=None)


def _takes_over(old: Own, new: Own) -> datetime:
    return new.created if old.start > new.created else max(new.created, new.start)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a command, for its sender and for the record.

    Attributes:
        result: one of `RESULTS`.
        at: when, UTC.
    """

    id: str | None = None
    inverter: str | None = None
    serial: str | None = None
    action: str | None = None
    result: str
    power: int | None = None
    start: datetime | None = None
    until: datetime | None = None
    reason: str | None = None
    by: str
    at: datetime | None = None

    def is_late(self, now: datetime) -> bool:
        """Whether nobody is to hear it any more."""
        return self.result == "started" and now - (self.at or now) > _NEWS_FOR

    def as_event(self) -> dict[str, Any]:
        """Return it as the data of an event, which has a time of its own."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        del data["at"]
        return data


class _Content(msgspec.Struct, frozen=True):
    own: tuple[Own, ...] = ()
    record: tuple[Answer, ...] = ()


class Book:
    """The file; what is ours is in it before it is in the cloud."""

    def __init__(self, folder: Path) -> None:
        self._file = JsonFile(folder / FILE, _Content, "commands end by themselves")
        content = self._file.load() or _Content()
        self.own = tuple(one for one in content.own if one.is_known)
        self.record = content.record

    def change(self, old: Iterable[Own], new: Iterable[Own] = ()) -> None:
        """Put some in the place of others, all at once."""
        gone = [id(one) for one in old]
        self.own = (*(one for one in self.own if id(one) not in gone), *new)
        self._save()

    def note(self, answer: Answer) -> None:
        """Add to the record."""
        if answer.result == "refused" and self._refusals_near(answer) >= _REFUSALS_A_MINUTE:
            return
        self.record = (*self.record, answer)[-_RECORDED:]
        self._save()

    def _refusals_near(self, answer: Answer) -> int:
        refused = (one.at for one in self.record if one.result == "refused")
        at = answer.at
        return sum(1 for one in refused if one and at and abs(at - one) < timedelta(minutes=1))

    def _save(self) -> None:
        self._file.save(_Content(self.own, self.record))
