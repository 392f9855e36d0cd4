"""That the panel shows several accounts beside each other, each with what is its own."""

import pytest

from fake_clock import FakeClock
from panel.scenes import House
from redback.notifications import AccountNotifications, Notification
from redback.panel.sites import accounts
from redback.problems import Kind

HOME, BARN = "RB26030100000011", "RB26030100000021"


@pytest.fixture
def house(clock: FakeClock) -> House:
    house = House(clock)
    house.add(HOME, "House", "S1")
    house.add(BARN, "Barn", "S2")
    return house


@pytest.fixture
def told(house: House) -> AccountNotifications:
    """The notifications of the second account, which has the barn."""
    return house.give_away(BARN)


def healths(house: House) -> list[tuple[str, str, str]]:
    return [(one.name, one.state, one.text) for one in house.status.health.accounts]


def inverters(house: House) -> list[tuple[str, str]]:
    return [(one.name, one.state) for one in house.status.health.inverters]


@pytest.mark.usefixtures("told")
def test_each_is_shown_by_its_name_and_all_is_well(house: House) -> None:
    assert healths(house) == [
        ("Account 1", "good", "Receiving readings."),
        ("Account Farm", "good", "Receiving readings."),
    ]
    assert house.summary == ("good", "All is well")


def test_refused_credentials_of_one_leave_the_other_well(
    house: House, told: AccountNotifications
) -> None:
    del house.readings[BARN]
    told.show(Notification.CREDENTIALS)
    assert healths(house)[0][1:] == ("good", "Receiving readings.")
    assert healths(house)[1] == ("Account Farm", "bad", "Credentials rejected.")
    assert inverters(house) == [("Barn", "waiting"), ("House", "good")]
    (notice,) = house.status.notices
    assert notice.text.startswith("Account Farm: The Redback cloud rejected the Client ID")
    assert house.status.health.cloud.text == "Credentials rejected."


@pytest.mark.usefixtures("told")
def test_a_cloud_that_is_away_for_one_hides_no_problem_of_the_other(house: House) -> None:
    assert house.second is not None
    house.second.problems.raise_(Kind.READINGS, why="the cloud answered 503")
    for serial in (HOME, BARN):
        house.problems.raise_(Kind.INVERTER, serial, "the cloud answered 404")
    assert house.titles == ["The Redback cloud is unavailable", "House cannot be read"]
    assert house.status.notices[0].text.startswith(
        "Account Farm: No readings from the Redback cloud: the cloud answered 503."
    )
    assert [state for _, state, _ in healths(house)] == ["good", "bad"]


@pytest.mark.usefixtures("told")
def test_the_same_trouble_of_both_is_one_notice(house: House) -> None:
    for account in house.accounts:
        account.problems.raise_(Kind.READINGS, why="the cloud answered 503")
        account.problems.raise_(Kind.CLOCK, why="it is 3 h 20 min slow")
    clock, cloud = house.status.notices
    assert cloud.text.count("No readings") == 2
    assert clock.text.count("it is 3 h 20 min slow") == 1


def test_no_access_is_that_of_the_account_that_reads_it(
    house: House, told: AccountNotifications
) -> None:
    told.denied([BARN])
    house.problems.raise_(Kind.OFFLINE, BARN)
    house.problems.raise_(Kind.OFFLINE, HOME)
    assert house.titles == ["No access to an inverter", "House is offline"]
    assert house.status.notices[0].text.startswith("Account Farm: The Redback cloud does not allow")
    assert "Barn" in house.status.notices[0].text


def test_a_name_with_braces_is_shown_as_it_is(house: House) -> None:
    house.give_away(BARN)
    told = AccountNotifications(house.notifications, "2", "Account {names} {0}")
    told.denied([BARN])
    assert "Account Barn {0}: " in house.status.notices[0].text


@pytest.mark.usefixtures("told")
def test_an_account_none_of_whose_inverters_is_in_use_is_well(house: House) -> None:
    assert house.second is not None
    del house.names[BARN]
    house.second.names = {}
    assert healths(house)[1][1:] == ("good", "Connected. None of its inverters is in use.")


@pytest.mark.usefixtures("told")
def test_filling_is_held_only_where_no_account_can_go_on(house: House) -> None:
    assert house.second is not None
    house.second.throttle.closed_s = 60.0
    house.progress = type(house.progress)(is_known=True, found=5, left=5)
    assert house.history["hold"] is None
    house.account.throttle.closed_s = 60.0
    hold = house.history["hold"]
    assert hold is not None
    assert hold.why == "the cloud accepts no requests at the moment"


@pytest.mark.usefixtures("told")
def test_sites_shows_what_each_can_see(house: House) -> None:
    found = {
        account.name: [one.serial for site in account.sites for one in site.inverters]
        for account in accounts(house.context)
    }
    assert found == {"Account 1": [HOME], "Account Farm": [BARN]}
