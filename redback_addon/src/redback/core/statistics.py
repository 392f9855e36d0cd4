"""Core's long-term statistics: read, filled in and shifted, in the units that Core keeps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal

import msgspec

from .errors import CoreRefusedError
from .metadata import Series, Stored, metadata
from .websocket import WebSocket

Period = Literal["hour", "5minute"]
Step = Literal["hour", "day"]

_LENGTHS: Mapping[Period, timedelta] = {
    "hour": timedelta(hours=1),
    "5minute": timedelta(minutes=5),
}
_STEPS: Mapping[Step, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
# At most 135 bytes each, so an answer stays below 1.5 MB.
_ROWS_TO_READ = 10_000
# At most 210 bytes each, so a command stays below 0.5 MB: checking it blocks Core's event loop.
ROWS_TO_PUT = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    """One hour, or five minutes, of one statistic, from an aware start; imports start on the hour.

    A counter has its state at the end, and a sum since some beginning, which may be negative. A
    measurement has a mean, weighted by time, a min and a max.
    """

    start: datetime
    state: float | None = None
    sum: float | None = None
    mean: float | None = None
    min: float | None = None
    max: float | None = None


class _Received(msgspec.Struct, frozen=True):
    """A row as Core sends it; the start in milliseconds since 1970."""

    start: int
    state: float | None = None
    sum: float | None = None
    mean: float | None = None
    min: float | None = None
    max: float | None = None

    def row(self) -> Row:
        start = datetime.fromtimestamp(self.start / 1000, UTC)
        return Row(start, self.state, self.sum, self.mean, self.min, self.max)


@dataclass(frozen=True, slots=True)
class Growth:
    """What a counter counted in an hour or a day of Core's, from an aware start, UTC.

    Energy is in kWh, and money in Core's currency.

    Attributes:
        start: of the hour; or local midnight, by Core's time zone.
        amount: the change of its sum since the last row before. Core takes the very first sum for
            it.
        before: its sum until then; zero where there is no row before.
    """

    start: datetime
    amount: float
    before: float


class _Changed(msgspec.Struct, frozen=True):
    """A row with its change as Core sends it; the start in milliseconds since 1970."""

    start: float
    sum: float | None = None
    change: float | None = None


class _Recorder(msgspec.Struct, frozen=True):
    """Core's answer to recorder/info."""

    backlog: int | None = None


class Statistics:
    """The statistics of sensors, by entity id; every call raises as `WebSocket.command` does."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def rows(
        self,
        entity_ids: Iterable[str],
        since: datetime,
        until: datetime,
        *,
        period: Period = "hour",
    ) -> dict[str, list[Row]]:
        """Return the stored rows that start at `since` or later and before `until`, in order.

        Every entity id is a key. The values are in the stored unit, whatever the state's unit is
        now. Short-term rows ("5minute") go back some ten days.
        """
        found: dict[str, list[Row]] = {entity_id: [] for entity_id in entity_ids}
        for alike in _alike(await self._known(found)):
            longest = _LENGTHS[period] * max(_ROWS_TO_READ // len(alike), 1)
            for start, end in _spans(since, until, longest):
                question = _question(alike, start, end, period)
                answer = await self._websocket.ask(question, dict[str, list[_Received]])
                for entity_id, received in answer.items():
                    found[entity_id] += [each.row() for each in received]
        return found

    async def growth(
        self, entity_ids: Iterable[str], since: datetime, until: datetime, *, by: Step
    ) -> dict[str, list[Growth]]:
        """Return what counters counted in the hours, or days, that start in this time, in order.

        Every entity id is a key. Core's Energy page is made of the same numbers: an hour belongs to
        the day in which it begins. An hour or a day without any row is left out, and what was
        counted in it is part of the next one.
        """
        found: dict[str, dict[datetime, Growth]] = {entity_id: {} for entity_id in entity_ids}
        longest = _STEPS[by] * max(_ROWS_TO_READ // max(len(found), 1), 1)
        for start, end in _spans(since, until, longest) if found else ():
            question = {
                "type": "recorder/statistics_during_period",
                "statistic_ids": list(found),
                "start_time": start.isoformat(),
                "end_time": end.isoformat(),
                "period": by,
                "types": ["change", "sum"],
                "units": {"energy": "kWh"},
            }
            answer = await self._websocket.ask(question, dict[str, list[_Changed]])
            for entity_id, received in answer.items():
                # Core makes both ends whole days, so that a day may come twice.
                for each in filter(None, map(_growth, received)):
                    if since <= each.start < until:
                        found[entity_id][each.start] = each
        return {entity_id: list(rows.values()) for entity_id, rows in found.items()}

    async def misfits(self, series: Iterable[Series]) -> dict[str, CoreRefusedError]:
        """Return which statistics Core keeps in another unit, or as another kind; by entity id.

        Neither their rows nor their sums may be touched: `put` refuses them.
        """
        wanted = list(series)
        known = await self._known(each.entity_id for each in wanted)
        misfits = ((each, _misfit(each, known.get(each.entity_id))) for each in wanted)
        return {each.entity_id: misfit for each, misfit in misfits if misfit is not None}

    async def put(self, everything: Mapping[Series, Sequence[Row]]) -> dict[str, CoreRefusedError]:
        """Write hourly rows; those of the same hours are replaced, and nothing else is touched.

        When this returns Core has queued them: read them back to know that they are written. When
        it fails in the middle, some are; putting them again does no harm.

        Returned are the refusals, by entity id; with the code other_metadata where Core keeps this
        statistic in another unit, or as another kind: it would relabel all its rows.
        """
        known = await self._known(series.entity_id for series in everything)
        refused: dict[str, CoreRefusedError] = {}
        for series, rows in everything.items():
            try:
                await self._put(series, rows, known.get(series.entity_id))
            except CoreRefusedError as error:
                refused[series.entity_id] = error
        return refused

    async def _put(self, series: Series, rows: Sequence[Row], known: Stored | None) -> None:
        misfit = _misfit(series, known)
        if misfit is not None:
            raise misfit
        for first in range(0, len(rows), ROWS_TO_PUT):
            await self._websocket.command(
                {
                    "type": "recorder/import_statistics",
                    # Core may have been updated since the last part.
                    "metadata": metadata(series, known, self._websocket.version),
                    "stats": [_known_fields(row) for row in rows[first : first + ROWS_TO_PUT]],
                }
            )

    async def shift(self, entity_id: str, since: datetime, amount: float, unit: str | None) -> None:
        """Add an amount to all sums from a full hour on, hourly and short-term ones.

        Core counts on from the last short-term sum, so its next sums are shifted too.

        When this returns Core has queued it, behind what was put before. Do not retry it blindly:
        after a CoreAwayError only reading back shows whether it was done.

        Raises:
            CoreRefusedError: with the code unknown_statistic_id where nothing is stored yet and
                there is no state, or invalid_units where Core cannot convert the amount.
        """
        await self._websocket.command(
            {
                "type": "recorder/adjust_sum_statistics",
                "statistic_id": entity_id,
                "start_time": since.isoformat(),
                "adjustment": amount,
                "adjustment_unit_of_measurement": unit,
            }
        )

    async def backlog(self) -> int:
        """Return how much waits in Core's queue to be written."""
        answer = await self._websocket.ask({"type": "recorder/info"}, _Recorder)
        return answer.backlog or 0

    async def _known(self, entity_ids: Iterable[str]) -> dict[str, Stored]:
        """Return the stored metadata of those entities that Core knows."""
        wanted = list(entity_ids)
        if not wanted:
            return {}  # Core would answer with everything that it has
        question = {"type": "recorder/get_statistics_metadata", "statistic_ids": wanted}
        stored = await self._websocket.ask(question, list[Stored])
        return {known.statistic_id: known for known in stored}


def _growth(row: _Changed) -> Growth | None:
    if row.sum is None or row.change is None:
        return None
    start = datetime.fromtimestamp(row.start / 1000, UTC)
    return Growth(start, row.change, row.sum - row.change)


def _misfit(series: Series, known: Stored | None) -> CoreRefusedError | None:
    if known is None or (misfit := known.misfit(series)) is None:
        return None
    detail = f"{series.entity_id} is {misfit}"
    return CoreRefusedError.of_command("recorder/import_statistics", detail, "other_metadata")


def _alike(known: Mapping[str, Stored]) -> Iterator[list[Stored]]:
    """Group the statistics that one question can ask for: it names one unit for each class."""

    def kind(each: Stored) -> str:
        return repr((each.units, each.has_sum))

    for _, group in groupby(sorted(known.values(), key=kind), kind):
        yield list(group)


def _spans(
    since: datetime, until: datetime, longest: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + longest, until)
        yield since, end
        since = end


def _question(
    alike: Sequence[Stored], start: datetime, end: datetime, period: Period
) -> dict[str, object]:
    return {
        "type": "recorder/statistics_during_period",
        "statistic_ids": [known.statistic_id for known in alike],
        "start_time": start.isoformat(),
        "end_time": end.isoformat(),
        "period": period,
        "types": ["state", "sum"] if alike[0].has_sum else ["mean", "min", "max"],
        "units": alike[0].units,
    }


def _known_fields(row: Row) -> dict[str, object]:
    return {name: value for name, value in msgspec.to_builtins(row).items() if value is not None}
