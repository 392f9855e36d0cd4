"""Compares Core's rows of a counter with the ledger, and works out how to make them agree.

A row of Core's has what the counter showed, and the sum of all energy until then. A row whose state
is what the inverter showed at the end of its hour was seen by Core, and stays. One with another
state, or none at all, is lost: it is written from the ledger, so that its sum continues that of the
row before it. It must lead to the sum of the next row that was seen. If it does not, all sums from
there on are shifted:

- where there is no row before: the first one begins with zero;
- where rows in between were lost: whatever Core counted meanwhile was not what the inverter did;
- where the ledger has a step: Core took the difference between two meters for energy;
- where Core's sum began again near zero: it had lost the rows of five minutes that it goes on from.

Any other difference was somebody's own correction, and stays.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from ..core import Row
from ..ledger import HOUR, RESET_BELOW, How, Known, can_become, floor, step

# Two sums may differ by this, kWh.
TOLERANCE = 0.01
# Core has states that are rounded.
_ROUNDING = 0.002
_NEVER = datetime.min.replace(tzinfo=UTC)


class Why(StrEnum):
    """The reason why Core's sums were wrong."""

    PAST = "past"  # earlier hours go before its first row
    LOST = "lost"  # it did not see some hours
    ANEW = "anew"  # its sum began again
    STEP = "step"  # it took a step between two meters for energy
    UNDONE = "undone"  # somebody takes a shift back


@dataclass(frozen=True, slots=True)
class Shift:
    """An amount to add to all sums of a counter, from the hour of a row on.

    Attributes:
        row: Core's row.
        amount: kWh.
        why: what has made it necessary.
    """

    row: Row
    amount: float
    why: Why

    @property
    def since(self) -> datetime:
        """The full hour, so that Core's hourly rows and those of five minutes move alike."""
        return floor(self.row.start)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Rows and shifts that make Core's rows of a counter agree with the ledger.

    Attributes:
        rows: to be written: those of the hours that Core did not see.
        shifts: to be made before that.
        is_open: whether more is to be written once Core has a row after it.
    """

    rows: Sequence[Row]
    shifts: Sequence[Shift]
    is_open: bool = False


def agree(  # noqa: PLR0913 - all that an hour depends on
    rows: Sequence[Row],
    known: Sequence[Known],
    most_kw: float,
    *,
    kept: Container[datetime],
    undone: Container[datetime],
    shifted: Mapping[datetime, float],
    begun: datetime | None,
    soon: Row | None,
    is_last: bool,
) -> Agreement:
    """Work out what makes Core's rows agree.

    Args:
        rows: Core's hourly rows with state and sum, in order; also those around the hours.
        known: what the ledger knows, in order.
        most_kw: the greatest power that the counter can count.
        kept: starts of hours whose rows are not ours to replace.
        undone: starts of hours from which a shift was taken back by somebody.
        shifted: by how much the sums were shifted before, by hour, kWh.
        begun: rows before this hour are another inverter's, unless the ledger knows them.
        soon: a row of five minutes after all known hours, which is better than none.
        is_last: whether no more rows are expected after those.
    """
    walk = _Walk(most_kw, undone, shifted, begun or _NEVER)
    by_start = {row.start: row for row in rows}
    facts = {fact.start: fact for fact in known}
    for start in sorted(by_start.keys() | facts.keys()):
        row, fact, is_ours = by_start.get(start), facts.get(start), start not in kept
        if row is None:
            walk.lose(facts[start])
        elif fact is None or fact.how is How.UNKNOWN:
            walk.pass_by(row, is_ours=is_ours)  # it stays until more is known
        elif is_right(row, fact, most_kw):
            walk.meet(row, fact, is_ours=is_ours)
        elif is_ours and walk.can_lose(fact):
            walk.lose(fact)
        elif is_ours and walk.can_grow(row, fact):
            walk.grow(row, fact)
        else:
            walk.pass_by(row, is_ours=is_ours)
    if walk.pending and soon is not None and walk.reaches(soon):
        walk.meet(soon, None)
    elif walk.pending and is_last and walk.is_based:
        walk.flush()
    return Agreement(walk.rows, walk.shifts, is_open=bool(walk.pending))


def is_right(row: Row, fact: Known, most_kw: float) -> bool:
    """Whether Core saw what the counter showed at the end of an hour, or knows more."""
    state = row.state or 0.0
    if fact.how is How.INCOMPLETE and can_become(fact.state, state, 1.0, most_kw):
        return True
    return abs(state - fact.state) <= fact.slack + _ROUNDING


def is_held(row: Row, state: float) -> bool:
    """Whether a row may have an older value, which was shown on while nothing was known."""
    return RESET_BELOW * state <= (row.state or 0.0) < state


@dataclass(slots=True)
class _Walk:
    """Goes through the hours in order.

    Attributes:
        most_kw: the greatest power of the counter.
        undone: the hours from which no shift is wanted.
        shifted: by how much the sums were shifted before, by hour, kWh.
        begun: when the rows of another inverter end.
        end: until when it has gone.
        has_begun: whether it has passed any hour.
        state: what the counter showed then, kWh.
        sum: what it had counted until then, kWh.
        fact: what the ledger knows of the hour that ended then.
        ahead: what of that the state does not have yet, as only the power tells of it, kWh.
        is_based: whether the sum is on Core's scale: there was a row.
        raised: by how much all rows from here on are shifted already.
        pending: rows to be written once a row after them is met.
        rows: those that are to be written.
        shifts: those that are to be made.
    """

    most_kw: float
    undone: Container[datetime]
    shifted: Mapping[datetime, float]
    begun: datetime
    end: datetime = _NEVER
    has_begun: bool = False
    state: float = 0.0
    sum: float = 0.0
    ahead: float = 0.0
    fact: Known | None = None
    is_based: bool = False
    raised: float = 0.0
    pending: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)

    def can_lose(self, fact: Known) -> bool:
        """Whether more is known of an hour than Core's row has."""
        return self.has_begun and self.counted(fact) is not None

    def lose(self, fact: Known) -> None:
        """Pass an hour that Core did not see."""
        # Core shows the sum of the very first row as the energy of its hour.
        energy = self._energy(fact) if self.has_begun else fact.flow or 0.0
        # Core's last row may be one reading newer than the ledger.
        self.state = fact.state - min(energy, 0.0)
        self.sum += max(energy, 0.0)
        self.ahead += max(energy, 0.0) if fact.how is How.UNKNOWN else 0.0
        self.fact, self.end, self.has_begun = fact, fact.start + HOUR, True
        self.pending.append(Row(fact.start, state=self.state, sum=self.sum))

    def can_grow(self, row: Row, fact: Known) -> bool:
        """Whether a row that has none before it was not shown the end of its hour."""
        is_behind = can_become(row.state or 0.0, fact.state, 1.0, self.most_kw)
        return not self.has_begun and fact.how is How.READ and is_behind

    def grow(self, row: Row, fact: Known) -> None:
        """Pass a very first row, whose sum goes on until the end of its hour."""
        self.state, self.sum = fact.state, (row.sum or 0.0) + fact.state - (row.state or 0.0)
        self.fact, self.end = fact, row.start + HOUR
        self.has_begun = self.is_based = True
        self.rows.append(Row(row.start, state=self.state, sum=self.sum))

    def pass_by(self, row: Row, *, is_ours: bool) -> None:
        """Pass a row of an hour that the ledger does not know, or that stays as it is."""
        if self.pending and is_ours and is_held(row, self.state) and self.is_based:
            # Core did not see what came before it either: nothing was counted since.
            self.end = row.start + HOUR
            self.pending.append(Row(row.start, state=self.state, sum=self.sum))
            return
        self.meet(row, None)

    def reaches(self, row: Row) -> bool:
        """Whether the counter can have grown to what a row has."""
        hours = max((row.start - self.end) / HOUR, 0.0) + 1.0
        slack = _ROUNDING + (self.fact.slack if self.fact is not None else 0.0)
        return can_become(self.state - slack, row.state or 0.0, hours, self.most_kw)

    def meet(self, row: Row, fact: Known | None, *, is_ours: bool = True) -> None:
        """Meet a row that stays; `fact` is what the ledger knows, if its state is right."""
        state, total = row.state or 0.0, (row.sum or 0.0) + self.raised
        if self.has_begun:
            expected = self.sum + self._grown(row, fact)
            why, amount = self._why(row, fact, expected - total, is_ours=is_ours)
            if why is not None and abs(amount) > TOLERANCE:
                self.shifts.append(Shift(replace(row, sum=total), amount, why))
                self.raised += amount
                total += amount
            self.flush()
        self.state, self.sum, self.ahead, self.fact = state, total, 0.0, fact
        self.end, self.has_begun, self.is_based = row.start + HOUR, True, True

    def flush(self) -> None:
        """Write what is pending."""
        self.rows += self.pending
        self.pending = []

    def counted(self, fact: Known) -> float | None:
        """Return what was counted until the end of a known hour; None = unknown."""
        if self.fact is not None and fact.energy is not None:
            # Core's row may be one reading older or newer than the ledger.
            return fact.energy - (self.state - self.fact.state)
        if self.fact is None and self.end <= self.begun:
            return fact.flow or 0.0  # the last row is another inverter's
        is_same = self.reaches(Row(fact.start, state=fact.state))
        return fact.state - self.state if is_same else fact.flow

    def _energy(self, fact: Known) -> float:
        """Return what was counted until the end of a known hour, as far as anybody can tell."""
        if (counted := self.counted(fact)) is not None:
            return counted
        # A new meter begins with zero.
        hours = max((fact.start - self.end) / HOUR, 0.0) + 1.0
        return fact.state if can_become(0.0, fact.state, hours, self.most_kw) else 0.0

    def _grown(self, row: Row, fact: Known | None) -> float:
        """Return what was counted until a row that stays."""
        state = row.state or 0.0
        if fact is not None:
            return self._energy(fact) + state - fact.state
        if self.reaches(row):
            grown = state - self.state
            return grown - max(min(grown, self.ahead), 0.0)
        # Core's very first row of another counter has what that counted in its hour.
        is_first = not self.is_based and 0 <= (row.sum or 0.0) <= self.most_kw
        return row.sum or 0.0 if is_first else 0.0

    def _why(
        self, row: Row, fact: Known | None, missing: float, *, is_ours: bool
    ) -> tuple[Why | None, float]:
        """Return what has made the difference, and the amount of it; None = a person."""
        if floor(row.start) in self.undone:
            return None, 0.0
        if self.pending:
            return Why.LOST if self.is_based else Why.PAST, missing
        state, grown = row.state or 0.0, self._grown(row, fact)
        if -TOLERANCE <= (row.sum or 0.0) + self.raised <= grown + TOLERANCE:
            return Why.ANEW, missing
        if is_ours and fact is not None:
            return Why.STEP, self._of_step(row, fact, missing, grown)
        # Core wrote it before it knew what came earlier, and the value does not say so.
        fallen = self.state - state if is_ours and is_held(row, self.state) else 0.0
        is_lost = fallen > 0 and abs(missing - fallen) <= TOLERANCE
        return (Why.LOST, missing) if is_lost else (None, 0.0)

    def _of_step(self, row: Row, fact: Known, missing: float, grown: float) -> float:
        """Return how much of a difference is one of two meters that Core took for energy."""
        state, misread = row.state or 0.0, fact.misread
        if self.fact is None and (self.end <= self.begun or not self.reaches(row)):
            # From a meter that the ledger does not know.
            misread = step(self.state, state) - grown
        if misread is None:
            return 0.0
        # A shift in the middle of the hour was for the step that Core had taken until then, and may
        # have taken for energy what the counter seemed to have grown.
        shifted = self.shifted.get(floor(row.start), 0.0)
        leasts = [abs(missing + misread), abs(missing + misread + shifted)]
        if shifted:
            leasts.append(abs(missing + state - self.state - grown))
        if min(leasts) <= grown + TOLERANCE:
            # Made once, Core's database may have been restored; made twice, it was a person.
            return 0.0 if abs(shifted - 2 * missing) <= TOLERANCE else missing
        # The rest is somebody's own correction, perhaps a larger one than the step.
        is_both = not shifted and abs(missing + misread) < abs(missing)
        return -misread if is_both and abs(misread) > self.most_kw else 0.0
