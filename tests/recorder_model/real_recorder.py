"""Core's own recorder, which goes through scripts for the model: runs in Core's own Python.

It reads scripts from its standard input, and writes the rows that each leaves as JSON. A script is
a list of steps: the name of one of the model's methods, and its arguments. Time is what a script
says it is.
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder import statistics as recorder_statistics
from homeassistant.components.recorder.models import StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.tasks import CommitTask
from homeassistant.components.sensor import recorder as sensor_recorder
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant, callback
from homeassistant.helpers import entity, issue_registry
from homeassistant.helpers.recorder import (
    DATA_INSTANCE,
    DATA_RECORDER,
    async_initialize_recorder,
    get_instance,
)
from homeassistant.util import dt as dt_util

FIVE_MINUTES, DAY = 300, 86_400
COMPILED_AFTER, NIGHTLY = 10, 18 * 3600 + 12 * 60
TABLES = {"hourly": "statistics", "short_term": "statistics_short_term"}


class RealRecorder:
    """The same methods as the model's."""

    def __init__(self, folder: Path, script: dict[str, Any]) -> None:
        self._folder = folder
        self._file, self._copy = folder / "recorder.db", folder / "copy.db"
        self._now: float = script["now"]
        self._kept_days: int = script["kept_days"]
        self._counters: list[str] = script["counters"]
        self._has_started = self._writes = False
        self._hass: Any = None
        self._recorder: Any = None
        dt_util.utcnow = lambda: datetime.fromtimestamp(self._now, UTC)

    async def start(self) -> None:
        hass = self._hass = HomeAssistant(str(self._folder))
        hass.set_state(CoreState.starting)
        entity.async_setup(hass)
        issue_registry.async_get(hass).issues = {}
        async_initialize_recorder(hass)
        hass.data[DATA_RECORDER].recorder_platforms["sensor"] = sensor_recorder
        recorder = self._recorder = hass.data[DATA_INSTANCE] = Recorder(
            hass=hass,
            auto_purge=True,
            auto_repack=False,
            keep_days=self._kept_days,
            commit_interval=3600,
            uri=f"sqlite:///{self._file}",
            db_max_retries=3,
            db_retry_wait=1,
            entity_filter=None,
            exclude_event_types=set(),
        )
        get_instance.cache_clear()
        # What Core does by the clock, `advance` does by the script's.
        recorder._async_setup_periodic_tasks = callback(lambda: None)  # noqa: SLF001
        recorder.async_initialize()
        recorder.async_register()
        recorder.start()
        await recorder.async_db_ready

    async def started(self) -> None:
        self._hass.set_state(CoreState.running)
        self._hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
        await self._recorder.async_recorder_ready.wait()
        self._has_started = self._writes = True
        await self._settle()

    async def stop(self) -> None:
        self._hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await self._hass.async_block_till_done()
        self._has_started = self._writes = False

    async def advance(self, to: float) -> None:
        is_settled = True
        while True:
            compiled, nightly = (
                (self._now - after) // length * length + length + after
                for length, after in ((FIVE_MINUTES, COMPILED_AFTER), (DAY, NIGHTLY))
            )
            due = min(compiled, nightly)
            if due > to:
                self._now = to
                if not is_settled:
                    await self._settle()
                return
            self._now = due
            if not self._has_started:
                continue
            if due == nightly:
                self._recorder.async_nightly_tasks(dt_util.utcnow())
                await self._settle()
            if due == compiled:
                self._recorder.async_periodic_statistics()
                is_settled = False

    async def push(self, entity_id: str, value: float | None) -> None:
        is_counter = entity_id in self._counters
        attributes = {
            "state_class": "total_increasing" if is_counter else "measurement",
            "device_class": "energy" if is_counter else "power",
            "unit_of_measurement": "kWh" if is_counter else "W",
        }
        state = "unavailable" if value is None else str(value)
        self._hass.states.async_set(entity_id, state, attributes, timestamp=self._now)

    async def lock(self) -> None:
        assert await self._recorder.lock_database()
        self._writes = False

    async def unlock(self) -> None:
        assert self._recorder.unlock_database()
        self._writes = True
        await self._settle()

    async def copy(self) -> None:
        self._recorder.queue_task(CommitTask())
        await self._settle()
        _copy(self._file, self._copy)

    async def restore(self) -> None:
        for old in self._folder.glob("recorder.db*"):
            old.unlink()
        _copy(self._copy, self._file)

    async def import_statistics(self, entity_id: str, rows: list[dict[str, float]]) -> None:
        is_counter = entity_id in self._counters
        metadata = {
            "mean_type": StatisticMeanType.NONE if is_counter else StatisticMeanType.ARITHMETIC,
            "has_sum": is_counter,
            "name": None,
            "source": "recorder",
            "statistic_id": entity_id,
            "unit_class": "energy" if is_counter else "power",
            "unit_of_measurement": "kWh" if is_counter else "W",
        }
        recorder_statistics.async_import_statistics(
            self._hass,
            {key: metadata[key] for key in metadata if key in StatisticMetaData.__annotations__},
            [row | {"start": datetime.fromtimestamp(row["start"], UTC)} for row in rows],
        )
        await self._settle()

    async def adjust_sum_statistics(self, entity_id: str, since: float, amount: float) -> None:
        start = datetime.fromtimestamp(since, UTC)
        self._recorder.async_adjust_statistics(entity_id, start, amount, "kWh")
        await self._settle()

    async def clear_statistics(self, entity_ids: list[str]) -> None:
        self._recorder.async_clear_statistics(entity_ids)
        await self._settle()

    async def _settle(self) -> None:
        if not self._writes:
            return
        while True:
            # Also where the queue is empty: its last task may be under way.
            await self._hass.async_add_executor_job(self._recorder.block_till_done)
            if not self._recorder.backlog:
                return

    def rows(self) -> dict[str, dict[str, list[list[float | None]]]]:
        """Return all rows: by the kind of table, and by the entity."""
        found: dict[str, dict[str, list[list[float | None]]]] = {}
        database = sqlite3.connect(self._file)
        for name, table in TABLES.items():
            kind = found.setdefault(name, {})
            for entity_id, *row in database.execute(
                "SELECT statistic_id, start_ts, state, sum, mean, min, max"  # noqa: S608 - a constant
                f" FROM {table} AS t JOIN statistics_meta AS m ON m.id = t.metadata_id"
                " ORDER BY start_ts"
            ):
                kind.setdefault(entity_id, []).append(row)
        database.close()
        return found


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    old, new = sqlite3.connect(source), sqlite3.connect(target)
    old.backup(new)
    old.close()
    new.close()


async def _play(script: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="recorder.", dir="/tmp") as folder:
        recorder = RealRecorder(Path(folder), script)
        await recorder.start()
        await recorder.started()
        for name, *arguments in script["steps"]:
            step: Callable[..., Any] = getattr(recorder, name)
            await step(*arguments)
        await recorder.stop()
        return recorder.rows()


async def _main() -> None:
    scripts = json.load(sys.stdin)
    json.dump([await _play(script) for script in scripts], sys.stdout)


if __name__ == "__main__":
    asyncio.run(_main())
