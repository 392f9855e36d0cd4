"""What becomes of inverters that are replaced or sold."""

from pathlib import Path

import pytest

from fake_clock import FakeClock
from polling.stand_ins import DENIED, Cloud, Unsaved
from polling.test_account import World
from redback.options import Site
from redback.problems import Kind

_HOUR = 3600
_DAY = 24 * _HOUR


class House(World):
    """An account whose list comes when a test says so, and with it the readings."""

    def __init__(self, clock: FakeClock, folder: Path) -> None:
        super().__init__(clock, folder)
        self.cloud = Cloud(clock)
        self.saved_state = Unsaved()
        self.restart()

    async def list(self, *serials: str, after: float = _HOUR) -> None:
        """Let the cloud list these after some time."""
        self.clock.skip(after)
        self.cloud.serials = [*serials]
        self.one._take(self.cloud.inverters())  # noqa: SLF001 - an hour is long
        await self.one.poller.round()

    def restart(self, *sites: Site) -> None:
        self.registry.use({}, instead_of=[*self.registry.names])
        self.accounts = self.all_accounts(*sites)
        self.one = self.account(self.cloud, "")
        self.accounts.use_saved()

    async def lose_one(self) -> None:
        """Let the account have two inverters, and for a day only the first."""
        await self.list("RB11", "RB22")
        await self.list("RB11")
        await self.list("RB11", after=_DAY)

    @property
    def named(self) -> dict[str, str]:
        """The names of those that are read."""
        return {serial: given.name for serial, given in self.registry.names.items()}

    def status(self, name: str) -> str | None:
        return self.states.get(f"sensor.{name}_status")


@pytest.fixture
def house(clock: FakeClock, tmp_path: Path) -> House:
    return House(clock, tmp_path)


async def test_another_inverter_in_place_of_the_only_one_keeps_its_name_and_ids(
    house: House,
) -> None:
    await house.list("RB11")
    before = set(house.states)
    await house.list("RB22")
    assert house.named == {"RB22": "Redback"}
    assert house.states.keys() == before
    assert house.status("redback") == "OK"
    assert list(house.shown.messages) == ["replaced_RB22"]
    assert "`RB22` instead of `RB11`" in house.shown.messages["replaced_RB22"]
    house.shown.messages.clear()
    for _ in range(3):
        await house.list("RB22", after=_DAY)
    assert not house.shown.messages  # just one
    assert not house.problems.now
    house.restart()
    assert house.named == {"RB22": "Redback"}


async def test_an_entry_of_sites_goes_on_for_the_successor(house: House) -> None:
    house.restart(Site("RB11", "Home"))
    await house.list("RB11")
    await house.list("RB22")
    assert house.named == {"RB22": "Home"}
    assert house.status("home") == "OK"
    assert house.shown.messages.keys() == {"replaced_RB22"}


async def test_one_that_was_not_in_use_is_replaced_without_a_word(house: House) -> None:
    house.restart(Site("RB99", "Home"))
    await house.list("RB11")
    await house.list("RB22")
    assert not house.named
    assert house.shown.messages.keys() == {"missing_sites"}


async def test_one_that_comes_back_after_its_successor_has_a_name_of_its_own(
    house: House,
) -> None:
    await house.list("RB11")
    await house.list("RB22")
    await house.list("RB11", "RB22")
    assert house.named == {"RB11": "Redback RB11", "RB22": "Redback"}
    assert house.status("redback") == house.status("redback_rb11") == "OK"


async def test_one_of_several_is_read_for_a_day_after_it_was_last_listed(house: House) -> None:
    await house.list("RB11", "RB22")
    await house.list("RB11")
    await house.list("RB11", after=_DAY - _HOUR)
    assert house.status("redback_rb22") == "OK"
    await house.list("RB11")
    assert house.named == {"RB11": "Redback RB11"}
    found = {value for entity_id, value in house.states.items() if "rb22" in entity_id}
    assert found == {"unavailable"}
    assert house.accounts.gone.keys() == house.accounts.lost.keys() == {"RB22"}
    assert house.accounts.lost["RB22"].name == "Redback RB22"
    assert not house.one.details.others


async def test_one_that_was_not_in_use_is_not_missed(house: House) -> None:
    house.restart(Site("RB11", "Home"))
    await house.lose_one()
    assert house.accounts.gone.keys() == {"RB22"}
    assert not house.accounts.lost


async def test_one_that_is_gone_is_not_read_after_a_restart_and_returns_with_the_list(
    house: House,
) -> None:
    await house.lose_one()
    house.restart()
    assert house.accounts.gone.keys() == house.accounts.lost.keys() == {"RB22"}
    assert house.named == {"RB11": "Redback RB11"}
    await house.list("RB11", "RB22")
    assert not house.accounts.gone
    assert not house.accounts.lost
    assert house.status("redback_rb22") == "OK"


async def test_lists_that_are_empty_or_have_a_hole_for_hours_change_nothing(
    house: House,
) -> None:
    both = {"RB11": "Redback RB11", "RB22": "Redback RB22"}
    for serials in (["RB11", "RB22"], ["RB22"], ["RB11", "RB22"], ["RB11"], [*both]):
        await house.list(*serials, after=_DAY - _HOUR)
        assert house.named == both
    for _ in range(3):
        await house.list(after=_DAY)
        assert house.named == both


async def test_one_that_is_gone_keeps_its_name_until_it_is_forgotten(house: House) -> None:
    await house.list("RB11")
    await house.list("RB11", "RB22")
    for _ in range(2):
        await house.list("RB22", after=_DAY)
    await house.list("RB22", "RB33")
    assert house.named == {"RB22": "Redback RB22", "RB33": "Redback RB33"}
    house.accounts.forget("RB11")
    assert not house.accounts.gone
    assert not house.accounts.lost
    house.restart(Site("S1"))
    assert house.named == {"RB22": "Redback RB22", "RB33": "Redback RB33"}
    await house.list("RB22", "RB33", "RB11")
    assert house.named["RB11"] == "Redback"


async def test_a_name_of_another_account_is_free(house: House) -> None:
    await house.list("RB11")
    house.cloud.site = "S2"
    await house.list("RB22")
    assert house.named == {"RB22": "Redback"}
    assert not house.shown.messages


async def test_no_access_and_all_problems_end_when_an_inverter_is_not_read_any_more(
    house: House,
) -> None:
    await house.list("RB11", "RB22")
    house.cloud.unreadable = DENIED
    await house.list("RB11")
    assert "`RB22`" in house.shown.messages["denied"]
    await house.list("RB11", after=_DAY)
    assert "`RB22`" not in house.shown.messages["denied"]
    assert set(house.problems.now) == {(Kind.READINGS, None)}


async def test_where_all_entries_of_sites_are_gone_there_is_one_notification(house: House) -> None:
    house.restart(Site("RB22", "Home"))
    await house.lose_one()
    assert not house.named
    assert "lists `RB22`, which your account does not have" in house.shown.messages["missing_sites"]
    assert "`RB22`" not in house.shown.messages["missing_sites"].split("It has", 1)[1]
    assert [site.id for site in house.accounts.missing] == ["RB22"]
    assert not house.accounts.lost
    await house.list("RB11", "RB22")
    assert house.named == {"RB22": "Home"}
    assert not house.shown.messages


async def test_one_that_is_gone_does_not_keep_its_neighbour_from_being_replaced(
    house: House,
) -> None:
    await house.lose_one()
    await house.list("RB33")
    assert house.named == {"RB33": "Redback RB11"}
    assert house.status("redback_rb11") == "OK"
    assert house.shown.messages.keys() == {"replaced_RB33"}


async def test_one_that_is_gone_and_comes_back_takes_the_place_of_no_other(house: House) -> None:
    await house.lose_one()
    await house.list("RB22")
    assert house.named == {"RB11": "Redback RB11", "RB22": "Redback RB22"}
    assert not house.shown.messages
