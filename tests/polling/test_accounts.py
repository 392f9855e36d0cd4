"""That accounts share names and inverters, and nothing of one costs another one anything."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, cast

import pytest

from fake_clock import FakeClock, at_once
from polling.stand_ins import AWAY, DENIED, TOKEN_REFUSED, Cloud, Unsaved
from polling.test_account import REFUSED, World
from redback.cloud import CloudError, RedbackClient, ThrottledError
from redback.inverters.naming import DEFAULT_BASE, GivenName
from redback.options import Site
from redback.polling.accounts import Accounts
from redback.problems import Problem
from redback.saved_state import Saved
from running import running

_DAY = 24 * 3600.0
_T = TypeVar("_T")


class House(World):
    """Accounts that a test adds, each with its cloud, and nothing saved before."""

    def __init__(self, clock: FakeClock, folder: Path, stack: AsyncExitStack) -> None:
        super().__init__(clock, folder)
        self.saved_state = Unsaved()
        self._stack = stack

    def cloud(self, *serials: str, site: str) -> Cloud:
        cloud = Cloud(self.clock, *serials)
        cloud.site = site
        return cloud

    async def start(self, *clouds: Cloud, sites: tuple[Site, ...] = ()) -> Accounts:
        """Start the service with these accounts: the first, "2", "3" and so on."""
        await self._stack.aclose()
        self.registry.use({}, instead_of=[*self.registry.names])
        self.accounts = self.all_accounts(*sites)
        for number, cloud in enumerate(clouds, start=1):
            self.account(cloud, "" if number == 1 else str(number))
        self.accounts.use_saved()
        await self._stack.enter_async_context(running(self.accounts))
        await self.clock.advance(90)
        return self.accounts

    @property
    def named(self) -> dict[str, str]:
        return {serial: given.name for serial, given in self.registry.names.items()}

    def status(self, serial: str) -> str:
        name = self.named[serial].lower().replace(" ", "_")
        return self.states[f"sensor.{name}_status"]

    def reader(self, serial: str) -> str | None:
        account = self.accounts.reader(serial)
        return None if account is None else account.key


@pytest.fixture
async def house(clock: FakeClock, tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        yield House(clock, tmp_path, stack)


# Names


async def test_a_second_account_renames_nothing_and_is_named_as_a_second_inverter_is(
    house: House,
) -> None:
    first, second = house.cloud("RB0011", site="S1"), house.cloud("RB0022", site="S2")
    await house.start(first)
    assert house.named == {"RB0011": "Redback"}
    await house.start(first, second)
    assert house.named == {"RB0011": "Redback", "RB0022": "Redback 0022"}
    await house.start(first)
    assert house.named == {"RB0011": "Redback"}
    await house.start(first, second)
    assert house.named == {"RB0011": "Redback", "RB0022": "Redback 0022"}
    await house.start(second)
    assert house.named == {"RB0022": "Redback 0022"}
    assert not house.shown.messages


@pytest.mark.parametrize("late", [0, 1])
async def test_names_do_not_depend_on_which_account_is_listed_first(
    house: House, late: int
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0022", site="S2")
    clouds[late].failing = AWAY
    await house.start(*clouds)
    clouds[late].failing = None
    await house.clock.advance(120)
    assert house.named == {"RB0011": "Redback 0011", "RB0022": "Redback 0022"}


@pytest.mark.parametrize("late", [0, 1])
async def test_nor_where_one_of_them_has_none(house: House, late: int) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud(site="S2")
    clouds[late].failing = AWAY
    await house.start(*clouds)
    clouds[late].failing = None
    await house.clock.advance(120)
    assert house.named == {"RB0011": "Redback 0011"}


async def test_sites_choose_among_all_accounts(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0022", "RB0033", site="S2")
    sites = Site("S1", "Home"), Site("RB0033", "Pump")
    await house.start(*clouds, sites=sites)
    assert house.named == {"RB0011": "Home", "RB0033": "Pump"}
    assert not house.shown.messages
    assert house.accounts.missing == ()


async def test_an_entry_that_no_account_has_is_named_once_all_are_listed(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0022", site="S2")
    clouds[1].failing = AWAY
    await house.start(*clouds, sites=(Site("S1", "Home"), Site("S9")))
    assert "missing_sites" not in house.shown.messages
    clouds[1].failing = None
    await house.clock.advance(120)
    message = house.shown.messages["missing_sites"]
    assert "lists `S9`, which none of your accounts has. They have the site `S1`" in message
    assert "`RB0022`" in message


async def test_an_entry_for_something_new_is_not_called_unknown_before_the_list_has_come(
    house: House,
) -> None:
    cloud = house.cloud("RB0011", site="S1")
    await house.start(cloud)
    cloud.failing = AWAY
    await house.start(cloud, sites=(Site("RB0011"), Site("RB0022")))
    assert house.named == {"RB0011": "Redback"}
    assert not house.shown.messages
    assert house.accounts.missing == ()


async def test_an_account_that_is_refused_costs_the_others_no_word_of_a_mistake_in_sites(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0022", site="S2")
    await house.start(*clouds)
    clouds[1].failing = REFUSED
    await house.start(*clouds, sites=(Site("S111"), Site("S2")))
    message = house.shown.messages["missing_sites"]
    assert "lists `S111`, which none of your accounts has" in message
    await house.start(*clouds, sites=(Site("S1"), Site("S2")))
    assert house.shown.messages.keys() == {"credentials_2"}
    assert house.accounts.missing == ()


async def test_an_account_that_never_answers_is_not_waited_for_any_longer(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0022", site="S2")
    await house.start(*clouds)
    _throttled(clouds[1])
    await house.start(*clouds, sites=(Site("S1"), Site("S111")))
    assert not house.shown.messages
    await house.clock.advance(5 * 60)
    assert "lists `S111`, which" in house.shown.messages["missing_sites"]


async def test_that_a_token_was_refused_is_not_shown_of_an_account_that_reads_nothing(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    clouds[1].failing = TOKEN_REFUSED
    await house.start(*clouds)
    assert house.shown.messages.keys() == {"token_2"}
    clouds[1].failing = None
    await house.clock.advance(600)
    assert not house.shown.messages
    house.shown.messages["token_2"] = "left by an earlier run"
    await house.start(*clouds)
    assert not house.shown.messages


async def test_what_one_account_has_lost_is_gone_and_can_be_forgotten(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0022", "RB0033", site="S2")
    await house.start(*clouds)
    clouds[1].serials.remove("RB0033")
    await house.clock.advance(_DAY + 2 * 3600)
    assert house.accounts.gone.keys() == {"RB0033"}
    assert house.named.keys() == {"RB0011", "RB0022"}
    house.accounts.forget("RB0033")
    assert not house.accounts.gone
    assert {one.serial for one in house.accounts.inverters} == {"RB0011", "RB0022"}


# An inverter that is replaced


async def test_an_inverter_of_two_accounts_that_is_replaced_hands_on_its_name_once(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    await house.start(*clouds)
    name, states = house.named["RB0011"], set(house.states)
    for cloud in clouds:
        cloud.serials[:] = ["RB0099"]
    for _ in range(3):
        await house.clock.advance(3700)
        assert house.named == {"RB0099": name}
    assert set(house.states) == states
    assert house.saved_state.saved.names["RB0099"].formers == ("RB0011",)
    assert [one.serial for one in house.accounts.inverters] == ["RB0099"]
    assert house.shown.messages.keys() == {"replaced_RB0099"}
    assert not house.problems.now


async def test_what_only_one_account_stops_listing_is_not_replaced(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    await house.start(*clouds)
    clouds[0].serials[:] = ["RB0099"]
    await house.clock.advance(2 * 3700)
    assert house.named == {"RB0011": "Redback 0011", "RB0099": "Redback 0099"}
    assert house.reader("RB0011") == "2"


async def test_an_inverter_that_has_a_name_keeps_it_where_another_seems_replaced(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", "RB0022", site="S1")
    await house.start(*clouds)
    before = house.named
    clouds[0].serials[:] = ["RB0022"]
    await house.clock.advance(2 * 3700)
    assert house.named == before
    assert not house.shown.messages


async def test_an_account_that_does_not_answer_holds_up_a_replacement_for_minutes_only(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    await house.start(*clouds)
    clouds[0].serials[:] = ["RB0099"]
    clouds[1].failing = AWAY
    await house.clock.advance(3700 + 5 * 60)
    assert house.status("RB0099") == "OK"


# An inverter that two accounts can see


async def test_an_inverter_of_two_accounts_is_read_by_the_first(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", "RB0022", site="S1")
    await house.start(*clouds)
    assert [house.reader(serial) for serial in house.named] == ["", "2"]
    assert [cloud.asked.count("static RB0011") for cloud in clouds] == [1, 0]
    assert [one.serial for one in house.accounts.inverters] == ["RB0011", "RB0022"]


@pytest.mark.parametrize("error", [DENIED, TOKEN_REFUSED], ids=["denied", "token"])
async def test_it_moves_to_the_other_when_the_first_is_refused_it(
    house: House, error: CloudError
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    await house.start(*clouds)
    clouds[0].unreadable = error
    status = house.registry.reading("RB0011")
    for _ in range(30):
        await house.clock.advance(60)
        reading = house.registry.reading("RB0011")
        assert reading is not None
        assert reading.is_live
        assert not house.shown.messages
    assert reading != status
    assert house.reader("RB0011") == "2"
    assert not house.problems.now


async def test_it_moves_while_the_credentials_of_the_first_are_refused(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    await house.start(*clouds)
    clouds[0].failing = REFUSED
    await house.clock.advance(180)
    assert house.reader("RB0011") == "2"
    assert house.status("RB0011") == "OK"
    assert house.shown.messages.keys() == {"credentials"}
    clouds[0].failing = None
    house.accounts.retry()
    await house.clock.advance(60)
    assert house.reader("RB0011") == ""
    assert not house.shown.messages


async def test_where_both_are_refused_it_there_is_one_notification(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    for cloud in clouds:
        cloud.unreadable = DENIED
    await house.start(*clouds)
    await house.clock.advance(600)
    assert house.shown.messages.keys() == {"denied"}
    clouds[0].unreadable = None
    await house.clock.advance(1200)
    assert not house.shown.messages


@pytest.mark.parametrize("error", [DENIED, TOKEN_REFUSED], ids=["denied", "token"])
async def test_one_refusal_of_the_other_does_not_leave_it_with_the_first_for_ever(
    house: House, error: CloudError
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    clouds[0].unreadable = DENIED
    await house.start(*clouds)
    await house.clock.advance(300)
    assert house.reader("RB0011") == "2"
    clouds[1].unreadable = error
    await house.clock.advance(60)
    clouds[1].unreadable = None
    await house.clock.advance(180)
    assert house.reader("RB0011") == "2"
    assert house.status("RB0011") == "OK"
    assert not house.shown.messages


async def test_what_none_may_read_each_tries_in_turn_and_the_notification_stays(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    for cloud in clouds:
        cloud.unreadable = DENIED
    await house.start(*clouds)
    house.shown.withdrawn.clear()
    before = [cloud.polls for cloud in clouds]
    for _ in range(10):
        await house.clock.advance(60)
        assert house.shown.messages.keys() == {"denied"}
    assert all(8 <= cloud.polls - n <= 13 for cloud, n in zip(clouds, before, strict=True))
    assert "denied" not in house.shown.withdrawn


async def test_what_both_tokens_are_refused_is_said_of_both_and_rarely_tried(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    for cloud in clouds:
        cloud.unreadable = TOKEN_REFUSED
    await house.start(*clouds)
    await house.clock.advance(1800)
    assert house.shown.messages.keys() == {"token", "token_2"}
    before = [cloud.polls for cloud in clouds]
    await house.clock.advance(3000)
    assert all(5 <= cloud.polls - n <= 11 for cloud, n in zip(clouds, before, strict=True))


@pytest.mark.parametrize("fault", ["throttled", "away", "slow"])
async def test_another_account_goes_on_where_the_first_gets_no_readings(
    house: House, fault: str
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    slow = Slow(house.clock)
    house.accounts = house.all_accounts()
    house.accounts.add(cast("RedbackClient", clouds[0]), "", runner=slow)
    house.accounts.add(cast("RedbackClient", clouds[1]), "2", runner=at_once)
    async with running(house.accounts):
        await house.clock.advance(200)
        if fault == "slow":
            slow.is_slow, clouds[0].unreadable = True, AWAY
        elif fault == "away":
            clouds[0].failing = AWAY
        else:
            _throttled(clouds[0])
        await house.clock.advance(5 * 60)
        for _ in range(60):
            await house.clock.advance(60)
            assert house.reader("RB0011") == "2"
            assert house.status("RB0011") == "OK"
        assert not house.shown.messages


async def test_where_the_cloud_is_away_for_all_the_inverter_stays_with_its_account(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    await house.start(*clouds)
    for cloud in clouds:
        cloud.failing = AWAY
    for _ in range(60):
        await house.clock.advance(60)
        assert house.reader("RB0011") == ""
    for cloud in clouds:
        cloud.failing, cloud.unreadable = None, AWAY
    readers = []
    for _ in range(120):
        await house.clock.advance(60)
        readers.append(house.reader("RB0011"))
    assert 2 <= sum(before != after for before, after in pairwise(readers)) <= 5


async def test_an_answer_that_comes_once_the_other_one_reads_it_is_not_taken(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", "RB0044", site="S1"), house.cloud("RB0011", site="S1")
    slow = Slow(house.clock)
    house.accounts = house.all_accounts()
    house.accounts.add(cast("RedbackClient", clouds[0]), "", runner=slow)
    house.accounts.add(cast("RedbackClient", clouds[1]), "2", runner=at_once)
    begun: list[Problem] = []
    house.problems.follow(lambda: begun.extend(house.problems.now.values()))
    async with running(house.accounts):
        await house.clock.advance(200)
        slow.is_slow = slow.is_early = True
        await house.clock.advance(65)
        next(iter(house.accounts)).credentials_refused()
        await house.clock.advance(70)
    assert not begun


async def test_what_both_are_refused_is_unavailable_at_once(house: House) -> None:
    clouds = house.cloud("RB0011", site="S1"), house.cloud("RB0011", site="S1")
    await house.start(*clouds)
    for cloud in clouds:
        cloud.failing = REFUSED
        await house.clock.advance(120)
    assert house.shown.messages.keys() == {"credentials", "credentials_2"}
    assert house.status("RB0011") == "unavailable"


async def test_an_incomplete_list_does_not_take_it_away_where_the_other_has_lost_it_long_ago(
    house: House,
) -> None:
    clouds = (
        house.cloud("RB0011", "RB0022", site="S1"),
        house.cloud("RB0022", "RB0033", site="S1"),
    )
    await house.start(*clouds)
    clouds[0].serials.remove("RB0022")
    await house.clock.advance(3 * _DAY)
    clouds[1].serials.remove("RB0022")
    await house.clock.advance(3700)
    assert house.reader("RB0022") == "2"
    assert house.status("RB0022") == "OK"
    assert not house.accounts.gone
    await house.clock.advance(_DAY)
    assert house.accounts.gone.keys() == {"RB0022"}
    house.accounts.forget("RB0022")
    assert {one.serial for one in house.accounts.inverters} == {"RB0011", "RB0033"}


async def test_one_that_is_no_longer_listed_by_the_first_is_read_by_the_other(
    house: House,
) -> None:
    clouds = house.cloud("RB0011", "RB0022", site="S1"), house.cloud("RB0011", site="S1")
    await house.start(*clouds)
    clouds[0].serials.remove("RB0011")
    await house.clock.advance(3700)
    assert house.reader("RB0011") == "2"
    await house.clock.advance(2 * _DAY)
    assert house.status("RB0011") == "OK"
    assert not house.accounts.gone


# One of them with every kind of fault


def _refused(cloud: Cloud) -> None:
    cloud.failing = REFUSED


def _throttled(cloud: Cloud) -> None:
    cloud.failing = ThrottledError("too many", method="GET", url="", retry_after=3600.0)


def _away(cloud: Cloud) -> None:
    cloud.failing = AWAY


def _empty(cloud: Cloud) -> None:
    cloud.serials.clear()


def _denied(cloud: Cloud) -> None:
    cloud.unreadable = DENIED


def _token(cloud: Cloud) -> None:
    cloud.unreadable = TOKEN_REFUSED


def _slow(_: Cloud) -> None:
    """The runner is slow: see `Slow`."""


class Slow:
    """Lets each request of one account take as long as it may."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.is_slow = False
        # Whether it is the answer that takes long, and not the question.
        self.is_early = False

    async def __call__(self, question: Callable[[], _T], /) -> _T:
        if self.is_early:
            answer = question()
            await self._clock.sleep(40)
            return answer
        if self.is_slow:
            await self._clock.sleep(45)
        return question()


_FELT = [_refused, _throttled, _away, _denied, _token, _slow]
_UNFELT = [_empty]  # known inverters are read
_Minutes = list[tuple[dict[str, str], set[str]]]


async def _record(
    house: House, faulty: int, fault: Callable[[Cloud], None] | None
) -> dict[str, _Minutes]:
    """Return what is shown of each account, minute by minute: states, and notifications.

    The fault begins after five minutes, and ends after an hour.
    """
    clouds = house.cloud("RB1", site="S1"), house.cloud("RB2", site="S2")
    names = {"RB1": GivenName(DEFAULT_BASE, "House"), "RB2": GivenName(DEFAULT_BASE, "Shed")}
    house.saved_state = Unsaved(Saved(names=names))
    slow = Slow(house.clock)
    house.accounts = house.all_accounts()
    for number, cloud in enumerate(clouds):
        runner = slow if number == faulty else at_once
        house.accounts.add(cast("RedbackClient", cloud), ("", "2")[number], runner=runner)
    found: dict[str, _Minutes] = {"house": [], "shed": []}
    async with running(house.accounts):
        for minute in range(90):
            await house.clock.advance(60)
            if minute == 5 and fault is not None:
                fault(clouds[faulty])
                slow.is_slow = fault is _slow
            if minute == 60:
                clouds[faulty].failing = clouds[faulty].unreadable = None
                clouds[faulty].serials[:] = [f"RB{faulty + 1}"]
                slow.is_slow = False
            second = {key for key in house.shown.messages if key.endswith("_2")}
            notices = {"house": {*house.shown.messages} - second, "shed": second}
            for name, minutes in found.items():
                states = {one: value for one, value in house.states.items() if f".{name}_" in one}
                minutes.append((states, notices[name]))
    return found


@pytest.mark.parametrize("faulty", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("fault", [*_FELT, *_UNFELT], ids=lambda fault: fault.__name__.strip("_"))
async def test_no_fault_of_one_changes_what_is_shown_of_the_other(
    tmp_path: Path, fault: Callable[[Cloud], None], faulty: int
) -> None:
    runs = []
    for name, what in (("calm", None), ("faulty", fault)):
        (tmp_path / name).mkdir()
        async with AsyncExitStack() as stack:
            house = House(FakeClock(), tmp_path / name, stack)
            runs.append(await _record(house, faulty, what))
    calm, troubled = runs
    names = ["house", "shed"]
    own, other = names[faulty], names[1 - faulty]
    assert calm[other] == troubled[other]
    assert (calm[own] != troubled[own]) is (fault in _FELT)
