"""Holds Core's hours against the truth: energy to 0.01 kWh, and means to one per cent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos.truth import Truth
from gapless.minutes import Minutes

TOLERANCE_KWH = 0.01
TOLERANCE = 0.01
# Of the largest value in the hour: a mean near zero, of what goes both ways, has no per cents.
_NEAR_ZERO = 0.002
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)

Rows = Mapping[datetime, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One hour of one entity.

    Attributes:
        entity: its id without `sensor.`.
        hour: its start.
        stored: what Core has: energy in kWh, or the mean in the entity's unit; None = no row.
        true: what it should be.
        is_right: whether they agree.
    """

    entity: str
    hour: datetime
    stored: float | None
    true: float
    is_right: bool

    @property
    def size(self) -> float:
        """By how much they differ; all of it where there is no row."""
        return abs(self.true - (self.stored or 0.0))


def by_hour(rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Sort Core's rows by their time."""
    return {datetime.fromtimestamp(row["start"] / 1000, UTC): row for row in rows}


def hours(since: datetime, until: datetime) -> Iterator[datetime]:
    """Return the starts of all hours."""
    while since < until:
        yield since
        since += _HOUR


def energies(truth: Truth, rows: Rows, since: datetime, until: datetime) -> Iterator[Difference]:
    """Compare a counter, from what it showed at the end of one hour to that of the next.

    The very first hour begins with its first reading: Core knows nothing before it. What has been
    counted stays counted: a counter that stands still after a reset is shown with an old value,
    which may be from before hours that have been filled since.
    """
    entity = truth.counter.entity
    before = truth.energy(truth.record_before(since) + _MINUTE)
    for hour in hours(since, until):
        end, row = hour + _HOUR, rows.get(hour)
        shown = None if row is None else truth.energy_at(row["state"], end)
        now = max(before, truth.energy(end) if shown is None else shown)
        true, stored = now - before, None if row is None else row["change"]
        # The last record of the hour before may have been before a reset.
        most = TOLERANCE_KWH + truth.doubt(hour - _MINUTE, end)
        is_right = shown is not None and stored is not None and abs(stored - true) <= most
        yield Difference(entity, hour, stored, true, is_right)
        before = now


def means(
    shown: Minutes, stored: Mapping[str, Rows], since: datetime, until: datetime
) -> Iterator[Difference]:
    """Compare the measurements of an inverter."""
    for hour in hours(since, until):
        values = shown.of_hour(hour)
        for entity_id in shown.measurements():
            if entity_id in values:
                row = stored.get(entity_id, {}).get(hour)
                yield _mean(entity_id, hour, values[entity_id], row)


def _mean(
    entity_id: str,
    hour: datetime,
    shown: Sequence[tuple[float, float]],
    row: Mapping[str, Any] | None,
) -> Difference:
    values = [value for value, _ in shown]
    true = sum(value * seconds for value, seconds in shown) / sum(weight for _, weight in shown)
    most = max(TOLERANCE * abs(true), _NEAR_ZERO * max(map(abs, values)))
    stored = None if row is None else row["mean"]
    is_right = (
        row is not None
        and stored is not None
        and abs(stored - true) <= most
        and (row["min"], row["max"]) == (min(values), max(values))
    )
    return Difference(entity_id, hour, stored, true, is_right)
