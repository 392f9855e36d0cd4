"""The account's inverters, in the tree of sites that the cloud sends page by page."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .models import ListedInverter

PAGE_SIZE = 100
# A hundred thousand sites: no account has so many, and a cloud that never ends must end.
_MOST_PAGES = 1000


# The elements of a page, and how many there are on all pages together.
Page = tuple[Sequence[object], int | None]


def discover(page: Callable[[int], Page]) -> tuple[ListedInverter, ...]:
    """Find every inverter once, in the order in which the cloud lists them.

    Args:
        page: gets a page of With/Nodes by its number, from 0 on.

    Raises:
        CloudError: as `page` raises it.
    """
    found: dict[str, ListedInverter] = {}
    for root in _roots(page):
        for inverter in _inverters(root):
            found.setdefault(inverter.serial, inverter)
    return tuple(found.values())


def _roots(page: Callable[[int], Page]) -> Iterator[object]:
    """Give what stands at the top of the tree, over all pages.

    `PageCount` has two readings (dossier 2.1), so it is not used: the last page is the one that
    completes `TotalCount`, or brings nothing new.
    """
    seen: set[str | None] = set()
    received = 0
    for number in range(_MOST_PAGES):
        elements, total = page(number)
        new = {_text(element, "Id") for element in elements} - seen
        yield from elements
        seen |= new
        received += len(elements)
        if not new or (total is not None and received >= total):
            return


def _inverters(root: object) -> Iterator[ListedInverter]:
    """Find the inverters below a root; what kind of node lies between does not matter.

    An inverter's site is the nearest node of that type above it, else the root. The walk is
    without recursion: how deep the tree is, is for the cloud to say.
    """
    waiting: list[tuple[Any, str | None]] = [(root, _text(root, "Id"))]
    while waiting:
        node, site = waiting.pop()
        kind = (_text(node, "Type") or "").casefold()
        if kind == "site":
            site = _text(node, "Id") or site
        if kind == "inverter" and (serial := _text(node, "SerialNumber") or _text(node, "Id")):
            yield ListedInverter(serial, site)
        waiting.extend((child, site) for child in reversed(_children(node)))


def _children(node: object) -> list[Any]:
    nodes = node.get("Nodes") if isinstance(node, dict) else None
    return nodes if isinstance(nodes, list) else []


def _text(node: object, name: str) -> str | None:
    value = node.get(name) if isinstance(node, dict) else None
    return value.strip() or None if isinstance(value, str) else None
