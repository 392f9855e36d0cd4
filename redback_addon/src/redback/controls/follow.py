"""Finds out whether inverters follow commands, and reports it if they do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from msgspec import structs

from ..clock import Clock
from ..inverters.registry import Registry
from ..polling.account import Account
from ..problems import Kind, Problems
from ..sensors.table import MODE
from .answers import clock_time
from .book import Own, goes_from
from .command import MODES
from .outcomes import Outcomes
from .turns import Turns

_FOLLOWS_WITHIN = timedelta(minutes=5)
_LOOK_SECONDS = 10.0
# What a meter may be wrong by, and what flows while the inverter adjusts.
_TOLERANCE_W = 200
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
    """What an inverter is to do, through however many commands that say the same.

    Attributes:
        what: the mode, or the limit of the export in W.
        begun: when this began to be awaited.
        other: since when the readings say something else, all of them; None = they do not.
        judged: the time of the last reading that said so for too long; None = none yet.
    """

    what: str | int
    begun: datetime
    other: datetime | None = None
    judged: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Reported:
    """What readings say instead of what is wanted; empty if they say that."""

    at: datetime
    instead: str


class Follow:
    """Compares what is ours and runs with what the inverter reports.

    Of a schedule only the mode counts: a battery that is full or empty follows all the same. Of a
    limit, what flows to the grid. A mode that is not known, or a flow that is not, says nothing.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        outcomes: Outcomes,
        registry: Registry,
        problems: Problems,
        turns: Turns,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._outcomes = outcomes
        self._registry = registry
        self._problems = problems
        self._turns = turns
        self._clock = clock
        # By the serial number, and whether it is about a limit.
        self._awaited: dict[tuple[str, bool], _Awaited] = {}

    async def run(self) -> NoReturn:
        """Compare, until cancelled."""
        while True:
            ours = {(one.serial, bool(one.site_id)) for one in self._outcomes.book.own}
            for serial, is_limit in ours | self._awaited.keys():
                if serial not in self._registry.names:
                    self._awaited.pop((serial, is_limit), None)
                elif not self._turns.is_taken(serial, with_limits=is_limit):
                    self._look(serial, is_limit=is_limit)  # or else it may be replaced right now
            await self._clock.sleep(_LOOK_SECONDS)

    def _look(self, serial: str, *, is_limit: bool) -> None:
        key, kind = (serial, is_limit), Kind.LIMIT if is_limit else Kind.FOLLOW
        one, awaited = self._running(serial, is_limit=is_limit), self._awaited.get(key)
        if one is None or awaited is None or awaited.what != _wanted(one):
            self._problems.drop(kind, serial)
            self._awaited.pop(key, None)
        if one is None:
            return
        # After a start of the add-on, the inverter has its minutes again, unless it had none left.
        doubted = one.start if one.is_doubted else None
        new = _Awaited(_wanted(one), self._clock.now(), doubted, doubted)
        awaited = self._awaited.setdefault(key, new)
        reported = self._flow(one) if is_limit else self._mode(one)
        if reported is None:
            if awaited.judged is None:
                awaited.other = None
        elif not reported.instead:
            awaited.other = None
            self._problems.clear(kind, serial)
        else:
            awaited.other = awaited.other or max(reported.at, awaited.begun)
            if reported.at - awaited.other >= _FOLLOWS_WITHIN:
                self._doubt(one, awaited, reported)

    def _running(self, serial: str, *, is_limit: bool) -> Own | None:
        """Return what is ours that an inverter should follow; the newest of several."""
        now, ours = self._clock.now(), self._outcomes.book.own
        running = [
            one
            for one in ours
            if one.serial == serial
            and ("max_export" in one.limits if is_limit else not one.site_id)
            and one.is_there
            and one.start <= now < min(one.end, goes_from(one, ours) or one.end)
        ]
        return max(running, key=lambda one: one.created, default=None)

    def _mode(self, one: Own) -> _Reported | None:
        """Return whether the inverter reports the mode of a schedule; None if that is not known."""
        reading, wanted = self._registry.reading(one.serial), MODES[one.action]
        if reading is None or not reading.is_live or reading.mode is None:
            return None
        reported = _REPORTED.get(reading.mode.strip().casefold())
        if reported is None:
            return None
        instead = f"it reports {reading.mode} instead of {wanted}" if reported != wanted else ""
        return _Reported(reading.dynamic.timestamp, instead)

    def _flow(self, one: Own) -> _Reported | None:
        """Return whether more flows to the grid than a limit allows; None if that is not known.

        Redback does not say whether each inverter of a site reports the flow of all of them. The
        lower of both sums is what flows at least. Of one that is not in use nothing is known.
        """
        for account in self._accounts:
            here = {each.serial for each in account.inverters if each.site_id == one.site_id}
            if not here <= {*self._registry.names, *account.gone}:
                return None
        exports, times = [], []
        for serial in self._registry.names:
            if self._registry.details(serial).site_id != one.site_id:
                continue
            reading = self._registry.reading(serial)
            if reading is None or not reading.is_live or reading.grid_kw is None:
                return None
            exports.append(round(-1000 * reading.grid_kw))
            times.append(reading.dynamic.timestamp)
        if not times:
            return None
        least, limit = min(sum(exports), max(exports)), one.limits["max_export"]
        is_more = least > limit + _TOLERANCE_W
        instead = f"{least:,} W flow to the grid instead of at most {limit:,} W" if is_more else ""
        return _Reported(min(times), instead)

    def _doubt(self, one: Own, awaited: _Awaited, reported: _Reported) -> None:
        is_first = awaited.judged is None
        if awaited.judged != reported.at:
            awaited.judged = reported.at
            kind = Kind.LIMIT if one.site_id else Kind.FOLLOW
            self._problems.raise_(kind, one.serial, reported.instead)
        if is_first:
            book, answers = self._outcomes.book, self._outcomes.answers
            book.change((one,), (structs.replace(one, is_doubted=True),))
            reason = (
                f"The inverter does not follow: {reported.instead}."
                f" The command ends at {clock_time(one.end)} by itself."
            )
            answers.about(one, "failed", reason)


def _wanted(one: Own) -> str | int:
    return one.limits["max_export"] if one.site_id else MODES[one.action]
