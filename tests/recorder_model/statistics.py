"""The model's joint to the add-on: the same methods as redback.core's Statistics."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from recorder_model.recorder import Recorder
from recorder_model.recorder import Row as Stored
from redback.core import CoreAwayError, CoreRefusedError, Row, Series


class ModelStatistics:
    """What the add-on asks of Core's recorder; CoreAwayError while Core does not run.

    Attributes:
        takes: how many imports and shifts Core takes before the link is closed; None = all.
        refuses_to_shift: the ids of entities whose sums cannot be moved.
        shifts: those that Core took: entity, hour and amount.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.takes: int | None = None
        self.refuses_to_shift: set[str] = set()
        self.shifts: list[tuple[str, datetime, float]] = []
        self._recorder = recorder

    async def rows(
        self,
        entity_ids: Iterable[str],
        since: datetime,
        until: datetime,
        *,
        period: Literal["hour", "5minute"] = "hour",
    ) -> dict[str, list[Row]]:
        self._recorder.check()
        read = self._recorder.hourly if period == "hour" else self._recorder.short_term
        first, end = since.timestamp(), until.timestamp()
        return {
            entity_id: [_row(each) for each in read(entity_id) if first <= each.start < end]
            for entity_id in entity_ids
        }

    async def misfits(self, series: Iterable[Series]) -> dict[str, CoreRefusedError]:
        self._recorder.check()
        known = self._recorder.database.known
        return {
            each.entity_id: _refusal("import_statistics", "other_metadata")
            for each in series
            if known.get(each.entity_id, each) != each
        }

    async def put(self, everything: Mapping[Series, Sequence[Row]]) -> dict[str, CoreRefusedError]:
        refused = await self.misfits(everything)
        for series, rows in everything.items():
            if series.entity_id in refused:
                continue
            self._take()
            self._recorder.import_statistics(series, [_stored(row) for row in rows])
        return refused

    async def backlog(self) -> int:
        self._recorder.check()
        return self._recorder.backlog

    async def shift(self, entity_id: str, since: datetime, amount: float, unit: str | None) -> None:
        self._recorder.check()
        if not self._recorder.is_known(entity_id):
            raise _refusal("adjust_sum_statistics", "unknown_statistic_id")
        if entity_id in self.refuses_to_shift:
            raise _refusal("adjust_sum_statistics", "invalid_units")
        assert unit == "kWh"
        self._take()
        self._recorder.adjust_sum_statistics(entity_id, since.timestamp(), amount)
        self.shifts.append((entity_id, since, amount))

    def _take(self) -> None:
        if self.takes == 0:
            raise CoreAwayError("GET", "/core/websocket", None, "the link was closed")
        if self.takes is not None:
            self.takes -= 1


def _row(row: Stored) -> Row:
    start = datetime.fromtimestamp(row.start, UTC)
    return Row(start, row.state, row.sum, row.mean, row.min, row.max)


def _stored(row: Row) -> Stored:
    start = int(row.start.timestamp())
    return Stored(0, start, row.state, row.sum, row.mean, row.min, row.max)


def _refusal(command: str, code: str) -> CoreRefusedError:
    return CoreRefusedError.of_command(f"recorder/{command}", "refused", code)
