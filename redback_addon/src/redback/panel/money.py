"""What energy cost and earned, as Core works it out for its Energy dashboard."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from ..core import CoreRefusedError, Growth, HomeAssistant, Priced
from ..sensors.reading import minus
from .amounts import rounded
from .spans import local_date

_Rows = Mapping[str, Sequence[Growth]]


class Money(msgspec.Struct, frozen=True):
    """Amounts of a span.

    Attributes:
        currency: by ISO 4217.
        amounts: the `cost` of what was imported, the `compensation` for what was exported, and
            with both the `net` cost, as far as there are prices; None = unknown.
        since: the day of the first amount, if energy is known of days before; None = of all.
    """

    currency: str
    amounts: dict[str, float | None]
    since: date | None = None

    def more_than(self, other: "Money") -> dict[str, float]:
        """Return by how much each amount is more than the other one, if both are of a whole span."""
        if self.since is not None or other.since is not None:
            return {}
        found = {}
        for name, amount in self.amounts.items():
            theirs = other.amounts.get(name)
            if amount is not None and theirs is not None:
                found[name] = round(amount - theirs, 3) + 0.0
        return found


@dataclass(frozen=True, slots=True)
class Prices:
    """The statistics of what is worked out in money."""

    priced: Priced
    currency: str

    @property
    def entity_ids(self) -> Sequence[str]:
        """All of them."""
        return (*self.priced.cost, *self.priced.compensation)

    def money(self, days: _Rows, hours: _Rows, begun: datetime | None) -> Money | None:
        """Return the amounts; None if there are no prices.

        Args:
            days: rows of the days of a time, and
            hours: of the rest of it.
            begun: when the first row of energy begins.
        """
        rows = {one: [*days[one], *hours[one]] for one in self.entity_ids}
        if not rows:
            return None
        of = {"cost": self.priced.cost, "compensation": self.priced.compensation}
        amounts = {name: _sum([rows[one] for one in ids]) for name, ids in of.items() if ids}
        if len(amounts) == len(of):
            amounts["net"] = rounded(minus(amounts["cost"], amounts["compensation"]))
        first = max((each[0].start for each in rows.values() if each), default=None)
        since = None
        if first is not None and begun is not None and local_date(begun) < local_date(first):
            since = local_date(first)
        return Money(self.currency, amounts, since)


NO_PRICES = Prices(Priced(), "")


async def prices(home_assistant: HomeAssistant, meters: Collection[str]) -> Prices:
    """Return what Core's Energy dashboard has of these meters of grids.

    Raises:
        CoreAwayError: Core does not answer.
    """
    try:
        priced = await home_assistant.energy.priced(meters)
        if priced == Priced():
            return NO_PRICES
        return Prices(priced, (await home_assistant.config()).currency)
    except CoreRefusedError:  # there is no Energy dashboard
        return NO_PRICES


def _sum(each: Sequence[Sequence[Growth]]) -> float | None:
    """Add up; None where nothing is known of one of them."""
    return rounded(sum(one.amount for of in each for one in of)) if all(each) else None
