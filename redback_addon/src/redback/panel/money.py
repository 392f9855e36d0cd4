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
            is where the others are of different times.
        since: when an amount begins, UTC, where energy was counted before.
    """

    currency: str
    amounts: dict[str, float | None]
    since: dict[str, datetime] = {}

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
class Prices:
    """The statistics of what is worked out in money."""

    priced: Priced
    currency: str

    @property
    def entity_ids(self) -> Sequence[str]:
        """All of them."""
        return (*self.priced.cost.values(), *self.priced.compensation.values())

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
        if len(amounts) == len(both):
            is_one_time = since.get("cost") == since.get("compensation")
            net = rounded(minus(amounts["cost"], amounts["compensation"]))
            amounts["net"] = net if is_one_time else None
            if is_one_time and since:
                since["net"] = since["cost"]
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


def _known(
    money: Mapping[str, str], rows: _Rows, opening: _Rows
) -> tuple[float | None, datetime | None]:
    """Return the sum of the money of some meters, and since when all that they counted has it.

    Nothing is known where one has no money at all; None = since the beginning.
    """
    ids = dict.fromkeys(money.values())
    if not all(rows[one] for one in ids):
        return None, None

    def begin(one: str) -> datetime:
        return (opening[one] or rows[one])[0].start

    late = [one for meter, one in money.items() if rows[meter] and begin(meter) < begin(one)]
    first = max((rows[one][0].start for one in late), default=None)
    each = (row for one in ids for row in rows[one] if first is None or first <= row.start)
    return rounded(sum(row.amount for row in each)), max(map(begin, late), default=None)
