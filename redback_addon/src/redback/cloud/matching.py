"""Assigns an answer's elements to inverters: by what they say, never by position."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from .api import Answer
from .models import Configuration, Dynamic, Static

# The site of each inverter, by serial number; None where the cloud does not say.
Sites = Mapping[str, str | None]

_T = TypeVar("_T", bound=Dynamic | Configuration | Static)


def match(found: Iterable[_T | None], wanted: Collection[str], sites: Sites) -> dict[str, _T]:
    """Return the element of each inverter; one that is not surely its own is left out.

    An element is an inverter's own if it lists that one alone. If it lists several it is that of
    the first, provided that every wanted one of them has an element to itself in this way. If it
    lists none it is that of its site's inverter, provided that only one on that site is wanted. Two
    elements for one inverter count as none.
    """
    wanted = frozenset(wanted)
    alone = _alone_on_site(wanted, sites)
    elements = [element for element in found if element is not None]
    owners = [
        element.serials[0] if element.serials else alone.get(element.site_id or "")
        for element in elements
    ]
    claims = Counter(owners)
    matched = {}
    for element, owner in zip(elements, owners, strict=True):
        concerned = {owner, *wanted.intersection(element.serials)}
        if owner in wanted and all(claims[serial] == 1 for serial in concerned):
            matched[owner] = element
    return matched


def _alone_on_site(wanted: Collection[str], sites: Sites) -> dict[str, str]:
    """Return the wanted inverter of each site that has only one of them, by site."""
    located = {serial: site for serial in wanted if (site := sites.get(serial)) is not None}
    counts = Counter(located.values())
    return {site: serial for serial, site in located.items() if counts[site] == 1}


def own(answer: Answer, found: _T | None, serial: str, sites: Sites) -> _T:
    """Return the content of an answer for one inverter, or raise a CloudError if it is not that."""
    if found is None:
        raise answer.broken("the answer is empty or not as expected")
    if not is_own(found, serial, sites):
        raise answer.broken("the answer is about another inverter")
    return found


def is_own(found: Dynamic | Configuration | Static, serial: str, sites: Sites) -> bool:
    """Whether this may be about this inverter: it need not say, but it names no other one.

    Without any inverter it names none of another site.
    """
    if found.serials:
        return serial in found.serials
    return found.site_id is None or sites.get(serial) in {None, found.site_id}
