"""The account's inverters, from the tree of sites that the cloud sends page by page."""

from collections.abc import Iterator
from typing import Any

from .api import NODES, Api
from .models import ListedInverter
from .transport import Deadline

_PAGE_SIZE = 100
# A hundred thousand sites: no account has that many, and a cloud that never ends must end.
_MOST_PAGES = 1000


def discover(api: Api, deadline: Deadline) -> tuple[ListedInverter, ...]:
    """Return every inverter once, in the order in which the cloud lists them (dossier 3.1, 4.1)."""
    found: dict[str, ListedInverter] = {}
    for root in _roots(api, deadline):
        for inverter in _inverters(root):
            found.setdefault(inverter.serial, inverter)
    return tuple(found.values())


def _roots(api: Api, deadline: Deadline) -> Iterator[object]:
    """Yield the top of the tree, over all pages.

    `PageCount` has two readings (dossier 2.1), so it is not used: the last page is the one that
    completes `TotalCount`, or brings nothing new.
    """
    seen: set[str | None] = set()
    received = 0
    for number in range(_MOST_PAGES):
        params = {"page": number, "pageSize": _PAGE_SIZE}
        answer = api.ask(NODES, deadline, params=params, may_repeat=True)
        elements = answer.elements()
        new = {_text(element, "Id") for element in elements} - seen
        yield from elements
        seen |= new
        received += len(elements)
        if not new or (answer.total_count is not None and received >= answer.total_count):
            return


def _inverters(root: object) -> Iterator[ListedInverter]:
    """Yield the inverters below a root, whatever kind of node lies between.

    An inverter's site is the nearest node of that type above it, else the root. No recursion: the
    tree may be deeper than Python can follow.
    """
    waiting: list[tuple[Any, str | None]] = [(root, _text(root, "Id"))]
    while waiting:
        node, site = waiting.pop()
        kind = (_text(node, "Type") or "").casefold()
        if kind == "site":
            site = _text(node, "Id") or site
        if kind == "inverter" and (serial := _text(node, "SerialNumber") or _text(node, "Id")):
            yield ListedInverter(serial, site)
        children = node.get("Nodes") if isinstance(node, dict) else None
        if isinstance(children, list):
            waiting.extend((child, site) for child in reversed(children))


def _text(node: object, name: str) -> str | None:
    value = node.get(name) if isinstance(node, dict) else None
    return value.strip() or None if isinstance(value, str) else None
