"""Decides which values of a counter are believed, and what was counted between them.

Core adds up what a counter grows. A counter that reads 1001, then once 0, then 1002 would add a
lifetime's energy to one hour. So each value is compared with the last one that was believed:

- The first value is believed once a second one fits it, which may come from the minutes before
  the start (see `warm_up`). A first value of zero, which is what a glitch looks like, is believed
  after half an hour.
- Later values are believed if the counter has grown by no more than the plant can have produced
  or used in the time. After a long time that can be much, so a second value must fit the first.
- The same reading again confirms nothing.
- While the value is missing, the last one stays.
- If it falls or jumps, the last value stays until the new one has grown for some readings, even if
  so much could have flowed by then; after a fall of less than a tenth, which may be a rounding that
  it soon catches up with, also for half an hour, or until it has caught up and the power says that
  this was energy. Then one meter has ended and another one begun: the difference between the two is
  not energy.
- If the former meter's values come back, it was the other one that was wrong. Zeros, which any
  meter's glitch looks like, do not show that before half an hour.

Where a value was missing or in doubt when an hour ended, what the counter showed then is worked out
from the power. Where there were no readings at all for longer, only what it grew until the next one
is known: of that each of the two hours gets as much as it has of that time, and the first one stays
marked as incomplete.
"""

import logging
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Annotated, NamedTuple

import msgspec

from .hours import HOUR, floor

_LOG = logging.getLogger(__name__)

# A counter may be updated a minute or two late.
_SLACK = timedelta(minutes=2)
_SLACK_KWH = 0.1
# Below this share of the last value, Core treats a value as a new counter's.
RESET_BELOW = 0.9
# After a fall or a jump, this many increases make a value believed.
_GROWTHS = 3
# No glitch lasts for this many readings.
_STAYS = 30
# A glitch is a single value: two that fit each other are none.
_CONFIRMED = 2
# After this long without a value, a glitch could pass for energy produced in that time.
_LONG = timedelta(minutes=10)
# A row of Core's may be one reading older or newer than the last one of an hour, and rounded.
_LEAST_STRIDE_KWH = 0.001
# By how much a state that is worked out from the power may be wrong.
BY_POWER_KWH = 0.06
# A counter that an inverter does not have is waited for at no more hours' ends than these.
_CROSSINGS = 72
# How long a former meter may come back.
_FORMER = timedelta(days=1)


def step(before: float, after: float) -> float:
    """Return what Core adds when a counter goes from one value to the next, kWh."""
    return after if after < RESET_BELOW * before else after - before


def can_become(before: float, value: float, hours: float, most_kw: float) -> bool:
    """Whether a counter can have grown to this value in some hours, and has not fallen; kWh."""
    return before <= value <= before + most_kw * (hours + _SLACK / HOUR) + _SLACK_KWH


class Stepped(msgspec.Struct, frozen=True):
    """What an hour with a step has come to so far.

    Attributes:
        energy: what was counted since it began, kWh.
        misread: by how much more Core takes for energy, kWh.
    """

    energy: float
    misread: float


class Believed(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last value of a counter that was believed.

    Attributes:
        value: kWh.
        at: the time of its reading, UTC.
        stepped: the hour of that, if there was a step in it.
    """

    value: Annotated[float, msgspec.Meta(ge=0)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    stepped: Stepped | None = None


class How(IntEnum):
    """How an hour is known; a greater one is better knowledge."""

    UNKNOWN = 0
    INCOMPLETE = 1  # its last readings are missing
    POWER = 2  # worked out from the power
    READ = 3


class HourEnd(NamedTuple):
    """What is known of a counter at the end of an hour.

    Attributes:
        start: of the hour, UTC.
        state: what the inverter showed at its end, kWh; None = unknown.
        energy: what it counted in the hour, kWh; None = as much as the state has grown.
        flow: the same from the power, kWh; None = unknown.
        slack: by how much a row that Core made of the same readings may differ, kWh.
        how: how the state is known.
        misread: by how much more Core takes for energy, kWh; None = there was no step.
    """

    start: datetime
    state: float | None
    energy: float | None = None
    flow: float | None = None
    slack: float = 2 * _LEAST_STRIDE_KWH
    how: How = How.READ
    misread: float | None = None


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A run of values that fit each other, but not what was last believed.

    Attributes:
        first: its first value, kWh.
        since: the time of that.
        flow: what had flowed until then since the believed value, kWh; None = unknown.
        value: its last value, kWh.
        at: the time of that.
        readings: how many there were.
        growths: how often it has grown.
    """

    first: float
    since: datetime
    flow: float | None
    value: float
    at: datetime
    readings: int = 1
    growths: int = 0


@dataclass(frozen=True, slots=True)
class _Crossing:
    """The end of an hour since the last believed value.

    Attributes:
        end: of the hour.
        moment: that, or the time of the last reading before it if none is missing.
        flow: what had flowed until that moment since the believed value, kWh; None = unknown.
        hour_flow: what flowed since that moment of the hour before, kWh; None = unknown.
        doubt: the value in doubt at that time; None = there was none.
    """

    end: datetime
    moment: datetime
    flow: float | None
    hour_flow: float | None
    doubt: _Doubt | None


class Meter:
    """One counter of one inverter.

    Args:
        name: of the counter, for the log.
        believed: the last value that was believed, kWh.

    Attributes:
        believed: the last value that was believed.
        has_stepped: whether that was an accepted reset or jump.
        ended: what the last reading has made known of hours that ended before it.
    """

    def __init__(self, name: str, believed: Believed | None = None) -> None:
        self._name = name
        self.believed = believed
        self.has_stepped = False
        self.ended: list[HourEnd] = []
        self._doubt: _Doubt | None = None
        self._former: tuple[Believed, float] | None = None
        # What has flowed since its last value.
        self._former_flow: float | None = None
        # What was counted until the believed value, since some beginning.
        self._total = 0.0
        # By how much more Core takes for energy in the hour that goes on; None = no step.
        self._misread: float | None = None
        # The last hour's end with a total, what that was, and what the counter showed.
        self._last_end: tuple[datetime, float, float | None] | None = None
        self._crossings: deque[_Crossing] = deque(maxlen=_CROSSINGS)
        # The last reading, whatever its value, and its power.
        self._read_at = None if believed is None else believed.at
        self._power: float | None = None
        # What has flowed since the believed value, or the first reading, and since the hour began.
        self._flow: float | None = 0.0
        self._hour_flow: float | None = None
        if believed is not None and believed.at == floor(believed.at):
            self._last_end = believed.at, self._total, believed.value
            self._hour_flow = 0.0
        elif believed is not None and (stepped := believed.stepped) is not None:
            self._last_end = floor(believed.at), self._total - stepped.energy, None
            self._misread = stepped.misread
        # The longest time between two readings of which none is missing.
        self._fresh = timedelta(seconds=90)
        self._stride = _LEAST_STRIDE_KWH

    def take(
        self,
        value: float | None,
        at: datetime,
        most_kw: float,
        power: float | None = None,
        fresh: timedelta = timedelta(seconds=90),
    ) -> float | None:
        """Take the cloud's value, and return the believed one.

        Args:
            value: kWh; None = the cloud has none.
            at: the time of the reading, UTC.
            most_kw: the greatest power that this counter can count.
            power: what it counts at this time, kW; None = unknown, as is one above most_kw.
            fresh: the longest time between two readings of which none is missing.
        """
        self.has_stepped = False
        self.ended = []
        self._fresh = fresh
        power = None if power is None or power > most_kw else power
        if self._read_at is None or at > self._read_at:
            self._pass_to(at, power)
        elif self._power is None and power is not None and self._read_at - at <= fresh:
            self._hold(power, self._read_at - at)
        if value is not None and value >= 0:
            self._judge(value, at, most_kw)
        return None if self.believed is None else self.believed.value

    def end_hour(self, end: datetime) -> None:
        """Note that there are no more readings before an hour's end."""
        self.ended = []
        if self._read_at is None or end > self._read_at:
            self._pass_to(end, self._power)

    def _judge(self, value: float, at: datetime, most_kw: float) -> None:
        """Believe a value, or begin to doubt."""
        new = Believed(value, at)
        last = self.believed
        if last is None:
            doubt = self._doubted(value, at, most_kw)
            if doubt.readings >= (_CONFIRMED if value > 0 else _STAYS):
                self._accept(doubt, new)
        elif self._fits(last, value, at, most_kw) and not self._is_another(last, new, most_kw):
            if value == last.value or at - last.at <= _LONG:
                self._doubt = None
                self._go_on(last, new)
            else:
                if (run := self._doubt) and not self._fits(last, run.value, run.at, most_kw):
                    self._doubt = None
                if self._doubted(value, at, most_kw).readings >= _CONFIRMED:
                    self._go_on(last, new)
        else:
            doubt = self._doubted(value, at, most_kw)
            if doubt.first < last.value <= value:
                self._begin_anew(last, doubt, new)
                self._former = None  # these values would fit it too
                return
            former = self._former
            if former is not None and self._is_of(former[0], doubt, new, most_kw):
                self._go_back(*former, new)
                return
            is_small = RESET_BELOW * last.value <= value < last.value
            if doubt.growths >= _GROWTHS and (not is_small or doubt.readings >= _STAYS):
                self._begin_anew(last, doubt, new)

    def _is_another(self, last: Believed, new: Believed, most_kw: float) -> bool:
        """Whether a value goes on from those in doubt, although this meter could have come to it.

        A jump was above what can flow when it happened; of the rest the power tells.
        """
        doubt = self._doubt
        if (
            doubt is None
            or abs(doubt.first - last.value) <= _SLACK_KWH
            or self._fits(last, doubt.first, doubt.since, most_kw)
            or not self._fits(Believed(doubt.value, doubt.at), new.value, new.at, most_kw)
        ):
            return False
        if doubt.first > last.value and new.at - doubt.at <= _LONG:
            return True
        flow, lead = self._flow, doubt.flow
        if flow is None or lead is None:
            return False
        same, other = new.value - last.value, lead + new.value - doubt.first
        return abs(other - flow) < abs(same - flow)

    def _begin_anew(self, last: Believed, doubt: _Doubt, new: Believed) -> None:
        """Believe a value of another meter."""
        _LOG.warning(
            "%s went from %.3f to %.3f kWh and continues from there.",
            self._name,
            last.value,
            new.value,
        )
        self.has_stepped = True
        self._former, self._former_flow = (last, self._total), self._flow
        self._accept(doubt, new)

    @staticmethod
    def _fits(before: Believed, value: float, at: datetime, most_kw: float) -> bool:
        hours = max((at - before.at) / HOUR, 0.0)
        return can_become(before.value, value, hours, most_kw)

    def _is_of(self, former: Believed, doubt: _Doubt, new: Believed, most_kw: float) -> bool:
        """Whether values in doubt are the former meter's."""
        is_recent = new.at - former.at <= _FORMER
        is_sure = doubt.readings >= (_CONFIRMED if new.value > 0 else _STAYS)
        return is_recent and is_sure and self._fits(former, new.value, new.at, most_kw)

    def _doubted(self, value: float, at: datetime, most_kw: float) -> _Doubt:
        """Add the value to the run of doubtful ones, or start a new run."""
        doubt = self._doubt
        if doubt is not None and (at, value) == (doubt.at, doubt.value):
            return doubt
        if (
            doubt is None
            or at == doubt.at
            or not self._fits(Believed(doubt.value, doubt.at), value, at, most_kw)
        ):
            doubt = _Doubt(value, at, self._flow, value, at)
        else:
            doubt = replace(
                doubt,
                value=value,
                at=at,
                readings=doubt.readings + 1,
                growths=doubt.growths + (value > doubt.value),
            )
        self._doubt = doubt
        return doubt

    def _go_on(self, last: Believed, new: Believed) -> None:
        """Believe a value of the same meter."""
        grown = new.value - last.value
        for crossing in self._crossings:
            self._end(crossing, *self._between(last, new, crossing))
        if new.at - last.at <= self._fresh:
            self._stride = max(grown, 0.9 * self._stride, _LEAST_STRIDE_KWH)
        self._believe(new, self._total + grown)

    def _between(
        self, last: Believed, new: Believed, crossing: _Crossing
    ) -> tuple[float | None, float | None, How]:
        """Return the state at an hour's end between two values, the total, and how it is known."""
        if (shown := self._shown(crossing)) is not None:
            return shown, self._total + shown - last.value, How.READ
        is_flow_known = crossing.flow is not None and self._flow is not None
        is_incomplete = last.at > crossing.end - HOUR
        if not is_flow_known and not is_incomplete:
            return None, None, How.UNKNOWN
        share = 0.0
        if crossing.flow is not None and self._flow:
            share = crossing.flow / self._flow
        elif is_flow_known or new.at < crossing.end + HOUR:
            # Nobody knows when it grew in a time without readings, so each minute gets as much.
            share = (crossing.moment - last.at) / (new.at - last.at)
        grown = (new.value - last.value) * share
        how = How.POWER if is_flow_known else How.INCOMPLETE
        return last.value + grown, self._total + grown, how

    def _shown(self, crossing: _Crossing) -> float | None:
        """Return what the values now believed were at an hour's end; None = there was none."""
        before, doubt = crossing.doubt, self._doubt
        if before is None or doubt is None or before.since != doubt.since:
            return None
        return before.value

    def _accept(self, doubt: _Doubt, new: Believed) -> None:
        """Believe the values in doubt, as another meter than the one before."""
        last = self.believed
        is_known = doubt.flow is not None
        total = self._total + (doubt.flow or 0.0)
        for crossing in self._crossings:
            shown = self._shown(crossing)
            if shown is not None:
                if not is_known:
                    self._last_end, is_known = None, True
                self._end(crossing, shown, total + shown - doubt.first, How.READ)
            elif last is not None:
                self._end(crossing, *self._after(last, crossing))
            elif crossing.flow is not None and doubt.flow is not None:
                left = doubt.flow - crossing.flow
                self._end(crossing, max(doubt.first - left, 0.0), total - left, How.POWER)
        if not is_known:
            # What was counted between the two meters is unknown, rather than nothing.
            self._last_end = None
        self._stride = _LEAST_STRIDE_KWH
        self._believe(new, total + new.value - doubt.first)

    def _after(self, last: Believed, crossing: _Crossing) -> tuple[float | None, float | None, How]:
        """Return the state, the total and how they are known, after a meter's last value."""
        if crossing.flow is not None:
            return last.value + crossing.flow, self._total + crossing.flow, How.POWER
        if last.at > crossing.end - HOUR:
            return last.value, self._total, How.INCOMPLETE
        return None, None, How.UNKNOWN

    def _go_back(self, before: Believed, total: float, new: Believed) -> None:
        """Believe a value of the former meter: what came in between was wrong."""
        self.has_stepped = True
        self._former = None
        counted = self._total + (self._flow or 0.0)
        grown, flow = new.value - before.value, self._former_flow
        # Another meter may come to where this one could be by now.
        if flow is not None and abs(grown - flow) <= abs(counted - total - flow) + BY_POWER_KWH:
            counted = max(total + grown, self._total)
        last = self.believed
        for crossing in self._crossings:
            shown = self._shown(crossing)
            if shown is not None:
                self._end(crossing, shown, counted + shown - new.value, How.READ)
            elif last is not None:
                self._end(crossing, *self._after(last, crossing))
        self._believe(new, counted)

    def _believe(self, new: Believed, total: float) -> None:
        last = self.believed
        if last is not None:
            misread = step(last.value, new.value) - (total - self._total)
            if self._misread is not None or abs(misread) > _LEAST_STRIDE_KWH / 10:
                self._misread = (self._misread or 0.0) + misread
        self._total = total
        stepped = None
        if self._misread is not None and self._last_end is not None:
            since, its_total, _ = self._last_end
            if since == floor(new.at):
                stepped = Stepped(total - its_total, self._misread)
        self.believed = Believed(new.value, new.at, stepped)
        self._doubt = None
        self._crossings.clear()
        self._flow = 0.0

    def _pass_to(self, at: datetime, power: float | None) -> None:
        """Add up what has flowed until a moment, and note the hours that end on the way."""
        since = self._read_at
        mean = _mean(self._power, power)
        if since is None:
            self._read_at, self._power = at, power
            self._begin_hour(at, power)
            return
        if at - since > max(_LONG, self._fresh):
            mean = None
        end = floor(since) + HOUR
        while end <= at:
            # An hour's end is its last reading, unless that is missing.
            is_read = since == self._read_at and end - since <= self._fresh
            moment = since if is_read else end
            self._add(mean, moment - since)
            is_fresh = is_read and self.believed is not None and self.believed.at == since
            crossing = _Crossing(end, moment, self._flow, self._hour_flow, self._doubt)
            self._cross(crossing, is_fresh=is_fresh)
            self._hour_flow = 0.0
            self._add(mean, end - moment)
            since, end = end, end + HOUR
        self._add(mean, at - since)
        self._read_at, self._power = at, power
        if self._hour_flow is None:
            self._begin_hour(at, power)

    def _hold(self, power: float, during: timedelta) -> None:
        """Let the last reading of an hour hold until its end, with whose value the meter began."""
        if self._last_end is not None and self._last_end[0] == self._read_at:
            self._add(power, during)
            self._power = power

    def _begin_hour(self, at: datetime, power: float | None) -> None:
        """Let the first reading of an hour hold from its beginning, if none is missing."""
        into = at - floor(at)
        if power is not None and into <= self._fresh:
            self._hour_flow = max(power, 0.0) * (into / HOUR)

    def _add(self, power: float | None, during: timedelta) -> None:
        energy = None if power is None else max(power, 0.0) * (during / HOUR)
        self._flow = _sum(self._flow, energy)
        self._hour_flow = _sum(self._hour_flow, energy)
        self._former_flow = _sum(self._former_flow, energy)

    @property
    def _slack(self) -> float:
        """By how much a row may differ: by one reading, and a little for its growing faster."""
        return 1.5 * self._stride

    def _cross(self, crossing: _Crossing, *, is_fresh: bool) -> None:
        """Note an hour's end; unless no reading is missing, a later one may tell more of it."""
        last = self.believed
        if last is not None and is_fresh:
            self._end(crossing, last.value, self._total, How.READ)
            return
        self._crossings.append(crossing)
        state = None
        if last is not None and last.at > crossing.end - HOUR:
            state = last.value
        how = How.UNKNOWN if state is None else How.INCOMPLETE
        self.ended.append(
            HourEnd(crossing.end - HOUR, state, None, crossing.hour_flow, self._slack, how)
        )

    def _end(self, crossing: _Crossing, state: float | None, total: float | None, how: How) -> None:
        """Report what is known of an hour's end."""
        if state is None or total is None or how is How.UNKNOWN:
            return
        start, energy = crossing.end - HOUR, None
        if self._last_end is not None and self._last_end[0] == start:
            _, its_total, its_state = self._last_end
            counted = max(total - its_total, 0.0)
            grown = counted if its_state is None else state - its_state
            if self._misread is not None or abs(counted - grown) > _LEAST_STRIDE_KWH / 10:
                energy = counted
        slack = self._slack if how is not How.POWER else BY_POWER_KWH
        flow, misread = crossing.hour_flow, self._misread
        self.ended.append(HourEnd(start, state, energy, flow, slack, how, misread))
        self._last_end = crossing.end, total, state
        self._misread = None


def _mean(before: float | None, after: float | None) -> float | None:
    known = [power for power in (before, after) if power is not None]
    return sum(known) / len(known) if known else None


def _sum(energy: float | None, more: float | None) -> float | None:
    return None if energy is None or more is None else energy + more
