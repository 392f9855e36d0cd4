"""What energy cost and earned, as Core works it out for its Energy dashboard."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ..core import CoreRefusedError, Growth, HomeAssistant, Priced
from ..sensors.reading import minus
from .amounts import rounded

_Rows = Mapping[str, Sequence[Growth]]


class Money(msgspec.Struct, frozen=True):
    """Amounts of a span.

    Attributes:
        currency: by ISO 4217.
        amounts: the `cost` of what was imported, the `compensation` for what was exported, and
            with both the `net` cost, as far as there are prices; None = unknown, as the net cost
            is where the others are of different times or sites.
        since: when an amount begins, UTC, where energy was counted before.
        without: the names of the inverters at sites that an amount leaves out: they have no price.
    """

    currency: str
    amounts: dict[str, float | None]
    since: dict[str, datetime] = {}
    without: dict[str, list[str]] = {}

    def more_than(self, other: "Money") -> dict[str, float]:
        """Return by how much each amount is more than the other one, if both are of all."""
        found = {}
        for name, amount in self.amounts.items():
            theirs = other.amounts.get(name)
            is_whole = name not in self.since and name not in other.since
            if is_whole and amount is not None and theirs is not None:
                found[name] = round(amount - theirs, 3) + 0.0
        return found


@dataclass(frozen=True, slots=True)
class Site:
    """The names of its inverters, and their meters of the grid; one of them may measure all."""

    names: Sequence[str]
    meters: Collection[str]


@dataclass(frozen=True, slots=True)
class Prices:
    """The statistics of what is worked out in money.

    Attributes:
        sites: those of the energy that is shown.
    """

    priced: Priced
    currency: str
    sites: Sequence[Site]

    @property
    def entity_ids(self) -> Sequence[str]:
        """All of them, and their meters."""
        both = (self.priced.cost, self.priced.compensation)
        return [one for of in both for pair in of.items() for one in pair]

    def money(self, rows: _Rows, opening: _Rows) -> Money | None:
        """Return the amounts; None if there are no prices.

        Args:
            rows: of a time, in days or hours, of these statistics and of their meters.
            opening: those of the hours of its first day, if its rows are of days.
        """
        both = {"cost": self.priced.cost, "compensation": self.priced.compensation}
        known = {name: _known(of, rows, opening) for name, of in both.items() if of}
        if not known:
            return None
        amounts = {name: amount for name, (amount, _) in known.items()}
        since = {name: begin for name, (_, begin) in known.items() if begin is not None}
        left = {name: self._without(both[name]) for name in amounts}
        without = {name: names for name, names in left.items() if names}
        if len(amounts) == len(both):
            net = rounded(minus(amounts["cost"], amounts["compensation"]))
            is_of_one = all(of.get("cost") == of.get("compensation") for of in (since, without))
            amounts["net"] = net if is_of_one else None
            if is_of_one and since:
                since["net"] = since["cost"]
        return Money(self.currency, amounts, since, without)

    def _without(self, priced: Mapping[str, str]) -> list[str]:
        sites = (one for one in self.sites if priced.keys().isdisjoint(one.meters))
        return [name for one in sites for name in one.names]


NO_PRICES = Prices(Priced(), "", ())


async def prices(home_assistant: HomeAssistant, sites: Sequence[Site]) -> Prices:
    """Return what Core's Energy dashboard has of the grids of these sites.

    Raises:
        CoreAwayError: Core does not answer.
    """
    try:
        meters = {each for one in sites for each in one.meters}
        priced = await home_assistant.energy.priced(meters)
        if priced == Priced():
            return NO_PRICES
        return Prices(priced, (await home_assistant.config()).currency, sites)
    except CoreRefusedError:  # there is no Energy dashboard
        return NO_PRICES


def _known(
    money: Mapping[str, str], rows: _Rows, opening: _Rows
) -> tuple[float | None, datetime | None]:
    """Return the sum of the money of some meters, and since when all that they counted has it.

    Nothing is known where one of those that counted has no money; None = since the beginning.
    """
    ids = dict.fromkeys(one for meter, one in money.items() if rows[meter] or rows[one])
    if not ids or not all(rows[one] for one in ids):
        return None, None

    def begin(one: str) -> datetime:
        return (opening[one] or rows[one])[0].start

    late = [one for meter, one in money.items() if rows[meter] and begin(meter) < begin(one)]
    first = max((rows[one][0].start for one in late), default=None)
    each = (row for one in ids for row in rows[one] if first is None or first <= row.start)
    return rounded(sum(row.amount for row in each)), max(map(begin, late), default=None)
