"""Works out what a counter showed and counted in each hour, from what is known of all of them.

Nothing that is negative, and nothing above what can flow in the time, is ever energy.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from .hours import HOUR
from .meter import BY_POWER_KWH, HourEnd, How, can_become, step

_ROUNDING_KWH = 0.001


class Known(NamedTuple):
    """An hour of a counter.

    Attributes:
        start: of the hour, UTC.
        state: what the inverter showed at its end, kWh.
        energy: what was counted since the last known hour before it, kWh; None = there is none.
        slack: by how much a row that Core made of the same readings may differ, kWh.
        how: how it is known.
        misread: by how much more Core takes for energy, kWh; None = there was no step.
        flow: what flowed in the hour, kWh; None = unknown.
    """

    start: datetime
    state: float
    energy: float | None
    slack: float
    how: How
    flow: float | None = None
    misread: float | None = None


def resolve(hours: Iterable[HourEnd], most_kw: float) -> list[Known]:
    """Return the hours of a counter of which the state is known, or can be worked out.

    While later values are in doubt, the counter is shown as it was, and only the power tells more.

    Args:
        hours: what is known, in order.
        most_kw: the greatest power that the counter can count.
    """
    known: list[Known] = []
    unread: list[HourEnd] = []

    for hour in hours:
        unread.append(_possible(hour, most_kw))
        if hour.state is not None and hour.how is not How.INCOMPLETE:
            _end(known, unread, most_kw)
            unread = []
        # Of others the power tells more, once a later hour is known.
    incomplete = [number for number, one in enumerate(unread) if one.state is not None]
    if incomplete:
        _end(known, unread[: incomplete[-1] + 1], most_kw)
        unread = unread[incomplete[-1] + 1 :]
    for one in unread:
        if one.flow is not None and known and known[-1].start + HOUR == one.start:
            known.append(_known(one, known[-1].state, one.flow))
    return known


def _possible(hour: HourEnd, most_kw: float) -> HourEnd:
    """Return an hour in which no more flowed than can."""
    if hour.flow is None or can_become(0.0, hour.flow, 1.0, most_kw):
        return hour
    return hour._replace(flow=None)


def _end(known: list[Known], unread: Sequence[HourEnd], most_kw: float) -> None:
    """Add some hours, of which the last one's state is known."""
    *earlier, hour = unread
    # Of the power until the last reading of an incomplete hour nothing is known.
    run = _run_before(hour, earlier) if hour.how is not How.INCOMPLETE else []
    for one in earlier[: len(earlier) - len(run)]:
        if (made := _carried_on(known, one, hour, most_kw)) is not None:
            known.append(made)
        elif one.state is not None:
            known += _between(known[-1] if known else None, (), one, one.state, most_kw)
    if hour.state is not None:
        known += _between(known[-1] if known else None, run, hour, hour.state, most_kw)


def _carried_on(
    known: Sequence[Known], one: HourEnd, later: HourEnd, most_kw: float
) -> Known | None:
    """Return an hour that goes on from a known one, if the same counter was read later.

    The power tells what was counted in it, and the rest of its growth came after.
    """
    last, shown = known[-1] if known else None, later.state
    if last is None or last.start + HOUR != one.start or one.flow is None or shown is None:
        return None
    state = min(max(last.state + one.flow, one.state or 0.0), shown)
    hours = (later.start - one.start) / HOUR
    if last.state > shown or not can_become(state, shown, hours, most_kw):
        return None
    return _by_power(one, state, state - last.state)


def _run_before(hour: HourEnd, unread: Sequence[HourEnd]) -> list[HourEnd]:
    """Return the hours just before one, without a hole, of which the power is known."""
    run: list[HourEnd] = []
    start = hour.start
    if hour.flow is None:
        return run
    for one in reversed(unread):
        start -= HOUR
        if one.start != start or one.flow is None:
            break
        run.insert(0, one)
    return run


def _between(
    last: Known | None, run: Sequence[HourEnd], hour: HourEnd, shown: float, most_kw: float
) -> list[Known]:
    """Return the hours of a run and the one after it, at whose end the counter showed this."""
    first = run[0].start if run else hour.start
    is_next = last is not None and last.start + HOUR == first
    energy, is_step = _energy(last, hour, shown, most_kw, is_next=is_next and not run)
    flows = [one.flow or 0.0 for one in (*run, hour)]
    total = sum(flows)
    made: list[Known] = []
    if run and is_next and last is not None and not is_step and energy is not None:
        # The counter's growth is known, and the power shows when it happened.
        shares = [flow / total for flow in flows] if total > 0 else [1 / len(flows)] * len(flows)
        state = last.state
        for one, share in zip(run, shares, strict=False):
            state += energy * share
            made.append(_by_power(one, state, energy * share))
        return [*made, _known(hour, shown, energy * shares[-1])]
    state = shown - total
    for one, flow in zip(run, flows, strict=False):
        state += flow
        counted = flow if made or is_next else _bounded(last, state, one, most_kw)
        made.append(_by_power(one, max(state, 0.0), counted))
    if run:
        return [*made, _known(hour, shown, flows[-1])]
    return [_known(hour, shown, energy)]


def _energy(
    last: Known | None, hour: HourEnd, shown: float, most_kw: float, *, is_next: bool
) -> tuple[float | None, bool]:
    """Return what was counted since the last known hour, and whether the meter changed."""
    if last is None:
        return None, False
    if hour.energy is not None and is_next:
        return hour.energy, True
    hours = (hour.start - last.start) / HOUR
    if can_become(last.state, shown, hours, most_kw):
        return shown - last.state, False
    if -_ROUNDING_KWH <= shown - last.state <= 0:
        return 0.0, False
    counted = hour.energy if hour.energy is not None else hour.flow
    if counted is None and hour.misread is not None:
        # The service was restarted in this hour.
        told = step(last.state, shown) - hour.misread
        counted = told if 0 <= told <= most_kw * hours else None
    if counted is not None:
        return counted, True
    # A new meter begins with zero.
    return (shown if can_become(0.0, shown, hours, most_kw) else 0.0), True


def _bounded(last: Known | None, state: float, hour: HourEnd, most_kw: float) -> float | None:
    """Return what was counted until an hour that is worked out from the power alone."""
    if last is None:
        return None
    hours = (hour.start - last.start) / HOUR
    is_same = can_become(last.state, state, hours, most_kw)
    return state - last.state if is_same else hour.flow


def _by_power(hour: HourEnd, state: float, energy: float | None) -> Known:
    return Known(hour.start, state, energy, BY_POWER_KWH, How.POWER, hour.flow)


def _known(hour: HourEnd, shown: float, energy: float | None) -> Known:
    return Known(hour.start, shown, energy, hour.slack, hour.how, hour.flow, hour.misread)
