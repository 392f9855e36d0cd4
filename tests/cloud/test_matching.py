"""Elements of a common answer find their inverter by what they say, or not at all."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cloud.bench import START
from redback.cloud import Dynamic, InverterPower
from redback.cloud.matching import match

SITES = {"A": "S1", "B": "S1", "C": "S2", "D": None}


def element(*serials: str, site: str | None = None) -> Dynamic:
    listed = tuple(map(InverterPower, serials))
    return Dynamic(START, site, inverters=listed, status=f"of {','.join(serials) or site}")


def matched(wanted: str, *elements: Dynamic | None) -> dict[str, str | None]:
    return {serial: own.status for serial, own in match(elements, list(wanted), SITES).items()}


def test_order_does_not_matter() -> None:
    assert matched("AB", element("B"), element("A")) == {"A": "of A", "B": "of B"}


def test_what_was_not_asked_for_is_left_out() -> None:
    assert matched("A", element("A"), None, element("X")) == {"A": "of A"}


def test_two_elements_for_one_inverter_are_none() -> None:
    assert matched("AB", element("A"), element("A"), element("B")) == {"B": "of B"}


def test_of_several_the_first_counts_if_each_has_its_own() -> None:
    assert matched("AB", element("A", "B"), element("B", "A")) == {
        "A": "of A,B",
        "B": "of B,A",
    }


def test_of_several_the_first_counts_if_nobody_asked_for_the_others() -> None:
    assert matched("A", element("A", "B")) == {"A": "of A,B"}


def test_of_several_none_counts_if_it_may_be_the_others() -> None:
    assert matched("AB", element("A", "B"), element("A", "B")) == {}
    assert matched("AB", element("A", "B")) == {}
    assert matched("B", element("A", "B")) == {}


def test_without_a_serial_number_the_site_decides_if_only_one_of_it_was_asked_for() -> None:
    assert matched("AC", element(site="S1"), element(site="S2")) == {"A": "of S1", "C": "of S2"}
    assert matched("AB", element(site="S1"), element(site="S1")) == {}
    assert matched("D", element(site=None)) == {}
    assert matched("A", element(site="S9")) == {}


_ELEMENTS = st.lists(
    st.builds(
        lambda serials, site: element(*serials, site=site),
        st.lists(st.sampled_from("ABCDX"), max_size=3),
        st.sampled_from(["S1", "S2", None]),
    ),
    max_size=5,
)


@given(_ELEMENTS, st.sets(st.sampled_from("ABCD")), st.randoms())
def test_the_order_of_an_answer_never_changes_its_meaning(
    elements: list[Dynamic],
    wanted: set[str],
    random: Random,
) -> None:
    straight = match(elements, wanted, SITES)
    random.shuffle(elements)
    assert match(elements, wanted, SITES) == straight
    assert straight.keys() <= wanted
    assert len(set(map(id, straight.values()))) <= len(elements)
