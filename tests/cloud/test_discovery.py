"""The account's inverters, wherever in the tree and on whichever page they are."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.bench import Answer, FakeCloud, answer
from redback.cloud import ListedInverter, RedbackClient, TransientError
from redback.cloud.discovery import discover


def node(
    kind: object, identity: object = None, *children: object, **more: object
) -> dict[str, Any]:
    return {"Id": identity, "Type": kind, "Nodes": list(children) or None, **more}


def inverter(serial: str, **more: object) -> dict[str, Any]:
    return node("Inverter", serial, SerialNumber=serial, **more)


def found(*roots: object) -> tuple[ListedInverter, ...]:
    return discover(lambda _: (roots, len(roots)))


def paged(
    *pages: list[object], total: int | None
) -> Callable[[int], tuple[list[object], int | None]]:
    return lambda number: (pages[number] if number < len(pages) else [], total)


def test_all_inverters_of_all_sites_are_found_in_their_order() -> None:
    assert found(
        node("Site", "S1", inverter("RB1"), node("Houseload", "Houseload")),
        node("Site", "S2", inverter("RB2"), inverter("RB3")),
    ) == (ListedInverter("RB1", "S1"), ListedInverter("RB2", "S2"), ListedInverter("RB3", "S2"))


def test_what_stands_between_a_site_and_its_inverter_does_not_matter() -> None:
    assert found(node("Site", "S1", node("Gateway", "G", node(None, None, inverter("RB1"))))) == (
        ListedInverter("RB1", "S1"),
    )


def test_the_nearest_site_counts() -> None:
    assert found(node("Site", "S1", node("SITE", "S2", inverter("RB2")), inverter("RB1"))) == (
        ListedInverter("RB2", "S2"),
        ListedInverter("RB1", "S1"),
    )


def test_without_a_site_the_root_counts() -> None:
    assert found(node("Group", "G1", node("Folder", "F", inverter("RB1")))) == (
        ListedInverter("RB1", "G1"),
    )
    assert found(node("Group", None, inverter("RB1"))) == (ListedInverter("RB1", None),)


def test_the_kind_of_a_node_is_known_in_capitals_too_and_by_its_id() -> None:
    assert found(node("Site", "S1", node("INVERTER", "RB1"), node("inverter", "RB2"))) == (
        ListedInverter("RB1", "S1"),
        ListedInverter("RB2", "S1"),
    )


def test_an_inverter_that_is_listed_twice_is_found_once() -> None:
    site = node("Site", "S1", inverter("RB1"), inverter("RB1"))
    assert found(site, node("Site", "S2", inverter("RB1"))) == (ListedInverter("RB1", "S1"),)


def test_an_inverter_below_an_inverter_is_found() -> None:
    outer = inverter("RB1", Nodes=[inverter("RB2")])
    assert [one.serial for one in found(node("Site", "S1", outer))] == ["RB1", "RB2"]


def test_an_account_without_sites_is_empty() -> None:
    assert found() == ()


def test_a_tree_may_be_deep() -> None:
    tree = inverter("RB1")
    for _ in range(5000):
        tree = node("Folder", None, tree)
    assert found(node("Site", "S1", tree)) == (ListedInverter("RB1", "S1"),)


def sites(first: int, last: int) -> list[object]:
    return [node("Site", f"S{n}", inverter(f"RB{n}")) for n in range(first, last)]


@pytest.mark.parametrize("total", [250, 9999, None])
def test_all_pages_are_read(total: int | None) -> None:
    pages = paged(sites(0, 100), sites(100, 200), sites(200, 250), total=total)
    assert len(discover(pages)) == 250


def test_no_page_is_asked_for_beyond_the_last() -> None:
    asked = []

    def page(number: int) -> tuple[list[object], int]:
        asked.append(number)
        return sites(number * 100, number * 100 + 100), 200

    discover(page)
    assert asked == [0, 1]


def test_a_cloud_that_gives_the_same_page_for_ever_comes_to_an_end() -> None:
    asked = []

    def page(number: int) -> tuple[list[object], None]:
        asked.append(number)
        return sites(0, 100), None

    assert len(discover(page)) == 100
    assert asked == [0, 1]


def test_a_cloud_that_invents_sites_for_ever_comes_to_an_end() -> None:
    assert len(discover(lambda number: (sites(number, number + 1), None))) == 1000


_TREE = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries(
            {},
            optional={
                "Type": st.sampled_from(["Site", "Inverter", "x"]) | inner,
                "Id": inner,
                "SerialNumber": inner,
                "Nodes": inner,
            },
        )
    ),
)


@given(st.lists(_TREE, max_size=4))
def test_no_tree_is_too_strange(roots: list[object]) -> None:
    assert all(one.serial for one in found(*roots))


def test_the_account_asks_page_by_page(client: RedbackClient, cloud: FakeCloud) -> None:
    pages = iter([sites(0, 100), sites(100, 130)])
    cloud.answers["nodes"] = lambda _: answer({"TotalCount": 130, "Data": next(pages)})
    assert len(client.inverters()) == 130
    assert cloud.queries == [{"page": "0", "pageSize": "100"}, {"page": "1", "pageSize": "100"}]


@pytest.mark.parametrize(
    "strange", [(200, {}, "<html>"), (200, {}, "[]"), answer({"Data": {}}), (500, {}, "")]
)
def test_a_list_that_is_none_is_trouble_that_passes(
    client: RedbackClient, cloud: FakeCloud, strange: Answer
) -> None:
    cloud.answers["nodes"] = lambda _: strange
    with pytest.raises(TransientError, match=r"With/Nodes"):
        client.inverters()


def test_null_is_an_empty_list(client: RedbackClient, cloud: FakeCloud) -> None:
    cloud.answers["nodes"] = lambda _: answer({"TotalCount": 0, "Data": None})
    assert client.inverters() == ()
