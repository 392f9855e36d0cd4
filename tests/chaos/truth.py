"""What an inverter really did, at the moments that Core can know of.

The truth is energy: the integral of the simulator's power, not what a counter shows. Two things
make it comparable.

When: Core writes the state at the end of an hour, which is a reading of up to a minute and some
seconds before. The state shows which: it is, to the last digit, what one of the inverter's records
of the last three minutes says. The truth is then taken at the second of that record. Where a
counter was missing or wrong at the end of an hour, only the power tells what it showed there: the
state may be a little wrong, but the energy is what had been counted when the counter showed that.

Resets and steps: a counter that starts over, or goes on from another value, hides what was used
since its last record. Core never knows that, and the service only from the power. So there is doubt
about the energy between the last record before a reset and the reset itself, which is less than a
minute's. There is doubt about nothing else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chaos.system import Counter
from simulator import Simulator
from simulator.records import JOULES_PER_KWH

_MINUTE = timedelta(minutes=1)
# To the last of the three digits; what is left is for binary fractions.
_SAME_KWH = 1e-6
# How old the reading may be that Core shows at the end of an hour, in minutes.
_OLDEST = 3
# How long before a reset a value may have been shown that the add-on goes on with after a kill, in
# minutes: it may be away for two hours, and what only grows is on the disk each quarter of an hour.
_LONGEST_AWAY = 135
# By how much a state that only the power tells may be wrong, kWh.
_BY_POWER_KWH = 0.06
# This number of records in which a counter has grown make a reset believed, and one is to spare.
_GROWTHS = 5


@dataclass(frozen=True, slots=True)
class Truth:
    """What one counter's inverter did, since a moment."""

    counter: Counter
    simulator: Simulator
    resets: tuple[datetime, ...]

    def energy(self, at: datetime) -> float:
        """Return the energy until `at`, kWh."""
        return self._whole(at)

    def doubt(self, since: datetime, until: datetime) -> float:
        """Return how much energy of a time only the power shows, kWh."""
        return sum(
            self._whole(reset) - self._whole(self.record_before(reset))
            for reset in self.resets
            if since < reset <= until
        )

    def energy_at(self, state: float, end: datetime) -> float | None:
        """Return the energy until the counter showed what Core has at an hour's end, kWh.

        None: it never showed that around then. One that was reset may show its old value until it
        grows: after a kill of the add-on that which was on the disk, from before it was away.
        """
        seen = self.reading(state, end)
        if seen is not None:
            return self._whole(seen)
        most = _BY_POWER_KWH + self._whole(end) - self._whole(end - _MINUTE)
        for moment in (end, *(reset for reset in reversed(self.resets) if reset < end)):
            last = self.record_before(moment)
            off = state - (self.shown(last) or 0.0)
            if abs(off) <= most:
                return self._whole(last) + off
            if moment < end and (seen := self.reading(state, moment, _LONGEST_AWAY)) is not None:
                return self._whole(seen)
        return None

    def shown(self, at: datetime, *, glitches: bool = False) -> float | None:
        """Return what the counter says in the record of this second, kWh."""
        serial = self.counter.inverter.serial
        record = self.simulator.truth(serial, at.timestamp(), glitches=glitches)
        assert record is not None
        value = record[self.counter.field]
        return None if value is None else float(value)

    def record_before(self, moment: datetime) -> datetime:
        """Return the time of the last record before a moment."""
        seconds = -(-moment.timestamp() // 1) - 1
        back = (seconds - self.counter.inverter.second) % 60
        return datetime.fromtimestamp(seconds - back, UTC)

    def reading(self, value: float, seen: datetime, oldest: int = _OLDEST) -> datetime | None:
        """Return the time of the last record with this value in so many minutes before a moment."""
        newest = self.record_before(seen)
        times = (newest - age * _MINUTE for age in range(oldest))
        return next((time for time in times if self._is_shown(value, time)), None)

    def believed_again(self, reset: datetime, end: datetime) -> datetime:
        """Return the moment at which a reset must have been let through, `end` if it is later."""
        time, growths, before = self.record_before(reset) + _MINUTE, 0, 0.0
        while growths < _GROWTHS and time < end:
            value = self.shown(time) or 0.0
            growths += value > before
            before, time = value, time + _MINUTE
        return time + 2 * _MINUTE

    def _is_shown(self, value: float, at: datetime) -> bool:
        """Whether a record has a value; a glitch that lasts is believed as long as it does."""
        shown = (self.shown(at, glitches=glitches) for glitches in (False, True))
        return any(one is not None and abs(one - value) <= _SAME_KWH for one in shown)

    def _whole(self, at: datetime) -> float:
        moment = self.counter.inverter.plant.at(int(at.timestamp()))
        assert moment is not None
        joules: int = getattr(moment.energy, self.counter.quantity)
        return joules / JOULES_PER_KWH
