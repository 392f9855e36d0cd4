"""Takes commands from all doors, one after the other for each inverter, and answers them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from ..clock import Clock
from ..inverters.registry import Registry
from ..polling.account import Account
from ..problems import Problems
from .answers import Answers
from .book import Answer, Book, Own, goes_from
from .cloud_clock import CloudClock
from .command import DELETE, Command, RefusedError, parse
from .executor import LEAST_SECONDS, TOO_LATE, Executor
from .follow import Follow
from .limits import check, find
from .maker import Maker
from .outcomes import Outcomes
from .remote import Remote
from .timeline import Entry, timeline
from .turns import Turns
from .watch import Watch

# From a command to its answer.
_ANSWER_SECONDS = 43.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: Command
    serial: str
    since: float  # monotonic seconds


# What is about an inverter's schedules waits in one line, and what is about its site's limits in
# that of the site: a serial number or the id of a site, and whether it is about limits.
_Line = tuple[str, bool]


class Controls:
    """Takes commands, and gives each exactly one answer, and another when what it started ends.

    Attributes:
        clock: the cloud's time, which all that is here goes by.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        registry: Registry,
        problems: Problems,
        clock: Clock,
        book: Book,
    ) -> None:
        self._registry = registry
        self.clock = self._clock = clock = CloudClock(accounts, clock)
        self._book = book
        self._answers = Answers(book, registry, clock)
        self._turns = Turns(book, registry, clock)
        outcomes = Outcomes(book, self._answers, clock)
        maker = Maker(Remote(accounts, registry, clock), outcomes, registry, clock)
        self._watch = Watch(maker, outcomes, registry, problems, self._turns, clock)
        self._follow = Follow(accounts, outcomes, registry, problems, self._turns, clock)
        self._executor = Executor(maker, self._watch, outcomes, registry, self._turns, clock)
        self._waiting: dict[_Line, _Waiting] = {}
        self._working: set[_Line] = set()
        self._taken: asyncio.Queue[tuple[_Line, _Waiting]] = asyncio.Queue()

    def listen(self, heard: Callable[[Answer], None]) -> None:
        """Call this with each answer from now on, whichever door the command came through."""
        self._answers.listen(heard)

    @property
    def record(self) -> Sequence[Answer]:
        """The last 100 answers, the oldest first."""
        return self._book.record

    def timeline(self, serial: str) -> Sequence[Entry]:
        """Return what runs and comes for an inverter in use, sorted by its start."""
        details, now = self._registry.details(serial), self._clock.now()
        return timeline(serial, details, self._book.own, now)

    def own(self, serial: str) -> Sequence[Own]:
        """Return what the add-on has, or may have, in the cloud for an inverter."""
        ours = self._book.own
        return [
            one
            for one in ours
            if one.serial == serial and not one.is_missing and goes_from(one, ours) is None
        ]

    def take(self, data: object, by: str, at: str | None = None) -> None:
        """Take a command from a door: it is refused at once, or carried out within seconds.

        `by` is the door: automation, panel or mqtt. A command that comes to one inverter, `at`, and
        names none is for that one.
        """
        serial, fields = at, data if isinstance(data, Mapping) else {}
        try:
            command = parse(data, by, self._clock.now())
            serial = find(self._registry, command.inverter or at or "")
            check(command, serial, self._registry)
        except RefusedError as error:
            self._answers.refuse(fields, by, serial, str(error))
            return
        waiting = _Waiting(command, serial, self._clock.monotonic())
        line = self._line(command, serial)
        self._refuse(line, "Refused: a later command came first.")
        self._waiting[line] = waiting
        self._taken.put_nowait((line, waiting))

    def refuse(self, why: str, by: str, at: str) -> None:
        """Answer what came to an inverter and is no command."""
        self._answers.refuse({}, by, at, why)

    async def delete(self, serial: str, key: str, by: str) -> Answer:
        """Delete one schedule or envelope of the timeline, by its key, because a person wants that.

        It is answered and recorded as a command with the action delete; the energy network's stay.
        """
        command = Command(action=DELETE, by=by, start=self._clock.now(), inverter=serial)
        if serial not in self._registry.names:
            why = f"Refused: there is no inverter {serial}."
            return self._answers.reply(command, serial, "refused", why)
        until = self._clock.monotonic() + _ANSWER_SECONDS
        async with self._turns.taken(serial, with_limits=True):
            answer = await self._executor.delete(command, serial, key, until)
        self._watch.urge(serial, with_limits=True)
        return answer

    async def run(self) -> NoReturn:
        """Carry out commands, and watch over what runs, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch.run())
                tasks.create_task(self._follow.run())
                while True:
                    line, waiting = await self._taken.get()
                    tasks.create_task(self._give_up(line, waiting))
                    if line not in self._working:
                        self._working.add(line)
                        tasks.create_task(self._work(line))
        finally:
            for line in [*self._waiting]:  # the record at least has that answer
                self._refuse(line, "Refused: the add-on was stopped.")
        raise AssertionError

    def _line(self, command: Command, serial: str) -> _Line:
        site = self._registry.details(serial).site_id if command.is_limit else None
        return (site or serial, command.is_limit)

    def _refuse(self, line: _Line, why: str) -> None:
        """Refuse what waits in a line, if anything does."""
        if (waiting := self._waiting.pop(line, None)) is not None:
            self._answers.reply(waiting.command, waiting.serial, "refused", why)

    async def _give_up(self, line: _Line, waiting: _Waiting) -> None:
        """Refuse a command that has waited for too long."""
        await self._clock.sleep(_ANSWER_SECONDS - LEAST_SECONDS)
        if self._waiting.get(line) is waiting:
            self._refuse(line, TOO_LATE)

    async def _work(self, line: _Line) -> None:
        _, with_limits = line
        try:
            while (waiting := self._waiting.get(line)) is not None:
                serial = waiting.serial
                async with self._turns.taken(serial, with_limits=with_limits):
                    waiting = self._waiting.get(line)
                    # Meanwhile one may have come to another inverter of the site, or none is left.
                    if waiting is not None and waiting.serial == serial:
                        del self._waiting[line]
                        until = waiting.since + _ANSWER_SECONDS
                        await self._executor.carry_out(waiting.command, serial, until)
                self._watch.urge(serial, with_limits=with_limits)
        finally:
            self._working.discard(line)
