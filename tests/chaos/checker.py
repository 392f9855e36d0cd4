"""Compares what Core has written with what the inverters did.

The comparison is honest without any tolerance beyond the 0.05 kWh, see `truth`. A plan lets nothing
else happen around a reset.

In the end, when the service has had time to fill and to compare, every hour has to be right,
whatever went wrong. After a reset, a counter is believed again once it has gone on growing for some
records; only one which stands still until the end is excused, and even then no energy is taken
away, and none is made up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from chaos.runner import Event
from chaos.system import Counter
from chaos.truth import Truth
from simulator import Fault, Kind, Simulator

TOLERANCE_KWH = 0.05
# What is left over by binary fractions.
_NOTHING_KWH = 1e-6
_HOUR = timedelta(hours=1)
# Troubles no longer than that before an hour are just before it.
_JUST_BEFORE = timedelta(minutes=3)


class Verdict(StrEnum):
    """The result for one hour of one counter."""

    RIGHT = "right"
    EXCUSED = "excused"
    MISSING = "no row"
    NEGATIVE = "negative"
    MADE_UP = "more than the truth"
    STATE_WRONG = "state wrong"
    SUM_WRONG = "sum wrong"
    HOUR_WRONG = "hour wrong"


GOOD = frozenset({Verdict.RIGHT, Verdict.EXCUSED})


@dataclass(frozen=True, slots=True)
class Row:
    """One hour of one counter, which begins at `hour`; energy in kWh.

    It is `clean` if nothing was wrong in it or just before it.
    `state` is what the counter showed at its end. The sums are since the first reading, the true
    one until the counter `showed` that, else until the end of the hour.
    `doubt` is what only the power shows of it since the first reading. It is `open` as long as a
    reset before its end is not believed.
    """

    hour: datetime
    entity: str
    clean: bool
    open: bool
    state: float | None
    showed: bool
    stored_sum: float | None
    true_sum: float
    stored: float | None
    true: float
    doubt: float
    verdict: Verdict


class _Edge(NamedTuple):
    """The sums at the end of an hour, kWh."""

    stored: float
    true: float


@dataclass(frozen=True, slots=True)
class Checker:
    """What is known of a run: what went wrong, the first values, and the whole hours."""

    simulator: Simulator
    events: Sequence[Event]
    first: datetime
    beginning: datetime
    hours: int
    now: datetime

    def rows(
        self, counter: Counter, shown: float, stored: Sequence[Mapping[str, Any]]
    ) -> Iterator[Row]:
        """Check every hour of one counter by what it first showed, kWh, and Core's rows of it."""
        resets = tuple(event.began for event in self.events if _steps(event, counter))
        truth = Truth(counter, self.simulator, resets)
        start = truth.reading(shown, self.first)
        if start is None:
            raise ValueError(f"{counter.entity} first showed {shown}, which is no reading")
        by_hour = {datetime.fromtimestamp(row["start"] / 1000, UTC): row for row in stored}
        believed = [(reset, truth.believed_again(reset, self.now)) for reset in resets]
        bad = [*self._bad(), *believed]
        before = _Edge(0.0, 0.0)
        # The hour before the first one is a part of an hour, and its end is where the first begins.
        for number in range(-1, self.hours):
            hour = self.beginning + number * _HOUR
            end, row = hour + _HOUR, by_hour.get(hour)
            shown_then = None if row is None else truth.energy_at(row["state"], end)
            most = truth.energy(end) - truth.energy(start)
            true = most if shown_then is None else shown_then - truth.energy(start)
            edge = _Edge(
                stored=before.stored if row is None else row["sum"],
                # What has been counted stays counted, whatever old value is shown after a reset.
                true=max(before.true, true),
            )
            checked = Row(
                hour=hour,
                entity=counter.entity,
                clean=not _touch(bad, hour - _JUST_BEFORE, end),
                open=any(since < end and until >= self.now for since, until in believed),
                state=None if row is None else row["state"],
                showed=shown_then is not None,
                stored_sum=None if row is None else edge.stored,
                true_sum=edge.true,
                stored=None if row is None else edge.stored - before.stored,
                true=edge.true - before.true,
                doubt=truth.doubt(start, end),
                verdict=Verdict.RIGHT,
            )
            yield replace(checked, verdict=_verdict(checked, most))
            before = edge

    def _bad(self) -> Iterator[tuple[datetime, datetime]]:
        return ((event.began, event.healed) for event in self.events)


def _verdict(row: Row, most: float) -> Verdict:
    if row.stored is None or row.stored_sum is None:
        return Verdict.MISSING
    tolerance = TOLERANCE_KWH + row.doubt
    wrongs = {
        Verdict.NEGATIVE: row.stored < -_NOTHING_KWH,
        Verdict.MADE_UP: row.stored_sum > max(most, row.true_sum) + tolerance,
        Verdict.STATE_WRONG: not row.open and not row.showed,
        Verdict.SUM_WRONG: not row.open and abs(row.stored_sum - row.true_sum) > tolerance,
        Verdict.HOUR_WRONG: not row.open and abs(row.stored - row.true) > tolerance,
    }
    good = Verdict.EXCUSED if row.open else Verdict.RIGHT
    return next((verdict for verdict, is_so in wrongs.items() if is_so), good)


def _touch(spans: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime) -> bool:
    """Whether one of the spans of time reaches into start to end."""
    return any(began < end and over > start for began, over in spans)


def _steps(event: Event, counter: Counter) -> bool:
    return any(_is_step(fault, counter) for fault in event.trouble.cloud)


def _is_step(fault: Fault, counter: Counter) -> bool:
    return (
        fault.kind in {Kind.COUNTER_RESET, Kind.COUNTER_STEP}
        and fault.serial in {None, counter.inverter.serial}
        and (not fault.fields or counter.field in fault.fields)
    )
