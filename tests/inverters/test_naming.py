"""What inverters are called, and that it stays so."""

from redback.cloud import ListedInverter
from redback.inverters.naming import Choice, GivenName, choose, replacements
from redback.options import Site

ONE = ListedInverter("RB26030100000011", "S1")
TWO = ListedInverter("RB26030100000022", "S2")
TWIN = ListedInverter("RB26030100000023", "S2")


def called(choice: Choice) -> dict[str, str]:
    return {serial[-2:]: name.name for serial, name in choice.names.items()}


def test_a_single_inverter_is_just_redback() -> None:
    assert called(choose([ONE], (), {})) == {"11": "Redback"}


def test_several_inverters_have_the_end_of_their_serial_number() -> None:
    assert called(choose([ONE, TWO], (), {})) == {"11": "Redback 0011", "22": "Redback 0022"}


def test_the_end_is_as_long_as_it_takes_to_distinguish_them() -> None:
    choice = choose([ListedInverter("RBA0001"), ListedInverter("RBB0001")], (), {})
    assert sorted(name.name for name in choice.names.values()) == ["Redback 0001", "Redback B0001"]


def test_a_second_inverter_does_not_rename_the_first() -> None:
    first = choose([ONE], (), {})
    assert called(choose([ONE, TWO], (), first.names)) == {"11": "Redback", "22": "Redback 0022"}


def test_the_first_one_going_does_not_rename_the_second() -> None:
    both = choose([ONE, TWO], (), {"RB26030100000011": GivenName("Redback", "Redback")})
    assert called(choose([TWO], (), both.names)) == {"22": "Redback 0022"}


def test_the_options_give_the_name_of_a_site_or_of_an_inverter() -> None:
    sites = (Site("S1", "Home"), Site("RB26030100000022", "Shed"))
    assert called(choose([ONE, TWO], sites, {})) == {"11": "Home", "22": "Shed"}


def test_an_inverters_own_entry_counts_before_its_sites() -> None:
    sites = (Site("S2", "Farm"), Site("RB26030100000023", "Pump"))
    assert called(choose([TWO, TWIN], sites, {})) == {"22": "Farm", "23": "Pump"}


def test_two_inverters_of_one_named_site_are_distinguished() -> None:
    choice = choose([TWO, TWIN], (Site("S2", "Farm"),), {})
    assert called(choice) == {"22": "Farm 0022", "23": "Farm 0023"}


def test_sites_leave_out_what_they_do_not_name() -> None:
    assert called(choose([ONE, TWO], (Site("S1", "Home"),), {})) == {"11": "Home"}


def test_an_entry_without_a_name_is_called_as_if_there_were_none() -> None:
    assert called(choose([ONE, TWO], (Site("S2"),), {})) == {"22": "Redback"}


def test_a_new_name_in_the_options_is_obeyed() -> None:
    given = choose([ONE], (Site("S1", "Home"),), {}).names
    assert called(choose([ONE], (Site("S1", "House"),), given)) == {"11": "House"}


def test_what_the_account_does_not_have_is_reported_and_stops_nothing() -> None:
    choice = choose([ONE], (Site("S1", "Home"), Site("S9", "Gone")), {})
    assert called(choice) == {"11": "Home"}
    assert choice.missing == (Site("S9", "Gone"),)


def test_ids_are_found_whatever_their_case() -> None:
    assert called(choose([ONE], (Site("rb26030100000011", "Home"),), {})) == {"11": "Home"}


def test_two_names_never_make_one_entity_id() -> None:
    sites = (Site("S1", "Farm 0022"), Site("S2", "Farm"))
    names = called(choose([ONE, TWO, TWIN], sites, {}))
    assert names["11"] == "Farm 0022"
    assert len(set(names.values())) == 3


def test_a_name_that_another_inverter_was_given_is_not_given_again() -> None:
    first = choose([ONE], (Site("S1"),), {}).names
    second = choose([ONE, TWO], (Site("S2"),), first).names
    both = choose([ONE, TWO], (), {**first, **second})
    assert called(both) == {"11": "Redback", "22": "Redback 0022"}


def test_two_that_were_given_one_name_are_distinguished_from_now_on() -> None:
    twice = {serial: GivenName("Redback", "Redback") for serial in (ONE.serial, TWO.serial)}
    assert called(choose([ONE, TWO], (), twice)) == {"11": "Redback", "22": "Redback 0022"}


def test_an_inverter_that_was_replaced_has_the_name_that_the_options_give_it() -> None:
    given = choose([ONE], (Site(ONE.serial, "Home"),), {}).names
    assert called(choose([TWO], (Site(TWO.serial, "Home"),), given)) == {"22": "Home"}


def test_a_name_that_only_a_lost_inverter_had_is_free() -> None:
    given = choose([ONE], (), {}).names
    choice = choose([TWO], (), given)
    assert choice.names == {TWO.serial: GivenName("Redback", "Redback", (ONE.serial,))}


def test_the_options_give_the_name_of_one_site_to_another() -> None:
    given = choose([ONE, TWIN], (Site("S1", "Home"), Site("S2", "Shed")), {}).names
    choice = choose([ONE, TWIN], (Site("S2", "Home"), Site("S1", "Old")), given)
    assert called(choice) == {"11": "Old", "23": "Home"}
    assert choice.names[TWIN.serial].formers == (ONE.serial,)


def test_an_entry_of_a_lost_inverter_is_that_of_the_one_which_has_its_name() -> None:
    sites = (Site(ONE.serial, "Home"),)
    given = {TWO.serial: GivenName("Home", "Home", ("RB0", ONE.serial))}
    choice = choose([TWO], sites, given)
    assert (choice.names, choice.missing) == (given, ())
    both = choose([ONE, TWO], sites, given)
    assert called(both) == {"11": "Home"}


def test_only_the_one_inverter_of_a_site_is_replaced_and_only_by_a_new_one() -> None:
    moved = ListedInverter(TWO.serial, "S1")
    assert replacements([ONE], [moved]) == {ONE.serial: TWO.serial}
    assert replacements([ONE], [ONE, moved]) == {}
    assert replacements([ONE], [TWO]) == {}
    assert replacements([ONE, TWO], [moved]) == {}
    assert replacements([TWO, TWIN], [ListedInverter("RB9", "S2")]) == {}
    assert replacements([TWO], [TWIN, ListedInverter("RB9", "S2")]) == {}
    assert replacements([ListedInverter("RB1")], [ListedInverter("RB2")]) == {}
