"""Which element of a common answer is about which inverter: by what it says, never by position."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Element(Generic[_T]):
    """One element of an answer, and what it says of whom it is about.

    Attributes:
        content: the element.
        serials: the inverters that it lists.
        site_id: the site that it names.
    """

    content: _T
    serials: tuple[str, ...]
    site_id: str | None


def match(
    elements: Sequence[Element[_T]], wanted: Collection[str], sites: Mapping[str, str | None]
) -> dict[str, _T]:
    """Find the element of each inverter; one that is not sure to be its own is left out.

    An element is an inverter's own if it lists that one alone. If it lists several it is that of
    the first, provided that every wanted one of them has an element to itself in this way. If it
    lists none it is that of its site's inverter, provided that only one on that site is wanted.
    Two elements for one inverter are none.

    Args:
        elements: the answer.
        wanted: the serial numbers that were asked for.
        sites: the site of each inverter that is known, by serial number.
    """
    wanted = frozenset(wanted)
    lonely = _lonely(wanted, sites)
    owners = [
        element.serials[0] if element.serials else lonely.get(element.site_id or "")
        for element in elements
    ]
    claims = Counter(owners)
    found = {}
    for element, owner in zip(elements, owners, strict=True):
        concerned = {owner, *wanted.intersection(element.serials)}
        if owner in wanted and all(claims[serial] == 1 for serial in concerned):
            found[owner] = element.content
    return found


def _lonely(wanted: Collection[str], sites: Mapping[str, str | None]) -> dict[str, str]:
    """Give the wanted inverter of each site that has only one of them, by site."""
    located = {serial: site for serial in wanted if (site := sites.get(serial)) is not None}
    counts = Counter(located.values())
    return {site: serial for serial, site in located.items() if counts[site] == 1}
