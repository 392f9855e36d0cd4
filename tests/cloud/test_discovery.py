"""The account's inverters, wherever in the tree and on whichever page they are."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud import bench
from cloud.bench import Cloud, answer
from redback.cloud import ListedInverter, TransientError
from redback.cloud.api import Answer, Api
from redback.cloud.discovery import discover
from redback.cloud.transport import Call, Deadline


def node(
    kind: object, identity: object = None, *children: object, **more: object
) -> dict[str, Any]:
    return {"Id": identity, "Type": kind, "Nodes": list(children) or None, **more}


def inverter(serial: str, **more: object) -> dict[str, Any]:
    return node("Inverter", serial, SerialNumber=serial, **more)


class Pages(Api):
    """A cloud that sends these pages, and keeps the numbers of those that were asked for."""

    def __init__(self, page: Callable[[int], list[object]], total: int | None = None) -> None:
        self._page = page
        self._total = total
        self.asked: list[int] = []

    def ask(self, path: str, *_: object, params: Any = None, **__: object) -> Answer:  # noqa: ANN401 - as in Api
        self.asked.append(params["page"])
        call = Call("GET", path, may_repeat=True)
        return Answer(call, self._page(params["page"]), self._total)

    def discover(self) -> tuple[ListedInverter, ...]:
        return discover(self, Deadline(60, lambda: 0.0))


def found(*roots: object) -> tuple[ListedInverter, ...]:
    return Pages(lambda _: list(roots), len(roots)).discover()


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
    pages = [sites(0, 100), sites(100, 200), sites(200, 250), []]
    assert len(Pages(pages.__getitem__, total).discover()) == 250


def test_no_page_is_asked_for_beyond_the_last() -> None:
    pages = Pages(lambda number: sites(number * 100, number * 100 + 100), 200)
    pages.discover()
    assert pages.asked == [0, 1]


def test_a_cloud_that_gives_the_same_page_for_ever_comes_to_an_end() -> None:
    pages = Pages(lambda _: sites(0, 100))
    assert len(pages.discover()) == 100
    assert pages.asked == [0, 1]


def test_a_cloud_that_invents_sites_for_ever_comes_to_an_end() -> None:
    assert len(Pages(lambda number: sites(number, number + 1)).discover()) == 1000


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


def test_the_account_asks_page_by_page(cloud: Cloud) -> None:
    pages = iter([sites(0, 100), sites(100, 130)])
    cloud.answers["nodes"] = lambda _: answer({"TotalCount": 130, "Data": next(pages)})
    assert len(cloud.client.inverters()) == 130
    assert cloud.queries == [{"page": "0", "pageSize": "100"}, {"page": "1", "pageSize": "100"}]


@pytest.mark.parametrize(
    "strange", [(200, {}, "<html>"), (200, {}, "[]"), answer({"Data": {}}), (500, {}, "")]
)
def test_a_list_that_is_none_is_trouble_that_passes(cloud: Cloud, strange: bench.Answer) -> None:
    cloud.answers["nodes"] = lambda _: strange
    with pytest.raises(TransientError, match=r"With/Nodes"):
        cloud.client.inverters()


def test_null_is_an_empty_list(cloud: Cloud) -> None:
    cloud.answers["nodes"] = lambda _: answer({"TotalCount": 0, "Data": None})
    assert cloud.client.inverters() == ()
