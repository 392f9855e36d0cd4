"""The corrections of sums that were made in Home Assistant, which can be taken back."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from ..backfill import AdjustmentStage, Why
from .context import Context

# Of those that are listed.
_SENTENCES = {
    Why.LOST: "Home Assistant lacked some hours before it and had counted another amount for them.",
    Why.ANEW: "Home Assistant's total had restarted from zero.",
    Why.STEP: "Home Assistant had counted a jump of the inverter's counter as energy.",
}


class Correction(msgspec.Struct, frozen=True):
    """An amount that was added to all sums of an entity, from an hour on; `at` is when."""

    number: int
    entity_id: str
    hour: datetime
    amount_kwh: float
    why: str
    at: datetime
    is_undone: bool


def corrections(context: Context) -> Iterator[Correction]:
    """Yield those that can be taken back, and those that were, the newest first."""
    for one in context.importer.corrections():
        yield Correction(
            one.number,
            one.entity_id,
            one.shift.since,
            round(one.shift.amount, 3),
            _SENTENCES[one.shift.why],
            one.noted,
            one.stage is AdjustmentStage.UNDONE,
        )
