"""Finds out whether an inverter follows a command, and reports if it does not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from msgspec import structs

from ..clock import Clock
from ..inverters.registry import Registry
from ..problems import Kind, Problems
from ..sensors.table import MODE
from .answers import clock_time
from .book import Own, goes_from
from .command import MODES
from .outcomes import Outcomes
from .turns import Turns

_FOLLOWS_WITHIN = timedelta(minutes=5)
_LOOK_SECONDS = 10.0
# Other words of the cloud for the same (dossier 4.6); what says nothing is left out.
_SAME = {
    "ForceChargeBattery": "ChargeBattery",
    "ForceDischargeBattery": "DischargeBattery",
    "BuyPower": "ImportPower",
    "SellPower": "ExportPower",
}
_REPORTED = {
    mode.casefold(): _SAME.get(mode, mode) for mode in MODE.options or () if mode != "NoMode"
}


@dataclass(slots=True)
class _Awaited:
    """What an inverter is to do, through however many schedules that say the same.

    Attributes:
        followed: the time of the last reading that said so; before the first one, when this began
            to be awaited, and of what is doubted already, the start.
        judged: the time of the last reading that said something else for too long.
    """

    mode: str
    followed: datetime
    judged: datetime | None = None


class Follow:
    """Compares what is ours and runs with the mode that the inverter reports.

    Only the mode counts: a battery that is full or empty follows all the same. A mode that is not
    known, or none, says nothing.
    """

    def __init__(
        self,
        outcomes: Outcomes,
        registry: Registry,
        problems: Problems,
        turns: Turns,
        clock: Clock,
    ) -> None:
        self._outcomes = outcomes
        self._registry = registry
        self._problems = problems
        self._turns = turns
        self._clock = clock
        self._awaited: dict[str, _Awaited] = {}

    async def run(self) -> NoReturn:
        """Compare, until cancelled."""
        while True:
            for serial in self._registry.names:
                if not self._turns.is_taken((serial,)):  # it may be replaced right now
                    self._look(serial)
            await self._clock.sleep(_LOOK_SECONDS)

    def _look(self, serial: str) -> None:
        one, awaited = self._running(serial), self._awaited.get(serial)
        if one is None or awaited is None or awaited.mode != MODES[one.action]:
            self._problems.drop(Kind.FOLLOW, serial)
            self._awaited.pop(serial, None)
        if one is None:
            return
        # After a start of the add-on, the inverter has its minutes again.
        since = one.start if one.is_doubted else self._clock.now()
        awaited = self._awaited.setdefault(serial, _Awaited(MODES[one.action], since))
        reading = self._registry.reading(serial)
        if reading is None or not reading.is_live or reading.mode is None:
            return
        reported, at = _REPORTED.get(reading.mode.strip().casefold()), reading.dynamic.timestamp
        if reported == awaited.mode:
            awaited.followed = max(awaited.followed, at)
            self._problems.clear(Kind.FOLLOW, serial)
        elif reported is not None and at - awaited.followed >= _FOLLOWS_WITHIN:
            self._doubt(one, awaited, reading.mode, at)

    def _running(self, serial: str) -> Own | None:
        """Return the schedule of ours that the inverter should follow; the newest of several."""
        now, ours = self._clock.now(), self._outcomes.book.own
        running = [
            one
            for one in ours
            if one.serial == serial
            and not one.site_id
            and one.is_made
            and not one.is_missing
            and one.start <= now < min(one.end, goes_from(one, ours) or one.end)
        ]
        return max(running, key=lambda one: one.created, default=None)

    def _doubt(self, one: Own, awaited: _Awaited, reported: str, at: datetime) -> None:
        is_first = awaited.judged is None
        if awaited.judged != at:
            awaited.judged = at
            why = f"it reports {reported} instead of {awaited.mode}"
            self._problems.raise_(Kind.FOLLOW, one.serial, why)
        if is_first and not one.is_doubted:
            book, answers = self._outcomes.book, self._outcomes.answers
            book.change((one,), (structs.replace(one, is_doubted=True),))
            reason = (
                f"The inverter does not follow: it reports {reported} instead of {awaited.mode}."
                f" The command ends at {clock_time(one.end)} by itself."
            )
            answers.about(one, "failed", reason)
