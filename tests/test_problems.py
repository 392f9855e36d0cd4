"""That a problem is logged once, counted, ended once, and shown in plain words."""

from datetime import timedelta

import pytest

from fake_clock import START, FakeClock
from redback.cloud import Cause, TransientError
from redback.problems import AccountProblems, Kind, Problems

AWAY = TransientError("the cloud answered 503", method="GET", url="http://cloud/Nodes", status=503)


@pytest.fixture
def problems(clock: FakeClock) -> Problems:
    return Problems(clock)


def test_what_is_wrong_with_a_part_ends_with_the_whole(problems: Problems) -> None:
    problems.watch({"RB1": "House"})
    problems.raise_(Kind.ENTITY, "sensor.house_status", "it is too long", within="RB1")
    problems.watch({}, instead_of=["RB1"])
    assert not problems.now
    problems.raise_(Kind.ENTITY, "sensor.house_status", "it is too long", within="RB1")
    assert not problems.now


async def test_only_the_first_is_logged_and_the_rest_is_counted(
    problems: Problems, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for _ in range(100):
        problems.raise_(Kind.READINGS, why="nobody knows why")
        await clock.advance(1)
    assert caplog.messages == ["No readings from the Redback cloud: nobody knows why."]
    assert problems.now[Kind.READINGS, None].count == 100
    problems.clear(Kind.READINGS)
    assert caplog.messages[1:] == [
        "Receiving readings from the Redback cloud again (after 100 s, 100 times)"
    ]
    assert not problems.now


def test_where_there_was_no_problem_its_end_is_not_logged(
    problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    problems.clear(Kind.READINGS)
    problems.drop(Kind.READINGS)
    assert not caplog.messages


def test_the_log_names_the_request_and_people_are_shown_none(
    problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    problems.raise_(Kind.DISCOVERY, why=AWAY)
    (problem,) = problems.now.values()
    shown = "The account's inverters cannot be listed: the cloud answered 503."
    assert problem.sentence == shown
    assert caplog.messages == [f"{shown.removesuffix('.')} (GET http://cloud/Nodes)."]


def test_an_inverter_is_called_by_its_name(
    problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    problems.watch({"RB1": "Shed {new}"})
    problems.raise_(Kind.OFFLINE, "RB1", "no reading for ten minutes")
    problems.clear(Kind.OFFLINE, "RB1")
    assert caplog.messages == [
        "Shed {new} is offline: no reading for ten minutes.",
        "Shed {new} is online again (after 0 s)",
    ]


def test_the_problems_of_what_is_no_longer_watched_end_and_do_not_come_back(
    problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    problems.watch({"RB1": "Shed", "RB2": "House"})
    for serial in ("RB1", "RB2"):
        problems.raise_(Kind.INVERTER, serial, AWAY)
    problems.raise_(Kind.READINGS, why=AWAY)
    caplog.clear()
    problems.watch({"RB2": "House"}, instead_of=["RB1", "RB2"])
    assert set(problems.now) == {(Kind.INVERTER, "RB2"), (Kind.READINGS, None)}
    assert caplog.messages == [
        "No longer relevant: Inverter Shed cannot be read: the cloud answered 503."
    ]
    problems.raise_(Kind.INVERTER, "RB1", AWAY)  # of a question that was under way
    assert (Kind.INVERTER, "RB1") not in problems.now
    problems.watch({"RB1": "Shed"})
    problems.raise_(Kind.INVERTER, "RB1", AWAY)
    assert (Kind.INVERTER, "RB1") in problems.now


@pytest.mark.parametrize("kind", [Kind.HISTORY_CORE, Kind.HISTORY_DISK])
def test_what_is_the_same_for_all_accounts_is_shown_once_until_it_has_ended_for_each(
    problems: Problems, kind: Kind
) -> None:
    first, second = AccountProblems(problems, "", "One"), AccountProblems(problems, "2", "Two")
    for account in (first, second):
        account.raise_(kind, why="it is busy")
    (problem,) = problems.now.values()
    assert problem.sentence == kind.sentence.format(detail="it is busy")
    first.drop(kind)
    assert problems.now
    second.clear(kind)
    assert not problems.now


def test_the_first_kind_that_is_asked_for_is_found_first(problems: Problems) -> None:
    problems.raise_(Kind.OFFLINE, "RB1")
    problems.raise_(Kind.INVERTER, "RB1", AWAY)
    found = problems.find(Kind.INVERTER, Kind.OFFLINE, subject="RB1")
    assert found is not None
    assert found.kind is Kind.INVERTER
    assert problems.find(Kind.OFFLINE) is problems.now[Kind.OFFLINE, "RB1"]
    assert problems.find(Kind.INVERTER, subject="RB2") is None


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_every_kind_has_a_sentence_an_end_and_an_advice(problems: Problems, kind: Kind) -> None:
    problems.raise_(kind, "a subject", "a clause")
    (problem,) = problems.now.values()
    assert "{" not in problem.sentence + kind.end.format(subject="a subject")
    assert problem.sentence.endswith(".")
    assert kind.advice.endswith(".")


def failed(cause: Cause | None) -> TransientError:
    return TransientError("it failed", method="GET", url="http://cloud/", cause=cause)


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.name)
def test_what_is_to_blame_on_the_way_has_a_title_and_an_advice_of_its_own(
    problems: Problems, cause: Cause, caplog: pytest.LogCaptureFixture
) -> None:
    problems.raise_(Kind.READINGS, why=failed(cause))
    (problem,) = problems.now.values()
    assert problem.title
    assert problem.advice.endswith(".")
    assert problem.advice not in {kind.advice for kind in Kind}
    assert caplog.messages[0].endswith(problem.advice)
    problems.raise_(Kind.READINGS, why=failed(None))
    (problem,) = problems.now.values()
    assert (problem.title, problem.advice) == (None, Kind.READINGS.advice)


def test_each_cause_is_logged_once_however_they_take_turns(
    problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    for cause in [None, Cause.DNS, None, Cause.DNS, Cause.BLOCKED] * 10:
        problems.raise_(Kind.READINGS, why=failed(cause))
    assert len(caplog.messages) == 3


async def test_a_clock_that_is_set_back_makes_no_duration_negative(
    problems: Problems, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    problems.raise_(Kind.READINGS, why=AWAY)
    await clock.advance(70)
    clock.set_wall(START - timedelta(days=1))
    problems.clear(Kind.READINGS)
    assert caplog.messages[-1].endswith("again (after 70 s)")


def test_while_the_clock_is_wrong_that_is_the_problem_and_not_the_inverter(
    problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    problems.raise_(Kind.CLOCK, why="it is 3 h 5 min fast")
    problems.raise_(Kind.OFFLINE, "RB1")
    problems.raise_(Kind.FUTURE, "RB1", "2026-03-02")
    assert set(problems.now) == {(Kind.CLOCK, None)}
    assert problems.find(Kind.OFFLINE, subject="RB1") is None
    assert problems.last is not None
    assert problems.last.kind is Kind.CLOCK
    assert caplog.messages == [
        f"This machine's clock is wrong: it is 3 h 5 min fast. {Kind.CLOCK.advice}"
    ]
    problems.clear(Kind.FUTURE, "RB1")
    problems.clear(Kind.CLOCK)
    assert set(problems.now) == {(Kind.OFFLINE, "RB1")}


def test_the_log_says_what_to_do_about_a_reading_from_the_future(
    problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    problems.raise_(Kind.FUTURE, "RB1", "2026-03-02 04:02:08 UTC")
    sentence = "RB1: ignored a reading from the future (2026-03-02 04:02:08 UTC)."
    assert caplog.messages == [f"{sentence} {Kind.FUTURE.advice}"]
