"""Watches over what is ours in the cloud: reads the lists, and finishes what was begun."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NoReturn

from msgspec import structs

from ..clock import Clock, wait
from ..cloud import AccessError, CloudError, OutcomeUnknownError, RequestError
from ..inverters.registry import Registry
from ..polling.account import Account
from ..problems import Kind, Problems
from .book import Own, goes_from, successors
from .maker import Maker
from .outcomes import Outcomes
from .remote import SURELY_LISTED_SECONDS, Lists, schedule_of
from .turns import Turns

_LOG = logging.getLogger(__name__)
# The lists are seconds late.
_LISTED_AFTER = timedelta(seconds=30)
_TIDY_SECONDS = 12.0
# What the cloud does not delete is tried again after twice as long each time.
_TIDY_AGAIN_SECONDS = 6.0
_LONGEST_TIDY_AGAIN_SECONDS = 15 * 60.0
_SURELY_LISTED_AFTER = timedelta(seconds=SURELY_LISTED_SECONDS)
# What was made before that is listed; after the other the answer to a command is overdue.
_UNMADE_AFTER = timedelta(seconds=15)
_FINISH_WITHIN = timedelta(seconds=45)
_SOON_FOR = timedelta(minutes=2)
_READ_SECONDS = 5 * 60.0
_READ_SOON_SECONDS = 3.0
_READ_AGAIN_SECONDS = 60.0
# Two inverters of a site may read the same list, which may be seconds late, one after the other.
_MISSES_APART = timedelta(seconds=_READ_SOON_SECONDS)
# With many inverters each is read less often.
_READ_SECONDS_EACH = 5.0
_LONGEST_IDLE_SECONDS = 10.0


class Watch:
    """Keeps the lists of all inverters up to date, and the book true to them."""

    def __init__(
        self,
        maker: Maker,
        outcomes: Outcomes,
        registry: Registry,
        problems: Problems,
        turns: Turns,
        clock: Clock,
    ) -> None:
        self._maker = maker
        self._remote = maker.remote
        self._outcomes = outcomes
        self._book = outcomes.book
        self._registry = registry
        self._problems = problems
        self._turns = turns
        self._clock = clock
        # When the lists of each inverter are due, in monotonic seconds.
        self._due: dict[str, float] = {}
        # Those whose lists lack the limits, because their site was not known yet.
        self._without_site: set[str] = set()
        # Since when what is made was not in the last list, by its key.
        self._missing: dict[str, datetime] = {}
        # Of what could not be deleted, by its key: the next pause, and when it is tried again, in
        # monotonic seconds.
        self._in_vain: dict[str, tuple[float, float]] = {}
        self._changed: list[asyncio.Event] = []

    def urge(self, serial: str, *, with_limits: bool) -> None:
        """Read the lists of an inverter soon, or of all of its site: that was written to."""
        for one in self._remote.mates(serial) if with_limits else (serial,):
            self._due[one] = self._clock.monotonic() + _READ_SOON_SECONDS
        for changed in self._changed:
            changed.set()

    async def run(self) -> NoReturn:
        """Read whatever is due, until cancelled."""
        self._keep_what_was_cancelled_long_ago()
        async with asyncio.TaskGroup() as tasks:
            # No account waits for another one's, and the end of nothing waits for any.
            tasks.create_task(self._finish_all())
            for account in self._remote.accounts:
                tasks.create_task(self._tend_all(account))
        raise AssertionError

    async def _finish_all(self) -> NoReturn:
        changed = asyncio.Event()
        self._changed.append(changed)
        while True:
            self._finish()
            now = self._clock.now()
            ends = [(one.end - now).total_seconds() for one in self._book.own if one.is_made]
            changed.clear()
            await wait(self._clock, max(0.0, min([_LONGEST_IDLE_SECONDS, *ends])), changed)

    async def _tend_all(self, account: Account) -> NoReturn:
        """Read whatever is due of one account's inverters."""
        changed = asyncio.Event()
        self._changed.append(changed)
        while True:
            now = self._clock.monotonic()
            mine = [one for one in self._registry.names if one in account.names]
            for serial in [one for one in mine if self._is_due(one, now)]:
                pause = account.throttle.closed_s
                if pause <= 0:
                    await self._tend(serial)
                    pause = self._pause(serial)
                self._due[serial] = self._clock.monotonic() + pause
            changed.clear()
            now = self._clock.monotonic()
            dues = [self._due.get(one, now) - now for one in mine]
            await wait(self._clock, max(0.0, min([_LONGEST_IDLE_SECONDS, *dues])), changed)

    def _is_due(self, serial: str, now: float) -> bool:
        has_site = self._registry.details(serial).site_id is not None
        return self._due.get(serial, now) <= now or (has_site and serial in self._without_site)

    async def read(self, serial: str, until: float | None = None) -> Lists:
        """Read what is scheduled, and settle what was not known; raise a CloudError.

        A command, which holds its turn, says by when it needs that, in monotonic seconds.
        """
        lists = await self._remote.read(serial, until)
        if serial not in self._registry.names:
            return lists
        if lists.unread:
            why = f"{lists.unread} of them are missing from the answer or make no sense"
            self._problems.raise_(Kind.LISTS, serial, why)
        else:
            self._problems.clear(Kind.LISTS, serial)
        if until is None and self._turns.is_taken(serial, with_limits=True):
            return lists  # what a command just does is not in these lists
        for one in self._ours(serial):
            if self._outcomes.is_ours(one) and not one.is_made:
                self._settle(one, lists)
            elif self._outcomes.is_ours(one) and (lists.has(one) or lists.would_have(one)):
                self._miss(one, lists)
        return lists

    def _ours(self, serial: str) -> list[Own]:
        """Return what is ours of an inverter, and of its site what is of none that is in use."""
        names, site = self._registry.names, self._registry.details(serial).site_id
        return [
            one
            for one in self._book.own
            if one.serial == serial or (one.site_id == site and one.serial not in names)
        ]

    def _pause(self, serial: str) -> float:
        now = self._clock.now()
        pause = max(_READ_SECONDS, _READ_SECONDS_EACH * len(self._registry.names))
        lists = self._remote.listed(serial)
        for one in self._ours(serial):
            goes = goes_from(one, self._book.own)
            is_sought = not one.is_made or not (one.is_missing or lists.has(one))
            if goes is not None or is_sought:
                since = goes or one.created
                if since > now:
                    pause = min(pause, (since - now).total_seconds())
                else:
                    is_soon = now - since < _SOON_FOR
                    pause = min(pause, _READ_SOON_SECONDS if is_soon else _READ_AGAIN_SECONDS)
        return pause

    def _keep_what_was_cancelled_long_ago(self) -> None:
        """After a start nothing is deleted that a command of long ago did not find."""
        now = self._clock.now()
        for one in self._book.own:
            if one.cancelled is not None and now - one.cancelled >= _FINISH_WITHIN:
                self._book.change((one,), (structs.replace(one, cancelled=None),))

    def _finish(self) -> None:
        """Note what has come to its end."""
        now = self._clock.now()
        for one in self._book.own:
            if one.end > now:
                continue
            if one.is_made:
                self._outcomes.over(one, None)
            # Or else it is being made right now.
            elif not self._turns.is_making(one):
                self._outcomes.give_up_on(one)

    async def _tend(self, serial: str) -> None:
        """Read what is scheduled, and delete what was replaced."""
        if self._registry.details(serial).site_id is None:
            self._without_site.add(serial)
        else:
            self._without_site.discard(serial)
        try:
            lists = await self.read(serial)
            if self._turns.is_taken(serial, with_limits=True):
                return  # a command is carried out, which has the right of way
            async with self._turns.held(serial, with_limits=True):
                # The newest first: what is older may have its place again without it.
                newest = sorted(self._ours(serial), key=lambda one: one.created, reverse=True)
                for old in newest:
                    if self._may_go(old, lists):
                        await self._tidy(serial, old)
                for new in [one for one in self._book.own if one.serial == serial]:
                    if gone := self._made_way(new):
                        await self._finish_change(new, gone)
        except CloudError as error:
            _LOG.debug("The schedules of %s cannot be read or tidied up: %s.", serial, error)

    async def _tidy(self, serial: str, old: Own) -> None:
        """Delete what is to go, unless that has just failed; it ends by itself anyway.

        That is done through an inverter that is in use, which that of a limit may not be.
        """
        pause, due = self._in_vain.get(old.key, (_TIDY_AGAIN_SECONDS, 0.0))
        now = self._clock.monotonic()
        if now < due:
            return
        try:
            await self._remote.delete(serial, old.key, old.site_id, now + _TIDY_SECONDS)
        except (AccessError, RequestError, OutcomeUnknownError) as error:
            # What else is to go may go.
            _LOG.debug("%s of %s cannot be deleted: %s.", old.key, old.serial, error)
            longer = min(2 * pause, _LONGEST_TIDY_AGAIN_SECONDS)
            self._in_vain[old.key] = longer, self._clock.monotonic() + pause
        else:
            self._in_vain.pop(old.key, None)
            self._outcomes.over(old, "Replaced by a later command.")

    def _may_go(self, old: Own, lists: Lists) -> bool:
        """Whether it is cancelled, or what replaces it is there and has its turn."""
        now, ours = self._clock.now(), self._book.own
        goes = goes_from(old, ours)
        if goes is None or now < goes or not (old.key and old.is_made):
            return False
        first = (new for new in successors(old, ours) if goes_from(old, (new,)) == goes)
        return old.cancelled is not None or any(self._is_there(new, lists) for new in first)

    def _is_there(self, new: Own, lists: Lists) -> bool:
        """Whether something that was made is listed; if the list is late, its id is trusted."""
        age = self._clock.now() - new.created
        is_late = _LISTED_AFTER <= age < _SURELY_LISTED_AFTER
        return lists.has(new) or (is_late and lists.why_not(new) is None)

    def _made_way(self, new: Own) -> list[Own]:
        """Return what is gone for something that was not made: the add-on was stopped just then.

        That is finished only while the command still waits for its answer.
        """
        now, lists = self._clock.now(), self._remote.listed(new.serial)
        if (
            new.is_made
            or new.is_answered
            or not _UNMADE_AFTER <= now - new.created < _FINISH_WITHIN
        ):
            return []
        return [
            old
            for old in self._book.own
            if old.is_there
            and goes_from(old, self._book.own) is None
            and old.overlaps(new)
            and now - old.created >= _LISTED_AFTER
            and lists.would_have(old)
            and not lists.has(old)
        ]

    async def _finish_change(self, new: Own, gone: Iterable[Own]) -> None:
        """Create what others have made way for; or else bring them back."""
        until = self._clock.monotonic() + _TIDY_SECONDS
        try:
            key = await self._maker.create(new, until)
        except RequestError:
            for old in gone:
                await self._maker.restore(old, until)
        except OutcomeUnknownError as error:
            self._outcomes.not_made(new, error)  # a second try could be one too many
            reason = "Redback's cloud does not answer. It is not known whether this was done."
            self._outcomes.answers.about(new, "failed", reason)
            raise
        else:
            for old in gone:
                self._outcomes.over(old, "Replaced by a later command.")
            self._outcomes.made(new, key)

    def _miss(self, one: Own, lists: Lists) -> None:
        """Note that something is gone that two lists do not have: somebody else deleted it."""
        now = self._clock.now()
        is_new = now - one.created < _SURELY_LISTED_AFTER
        # It may have made way for something of which it is not known yet whether it was made.
        may_come_back = any(not other.is_made and other.overlaps(one) for other in self._book.own)
        goes = goes_from(one, self._book.own)
        is_replaced = goes is not None and goes <= now
        is_listed, why_not = lists.has(one), lists.why_not(one)
        if is_listed or is_replaced or is_new or may_come_back:
            self._missing.pop(one.key, None)
            if is_listed and one.is_missing and not is_replaced:
                self._outcomes.back(one)
        elif one.is_missing and why_not is None:
            pass  # it has been answered
        elif one.key not in self._missing:
            self._missing[one.key] = now
        elif one.end > now and now - self._missing[one.key] >= _MISSES_APART:
            del self._missing[one.key]
            if why_not is None:
                self._outcomes.missing(one)
            else:
                self._outcomes.over(one, why_not)

    def _settle(self, one: Own, lists: Lists) -> None:
        """Find out whether something was made of which that is not known."""
        found = self._found(one, lists)
        if found is not None and one.cancelled is not None:
            self._book.change((one,), (structs.replace(one, key=found, is_made=True),))
        elif found is not None:
            self._outcomes.made(one, found)
        elif lists.would_have(one):
            since = max(one.created, one.cancelled or one.created)
            if self._clock.now() - since >= _SOON_FOR / 2:
                self._outcomes.give_up_on(one, lists.why_not(one))

    def _found(self, one: Own, lists: Lists) -> str | None:
        if one.site_id:
            return one.key if lists.has(one) else None
        like, ours = schedule_of(one), {other.key for other in self._book.own}
        listed: Iterable[str] = (
            schedule.schedule_id
            for schedule in ([] if lists.schedules is None else lists.schedules.once)
            if schedule.is_like(like) and schedule.schedule_id not in ours
        )
        return next(iter(listed), None)
