"""An invented past of one inverter, hour by hour: fetched, and as the rows that come of it.

The inverter is a three-phase one with a battery, with all its sensors, the detailed ones too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from examples import SERIAL, configuration, dynamic, static
from redback.backfill import Coverage
from redback.backfill.coverage import FILE, Hour, Stage
from redback.backfill.gaps import HOUR, floor
from redback.backfill.hourly import Counted, Measured, Summary
from redback.core import Row, Series
from redback.inverters.details import Details
from redback.inverters.inverter import Inverter
from redback.publishing.entity_ids import series as series_of
from redback.sensors.entities import Entities

MINUTE = timedelta(minutes=1)
# Whole hours that Core has been shown, and has made rows of by itself.
LIVE_HOURS = 3
# What an hour adds to a counter at most, kWh.
_MOST = 5.0


@dataclass(frozen=True)
class Past:
    """So many hours before the first reading, and the few hours since.

    Attributes:
        now: the time at which all this is looked at.
        hours: how many.
    """

    now: datetime
    hours: int

    @property
    def begun(self) -> datetime:
        """The hour of the first reading."""
        return floor(self.now) - LIVE_HOURS * HOUR

    @property
    def since(self) -> datetime:
        """The first hour."""
        return self.begun - self.hours * HOUR

    def summaries(self, known: Inverter) -> Iterator[tuple[datetime, Summary]]:
        """Make each hour's summary, the live ones too, in their order; always the same ones."""
        chance = Random(self.hours)
        usual = dict(known.entities.numbers(known.reading(dynamic())))
        counts = {key: 1000.0 for key, one in series_of(known).items() if one.is_counter}
        for number in range(self.hours + LIVE_HOURS):
            measured = {
                key: _measured(chance, value or 0.0)
                for key, value in usual.items()
                if key not in counts
            }
            counted = {key: _counted(chance, value) for key, value in counts.items()}
            counts |= {key: one.last for key, one in counted.items()}
            yield self.since + number * HOUR, Summary(measured, counted)

    def write(self, folder: Path) -> None:
        """Write the file in which everything is fetched and nothing is written to Core."""
        coverage = Coverage(folder / FILE)
        shown = self.begun + timedelta(seconds=8)
        while shown <= self.now:
            coverage.note(SERIAL, shown)
            shown += MINUTE
        coverage.put(
            SERIAL,
            (
                Hour(start, Stage.FETCHED, tries=1, summary=summary)
                for start, summary in self.summaries(inverter())
                if start < self.begun
            ),
        )
        coverage.close()


def inverter() -> Inverter:
    """Make the inverter; all its entities exist."""
    entities = Entities(detailed=True)
    known = Inverter(SERIAL, "Redback", entities, Details(static(), configuration()))
    entities.show(known.reading(dynamic()))
    return known


def rows(key: str, series: Series, summaries: Mapping[datetime, Summary]) -> list[Row]:
    """Make the rows of one statistic; a counter's sums begin with the first of these hours."""
    made = []
    first: float | None = None
    for start, summary in summaries.items():
        if series.is_counter:
            counted = summary.counted[key]
            first = counted.first if first is None else first
            made.append(Row(start, state=counted.last, sum=counted.last - first))
        else:
            measured = summary.measured[key]
            made.append(Row(start, mean=measured.mean, min=measured.min, max=measured.max))
    return made


def _measured(chance: Random, usual: float) -> Measured:
    low = round(usual * chance.uniform(0.8, 1.0), 3)
    high = round(usual * chance.uniform(1.0, 1.2), 3)
    return Measured(chance.uniform(low, high), min(low, high), max(low, high))


def _counted(chance: Random, before: float) -> Counted:
    gain = chance.uniform(0.0, _MOST)
    first, last = round(before + gain / 60, 3), round(before + gain, 3)
    return Counted(first, last, last - first)
