"""That nothing that happens to one account is seen of another one: readings, history, messages."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts_home import FIRST, SECOND, Home, Moment, home
from recorder_model import Row
from redback.options import Login
from simulator import Fault, Kind

# They come one after the other, each within the minutes from the one to the other of them.
FAULTS = {
    "wrong secret": (Fault(kind=Kind.WRONG_SECRET, path=""), Fault(kind=Kind.TOKEN_EXPIRY)),
    "tokens": (Fault(kind=Kind.REJECT_TOKENS),),
    "429": (Fault(kind=Kind.STATUS, status=429, retry_after="600"),),
    "slow": (Fault(kind=Kind.SLOW),),
    "503": (Fault(kind=Kind.STATUS, status=503),),
    "empty list": (Fault(kind=Kind.NO_INVERTERS),),
    "empty readings": (Fault(kind=Kind.NULLS),),
    "denied": (Fault(kind=Kind.FORBIDDEN),),
}
LENGTH, BEGINS, ENDS = 35, 15, 30
# Then the service is away for a whole clock hour and parts of others. Just before these can be
# filled, the cloud begins to fail one of the accounts.
LEAVES, RETURNS, FAILS, MENDED, END = 290, 363, 423, 455, 505
# Of which there are rows, the first and the last among them in part.
HOURS = 8
# Known inverters are read.
UNFELT = {"empty list"}
STATUS = "sensor.redback_0011_status"

Rows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Life:
    """What there was to see of each account, minute by minute, and what Core has in the end.

    `counts` is how many rows it had in each minute.
    """

    shown: tuple[list[Moment], list[Moment]]
    counts: tuple[list[int], list[int]]
    rows: tuple[Rows, Rows]


async def live(home: Home, faulty: int | None) -> Life:
    """Live for hours, while one of the accounts has every kind of fault in turn, or none has."""
    plan: dict[int, list[Fault]] = {}
    for number, faults in enumerate(FAULTS.values()):
        plan[LENGTH * number + BEGINS] = [*faults]
        plan[LENGTH * number + ENDS] = []
    plan[FAILS] = [*FAULTS["429"]]
    plan[MENDED] = []
    shown: tuple[list[Moment], list[Moment]] = [], []
    counts: tuple[list[int], list[int]] = [], []
    mending: list[Callable[[], None]] = []
    async with AsyncExitStack() as service:
        for minute in range(END):
            if minute in {0, RETURNS}:
                await service.enter_async_context(home.started(FIRST, SECOND))
            if minute == LEAVES:
                await service.aclose()
            if faulty is not None and minute in plan:
                while mending:
                    mending.pop()()
                login = (FIRST, SECOND)[faulty]
                mending += [home.strike(fault, login) for fault in plan[minute]]
            await home.clock.advance(60)
            for number in (0, 1):
                shown[number].append(home.of(number))
                counts[number].append(home.row_count(number))
        return Life(shown, counts, (home.rows(0), home.rows(1)))


def run(folder: Path, faulty: int | None) -> Life:
    with home(folder) as made:
        return asyncio.run(live(made, faulty))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("accounts")


@pytest.fixture(scope="module")
def calm(folder: Path) -> Life:
    return run(folder / "calm", None)


@pytest.fixture(scope="module", params=[0, 1], ids=["first", "second"])
def troubled(folder: Path, request: pytest.FixtureRequest) -> tuple[int, Life]:
    return request.param, run(folder / f"{request.param}", request.param)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_mid_run_is_seen_of_its_own_account_alone(
    calm: Life, troubled: tuple[int, Life], name: str
) -> None:
    faulty, life = troubled
    begin = LENGTH * [*FAULTS].index(name) + BEGINS
    for minute in range(begin, begin + LENGTH):
        assert life.shown[1 - faulty][minute] == calm.shown[1 - faulty][minute], minute
    during = slice(begin + 1, begin + ENDS - BEGINS)
    own, undisturbed = life.shown[faulty], calm.shown[faulty]
    assert (own[during] != undisturbed[during]) is (name not in UNFELT)
    # What a fault leaves is over before the next one begins.
    assert own[begin + LENGTH - 1] == undisturbed[begin + LENGTH - 1]


def test_nothing_else_is_seen_of_it_either(calm: Life, troubled: tuple[int, Life]) -> None:
    faulty, life = troubled
    assert len(life.shown[1 - faulty]) == END
    assert life.shown[1 - faulty] == calm.shown[1 - faulty]


def test_every_row_of_the_other_ones_statistics_is_as_without_faults(
    calm: Life, troubled: tuple[int, Life]
) -> None:
    faulty, life = troubled
    rows, expected = life.rows[1 - faulty], calm.rows[1 - faulty]
    assert rows.keys() == expected.keys()
    for entity_id, each in rows.items():
        assert each == expected[entity_id], entity_id
        assert len(each) == HOURS, entity_id


def test_nor_does_any_of_these_rows_come_later(calm: Life, troubled: tuple[int, Life]) -> None:
    faulty, life = troubled
    counts, expected = life.counts[1 - faulty], calm.counts[1 - faulty]
    late = [minute for minute in range(END) if counts[minute] < expected[minute]]
    assert late == []
    # The missing hour was filled while the cloud failed the account, and that one's own was not.
    own, has = life.counts[faulty], (HOURS - 2, HOURS - 1)
    assert tuple(counts[minute] / counts[60] for minute in (FAILS, MENDED)) == has
    assert own[MENDED] / own[60] == HOURS - 2


def test_its_own_history_is_whole_in_the_end(calm: Life, troubled: tuple[int, Life]) -> None:
    faulty, life = troubled
    assert_same_history(life.rows[faulty], calm.rows[faulty])


def assert_same_history(rows: Rows, expected: Rows) -> None:
    """See that all rows are there, and the counters' are right: to what a minute counts, kWh."""
    assert rows.keys() == expected.keys()
    for entity_id, each in rows.items():
        assert [row.start for row in each] == [row.start for row in expected[entity_id]], entity_id
        for row, true in zip(each, expected[entity_id], strict=True):
            assert row.sum == pytest.approx(true.sum, abs=0.1), (entity_id, row.start)


# An account that comes, goes, and comes back

STAGES = [(FIRST,), (FIRST, SECOND), (FIRST,), (FIRST, SECOND)]
STAGE_MINUTES = 75


@dataclass(frozen=True)
class Stage:
    """What there was of each account in a stage, and what is left as the service has stopped."""

    names: Mapping[str, str]
    shown: tuple[list[Moment], list[Moment]]
    rows: tuple[Rows, Rows]
    kept: tuple[Mapping[str, object], Mapping[str, object]]


async def come_and_go(home: Home, stages: Sequence[Sequence[Login]]) -> list[Stage]:
    """Restart the service between stages; at the end of each the second account is in trouble."""
    found = []
    for logins in stages:
        shown: tuple[list[Moment], list[Moment]] = [], []
        mending: list[Callable[[], None]] = []
        async with home.started(*logins):
            for minute in range(STAGE_MINUTES):
                if minute == STAGE_MINUTES - 15:
                    mending += [home.strike(one, SECOND) for one in FAULTS["denied"]]
                if minute == STAGE_MINUTES - 5:
                    mending += [home.strike(one, SECOND) for one in FAULTS["wrong secret"]]
                await home.clock.advance(60)
                for number in (0, 1):
                    shown[number].append(home.of(number))
            names = dict(home.names)
        for end in mending:
            end()
        rows, kept = (home.rows(0), home.rows(1)), (home.kept(0), home.kept(1))
        found.append(Stage(names, shown, rows, kept))
    return found


@pytest.fixture(scope="module")
def stages(folder: Path) -> list[Stage]:
    """One for each entry of STAGES."""
    with home(folder / "stages") as made:
        return asyncio.run(come_and_go(made, STAGES))


@pytest.fixture(scope="module")
def alone(folder: Path) -> list[Stage]:
    """The same without the second account."""
    with home(folder / "alone") as made:
        return asyncio.run(come_and_go(made, [(FIRST,)] * len(STAGES)))


def test_an_account_that_comes_and_goes_changes_nothing_of_the_other(
    stages: list[Stage], alone: list[Stage]
) -> None:
    for with_it, without in zip(stages, alone, strict=True):
        assert with_it.shown[0] == without.shown[0]
        assert with_it.rows[0] == without.rows[0]
        assert with_it.kept[0] == without.kept[0]
        assert with_it.names.items() >= without.names.items()


def test_what_is_known_of_an_account_stays_while_it_is_gone(stages: list[Stage]) -> None:
    _, there, gone, _ = stages
    assert gone.kept[1] == there.kept[1]
    assert all(gone.kept[1].values())
    assert_goes_on(gone.rows[1], there.rows[1], hours=1)  # that in which it went
    states = gone.shown[1][-1].states
    assert states.keys() == there.shown[1][-1].states.keys()
    assert {*states.values()} == {"unavailable"}


def test_what_is_said_of_an_account_ends_with_it(stages: list[Stage]) -> None:
    _, there, gone, back = stages
    assert there.shown[1][-10].notifications
    assert there.shown[1][-10].problems
    assert there.shown[1][-1].notifications
    for moment in [*gone.shown[1], *back.shown[1][:45]]:
        assert not moment.notifications
        assert not moment.problems


def test_an_account_that_comes_back_goes_on_where_it_was(stages: list[Stage]) -> None:
    _, there, _, back = stages
    assert back.names == there.names
    states = back.shown[1][30].states
    assert states.keys() == there.shown[1][30].states.keys()
    assert "unavailable" not in states.values()
    assert_goes_on(back.rows[1], there.rows[1], hours=3)
    for entity_id, rows in back.rows[1].items():
        # What is counted is what the counter has shown since its first row.
        starts = [row.state - row.sum for row in rows if row.sum is not None and row.state]
        assert starts == pytest.approx(starts[:1] * len(starts)), entity_id


def assert_goes_on(rows: Rows, before: Rows, *, hours: int) -> None:
    """See that no row has changed since, and at most this number of hours came after them."""
    assert rows.keys() == before.keys() != set()
    for entity_id, each in rows.items():
        number = len(before[entity_id])
        assert each[:number] == before[entity_id], entity_id
        starts = [row.start for row in each]
        assert starts == [*range(starts[0], starts[-1] + 1, 3600)], entity_id
        assert len(each) - number == hours, entity_id


# An inverter of both


@dataclass(frozen=True)
class Shared:
    """What there was of an inverter that both accounts can see.

    `shown` has each minute, and which account would read the inverter.
    """

    shown: list[tuple[Moment, str | None]]
    rows: Rows


# When the account that reads it loses access, in minutes: another one may have it again then. The
# last time the service is away; at last the first account is removed.
DENIED, DENIED_TOO, LEFT, REFUSED, RETURNED, REMOVED, OVER = 25, 50, 75, 90, 150, 205, 240


async def hand_over(home: Home, *, is_calm: bool) -> Shared:
    """Let the account that reads the inverter lose access, again and again, or never."""
    shown: list[tuple[Moment, str | None]] = []
    losses = {
        DENIED: (FAULTS["denied"], FIRST),
        DENIED_TOO: (FAULTS["denied"], SECOND),
        REFUSED: (FAULTS["wrong secret"], FIRST),
    }
    mending: list[Callable[[], None]] = []
    async with AsyncExitStack() as service:
        for minute in range(OVER):
            if minute in {LEFT, REMOVED}:
                await service.aclose()
            if minute in {0, RETURNED, REMOVED}:
                logins = (FIRST, SECOND) if minute < REMOVED or is_calm else (SECOND,)
                await service.enter_async_context(home.started(*logins))
            if minute in losses and not is_calm:
                while mending:
                    mending.pop()()
                faults, login = losses[minute]
                mending += [home.strike(fault, login) for fault in faults]
            await home.clock.advance(60)
            reader = home.accounts.reader(home.serials[0])
            shown.append((home.of(0), None if reader is None else reader.label))
        return Shared(shown, home.rows(0))


def test_an_inverter_of_two_accounts_goes_from_one_to_the_other_without_a_trace(
    folder: Path,
) -> None:
    found = []
    for name in ("calm", "handed over"):
        with home(folder / f"shared {name}", is_shared=True) as made:
            found.append(asyncio.run(hand_over(made, is_calm=name == "calm")))
    calm, handed = found
    readers = [handed.shown[end - 1][1] for end in (DENIED, DENIED_TOO, LEFT, REMOVED, OVER)]
    assert readers == ["Account 1", "Account Farm", "Account 1", "Account Farm", ""]
    for (now, _), (before, _) in zip(handed.shown, calm.shown, strict=True):
        assert now.states.keys() == before.states.keys()
        assert now.states[STATUS] == before.states[STATUS]
        assert not now.problems
    assert {*handed.shown[REMOVED - 1][0].notifications} == {"credentials"}
    assert not handed.shown[-1][0].notifications
    assert handed.rows.keys() == calm.rows.keys()
    for entity_id, rows in handed.rows.items():
        figures = [(row.start, row.state, row.sum) for row in rows]
        assert figures == [(row.start, row.state, row.sum) for row in calm.rows[entity_id]], (
            entity_id
        )
