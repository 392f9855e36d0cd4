"""That readings are asked for when they are there: seen against a cloud with a rhythm."""

import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redback.polling.cadence import Cadence

START = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


@dataclass
class Rhythm:
    """An inverter that sends once a minute, and a cloud that shows it somewhat later; seconds."""

    offset: float
    latency: float
    jitter: float = 2.0
    seed: int = 1
    shift_at: int = 10**9
    shift: float = 0.0
    _shown: dict[int, float] = field(default_factory=dict)

    def shown(self, minute: int) -> float:
        """When the reading of this minute becomes visible."""
        if minute not in self._shown:
            chance = random.Random(f"{self.seed} {minute}").random() * self.jitter
            late = self.shift if minute >= self.shift_at else 0.0
            self._shown[minute] = 60 * minute + self.offset + self.latency + chance + late
        return self._shown[minute]

    def latest(self, moment: float) -> int:
        """The newest reading that is visible at this moment."""
        minute = int(moment // 60) + 1
        while self.shown(minute) > moment:
            minute -= 1
        return minute


@dataclass
class Outcome:
    """What a user would have seen: how fresh readings were, and what that has cost."""

    requests_a_minute: float
    lags: Mapping[str, list[float]]

    def median(self, name: str = "a") -> float:
        return statistics.median(self.lags[name])

    def p95(self, name: str = "a") -> float:
        return sorted(self.lags[name])[int(0.95 * len(self.lags[name]))]


def watch(
    rhythms: Mapping[str, Rhythm], minutes: int, *, skew: float = 0.0, right_after: int = 10**9
) -> Outcome:
    """Follow the cadence for some minutes.

    This machine's clock is `skew` seconds ahead, until it is set right after some minutes.
    """
    cadence = Cadence()
    moment, requests = 600.0 + random.Random(5).random() * 60, 0
    first = moment
    last: dict[str, int] = {}
    lags: dict[str, list[float]] = {name: [] for name in rhythms}
    while moment < first + 60 * minutes:
        requests += 1
        skew = 0.0 if moment > first + 60 * right_after else skew
        seen = {name: rhythm.latest(moment) for name, rhythm in rhythms.items()}
        for name, minute in seen.items():
            if name in last and minute > last[name]:
                lags[name].append(moment - rhythms[name].shown(minute))
        last = seen
        asked = datetime.fromtimestamp(START + moment + skew, UTC)
        cadence.observe(
            asked,
            {
                name: datetime.fromtimestamp(START + 60 * minute + rhythms[name].offset, UTC)
                for name, minute in seen.items()
            },
        )
        moment = cadence.next_after(asked).timestamp() - START - skew
    return Outcome(requests / minutes, lags)


@pytest.mark.parametrize("latency", [1, 5, 9, 20, 70])
def test_an_hour_of_readings_is_fresh_and_costs_little(latency: float) -> None:
    outcome = watch({"a": Rhythm(23, latency)}, 60)
    assert outcome.median() < 2.5
    assert outcome.p95() < 6
    assert outcome.requests_a_minute < 1.2


@settings(max_examples=25, deadline=None)
@given(
    offset=st.floats(0, 59.9),
    latency=st.floats(0, 90),
    jitter=st.floats(0, 3),
    seed=st.integers(0, 1000),
    skew=st.sampled_from([0.0, -45.0, 45.0, 86400.0, -86400.0]),
)
def test_whatever_the_rhythm_and_the_clock_it_is_learnt(
    offset: float, latency: float, jitter: float, seed: int, skew: float
) -> None:
    outcome = watch({"a": Rhythm(offset, latency, jitter, seed)}, 300, skew=skew)
    assert outcome.requests_a_minute < 1.2
    assert statistics.median(outcome.lags["a"][-120:]) < 3


@pytest.mark.parametrize("shift", [20, -20])
def test_a_cloud_that_becomes_slower_or_faster_is_followed(shift: float) -> None:
    rhythm = Rhythm(10, 25, shift_at=100, shift=shift)
    outcome = watch({"a": rhythm}, 400)
    assert statistics.median(outcome.lags["a"][-60:]) < 3
    assert outcome.requests_a_minute < 1.2


def test_many_inverters_are_asked_together_at_the_best_moment() -> None:
    together = {name: Rhythm(30, 5, seed=seed) for seed, name in enumerate("abcd")}
    apart = {"e": Rhythm(3, 5)}
    outcome = watch(together | apart, 120)
    assert outcome.requests_a_minute < 1.2
    assert all(outcome.median(name) < 4 for name in together)


def at(moment: float) -> datetime:
    return datetime.fromtimestamp(START + moment, UTC)


def asked(seconds: float, stamp: Callable[[float], datetime]) -> list[float]:
    """Return when a cloud was asked whose newest reading has this time stamp at a moment."""
    cadence, moment, moments = Cadence(), 0.0, []
    while moment < seconds:
        moments.append(moment)
        cadence.observe(at(moment), {"a": stamp(moment)})
        moment = cadence.next_after(at(moment)).timestamp() - START
    return moments


def test_readings_every_five_minutes_do_not_make_it_ask_more_often() -> None:
    assert len(asked(3600 * 5, lambda moment: at((moment - 8) // 300 * 300))) / 300 < 1.25


def test_an_inverter_that_is_offline_is_asked_for_once_a_minute() -> None:
    assert 59 <= len(asked(3600, lambda _: at(-7200))) <= 70


def test_a_cloud_that_answers_nothing_is_asked_once_a_minute() -> None:
    cadence = Cadence()
    cadence.observe(at(0), {})
    assert cadence.next_after(at(0)) == at(60)


def test_a_reading_from_the_far_future_does_not_spoil_the_rhythm() -> None:
    absurd = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

    def stamp(moment: float) -> datetime:
        return absurd if 600 <= moment < 660 else at((moment - 8) // 60 * 60)

    lags = [(moment - 8) % 60 for moment in asked(3600, stamp)]
    assert statistics.median(lags[30:]) < 3


@pytest.mark.parametrize("skew", [-3 * 86400.0, 3 * 86400.0, -600.0])
def test_a_clock_that_is_set_right_after_the_start_is_learnt_anew(skew: float) -> None:
    outcome = watch({"a": Rhythm(23, 8)}, 200, skew=skew, right_after=20)
    assert statistics.median(outcome.lags["a"][-100:]) < 3
