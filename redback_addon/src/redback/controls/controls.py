"""Carries out commands in the cloud, one at a time for each inverter, and watches over what runs.

Everything that is started has an end in the cloud itself. A new schedule is created before the old
one is deleted, and both are in the book before anything is written: whenever the add-on is killed,
the next start finishes what it was told, and starts nothing else.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NoReturn, TypeVar

from msgspec import structs

from ..clock import Clock, wait
from ..cloud import (
    CloudError,
    ControlsApi,
    Envelope,
    OutcomeUnknownError,
    RequestError,
    Schedule,
    Schedules,
    ThrottledError,
    TransientError,
)
from ..inverters.registry import Registry
from ..polling.throttle import Throttle
from .answers import Answers, clock_time, sentence
from .book import Answer, Book, Own
from .command import MODES, Command, RefusedError, parse
from .limits import check, find, has_schedules

_LOG = logging.getLogger(__name__)
NOTES = "Home Assistant"
# From a command to its answer.
_ANSWER_SECONDS = 43.0
_LEAST_SECONDS = 10.0
# Enough to delete the old one, create the new one, and if that fails the old one again.
_MAKE_WAY_SECONDS = 25.0
_STEP_SECONDS = 8.0
_APART_SECONDS = 10.0
# The lists are seconds late.
_LISTED_AFTER = timedelta(seconds=30)
_TIDY_SECONDS = 12.0
# What has been in the cloud for this long is in the lists, or is gone.
_SURELY_LISTED_AFTER = timedelta(seconds=60)
_SOON_FOR = timedelta(minutes=2)
_SILENT = "Redback's cloud does not answer."
_TOO_LATE = "Refused: an earlier command took too long."
_WAIT = "Redback's cloud asks to wait."
_READ_SECONDS = 5 * 60.0
_READ_SOON_SECONDS = 3.0
_READ_AGAIN_SECONDS = 60.0
# With many inverters each is read less often.
_READ_SECONDS_EACH = 5.0
# A second command with an end that differs by less asks for the same.
_SAME = timedelta(minutes=1)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: Command
    since: float  # monotonic seconds


class Controls:
    """Takes commands, and gives each exactly one answer, and another when what it started ends.

    `tell` gets the answers.
    """

    def __init__(
        self,
        api: ControlsApi,
        throttle: Throttle,
        registry: Registry,
        clock: Clock,
        book: Book,
        tell: Callable[[Answer], None],
    ) -> None:
        self._api = api
        self._throttle = throttle
        self._registry = registry
        self._clock = clock
        self._book = book
        self._answers = Answers(book, registry, clock, tell)
        self._waiting: dict[str, _Waiting] = {}
        self._working: set[str] = set()
        self._free_from: dict[str, float] = {}
        # When the lists of each inverter are due, in monotonic seconds.
        self._due: dict[str, float] = {}
        # The keys of what is made, but was not in the last list.
        self._missing: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._taken: asyncio.Queue[tuple[str, _Waiting]] = asyncio.Queue()
        self._changed = asyncio.Event()

    def take(self, data: object, by: str) -> None:
        """Take a command from a door: it is refused at once, or carried out within seconds."""
        serial, fields = None, data if isinstance(data, Mapping) else {}
        try:
            command = parse(data, by, self._clock.now())
            serial = find(self._registry, command.inverter)
            check(command, serial, self._registry)
        except RefusedError as error:
            self._answers.refuse(fields, by, serial, str(error))
            return
        if (before := self._waiting.pop(serial, None)) is not None:
            self._answers.reply(
                before.command, serial, "refused", "Refused: a later command came first."
            )
        waiting = self._waiting[serial] = _Waiting(command, self._clock.monotonic())
        self._taken.put_nowait((serial, waiting))

    async def run(self) -> NoReturn:
        """Carry out commands, and read what is scheduled, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_reading())
            while True:
                serial, waiting = await self._taken.get()
                tasks.create_task(self._give_up(serial, waiting))
                if serial not in self._working:
                    self._working.add(serial)
                    tasks.create_task(self._work(serial))
        raise AssertionError

    # Commands

    async def _give_up(self, serial: str, waiting: _Waiting) -> None:
        """Refuse a command that has waited for too long."""
        await self._clock.sleep(_ANSWER_SECONDS - _LEAST_SECONDS)
        if self._waiting.get(serial) is waiting:
            self._waiting.pop(serial)
            self._answers.reply(waiting.command, serial, "refused", _TOO_LATE)

    async def _work(self, serial: str) -> None:
        try:
            while serial in self._waiting:
                busy = self._free_from.get(serial, 0.0) - self._clock.monotonic()
                if busy > 0:
                    await self._clock.sleep(busy)
                async with self._locks[serial]:
                    waiting = self._waiting.pop(serial, None)
                    if waiting is not None:
                        until = waiting.since + _ANSWER_SECONDS
                        await self._carry_out(waiting.command, serial, until)
                self._due[serial] = self._clock.monotonic() + _READ_SOON_SECONDS
                self._changed.set()
        finally:
            self._working.discard(serial)

    async def _carry_out(self, command: Command, serial: str, until: float) -> None:
        if self._throttle.is_closed:
            self._answers.reply(command, serial, "failed", f"{_WAIT} {self._unchanged(serial)}")
        elif until - self._clock.monotonic() < _LEAST_SECONDS:
            self._answers.reply(command, serial, "refused", _TOO_LATE)
        elif command.end is None:
            await self._end(command, serial, until)
        elif command.end <= self._clock.now():
            self._answers.reply(command, serial, "refused", "Refused: the end is in the past.")
        else:
            await self._start(command, command.end, serial, until)

    async def _start(self, command: Command, end: datetime, serial: str, until: float) -> None:
        new = self._planned(command, end, serial)
        others = [one for one in self._book.own if one.replaced is None and one.overlaps(new)]
        for one in others:
            if (
                one.is_made
                and one.is_same(new)
                and one.start <= new.start
                and abs(one.end - end) < _SAME
            ):
                again = structs.replace(one, id=command.id, by=command.by)
                self._answers.about(again, self._begun(one))
                return
        self._book.change((), (new,))
        try:
            made = await self._create(new, until)
        except RequestError as error:
            # Some clouds may take no second one at the same time.
            if others and self._can_make_way(others, new, until):
                await self._change_over(command, new, others, until)
            else:
                self._keep_if_unknown(new, error)
                self._failed(command, serial, error)
        except CloudError as error:
            self._keep_if_unknown(new, error)
            self._failed(command, serial, error)
        else:
            self._made(new, made)
        self._free_from[serial] = self._clock.monotonic() + _APART_SECONDS

    def _can_make_way(self, others: Iterable[Own], new: Own, until: float) -> bool:
        now = self._clock.now()
        return until - self._clock.monotonic() >= _MAKE_WAY_SECONDS and all(
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
                await self._delete(one, until - 2 * _STEP_SECONDS)
                gone.append(one)
            made = await self._create(new, until - _STEP_SECONDS)
        except CloudError as error:
            self._keep_if_unknown(new, error)
            is_unknown = isinstance(error, OutcomeUnknownError) and tried == gone
            for one in gone:
                if is_unknown:  # a second one could be too many
                    self._over(one, "Replaced by a later command, which failed.")
                else:
                    await self._restore(one, until)
            self._failed(command, new.serial, error, "What ran before may have ended.", tried)
        else:
            for one in gone:
                self._over(one, "Replaced by a later command.")
            self._made(new, made)

    async def _restore(self, old: Own, until: float) -> None:
        """Create what was deleted again, for the rest of its time."""
        now = self._clock.now()
        start = max(old.start, now.replace(microsecond=0))
        key = self._event_id(old.serial, start, now) if old.site_id else ""
        again = structs.replace(old, start=start, created=now, key=key, is_made=False)
        if not self._is_ours(old) or old.end <= now:
            return
        self._book.change((old,), (again,))
        try:
            made = await self._create(again, until)
        except OutcomeUnknownError:
            return  # the list will say
        except CloudError:
            self._over(again, "Replaced by a later command, which failed.")
        else:
            self._book.change((again,), (structs.replace(again, key=made, is_made=True),))

    def _keep_if_unknown(self, new: Own, error: CloudError) -> None:
        """Keep what may have been made, until the list says so."""
        is_unknown = isinstance(error, OutcomeUnknownError)
        self._book.change((new,), (structs.replace(new, is_answered=True),) if is_unknown else ())

    def _planned(self, command: Command, end: datetime, serial: str) -> Own:
        start = command.start.replace(microsecond=0)
        site = self._registry.details(serial).site_id or ""
        is_limit = command.mode is None
        # Later than all others, whatever the wall clock does.
        after = [one.created + timedelta.resolution for one in self._book.own]
        now = max([self._clock.now(), *after])
        return Own(
            serial=serial,
            action=command.action,
            power=command.power,
            limits=dict(command.limits),
            start=start,
            end=end.replace(microsecond=0),
            created=now,
            key=self._event_id(serial, start, now) if is_limit else "",
            site_id=site if is_limit else "",
            id=command.id,
            by=command.by,
        )

    def _event_id(self, serial: str, start: datetime, created: datetime) -> str:
        """Return one that no envelope of ours has: all with the same are deleted at once."""
        base = f"ha-{serial[:80]}-{start:%Y%m%dT%H%M%SZ}-{created:%H%M%S}"
        taken = {one.key for one in self._book.own}
        more = (f"{base}-{number}" for number in count(2))
        return base if base not in taken else next(one for one in more if one not in taken)

    async def _create(self, new: Own, until: float) -> str:
        left = self._left
        if new.site_id:
            envelope = _envelope(new)
            await self._ask(lambda: self._api.create_envelope(new.site_id, envelope, left(until)))
            return new.key
        schedule, known = _schedule(new), {one.key for one in self._book.own if one.key}
        return await self._ask(
            lambda: self._api.create_schedule(new.serial, schedule, left(until), known=known)
        )

    async def _delete(self, old: Own, until: float) -> None:
        left = self._left
        if old.site_id:
            await self._ask(lambda: self._api.delete_envelope(old.site_id, old.key, left(until)))
        else:
            await self._ask(lambda: self._api.delete_schedule(old.serial, old.key, left(until)))

    def _left(self, until: float) -> float:
        return max(0.0, until - self._clock.monotonic())

    async def _ask(self, question: Callable[[], _T]) -> _T:
        """Ask now, or not at all."""
        if self._throttle.is_closed:
            raise ThrottledError("it asked to wait", method="", url="")
        return await self._throttle.ask(question)

    def _is_ours(self, one: Own) -> bool:
        return any(one is other for other in self._book.own)

    def _made(self, new: Own, key: str) -> None:
        """Note that the cloud has it, and that others of ours have to go."""
        now = self._clock.now()
        others = [
            one for one in self._book.own if one is not new and one.is_made and one.overlaps(new)
        ]
        # One of which it was not known whether it was made may be overtaken when that is known.
        is_old = any(one.replaced is None and one.created > new.created for one in others)
        made = structs.replace(
            new, key=key, is_made=True, is_answered=True, replaced=now if is_old else None
        )
        old = [one for one in others if one.created <= new.created]
        replaced = [structs.replace(one, replaced=one.replaced or now) for one in old]
        self._book.change((new, *old), (*replaced, made))
        _LOG.info("%s: %s", self._answers.name(made.serial), sentence(made, now))
        if not new.is_answered:
            self._answers.about(made, self._begun(made))

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
                await self._read(serial, self._ask)
            except CloudError as error:
                failure = error
        now = self._clock.now()
        mine = ours()
        for one in mine:
            if not one.key:
                # It may be in the cloud already: it goes as soon as it shows up.
                kept = structs.replace(one, replaced=one.replaced or now, is_answered=True)
                self._book.change((one,), (kept,))
                if not one.is_answered:
                    reason = "Cancelled before Redback's cloud was known to have this."
                    self._answers.about(one, "failed", reason)
                continue
            self._free_from[serial] = self._clock.monotonic() + _APART_SECONDS
            try:
                await self._delete(one, until)
            except CloudError as error:
                failure = error
                left.append(one)
            else:
                self._over(one, "Cancelled by a command.")
        if failure is not None:
            what = " ".join(f"Still there: {sentence(one, now)}" for one in left)
            self._failed(command, serial, failure, what, mine)
        else:
            _LOG.info(
                "%s: Back to auto." if not are_limits else "%s: No limit.",
                self._answers.name(serial),
            )
            self._answers.reply(command, serial, "ended")

    # What is in the cloud

    async def _keep_reading(self) -> NoReturn:
        while True:
            now = self._clock.monotonic()
            names = self._registry.names
            self._due = {serial: self._due.get(serial, now) for serial in names}
            for serial in [one for one, due in self._due.items() if due <= now]:
                if self._throttle.closed_s > 0:
                    break
                await self._tend(serial)
                self._due[serial] = self._clock.monotonic() + self._pause(serial)
            self._finish()
            self._changed.clear()
            await wait(self._clock, self._idle(), self._changed)

    def _pause(self, serial: str) -> float:
        now = self._clock.now()
        pause = max(_READ_SECONDS, _READ_SECONDS_EACH * len(self._due))
        for one in self._book.own:
            if one.serial == serial and (one.replaced is not None or not one.is_made):
                since = one.created if one.replaced is None else self._goes_from(one)
                if since > now:
                    pause = min(pause, (since - now).total_seconds())
                else:
                    is_soon = now - since < _SOON_FOR
                    pause = min(pause, _READ_SOON_SECONDS if is_soon else _READ_AGAIN_SECONDS)
        return pause

    def _goes_from(self, old: Own) -> datetime:
        """Return from when it may go: what runs stays until what replaces it begins."""
        replaced = old.replaced or old.created
        if old.start > replaced:
            return replaced
        return max([replaced, *(one.start for one in self._replacing(old))])

    def _replacing(self, old: Own) -> list[Own]:
        return [one for one in self._book.own if one.replaced is None and one.overlaps(old)]

    def _idle(self) -> float:
        """Return the seconds until something is to be done."""
        now, at = self._clock.now(), self._clock.monotonic()
        dues = [due - at for due in self._due.values()]
        ends = [(one.end - now).total_seconds() for one in self._book.own if one.is_made]
        return max(0.0, min([_APART_SECONDS, *dues, *ends]))

    def _finish(self) -> None:
        """Note what has come to its end."""
        now = self._clock.now()
        for one in self._book.own:
            if one.end > now:
                continue
            if one.is_made:
                self._over(one, None)
            elif not self._locks[one.serial].locked():  # or else it is being made right now
                self._give_up_on(one)

    async def _tend(self, serial: str) -> None:
        """Read what is scheduled, and finish what was begun."""
        try:
            await self._read(serial, self._throttle.ask_later)
            if self._locks[serial].locked():
                return  # a command is carried out, which has the right of way
            async with self._locks[serial]:
                for old in [one for one in self._book.own if one.serial == serial]:
                    if old.replaced is not None and self._may_go(old):
                        await self._delete(old, self._clock.monotonic() + _TIDY_SECONDS)
                        self._over(old, "Replaced by a later command.")
        except CloudError as error:
            _LOG.debug("The schedules of %s cannot be read or tidied up: %s.", serial, error)

    def _may_go(self, old: Own) -> bool:
        """Whether what replaces it is listed, or should be by now."""
        now, from_ = self._clock.now(), self._goes_from(old)
        if not old.key or not old.is_made or now < from_:
            return False
        details = self._registry.details(old.serial)
        listed = _keys(details.schedules or Schedules(), details.envelopes)
        is_late = now - (old.replaced or now) >= _LISTED_AFTER
        return is_late or all(one.key in listed for one in self._replacing(old))

    async def _read(self, serial: str, ask: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
        details = self._registry.details(serial)
        schedules, envelopes = Schedules(), ()
        changes: dict[str, Any] = {}
        if has_schedules(details):
            schedules = await ask(lambda: self._api.schedules(serial))
            changes["schedules"] = schedules
        if (site := details.site_id) is not None:
            envelopes = await ask(lambda: self._api.envelopes(site))
            changes["envelopes"] = envelopes
        if serial not in self._registry.names:
            return
        # What has come in the meantime stays.
        self._registry.describe(serial, replace(self._registry.details(serial), **changes))
        if ask == self._throttle.ask_later and self._locks[serial].locked():
            return  # what a command just does is not in these lists
        listed = _keys(schedules, envelopes)
        for one in [one for one in self._book.own if one.serial == serial]:
            if self._is_ours(one) and not one.is_made:
                self._settle(one, schedules, envelopes)
            elif self._is_ours(one) and ("envelopes" if one.site_id else "schedules") in changes:
                self._miss(one, is_listed=one.key in listed)

    def _miss(self, one: Own, *, is_listed: bool) -> None:
        """Note that something is gone that two lists do not have: somebody else deleted it."""
        now = self._clock.now()
        if is_listed or one.replaced is not None or now - one.created < _SURELY_LISTED_AFTER:
            self._missing.discard(one.key)
        elif one.key not in self._missing:
            self._missing.add(one.key)
        elif one.end > now:
            self._missing.discard(one.key)
            self._over(one, "It is not in Redback's cloud any more.")

    def _settle(self, one: Own, schedules: Schedules, envelopes: Iterable[Envelope]) -> None:
        """Find out whether something was made of which that is not known."""
        if one.site_id:
            found = next((e.event_id for e in envelopes if e.event_id == one.key), None)
        else:
            like, ours = _schedule(one), {other.key for other in self._book.own}
            found = next(
                (
                    s.schedule_id
                    for s in schedules.once
                    if s.is_like(like) and s.schedule_id not in ours
                ),
                None,
            )
        if found is not None and one.replaced is not None:
            self._book.change((one,), (structs.replace(one, key=found, is_made=True),))
        elif found is not None:
            self._made(one, found)
        elif self._clock.now() - max(one.created, one.replaced or one.created) >= _SOON_FOR / 2:
            self._give_up_on(one)

    def _give_up_on(self, one: Own) -> None:
        """Forget what was never seen in the cloud."""
        self._book.change((one,))
        if not one.is_answered:
            reason = "The add-on was stopped before it knew this to be done, and it is not listed."
            self._answers.about(one, "failed", reason)

    def _begun(self, one: Own) -> str:
        return "scheduled" if one.start > self._clock.now() + _SAME else "started"

    def _over(self, one: Own, reason: str | None) -> None:
        if not self._is_ours(one):
            return  # it has been answered
        self._book.change((one,))
        self._answers.about(one, "ended", reason)
        self._changed.set()

    def _failed(
        self,
        command: Command,
        serial: str,
        error: CloudError,
        changed: str = "",
        tried: Sequence[Own] = (),
    ) -> None:
        """Answer; `changed` is told instead of that nothing was, if anything was tried before."""
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
        self._answers.reply(command, serial, "failed", reason.strip())

    def _unchanged(self, serial: str) -> str:
        now = self._clock.now()
        own = (one for one in self._book.own if one.serial == serial and one.is_made)
        running = [one.end for one in own if one.start <= now < one.end]
        ends = f"; what runs now ends at {clock_time(max(running))} by itself" if running else ""
        return f"Nothing was changed{ends}."


def _keys(schedules: Schedules, envelopes: Iterable[Envelope]) -> set[str]:
    """Return what is listed, by the ids that `Own` has."""
    return {one.schedule_id for one in schedules.once} | {
        one.event_id for one in envelopes if one.event_id
    }


def _schedule(one: Own) -> Schedule:
    return Schedule(
        schedule_id=one.key,
        start=one.start,
        duration=one.end - one.start,
        mode=MODES[one.action],
        power_w=one.power,
        notes=NOTES,
    )


def _envelope(one: Own) -> Envelope:
    get = one.limits.get
    return Envelope(
        event_id=one.key,
        start=one.start,
        end=one.end,
        max_import_w=get("max_import"),
        max_export_w=get("max_export"),
        max_discharge_w=get("max_discharge"),
        max_charge_w=get("max_charge"),
        max_generation_va=get("max_generation"),
    )
