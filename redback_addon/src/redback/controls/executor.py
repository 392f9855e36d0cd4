"""Carries out one command: checks what is ours there, creates, replaces and deletes.

Everything that is started has an end in the cloud itself. A new schedule is created before the old
one is deleted, and both are in the book before anything is written: whenever the add-on is killed,
the next start finishes that, and starts nothing else.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from msgspec import structs

from ..clock import Clock
from ..cloud import (
    CloudError,
    OutcomeUnknownError,
    RequestError,
    ThrottledError,
    TransientError,
)
from ..inverters.registry import Registry
from .answers import clock_time, sentence
from .book import Answer, Own, goes_from, successors
from .command import Command
from .maker import Maker
from .outcomes import SOON, Outcomes
from .timeline import Entry, timeline
from .turns import Turns
from .watch import Watch

_LOG = logging.getLogger(__name__)
LEAST_SECONDS = 10.0
# Enough to delete the old one, create the new one, and if that fails the old one again.
_MAKE_WAY_SECONDS = 25.0
_STEP_SECONDS = 8.0
# After replacing something was of no use, nothing is replaced for this long.
_IN_VAIN_SECONDS = 3600.0
TOO_LATE = "Refused: an earlier command took too long."
_SILENT = "Redback's cloud does not answer."
_NOT_THERE = "Refused: Redback's cloud has no such schedule or limit."
_UNREAD = "Refused: Redback's list cannot be read completely."
_SHARED = (
    "Refused: other limits may have the same id in Redback's cloud, and would be deleted with this"
    " one."
)
_WAIT = "Redback's cloud asks to wait."


class Executor:
    """Carries out commands; whoever calls holds the turns that they need."""

    def __init__(
        self,
        maker: Maker,
        watch: Watch,
        outcomes: Outcomes,
        registry: Registry,
        turns: Turns,
        clock: Clock,
    ) -> None:
        self._maker = maker
        self._remote = maker.remote
        self._watch = watch
        self._outcomes = outcomes
        self._book = outcomes.book
        self._answers = outcomes.answers
        self._registry = registry
        self._turns = turns
        self._clock = clock
        # By the inverter or site, until when nothing makes way, in monotonic seconds.
        self._in_vain: dict[str, float] = {}

    async def carry_out(self, command: Command, serial: str, until: float) -> None:
        """Carry out a command, and answer it before a moment, in monotonic seconds."""
        if self._turn_down(command, serial, until) is not None:
            return
        if command.end is None:
            await self._end(command, serial, until)
        elif command.end <= self._clock.now():
            self._answers.reply(command, serial, "refused", "Refused: the end is in the past.")
        else:
            await self._start(command, command.end, serial, until)

    def _turn_down(self, command: Command, serial: str, until: float) -> Answer | None:
        """Answer a command for which this is no time to write; None if it is one."""
        if self._remote.is_closed(serial):
            reason = f"{_WAIT} {self._unchanged(serial)}"
            return self._answers.reply(command, serial, "failed", reason)
        if until - self._clock.monotonic() < LEAST_SECONDS:
            return self._answers.reply(command, serial, "refused", TOO_LATE)
        return None

    async def delete(self, command: Command, serial: str, key: str, until: float) -> Answer:
        """Delete one thing that is listed now, by whomever it is; nothing of the network's."""
        if (answer := self._turn_down(command, serial, until)) is not None:
            return answer
        reply = partial(self._answers.reply, command, serial)
        try:
            lists = await self._watch.read(serial, until - _STEP_SECONDS)
            details, now = self._registry.details(serial), self._clock.now()
            entries = timeline(serial, details, self._book.own, now)
            entry = next((one for one in entries if one.key == key != ""), None)
            if entry is None:
                return reply("refused", _NOT_THERE if lists.are_whole else _UNREAD)
            if (why_not := await self._why_kept(entry, until)) is not None:
                return reply("refused", why_not)
            self._turns.wrote(serial, with_limits=entry.is_limit)
            for old in self._replaced_by(key):
                await self._remote.delete(serial, old.key, old.site_id, until)
                self._outcomes.over(old, "Replaced by a later command.")
            site_id = (details.site_id or "") if entry.is_limit else ""
            await self._remote.delete(serial, key, site_id, until)
        except CloudError as error:
            return self._failed(command, serial, error)
        for own in [one for one in self._book.own if one.key == key]:
            self._outcomes.over(own, "Deleted by a person.")
        _LOG.info("%s: A person deleted %s.", self._answers.name(serial), key)
        return reply("ended")

    async def _why_kept(self, entry: Entry, until: float) -> str | None:
        """Return why something that is listed is not deleted; None if it may be."""
        if not entry.can_delete:
            return "Refused: this may be the energy network's, and stays."
        if not entry.is_limit or entry.whose == "own":
            return None
        is_alone = await self._remote.is_alone(entry.serial, entry.key, until - _STEP_SECONDS)
        return None if is_alone else _SHARED

    def _replaced_by(self, key: str) -> list[Own]:
        """Return what would run on without something that has just taken its place."""
        ours, now = self._book.own, self._clock.now()
        return [
            old
            for old in ours
            if (goes := goes_from(old, ours)) is not None
            and goes <= now
            and old.key
            and any(new.key == key for new in successors(old, ours))
        ]

    async def _start(self, command: Command, end: datetime, serial: str, until: float) -> None:
        new = self._maker.plan(command, end, serial)
        ours = self._book.own
        others = [one for one in ours if goes_from(one, ours) is None and one.overlaps(new)]
        for one in others:
            if (
                one.is_there
                and one.is_same(new)
                and one.start <= new.start
                and abs(one.end - end) < SOON
            ):
                again = structs.replace(one, id=command.id, by=command.by)
                self._answers.about(again, self._outcomes.begun(one))
                return
        self._book.change((), (new,))
        try:
            made = await self._maker.create(new, until)
        except RequestError as error:
            # Some clouds may take no second one at the same time.
            if others and self._can_make_way(others, new, until):
                await self._change_over(command, new, others, until)
            else:
                self._outcomes.not_made(new, error)
                self._failed(command, serial, error)
        except CloudError as error:
            self._outcomes.not_made(new, error)
            self._failed(command, serial, error)
        else:
            self._outcomes.made(new, made)
        self._turns.wrote(serial, with_limits=command.is_limit)

    def _can_make_way(self, others: Iterable[Own], new: Own, until: float) -> bool:
        now, at = self._clock.now(), self._clock.monotonic()
        if self._in_vain.get(new.place, at) > at:
            return False
        return until - at >= _MAKE_WAY_SECONDS and all(
            one.key and (one.start > now or new.start <= now) for one in others
        )

    async def _change_over(
        self, command: Command, new: Own, others: Iterable[Own], until: float
    ) -> None:
        """Delete what may be in the way of a new one; bring it back if it was not."""
        tried: list[Own] = []
        gone: list[Own] = []
        try:
            for one in others:
                tried.append(one)
                at_most = until - 2 * _STEP_SECONDS
                await self._remote.delete(new.serial, one.key, one.site_id, at_most)
                gone.append(one)
            made = await self._maker.create(new, until - _STEP_SECONDS)
        except CloudError as error:
            self._outcomes.not_made(new, error)
            if isinstance(error, RequestError) and tried == gone:
                self._in_vain[new.place] = self._clock.monotonic() + _IN_VAIN_SECONDS
            is_unknown = isinstance(error, OutcomeUnknownError) and tried == gone
            for one in gone:
                if is_unknown:  # a second one could be too many
                    self._outcomes.over(one, "Replaced by a later command, which failed.")
                else:
                    await self._maker.restore(one, until)
            self._failed(command, new.serial, error, "The previous command may have ended.", tried)
        else:
            for one in gone:
                self._outcomes.over(one, "Replaced by a later command.")
            self._outcomes.made(new, made)

    async def _end(self, command: Command, serial: str, until: float) -> None:
        """Delete everything of ours that is a schedule, or else that is an envelope."""
        are_limits = command.action == "lift_limit"
        place = self._registry.details(serial).site_id if are_limits else None

        def ours() -> list[Own]:
            return [
                one
                for one in self._book.own
                if bool(one.site_id) == are_limits
                and (one.serial == serial or (are_limits and one.site_id == place))
            ]

        left: list[Own] = []
        failure: CloudError | None = None
        if not all(one.is_made for one in ours()):
            try:
                await self._watch.read(serial, until - _STEP_SECONDS)
            except CloudError as error:
                failure = error
        now = self._clock.now()
        mine = ours()
        for one in mine:
            if not one.key:
                # It may be in the cloud already: it goes as soon as it shows up.
                kept = structs.replace(one, cancelled=one.cancelled or now, is_answered=True)
                self._book.change((one,), (kept,))
                if not one.is_answered:
                    reason = "Cancelled before Redback's cloud was known to have this."
                    self._answers.about(one, "failed", reason)
                continue
            self._turns.wrote(serial, with_limits=are_limits)
            try:
                # Through this inverter's account: another one of the site may be in use no more.
                await self._remote.delete(serial, one.key, one.site_id, until)
            except CloudError as error:
                failure = error
                left.append(one)
            else:
                self._outcomes.over(one, "Cancelled by a command.")
        if failure is not None:
            what = " ".join(
                f"{'Perhaps still' if one.is_missing else 'Still'} there: {sentence(one, now)}"
                for one in left
            )
            self._failed(command, serial, failure, what, mine)
        else:
            _LOG.info(
                "%s: Back to auto." if not are_limits else "%s: No limit.",
                self._answers.name(serial),
            )
            self._answers.reply(command, serial, "ended")

    def _failed(
        self,
        command: Command,
        serial: str,
        error: CloudError,
        changed: str = "",
        tried: Sequence[Own] = (),
    ) -> Answer:
        """Answer; if anything was tried before, `changed` says what may have changed."""
        after = changed if tried else self._unchanged(serial)
        if isinstance(error, OutcomeUnknownError):
            ends = command.end and f" If it was, it ends at {clock_time(command.end)} by itself."
            reason = f"{_SILENT} It is not known whether this was done.{ends or ''} {changed}"
        elif isinstance(error, ThrottledError):
            reason = f"{_WAIT} {after}"
        elif isinstance(error, TransientError):
            reason = f"{_SILENT} {after}"
        else:
            reason = f"Redback's cloud refuses this: {error.detail}. {after}"
        _LOG.warning("%s: %s", self._answers.name(serial), reason.strip())
        return self._answers.reply(command, serial, "failed", reason.strip())

    def _unchanged(self, serial: str) -> str:
        now = self._clock.now()
        own = (one for one in self._book.own if one.serial == serial and one.is_there)
        running = [one.end for one in own if one.start <= now < one.end]
        ends = f"; what runs now ends at {clock_time(max(running))} by itself" if running else ""
        return f"Nothing was changed{ends}."
