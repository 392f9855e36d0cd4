"""Carries out commands in the cloud, one at a time for each inverter, and watches over what runs.

Everything that is started has an end in the cloud itself. A new schedule is created before the old
one is deleted, and both are in the book before anything is written: whenever the add-on is killed,
the next start finishes what it was told, and starts nothing else.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

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
_APART_SECONDS = 10.0
# The lists are seconds late.
_LISTED_AFTER = timedelta(seconds=30)
_TIDY_SECONDS = 12.0
_SILENT = "Redback's cloud does not answer."
_READ_SECONDS = 5 * 60.0
_READ_SOON_SECONDS = 3.0
# With many inverters each is read less often.
_READ_SECONDS_EACH = 5.0
# A second command with an end that differs by less asks for the same.
_SAME = timedelta(minutes=1)


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
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._arrived = asyncio.Event()
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
        self._waiting[serial] = _Waiting(command, self._clock.monotonic())
        self._arrived.set()

    async def run(self) -> NoReturn:
        """Carry out commands, and read what is scheduled, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_reading())
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                for serial in self._waiting.keys() - self._working:
                    self._working.add(serial)
                    tasks.create_task(self._work(serial))
        raise AssertionError

    # Commands

    async def _work(self, serial: str) -> None:
        try:
            while serial in self._waiting:
                busy = self._free_from.get(serial, 0.0) - self._clock.monotonic()
                if busy > 0:
                    await self._clock.sleep(busy)
                async with self._locks[serial]:
                    waiting = self._waiting.pop(serial)
                    await self._carry_out(waiting.command, serial, waiting.since + _ANSWER_SECONDS)
                self._due[serial] = self._clock.monotonic() + _READ_SOON_SECONDS
                self._changed.set()
        finally:
            self._working.discard(serial)

    async def _carry_out(self, command: Command, serial: str, until: float) -> None:
        if self._throttle.closed_s > 0:
            self._answers.reply(
                command,
                serial,
                "failed",
                f"Redback's cloud asks to wait. {self._unchanged(serial)}",
            )
        elif until - self._clock.monotonic() < _LEAST_SECONDS:
            self._answers.reply(
                command, serial, "refused", "Refused: an earlier command took too long."
            )
        elif command.end is None:
            await self._end(command, serial, until)
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
            if not others or not await self._make_way(others, until):
                self._book.change((new,))
                self._failed(command, serial, error)
                return
            await self._start_alone(command, new, until)
        except CloudError as error:
            self._keep_if_unknown(new, error)
            self._failed(command, serial, error)
        else:
            self._made(new, made)
        self._free_from[serial] = self._clock.monotonic() + _APART_SECONDS

    async def _start_alone(self, command: Command, new: Own, until: float) -> None:
        try:
            self._made(new, await self._create(new, until))
        except CloudError as error:
            self._keep_if_unknown(new, error)
            self._failed(command, new.serial, error)

    def _keep_if_unknown(self, new: Own, error: CloudError) -> None:
        """Keep what may have been made, until the list says so."""
        is_unknown = isinstance(error, OutcomeUnknownError)
        self._book.change((new,), (structs.replace(new, is_answered=True),) if is_unknown else ())

    async def _make_way(self, others: Iterable[Own], until: float) -> bool:
        """Delete what is in the way of a new one; return whether that was possible."""
        try:
            for one in others:
                await self._delete(one, until - self._clock.monotonic())
                self._over(one, "Replaced by a later command.")
        except CloudError:
            return False
        return True

    def _planned(self, command: Command, end: datetime, serial: str) -> Own:
        start = command.start.replace(microsecond=0)
        site = self._registry.details(serial).site_id or ""
        is_limit = command.mode is None
        return Own(
            serial=serial,
            action=command.action,
            power=command.power,
            limits=dict(command.limits),
            start=start,
            end=end.replace(microsecond=0),
            created=self._clock.now(),
            key=f"ha-{serial}-{start:%Y%m%dT%H%M%SZ}" if is_limit else "",
            site_id=site if is_limit else "",
            id=command.id,
            by=command.by,
        )

    async def _create(self, new: Own, until: float) -> str:
        seconds = until - self._clock.monotonic()
        if new.site_id:
            envelope = _envelope(new)
            await self._throttle.ask(
                lambda: self._api.create_envelope(new.site_id, envelope, seconds)
            )
            return new.key
        schedule = _schedule(new)
        return await self._throttle.ask(
            lambda: self._api.create_schedule(new.serial, schedule, seconds)
        )

    async def _delete(self, old: Own, seconds: float) -> None:
        if old.site_id:
            await self._throttle.ask(
                lambda: self._api.delete_envelope(old.site_id, old.key, seconds)
            )
        else:
            await self._throttle.ask(
                lambda: self._api.delete_schedule(old.serial, old.key, seconds)
            )

    def _made(self, new: Own, key: str) -> None:
        """Note that the cloud has it, and that others of ours have to go."""
        made = structs.replace(new, key=key, is_made=True, is_answered=True)
        old = [one for one in self._book.own if one is not new and one.overlaps(new)]
        now = self._clock.now()
        replaced = [structs.replace(one, replaced=one.replaced or now) for one in old]
        self._book.change((new, *old), (*replaced, made))
        _LOG.info("%s: %s", self._answers.name(made.serial), sentence(made))
        if not new.is_answered:
            self._answers.about(made, self._begun(made))

    async def _end(self, command: Command, serial: str, until: float) -> None:
        """Delete everything of ours that is a schedule, or else that is an envelope."""
        are_limits = command.action == "lift_limit"

        def ours() -> list[Own]:
            return [
                one
                for one in self._book.own
                if one.serial == serial and bool(one.site_id) == are_limits
            ]

        try:
            if not all(one.is_made for one in ours()):
                await self._read(serial)
            for one in ours():
                if one.key:
                    self._free_from[serial] = self._clock.monotonic() + _APART_SECONDS
                    await self._delete(one, until - self._clock.monotonic())
                self._over(one, "Cancelled by a command.")
        except CloudError as error:
            self._failed(command, serial, error)
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
                async with self._locks[serial]:
                    await self._tend(serial)
                self._due[serial] = self._clock.monotonic() + self._pause(serial)
            self._finish()
            self._changed.clear()
            await wait(self._clock, self._idle(), self._changed)

    def _pause(self, serial: str) -> float:
        open_ = (one for one in self._book.own if one.serial == serial)
        if any(one.replaced is not None or not one.is_made for one in open_):
            return _READ_SOON_SECONDS
        return max(_READ_SECONDS, _READ_SECONDS_EACH * len(self._due))

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
            if one.is_made and one.end <= now:
                self._over(one, None)

    async def _tend(self, serial: str) -> None:
        """Read what is scheduled, and finish what was begun."""
        try:
            await self._read(serial)
            for old in [one for one in self._book.own if one.serial == serial and one.replaced]:
                if self._may_go(old):
                    await self._delete(old, _TIDY_SECONDS)
                    self._over(old, "Replaced by a later command.")
        except CloudError as error:
            _LOG.debug("The schedules of %s cannot be read or tidied up: %s.", serial, error)

    def _may_go(self, old: Own) -> bool:
        """Whether what replaces it is listed, or should be by now."""
        if not old.key:
            return False
        late = old.replaced is None or self._clock.now() - old.replaced >= _LISTED_AFTER
        details = self._registry.details(old.serial)
        listed = {one.schedule_id for one in (details.schedules or Schedules()).once}
        listed |= {one.event_id or "" for one in details.envelopes}
        new = (one for one in self._book.own if one.replaced is None and one.overlaps(old))
        return late or all(one.key in listed for one in new)

    async def _read(self, serial: str) -> None:
        details = self._registry.details(serial)
        if has_schedules(details):
            schedules = await self._throttle.ask(lambda: self._api.schedules(serial))
            details = replace(self._registry.details(serial), schedules=schedules)
        if (site := details.site_id) is not None:
            envelopes = await self._throttle.ask(lambda: self._api.envelopes(site))
            details = replace(details, envelopes=envelopes)
        if serial not in self._registry.names:
            return
        self._registry.describe(serial, details)
        for one in self._book.own:
            if one.serial == serial and not one.is_made:
                self._settle(one, details.schedules or Schedules(), details.envelopes)

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
        elif self._clock.now() - one.created >= 2 * _LISTED_AFTER:
            self._book.change((one,))
            if not one.is_answered:
                reason = (
                    "The add-on was stopped before Redback's cloud had this. Nothing was changed."
                )
                self._answers.about(one, "failed", reason)

    def _begun(self, one: Own) -> str:
        return "scheduled" if one.start > self._clock.now() + _SAME else "started"

    def _over(self, one: Own, reason: str | None) -> None:
        self._book.change((one,))
        self._answers.about(one, "ended", reason)
        self._changed.set()

    def _failed(self, command: Command, serial: str, error: CloudError) -> None:
        if isinstance(error, OutcomeUnknownError):
            ends = command.end and f" If it was, it ends at {clock_time(command.end)} by itself."
            reason = f"{_SILENT} It is not known whether this was done.{ends or ''}"
        elif isinstance(error, TransientError):
            reason = f"{_SILENT} {self._unchanged(serial)}"
        else:
            reason = f"Redback's cloud refuses this: {error.detail}. {self._unchanged(serial)}"
        _LOG.warning("%s: %s", self._answers.name(serial), reason)
        self._answers.reply(command, serial, "failed", reason)

    def _unchanged(self, serial: str) -> str:
        now = self._clock.now()
        own = (one for one in self._book.own if one.serial == serial and one.is_made)
        running = [one.end for one in own if one.start <= now < one.end]
        ends = f"; what runs now ends at {clock_time(max(running))} by itself" if running else ""
        return f"Nothing was changed{ends}."


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
