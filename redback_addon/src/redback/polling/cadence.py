"""Decides when to poll, learning from the readings themselves.

Every inverter sends once a minute, at a second of its own, and its reading is available some
seconds later. Polled at a random moment, readings are half a minute old on average; polling too
early costs a request for nothing. So the delay from a reading's timestamp until it is available is
tracked for each inverter: a little down after each success, a step up after a failure, such that
about one request in thirty is too early.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PERIOD = 60.0
_FIRST_GUESS = 5.0
_STEP_UP = 1.0
# The share of requests that come too early settles at _STEP_DOWN / (_STEP_UP + _STEP_DOWN).
_STEP_DOWN = 0.03
# After this many successes in a row the delay has become shorter: go down faster.
_STREAK = 30
# After this many late readings in a row the delay has become longer: believe it.
_SHIFTED = 3
# An inverter whose reading is this late, in seconds, is offline: do not aim at it.
_ASLEEP = 3 * PERIOD
_SHORTEST = 15.0
_TOLERANCE = 0.5
_AIMED = 1.5
_RETRIES = (2.0, 3.0, 5.0, 8.0)
# Requests beyond one a minute are paid for with credit, which each success earns a little of.
_MOST_CREDIT = 6.0
_EARNED = 0.1


@dataclass(slots=True)
class _Track:
    """The rhythm of one inverter; times in seconds since 1970."""

    timestamp: float
    delay: float
    step: float = _STEP_UP
    streak: int = 0
    late: int = 0
    misses: int = 0
    settled: bool = False

    @property
    def due(self) -> float:
        return self.timestamp + PERIOD + self.delay

    def arrived(self, timestamp: float, asked: float) -> None:
        """Learn from a new reading."""
        aimed = abs(asked - self.due) <= _AIMED and not self.misses
        needed = asked - timestamp
        if self.misses:
            self.late += 1
            if not self.settled or self.late >= _SHIFTED:
                self.delay, self.settled = needed, True
                self.step = _STEP_UP
        elif aimed:
            self.late = 0
            self.streak += 1
            if self.streak % _STREAK == 0:
                self.step = min(self.step * 2, _STEP_UP)
            self.delay -= self.step
        self.delay = min(self.delay, needed)
        self.timestamp = timestamp
        self.misses = 0

    def missed(self) -> None:
        """Learn that nothing new was there although it was due."""
        self.misses += 1
        if self.misses == 1:
            self.delay += _STEP_UP
            self.step, self.streak = _STEP_DOWN, 0


class Cadence:
    """The moments at which all inverters are polled together, about once a minute."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}
        self._credit = _MOST_CREDIT
        self._retried = 0
        self._retry = False

    def observe(self, asked: datetime, timestamps: Mapping[str, datetime]) -> None:
        """Learn from one round: when it began, and the timestamp of each reading it brought."""
        moment = asked.timestamp()
        expected = missed = 0
        for serial, timestamp in timestamps.items():
            seconds = timestamp.timestamp()
            track = self._tracks.get(serial)
            # A clock was set, here or there: forget what was learnt before.
            if track is None or seconds < track.timestamp or _is_absurd(track, seconds, moment):
                track = _Track(seconds, _guess(moment - seconds))
                self._tracks[serial] = track
            arrived = seconds > track.timestamp
            if arrived:
                track.arrived(seconds, moment)
            # The reading may be the last but one, so check for the next in any case.
            if -_TOLERANCE <= moment - track.due < _ASLEEP:
                track.missed()
                expected, missed = expected + 1, missed + 1
            elif arrived:
                expected += 1
        self._retry = 0 < expected <= missed * 2
        if not missed:
            self._credit = min(self._credit + _EARNED, _MOST_CREDIT)

    def next_after(self, asked: datetime) -> datetime:
        """Return when to poll next, after a round that began at `asked`."""
        if self._retry and self._retried < len(_RETRIES) and self._credit >= 1:
            wait = _RETRIES[self._retried]
            self._retried += 1
            self._credit -= 1
            return asked + timedelta(seconds=wait)
        self._retried = 0
        moment = asked.timestamp()
        awake = [track.due for track in self._tracks.values() if moment - track.due < _ASLEEP]
        if not awake:
            return asked + timedelta(seconds=PERIOD)
        earliest = moment + _SHORTEST
        wait = (_best_phase(awake) - earliest) % PERIOD
        return datetime.fromtimestamp(earliest + wait, UTC)


def _is_absurd(track: _Track, timestamp: float, asked: float) -> bool:
    """Whether a new reading arrived when none can have been due."""
    return timestamp > track.timestamp and abs(asked - timestamp - track.delay) >= _ASLEEP


def _guess(age: float) -> float:
    """Guess the delay from the age of the first reading, which is up to a minute more."""
    # With a greater age this machine's clock, or the inverter's, is far off.
    return min(age, _FIRST_GUESS) if age < _ASLEEP else age - PERIOD


def _best_phase(moments: list[float]) -> float:
    """Return the second of the minute at which the readings are newest on average.

    That is always just when one of them arrives. Polled at the k-th of n sorted phases, the sum
    of all ages is n * phase[k] - sum(phases) + 60 * (number of phases after k).
    """
    phases = sorted(moment % PERIOD for moment in moments)
    ages = [len(phases) * phase + PERIOD * (len(phases) - 1 - k) for k, phase in enumerate(phases)]
    return phases[ages.index(min(ages))]
