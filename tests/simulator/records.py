"""The records of one inverter as the cloud holds them: one a minute, visible a little later."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .chance import dice
from .faults import Fault, Faults, Kind
from .physics import Energy, Moment
from .world import Inverter

JOULES_PER_KWH = 3_600_000
COUNTERS: Mapping[str, str] = {
    "pv": "PvAllTimeEnergykWh",
    "exported": "ExportAllTimeEnergykWh",
    "imported": "ImportAllTimeEnergykWh",
    "load": "LoadAllTimeEnergykWh",
    "charged": "BatteryChargeAllTimeEnergykWh",
    "discharged": "BatteryDischargeAllTimeEnergykWh",
}
_SEARCH_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Record:
    """What one inverter recorded at one second; counters in kWh to 3 decimals, by API name."""

    inverter: Inverter
    stamp: int
    moment: Moment
    counters: Mapping[str, float | None]
    status: str = "OK"


class Records:
    """The records of one inverter as seen at a moment: what is not visible then is not there."""

    def __init__(self, inverter: Inverter, faults: Faults, now: float) -> None:
        self._inverter = inverter
        self._faults = faults.on_records(inverter.serial)
        self._offline = faults.is_offline(inverter.serial, now)
        self._now = now

    def latest(self) -> Record | None:
        """Return the newest visible record; its status shows whether the inverter is offline."""
        newest = next(self._backwards(self._now, _SEARCH_MINUTES), None)
        if newest is None:
            return None
        return self._record(newest, status="Offline" if self._offline else "OK")

    def between(self, start: float, end: float) -> list[Record]:
        """Return the visible records from `start` to `end`, both included, oldest first."""
        whole = math.ceil(start)
        stamps = range(whole + (self._inverter.second - whole) % 60, int(end) + 1, 60)
        found = (self._record(stamp) for stamp in stamps if self._visible(stamp))
        return [record for record in found if record is not None]

    def truth(self, when: float, *, glitches: bool = False) -> Record | None:
        """Return what was measured at or before `when`, whether the cloud has it or not.

        With `glitches` its counters are as the inverter has recorded them.
        """
        return self._record(self._stamp_before(when), glitches=glitches)

    def _stamp_before(self, when: float) -> int:
        second = self._inverter.second
        return (int(when) - second) // 60 * 60 + second

    def _backwards(self, when: float, minutes: int) -> Iterator[int]:
        newest = self._stamp_before(when)
        return (s for s in range(newest, newest - minutes * 60, -60) if self._visible(s))

    def _visible(self, stamp: int) -> bool:
        if any(self._is_missing(stamp, fault) for fault in self._faults):
            return False
        return self._inverter.visible_at(stamp) <= self._now

    def _is_missing(self, stamp: int, fault: Fault) -> bool:
        """Whether a record fell into a time offline, and was not sent afterwards either."""
        if fault.kind is not Kind.OFFLINE or not fault.covers(stamp):
            return False
        return fault.how != "late" or fault.covers(self._now)

    def _record(self, stamp: int, *, status: str = "OK", glitches: bool = True) -> Record | None:
        moment = self._inverter.plant.at(stamp)
        if moment is None:
            return None
        counters = self._counters(stamp, moment.energy, self._faults, glitches=glitches)
        return Record(self._inverter, stamp, moment, counters, status)

    def _counters(
        self, stamp: int, energy: Energy, faults: Sequence[Fault], *, glitches: bool
    ) -> Mapping[str, float | None]:
        joules = dict(zip(COUNTERS.values(), energy, strict=True))
        shown: dict[str, float | None] = {
            name: round(figure / JOULES_PER_KWH, 3) for name, figure in joules.items()
        }
        for number, fault in enumerate(faults):
            if not fault.covers(stamp):
                continue
            names = set(fault.fields or COUNTERS.values())
            if fault.kind is Kind.COUNTER_RESET:
                shown |= {name: self._since_reset(fault, joules, name) for name in names}
            elif fault.kind is Kind.COUNTER_STEP:
                before = self._before(fault, faults[:number])
                shown |= {name: _stepped(fault, shown[name], before[name]) for name in names}
            elif glitches:
                shown |= {name: _glitched(fault, name, shown[name], stamp) for name in names}
        return shown

    def _before(self, step: Fault, faults: Sequence[Fault]) -> Mapping[str, float | None]:
        """Return what the counters showed when they made a step."""
        stamp = int(step.since.timestamp()) if step.since else 0
        moment = self._inverter.plant.at(stamp)
        energy = moment.energy if moment else Energy()
        return self._counters(stamp, energy, faults, glitches=False)

    def _since_reset(self, fault: Fault, joules: Mapping[str, int], name: str) -> float:
        """Return a counter that started over: its value at the reset, and what came since."""
        begin = self._inverter.plant.at(int(fault.since.timestamp())) if fault.since else None
        before = begin.energy if begin else Energy()
        zero = dict(zip(COUNTERS.values(), before, strict=True))[name]
        return round(fault.value + (joules[name] - zero) / JOULES_PER_KWH, 3)


def _stepped(step: Fault, value: float | None, before: float | None) -> float | None:
    """Return what a counter shows after a step."""
    if value is None or before is None:
        return value
    return round(value + (step.value - 1.0) * before, 3)


def _glitched(fault: Fault, name: str, value: float | None, stamp: int) -> float | None:
    """Return what one record says of a counter when it is wrong, for this record alone."""
    match fault.kind:
        case Kind.COUNTER_ZERO:
            return fault.value
        case Kind.COUNTER_NULL:
            return None
        case Kind.COUNTER_SHARE:
            error = (fault.value - 1.0) * (value or 0.0)
        case Kind.COUNTER_SHIFT:
            error = fault.value
        case Kind.COUNTER_JITTER:
            error = -fault.value * dice(f"{name} {stamp}").random()
        case _:
            error = 0.0
    return None if value is None else max(round(value + error, 3), 0.0)
